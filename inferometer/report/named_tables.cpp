#include "inferometer/report/named_tables.h"

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "inferometer/base/error.h"
#include "inferometer/report/sections.h"

namespace ifm {
namespace {

using Section = Document (*)(const Study&);

const std::vector<std::pair<std::string, Section>>& sections() {
  static const std::vector<std::pair<std::string, Section>> kSections{{"overall", overall_section},
                                                                      {"lengths", length_section},
                                                                      {"gaps", gaps_section},
                                                                      {"temperature", temperature_section},
                                                                      {"spread", spread_section}};
  return kSections;
}

}  // namespace

const std::vector<std::string>& table_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const auto& [name, section] : sections()) names.push_back(name);
    return names;
  }();
  return kNames;
}

std::vector<ReportTable> named_tables(const Study& study, const std::string& name) {
  for (const auto& [known, section] : sections()) {
    if (known != name) continue;
    std::vector<ReportTable> tables;
    for (const Block& block : section(study)) {
      if (const auto* table = std::get_if<ReportTable>(&block)) tables.push_back(*table);
    }
    return tables;
  }
  fail(ErrorKind::usage, "no table {} (expected one of {})", name, fmt::join(table_names(), ", "));
}

}  // namespace ifm
