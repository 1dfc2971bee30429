#include "inferometer/record/sql_column.h"

#include <array>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

constexpr auto kColumns = std::to_array<SqlColumn>(
    {{"a", "INTEGER"}, {"b", "REAL"}, {"c", "TEXT"}, {"d", "BLOB"}, {"e", "TEXT"}, {"f", "INTEGER", 2}, {"g", "REAL", 3}});

SqlRow values() {
  return {std::numeric_limits<int64_t>::min(), -0.1, std::string("text\0more", 9), SqlBlob{"\xFF"}, {}, int64_t{7}, {}};
}

SqlRow owned(const std::vector<SqlView>& views) {
  SqlRow row;
  for (const SqlView& view : views) {
    if (const auto* text = std::get_if<std::string_view>(&view)) {
      row.emplace_back(std::string(*text));
    } else if (const auto* blob = std::get_if<SqlBlobView>(&view)) {
      row.emplace_back(SqlBlob{std::string(blob->bytes)});
    } else if (const auto* integer = std::get_if<int64_t>(&view)) {
      row.emplace_back(*integer);
    } else if (const auto* real = std::get_if<double>(&view)) {
      row.emplace_back(*real);
    } else {
      row.emplace_back();
    }
  }
  return row;
}

std::vector<SqlView> unpacked(std::string_view bytes) {
  PackedValues values(bytes);
  std::vector<SqlView> row;
  while (!values.at_end()) row.push_back(values.next());
  return row;
}

TEST(PackedRow, ComesBackWithoutColumnsOfALaterSchemaThatHoldNothing) {
  const SqlRow row = values();
  const std::string bytes = pack_row(kColumns, views_of(row));
  EXPECT_EQ(owned(unpacked(bytes)), SqlRow(row.begin(), row.end() - 1));
  PackedValues none("");
  EXPECT_TRUE(std::holds_alternative<std::monostate>(none.next())) << "what is missing is null";
}

TEST(PackedRow, CutOrWrongBytesAreRefusedOrFewerValues) {
  const SqlRow row = values();
  const std::string bytes = pack_row(kColumns, views_of(row));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    try {
      EXPECT_LT(unpacked(std::string_view(bytes).substr(0, size)).size(), 6U) << size;  // cut between two values
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::invalid_data) << size;
    }
  }
  for (const std::string wrong : {"5", "x",
                                  "3\x05"
                                  "abcd",
                                  "3\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", "1\xFF"})
    EXPECT_THROW((void)unpacked(wrong), Error) << wrong;
}

}  // namespace
}  // namespace ifm
