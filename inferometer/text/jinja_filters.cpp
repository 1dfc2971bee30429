#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "inferometer/base/error.h"
#include "inferometer/format/quote.h"
#include "inferometer/text/jinja_builtins.h"

namespace ifm::jinja {
namespace {

using Filter = Value (*)(const Value&, const Arguments&);

Value trim(const Value& v, const Arguments& a) {
  const Value* given = a.find(0, "chars");
  const std::string text = to_text(v);
  return strip(text, Side::both, given != nullptr && !given->is_none() ? given->text() : nullptr);
}

Value default_value(const Value& v, const Arguments& a) {
  const bool absent = v.is_undefined() || (a.flag(1, "boolean") && !v.truth());
  if (!absent) return v;
  const Value* given = a.find(0, "default_value");
  return given != nullptr ? *given : Value("");
}

/// The attribute path that map, join, selectattr and the like take: "function.name".
Value attribute_path(const Value& v, const std::string& path, int line) {
  Value current = v;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    current = item_of(current, Value(path.substr(begin, end - begin)), line);
    begin = end + 1;
  }
  return current;
}

Value join(const Value& v, const Arguments& a) {
  const std::string separator = a.find(0, "d") == nullptr ? "" : a.text(0, "d", "join");
  const Value* attribute = a.find(1, "attribute");
  std::string out;
  bool first = true;
  for (const Value& item : iterate(v)) {
    if (!std::exchange(first, false)) out += separator;
    out += to_text(attribute != nullptr ? attribute_path(item, to_text(*attribute), a.line) : item);
    check_text_size(out.size());
  }
  return out;
}

Value first(const Value& v, const Arguments&) {
  const std::vector<Value> items = iterate(v);
  return items.empty() ? Value(Undefined{"first item"}) : items.front();
}

Value last(const Value& v, const Arguments&) {
  const std::vector<Value> items = iterate(v);
  return items.empty() ? Value(Undefined{"last item"}) : items.back();
}

Value items(const Value& v, const Arguments& a) {
  if (v.is_undefined()) return List{};
  if (v.dict() == nullptr)
    fail(ErrorKind::invalid_data, "chat template line {}: items of a {} (expected a dictionary)", a.line, v.type_name());
  return call_method("items", v, Arguments{{}, {}, a.line});
}

Value to_list(const Value& v, const Arguments&) { return List{iterate(v)}; }

Value reverse(const Value& v, const Arguments&) {
  std::vector<Value> items = iterate(v);
  std::reverse(items.begin(), items.end());
  if (v.text() == nullptr) return List{std::move(items)};
  std::string out;
  for (const Value& c : items) out += *c.text();
  return out;
}

Value to_int(const Value& v, const Arguments& a) {
  const int64_t absent = a.integer(0, "default", 0);
  int64_t whole = 0;
  double number = 0;
  if (v.integer(whole)) return whole;
  if (v.number(number)) return std::abs(number) < 9e18 ? static_cast<int64_t>(number) : absent;
  if (v.text() == nullptr) return absent;
  const std::string_view text = strip(*v.text(), Side::both);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  return error == std::errc() && end == text.data() + text.size() ? whole : absent;
}

Value absolute(const Value& v, const Arguments& a) {
  int64_t whole = 0;
  double number = 0;
  if (v.integer(whole) && whole != INT64_MIN) return whole < 0 ? -whole : whole;
  if (v.number(number)) return std::abs(number);
  fail(ErrorKind::invalid_data, "chat template line {}: abs of a {}", a.line, v.type_name());
}

Value capitalize(const Value& v, const Arguments& a) { return call_method("capitalize", Value(to_text(v)), a); }

Value replace(const Value& v, const Arguments& a) {
  return replace_all(to_text(v), a.text(0, "old", "replace"), a.text(1, "new", "replace"), a.integer(2, "count", -1));
}

Value indent(const Value& v, const Arguments& a) {
  const Value* width = a.find(0, "width");
  const std::string pad =
      width != nullptr && width->text() != nullptr
          ? *width->text()
          : std::string(static_cast<std::size_t>(std::clamp<int64_t>(a.integer(0, "width", 4), 0, 1000)), ' ');
  const bool first_line = a.flag(1, "first");
  const bool blank_lines = a.flag(2, "blank");
  const std::string text = to_text(v);
  std::string out = first_line ? pad : "";
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    if (begin > 0) out += '\n';
    if (begin > 0 && (blank_lines || !line.empty())) out += pad;
    out += line;
    check_text_size(out.size());
    begin = end + 1;
  }
  return out;
}

