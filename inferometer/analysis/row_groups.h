#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ifm {

/// Rows of a table by a number that each has (its part, its cell), so that those of a number can stand together. A table's rows
/// lie in order of execution, in which neighbours are of different groups.
class RowGroups {
 public:
  /// group_of_row: each under `groups`.
  RowGroups(std::span<const uint32_t> group_of_row, size_t groups) : begins_(groups + 1, 0), places_(group_of_row.size()) {
    for (const uint32_t group : group_of_row) ++begins_[group + 1];
    for (size_t group = 0; group < groups; ++group) begins_[group + 1] += begins_[group];
    std::vector<uint32_t> next(begins_.begin(), begins_.end() - 1);
    for (size_t row = 0; row < places_.size(); ++row) places_[row] = next[group_of_row[row]]++;
  }

  [[nodiscard]] size_t size() const { return begins_.size() - 1; }  ///< groups

  /// A column of the table with each group's rows together, these in the table's order.
  template <typename T>
  [[nodiscard]] std::vector<T> together(const std::vector<T>& column) const {
    std::vector<T> sorted(column.size());
    for (size_t row = 0; row < column.size(); ++row) sorted[places_[row]] = column[row];
    return sorted;
  }

  /// What of such a column is of this group.
  template <typename T>
  [[nodiscard]] std::span<T> of(std::span<T> together, size_t group) const {
    return together.subspan(begins_[group], begins_[group + 1] - begins_[group]);
  }

 private:
  std::vector<uint32_t> begins_;  ///< and, last, the number of rows
  std::vector<uint32_t> places_;  ///< of each row in a column whose groups stand together
};

}  // namespace ifm
