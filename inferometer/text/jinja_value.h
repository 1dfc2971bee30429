#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace ifm::jinja {

struct Statement;
struct Value;

/// What a name or an item that is not there evaluates to: prints as nothing, is false, and fails when it is used.
struct Undefined {
  std::string name;
};
struct None {};

struct List {
  std::vector<Value> items;
  int depth = 1;  ///< how deep lists and dictionaries are nested in it
};
/// Keys in the order in which they came.
struct Dict {
  std::vector<std::pair<std::string, Value>> items;
  int depth = 1;
  [[nodiscard]] const Value* find(std::string_view key) const;
  void set(const std::string& key, Value value);
};
/// The object that namespace() makes: the only one that templates can change.
struct Namespace {
  std::shared_ptr<Dict> fields;  ///< shared: a namespace is the same object wherever it is named
};
/// Something to call: a function of the environment, a method bound to its object, or a macro.
struct Callable {
  std::string name;
  std::shared_ptr<const Value> self;  ///< the object of a method; null for functions
  const Statement* macro = nullptr;
};

/// A value of the template language, with Python's meaning. Lists and dictionaries are immutable and shared, because Python's
/// assignments share too and copies of a long conversation would cost.
struct Value {
  std::variant<Undefined, None, bool, int64_t, double, std::string, std::shared_ptr<const List>, std::shared_ptr<const Dict>,
               Namespace, Callable>
      data;

  Value() : data(Undefined{}) {}
  Value(Undefined u) : data(std::move(u)) {}
  Value(None n) : data(n) {}
  Value(bool b) : data(b) {}
  Value(int64_t i) : data(i) {}
  Value(double d) : data(d) {}
  Value(std::string s) : data(std::move(s)) {}
  Value(std::string_view s) : data(std::string(s)) {}
  Value(const char* s) : data(std::string(s)) {}
  /// @throws Error resource when nested deeper than 64; unsupported when an item is a namespace or a function (of such, cycles
  /// are made).
  Value(List l);
  Value(Dict d);
  Value(Namespace n) : data(std::move(n)) {}
  Value(Callable c) : data(std::move(c)) {}

  template <typename T>
  [[nodiscard]] const T* as() const {
    return std::get_if<T>(&data);
  }
  [[nodiscard]] const std::string* text() const { return as<std::string>(); }
  [[nodiscard]] const List* list() const;
  [[nodiscard]] const Dict* dict() const;
  [[nodiscard]] bool is_undefined() const { return as<Undefined>() != nullptr; }
  [[nodiscard]] bool is_none() const { return as<None>() != nullptr; }
  [[nodiscard]] bool is_number() const { return as<bool>() != nullptr || as<int64_t>() != nullptr || as<double>() != nullptr; }
  /// The value as a Python int, booleans included; false when it is something else.
  [[nodiscard]] bool integer(int64_t& out) const;
  /// A number as double; false when it is none.
  [[nodiscard]] bool number(double& out) const;
  [[nodiscard]] bool truth() const;
  /// "str", "int", "list", …: Python's names, for messages.
  [[nodiscard]] std::string_view type_name() const;
};

/// What one value may be made of; past it, operations fail with Error resource.
constexpr std::size_t kMaxText = std::size_t{64} << 20;
constexpr std::size_t kMaxItems = 1'000'000;

/// @throws Error unsupported for what may not be an item or a namespace's field.
void check_storable(const Value& value);
/// @throws Error resource for a text of more than kMaxText bytes.
void check_text_size(std::size_t bytes);

/// @throws Error resource when the two take too long to compare.
[[nodiscard]] bool equal(const Value& a, const Value& b);
/// -1, 0, 1. @throws Error invalid_data when Python could not order them.
[[nodiscard]] int compare(const Value& a, const Value& b);
/// `a in b`. @throws Error invalid_data when b cannot contain.
[[nodiscard]] bool contains(const Value& container, const Value& item);
/// What `{{ value }}` prints. @throws Error unsupported for lists and other values whose Python form we do not write.
[[nodiscard]] std::string to_text(const Value& value);
/// Python's json.dumps(value, ensure_ascii=False, indent=indent); indent < 0: on one line.
[[nodiscard]] std::string to_json(const Value& value, int64_t indent);
/// The items that a loop goes through: of a list, the keys of a dictionary, the characters of a string.
[[nodiscard]] std::vector<Value> iterate(const Value& value);
/// Number of items or characters. @throws Error invalid_data.
[[nodiscard]] int64_t length(const Value& value);

/// Strings as Python sees them: by character.
[[nodiscard]] std::vector<std::string_view> characters(std::string_view text);
[[nodiscard]] bool is_python_space(char32_t code);
enum class Side { left, right, both };
/// strip(), lstrip(), rstrip(): without `chars`, white space.
[[nodiscard]] std::string_view strip(std::string_view text, Side side, const std::string* chars = nullptr);

}  // namespace ifm::jinja
