#include "inferometer/render/csv.h"

#include <fmt/format.h>

#include "inferometer/base/check.h"
#include "inferometer/render/escape.h"
#include "inferometer/render/number.h"

namespace ifm {

CsvTable::CsvTable(std::vector<std::string> header) : columns_(header.size()) {
  for (const std::string& name : header) add(name);
  end_row();
}

CsvTable& CsvTable::append(std::string_view field) {
  IFM_CHECK(filled_ < columns_);
  if (filled_ > 0) text_ += ',';
  text_ += field;
  ++filled_;
  return *this;
}

CsvTable& CsvTable::add(std::string_view text) { return append(escape_csv(text)); }

CsvTable& CsvTable::add(std::optional<double> number) { return append(shortest(number)); }

CsvTable& CsvTable::add_integer(std::optional<int64_t> number) { return append(number ? fmt::format("{}", *number) : ""); }

CsvTable& CsvTable::add_unsigned(uint64_t number) { return append(fmt::format("{}", number)); }

CsvTable& CsvTable::add_missing() { return append(""); }

void CsvTable::end_row() {
  IFM_CHECK(filled_ == columns_);
  text_ += '\n';
  filled_ = 0;
}

}  // namespace ifm