/// map(attribute="x", default=y) or map("filter", …).
Value map(const Value& v, const Arguments& a) {
  List out;
  const Value* attribute = a.find(~std::size_t{0}, "attribute");
  const Value* absent = a.find(~std::size_t{0}, "default");
  if (attribute == nullptr && a.positional.empty())
    fail(ErrorKind::invalid_data, "chat template line {}: map needs a filter or attribute", a.line);
  const std::string name = attribute == nullptr ? a.text(0, "", "map") : std::string();
  if (attribute == nullptr && !has_filter(name)) {
    fail(ErrorKind::unsupported, "chat template line {}: the filter {} is not supported", a.line, quote(name));
  }
  Arguments rest{{}, {}, a.line};
  if (attribute == nullptr) rest = {{a.positional.begin() + 1, a.positional.end()}, a.named, a.line};
  for (const Value& item : iterate(v)) {
    Value mapped = attribute != nullptr ? attribute_path(item, to_text(*attribute), a.line) : apply_filter(name, item, rest);
    if (mapped.is_undefined() && absent != nullptr) mapped = *absent;
    out.items.push_back(std::move(mapped));
  }
  return out;
}

/// select, reject, selectattr, rejectattr.
Value choose(const Value& v, const Arguments& a, bool keep, bool by_attribute) {
  const std::size_t skip = by_attribute ? 1 : 0;
  const std::string attribute = by_attribute ? a.text(0, "", "selectattr") : std::string();
  const bool has_name = a.positional.size() > skip;
  const std::string name = has_name ? a.text(skip, "", "select") : std::string();
  if (has_name && !has_test(name))
    fail(ErrorKind::unsupported, "chat template line {}: the test {} is not supported", a.line, quote(name));
  Arguments rest{{}, {}, a.line};
  if (has_name) rest.positional.assign(a.positional.begin() + static_cast<std::ptrdiff_t>(skip) + 1, a.positional.end());
  List out;
  for (const Value& item : iterate(v)) {
    const Value tested = by_attribute ? attribute_path(item, attribute, a.line) : item;
    if ((has_name ? apply_test(name, tested, rest) : tested.truth()) == keep) out.items.push_back(item);
  }
  return out;
}

Value unique(const Value& v, const Arguments& a) {
  List out;
  const std::vector<Value> all = iterate(v);
  if (all.size() > 10'000) fail(ErrorKind::resource, "chat template line {}: unique of more than 10000 items", a.line);
  for (const Value& item : all) {
    // Jinja's unique ignores case.
    const auto same = [&](const Value& other) {
      if (item.text() == nullptr || other.text() == nullptr) return equal(item, other);
      return change_case(*item.text(), false, a.line) == change_case(*other.text(), false, a.line);
    };
    if (std::none_of(out.items.begin(), out.items.end(), same)) out.items.push_back(item);
  }
  return out;
}

Value to_json_filter(const Value& v, const Arguments& a) {
  for (const auto& [name, value] : a.named) {
    if (name != "indent" && name != "ensure_ascii")
      fail(ErrorKind::unsupported, "chat template line {}: tojson with {}", a.line, quote(name));
    if (name == "ensure_ascii" && value.truth())
      fail(ErrorKind::unsupported, "chat template line {}: tojson with ensure_ascii", a.line);
  }
  const Value* indent = a.find(~std::size_t{0}, "indent");
  if (!a.positional.empty()) fail(ErrorKind::unsupported, "chat template line {}: tojson with a positional argument", a.line);
  const bool one_line = indent == nullptr || indent->is_none();
  return to_json(v, one_line ? -1 : std::clamp<int64_t>(a.integer(~std::size_t{0}, "indent", 0), 0, 100));
}

const std::map<std::string_view, Filter>& filters() {
  static const std::map<std::string_view, Filter> table = {
      {"trim", trim},
      {"default", default_value},
      {"d", default_value},
      {"join", join},
      {"first", first},
      {"last", last},
      {"items", items},
      {"list", to_list},
      {"reverse", reverse},
      {"int", to_int},
      {"abs", absolute},
      {"capitalize", capitalize},
      {"replace", replace},
      {"indent", indent},
      {"map", map},
      {"unique", unique},
      {"tojson", to_json_filter},
      {"length", [](const Value& v, const Arguments&) -> Value { return length(v); }},
      {"count", [](const Value& v, const Arguments&) -> Value { return length(v); }},
      {"string", [](const Value& v, const Arguments&) -> Value { return to_text(v); }},
      {"safe", [](const Value& v, const Arguments&) -> Value { return to_text(v); }},
      {"upper", [](const Value& v, const Arguments& a) -> Value { return change_case(to_text(v), true, a.line); }},
      {"lower", [](const Value& v, const Arguments& a) -> Value { return change_case(to_text(v), false, a.line); }},
      {"select", [](const Value& v, const Arguments& a) { return choose(v, a, true, false); }},
      {"reject", [](const Value& v, const Arguments& a) { return choose(v, a, false, false); }},
      {"selectattr", [](const Value& v, const Arguments& a) { return choose(v, a, true, true); }},
      {"rejectattr", [](const Value& v, const Arguments& a) { return choose(v, a, false, true); }},
  };
  return table;
}

}  // namespace

bool has_filter(std::string_view name) { return filters().contains(name); }

Value apply_filter(std::string_view name, const Value& operand, const Arguments& arguments) {
  return filters().at(name)(operand, arguments);
}

}  // namespace ifm::jinja
