#include "inferometer/cli/number_list.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

constexpr std::size_t kMaxValues = 1000;

/// "a", "a-b", "a-b+step" or "a-b*factor".
struct Range {
  int64_t first = 0;
  int64_t last = 0;
  char operation = '+';
  int64_t step = 1;
};

std::optional<int64_t> take_number(std::string_view& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || text.front() == '-') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::optional<Range> parse_range(std::string_view text) {
  Range range;
  const auto first = take_number(text);
  if (!first) return std::nullopt;
  range.first = range.last = *first;
  if (text.empty()) return range;
  if (text.front() != '-') return std::nullopt;
  text.remove_prefix(1);
  const auto last = take_number(text);
  if (!last) return std::nullopt;
  range.last = *last;
  if (text.empty()) return range;
  range.operation = text.front();
  text.remove_prefix(1);
  const auto step = take_number(text);
  if (!step || !text.empty()) return std::nullopt;
  range.step = *step;
  const bool grows =
      (range.operation == '+' && range.step >= 1) || (range.operation == '*' && range.step >= 2 && range.first >= 1);
  return grows ? std::optional(range) : std::nullopt;
}

}  // namespace

std::vector<int> parse_number_list(std::string_view text, std::string_view option, int smallest, int largest) {
  std::vector<int> out;
  std::string_view rest = text;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    more = comma != std::string_view::npos;
    const std::optional<Range> range = parse_range(rest.substr(0, comma));
    rest.remove_prefix(more ? comma + 1 : rest.size());
    if (!range)
      fail(ErrorKind::usage, "{}: cannot be read (expected numbers such as 512, 128,256 or 128-512+128, got {})", option, text);
    for (int64_t value = range->first; value <= range->last;
         value = range->operation == '+' ? value + range->step : value * range->step) {
      if (value < smallest || value > largest) {
        fail(ErrorKind::usage, "{}: out of range (expected {} to {}, got {})", option, smallest, largest, value);
      }
      out.push_back(static_cast<int>(value));
      if (out.size() > kMaxValues) fail(ErrorKind::usage, "{}: too many values (expected at most {})", option, kMaxValues);
    }
    if (range->first > range->last) fail(ErrorKind::usage, "{}: runs backwards (expected first-last, got {})", option, text);
  }
  return out;
}

}  // namespace ifm
