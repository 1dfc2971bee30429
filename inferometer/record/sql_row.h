#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "inferometer/base/error.h"
#include "inferometer/record/sqlite.h"

namespace ifm {

/// Puts values into a row one after the other.
class RowWriter {
 public:
  [[nodiscard]] SqlRow take() { return std::move(row_); }
  void integer(int64_t value) { row_.emplace_back(value); }
  void real(double value) { row_.emplace_back(value); }
  void text(std::string value) { row_.emplace_back(std::move(value)); }
  void blob(std::string bytes) { row_.emplace_back(SqlBlob{std::move(bytes)}); }
  /// Empty = null.
  void maybe_text(std::string value) {
    if (value.empty())
      row_.emplace_back();
    else
      text(std::move(value));
  }
  template <typename T>
  void maybe(const std::optional<T>& value) {
    if constexpr (std::is_floating_point_v<T>) {
      // SQLite has no NaN, and a number that is none is unknown.
      if (value && std::isfinite(*value)) return real(*value);
    } else {
      if (value) return integer(*value);
    }
    row_.emplace_back();
  }

 private:
  SqlRow row_;
};

/// What a row is called in errors; asked for only then.
using RowName = std::function<std::string()>;

/// Takes the values of a row one after the other. @throws Error invalid_data for a value that was
/// never written there.
class RowReader {
 public:
  /// name: must outlive this.
  RowReader(std::span<const SqlView> row, const RowName& name) : row_(row), name_(name) {}
  int64_t integer() { return take<int64_t>(); }
  int narrow() { return narrowed(take<int64_t>()); }
  /// The position of a text among the words that may stand there.
  std::size_t word(std::initializer_list<std::string_view> words) {
    const auto value = text();
    const auto* found = std::find(words.begin(), words.end(), value);
    if (found == words.end()) fail(ErrorKind::invalid_data, "{}: column {}: {} is no word of ours", name_(), at_, value);
    return static_cast<std::size_t>(found - words.begin());
  }
  double real() { return take<double>(); }
  std::string text() { return std::string(take<std::string_view>()); }
  /// Valid as long as the row's values.
  std::string_view text_view() { return take<std::string_view>(); }
  /// Null = empty.
  std::string maybe_text() {
    if (!next_is_null()) return text();
    ++at_;
    return {};
  }
  /// Valid as long as the row's values.
  std::string_view blob() { return take<SqlBlobView>().bytes; }
  template <typename T>
  void maybe(std::optional<T>& into) {
    if (next_is_null()) {
      ++at_;
      into.reset();
      return;
    }
    if constexpr (std::is_floating_point_v<T>) {
      into = take<double>();
    } else if constexpr (std::is_same_v<T, int>) {
      into = narrow();
    } else {
      into = take<int64_t>();
    }
  }

 private:
  [[nodiscard]] bool next_is_null() const { return at_ < row_.size() && std::holds_alternative<std::monostate>(row_[at_]); }
  template <typename T>
  T take() {
    const T* value = at_ < row_.size() ? std::get_if<T>(&row_[at_]) : nullptr;
    if (value == nullptr)
      fail(ErrorKind::invalid_data, "{}: column {}: a value of another type than was written", name_(), at_ + 1);
    ++at_;
    return *value;
  }
  [[nodiscard]] int narrowed(int64_t value) const {
    if (!std::in_range<int>(value)) fail(ErrorKind::invalid_data, "{}: column {}: {} is too large", name_(), at_, value);
    return static_cast<int>(value);
  }
  std::span<const SqlView> row_;
  const RowName& name_;
  std::size_t at_ = 0;
};

}  // namespace ifm
