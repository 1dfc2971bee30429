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

/// The values of a row that stands in memory.
class RowValues {
 public:
  explicit RowValues(std::span<const SqlView> row) : row_(row) {}
  /// Beyond the last: null.
  [[nodiscard]] SqlView next() { return at_ < row_.size() ? row_[at_++] : SqlView{}; }

 private:
  std::span<const SqlView> row_;
  std::size_t at_ = 0;
};

/// Takes values one after the other. @throws Error invalid_data for one that was never written there.
template <typename Values>
class ValueReader {
 public:
  /// name: must outlive this.
  ValueReader(Values values, const RowName& name) : values_(std::move(values)), name_(name) {}
  int64_t integer() { return take<int64_t>(); }
  int narrow() { return narrowed(take<int64_t>()); }
  /// The position of a text among the words that may stand there.
  std::size_t word(std::initializer_list<std::string_view> words) {
    const auto value = text_view();
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
    const SqlView value = next();
    return std::holds_alternative<std::monostate>(value) ? std::string() : std::string(checked<std::string_view>(value));
  }
  /// Valid as long as the row's values.
  std::string_view blob() { return take<SqlBlobView>().bytes; }
  template <typename T>
  void maybe(std::optional<T>& into) {
    const SqlView value = next();
    if (std::holds_alternative<std::monostate>(value)) {
      into.reset();
    } else if constexpr (std::is_floating_point_v<T>) {
      into = checked<double>(value);
    } else if constexpr (std::is_same_v<T, int>) {
      into = narrowed(checked<int64_t>(value));
    } else {
      into = checked<int64_t>(value);
    }
  }

 private:
  SqlView next() {
    ++at_;
    return under([this] { return fmt::format("{}: column {}", name_(), at_); }, [this] { return values_.next(); });
  }
  template <typename T>
  T checked(const SqlView& value) const {
    const T* held = std::get_if<T>(&value);
    if (held == nullptr) fail(ErrorKind::invalid_data, "{}: column {}: a value of another type than was written", name_(), at_);
    return *held;
  }
  template <typename T>
  T take() {
    return checked<T>(next());
  }
  [[nodiscard]] int narrowed(int64_t value) const {
    if (!std::in_range<int>(value)) fail(ErrorKind::invalid_data, "{}: column {}: {} is too large", name_(), at_, value);
    return static_cast<int>(value);
  }

  Values values_;
  const RowName& name_;
  std::size_t at_ = 0;  ///< values taken
};

/// Of a row that stands in memory.
using RowReader = ValueReader<RowValues>;

}  // namespace ifm
