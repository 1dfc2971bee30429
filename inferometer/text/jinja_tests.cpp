#include <map>

#include "inferometer/base/error.h"
#include "inferometer/text/jinja_builtins.h"

namespace ifm::jinja {
namespace {

using Test = bool (*)(const Value&, const Arguments&);

const Value& other(const Arguments& a) {
  if (a.positional.empty()) fail(ErrorKind::invalid_data, "chat template line {}: a test lacks what to compare with", a.line);
  return a.positional[0];
}

int64_t whole(const Value& v, const Arguments& a) {
  int64_t result = 0;
  if (!v.integer(result))
    fail(ErrorKind::invalid_data, "chat template line {}: a test of a {} (expected a whole number)", a.line, v.type_name());
  return result;
}

bool divisible(const Value& v, const Arguments& a) {
  const int64_t divisor = whole(other(a), a);
  if (divisor == 0) fail(ErrorKind::invalid_data, "chat template line {}: division by zero", a.line);
  return divisor == -1 || whole(v, a) % divisor == 0;
}

bool is_sequence(const Value& v) { return v.list() != nullptr || v.dict() != nullptr || v.text() != nullptr || v.is_undefined(); }

const std::map<std::string_view, Test>& tests() {
  static const std::map<std::string_view, Test> table = {
      {"defined", [](const Value& v, const Arguments&) { return !v.is_undefined(); }},
      {"undefined", [](const Value& v, const Arguments&) { return v.is_undefined(); }},
      {"none", [](const Value& v, const Arguments&) { return v.is_none(); }},
      {"boolean", [](const Value& v, const Arguments&) { return v.as<bool>() != nullptr; }},
      {"true", [](const Value& v, const Arguments&) { return v.as<bool>() != nullptr && v.truth(); }},
      {"false", [](const Value& v, const Arguments&) { return v.as<bool>() != nullptr && !v.truth(); }},
      {"integer", [](const Value& v, const Arguments&) { return v.as<int64_t>() != nullptr; }},
      {"float", [](const Value& v, const Arguments&) { return v.as<double>() != nullptr; }},
      {"number", [](const Value& v, const Arguments&) { return v.is_number(); }},
      {"string", [](const Value& v, const Arguments&) { return v.text() != nullptr; }},
      {"mapping", [](const Value& v, const Arguments&) { return v.dict() != nullptr; }},
      {"sequence", [](const Value& v, const Arguments&) { return is_sequence(v); }},
      {"iterable", [](const Value& v, const Arguments&) { return is_sequence(v); }},
      {"callable", [](const Value& v, const Arguments&) { return v.as<Callable>() != nullptr; }},
      {"odd", [](const Value& v, const Arguments& a) { return whole(v, a) % 2 != 0; }},
      {"even", [](const Value& v, const Arguments& a) { return whole(v, a) % 2 == 0; }},
      {"divisibleby", divisible},
      {"in", [](const Value& v, const Arguments& a) { return contains(other(a), v); }},
      {"eq", [](const Value& v, const Arguments& a) { return equal(v, other(a)); }},
      {"equalto", [](const Value& v, const Arguments& a) { return equal(v, other(a)); }},
      {"ne", [](const Value& v, const Arguments& a) { return !equal(v, other(a)); }},
      {"lt", [](const Value& v, const Arguments& a) { return compare(v, other(a)) < 0; }},
      {"lessthan", [](const Value& v, const Arguments& a) { return compare(v, other(a)) < 0; }},
      {"le", [](const Value& v, const Arguments& a) { return compare(v, other(a)) <= 0; }},
      {"gt", [](const Value& v, const Arguments& a) { return compare(v, other(a)) > 0; }},
      {"greaterthan", [](const Value& v, const Arguments& a) { return compare(v, other(a)) > 0; }},
      {"ge", [](const Value& v, const Arguments& a) { return compare(v, other(a)) >= 0; }},
  };
  return table;
}

}  // namespace

bool has_test(std::string_view name) { return tests().contains(name); }

bool apply_test(std::string_view name, const Value& operand, const Arguments& arguments) {
  return tests().at(name)(operand, arguments);
}

}  // namespace ifm::jinja
