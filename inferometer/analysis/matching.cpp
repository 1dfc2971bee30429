#include "inferometer/analysis/matching.h"

#include <map>
#include <optional>

namespace ifm {

MatchedValues match(const std::vector<const Run*>& low, const std::vector<const Run*>& high, const MatchKey& key,
                    const MetricOf& metric) {
  std::map<std::string, const Run*> partners;
  for (const Run* run : timed(high)) partners.emplace(key(*run), run);
  MatchedValues values;
  for (const Run* run : timed(low)) {
    const auto partner = partners.find(key(*run));
    if (partner == partners.end()) continue;
    const std::optional<double> a = metric(*run);
    const std::optional<double> b = metric(*partner->second);
    if (!a || !b) continue;
    values.low.push_back(*a);
    values.high.push_back(*b);
    values.lengths_equal = values.lengths_equal && run->output_tokens == partner->second->output_tokens;
  }
  return values;
}

}  // namespace ifm
