#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inferometer/text/jinja_value.h"

namespace ifm::jinja {

/// What a filter, test, method or function is called with.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
  int line = 0;  ///< for messages

  /// The argument at a position or of a name; null when it is not given.
  [[nodiscard]] const Value* find(std::size_t position, std::string_view name) const;
  /// @throws Error invalid_data when there are more positional ones.
  void expect_at_most(std::size_t count, std::string_view callee) const;
  /// The argument, or the default. @throws Error invalid_data when it has another type.
  [[nodiscard]] std::string text(std::size_t position, std::string_view name, std::string_view callee) const;
  [[nodiscard]] int64_t integer(std::size_t position, std::string_view name, int64_t absent) const;
  [[nodiscard]] bool flag(std::size_t position, std::string_view name) const;
};

/// Filters and tests are known by name before anything runs.
[[nodiscard]] bool has_filter(std::string_view name);
[[nodiscard]] bool has_test(std::string_view name);
[[nodiscard]] Value apply_filter(std::string_view name, const Value& operand, const Arguments& arguments);
[[nodiscard]] bool apply_test(std::string_view name, const Value& operand, const Arguments& arguments);

/// `object.name`: a method of strings, dictionaries and lists first, then the item.
[[nodiscard]] Value attribute_of(const Value& object, const std::string& name, int line);
/// `object[key]`: the item first, then the method.
[[nodiscard]] Value item_of(const Value& object, const Value& key, int line);
[[nodiscard]] bool has_method(const Value& object, std::string_view name);
[[nodiscard]] Value call_method(std::string_view name, const Value& self, const Arguments& arguments);

/// The functions that need nothing but their arguments: range, namespace, dict, raise_exception.
[[nodiscard]] bool has_function(std::string_view name);
[[nodiscard]] Value call_function(std::string_view name, const Arguments& arguments);
/// Python's strftime for midnight of a day written as "26 Jul 2024".
[[nodiscard]] std::string format_date(std::string_view day, std::string_view format, int line);

/// upper(), lower(): @throws Error unsupported for text that is not ASCII, where Python's rules differ by language data.
[[nodiscard]] std::string change_case(std::string_view text, bool upper, int line);
[[nodiscard]] std::string replace_all(std::string_view text, std::string_view from, std::string_view to, int64_t count);

}  // namespace ifm::jinja
