#include <algorithm>
#include <map>

#include "inferometer/base/error.h"
#include "inferometer/format/quote.h"
#include "inferometer/text/jinja_builtins.h"
#include "inferometer/text/utf8.h"

namespace ifm::jinja {
namespace {

using TextMethod = Value (*)(const std::string&, const Arguments&);
using DictMethod = Value (*)(const Dict&, const Arguments&);

Value strip_method(const std::string& s, const Arguments& a, Side side) {
  const Value* chars = a.find(0, "chars");
  if (chars == nullptr || chars->is_none()) return strip(s, side);
  if (chars->text() == nullptr) fail(ErrorKind::invalid_data, "chat template line {}: strip of a {}", a.line, chars->type_name());
  return strip(s, side, chars->text());
}

/// startswith, endswith: the argument is a text.
Value has_affix(const std::string& s, const Arguments& a, bool front) {
  a.expect_at_most(1, "startswith");
  const std::string affix = a.text(0, "", "startswith or endswith");
  return front ? s.starts_with(affix) : s.ends_with(affix);
}

Value split_by_space(std::string_view s, int64_t most) {
  List out;
  for (s = strip(s, Side::left); !s.empty(); s = strip(s, Side::left)) {
    std::size_t end = 0;
    if (most >= 0 && static_cast<int64_t>(out.items.size()) == most) end = s.size();  // the rest as it is
    while (end < s.size()) {
      const Utf8Char c = decode_utf8(s, end);
      if (c.valid && is_python_space(c.code)) break;
      end += c.size;
    }
    out.items.emplace_back(s.substr(0, end));
    s.remove_prefix(end);
  }
  return out;
}

Value split(const std::string& s, const Arguments& a) {
  const int64_t most = a.integer(1, "maxsplit", -1);
  const Value* separator = a.find(0, "sep");
  if (separator == nullptr || separator->is_none()) {
    if (s.size() > kMaxItems)
      fail(ErrorKind::resource, "chat template line {}: split by white space of more than {} bytes", a.line, kMaxItems);
    return split_by_space(s, most);
  }
  const std::string by = a.text(0, "sep", "split");
  if (by.empty()) fail(ErrorKind::invalid_data, "chat template line {}: split by an empty text", a.line);
  List out;
  std::size_t begin = 0;
  while (most < 0 || static_cast<int64_t>(out.items.size()) < most) {
    const std::size_t end = s.find(by, begin);
    if (end == std::string::npos) break;
    out.items.emplace_back(s.substr(begin, end - begin));
    begin = end + by.size();
    if (out.items.size() > kMaxItems)
      fail(ErrorKind::resource, "chat template line {}: split into more than {} parts", a.line, kMaxItems);
  }
  out.items.emplace_back(s.substr(begin));
  return out;
}

Value capitalize(const std::string& s, const Arguments& a) {
  std::string out = change_case(s, false, a.line);
  if (!out.empty()) out[0] = change_case(out.substr(0, 1), true, a.line)[0];
  return out;
}

Value title(const std::string& s, const Arguments& a) {
  std::string out = change_case(s, false, a.line);
  bool inside = false;
  for (char& c : out) {
    const bool letter = c >= 'a' && c <= 'z';
    if (letter && !inside) c = static_cast<char>(c - 32);
    inside = letter;
  }
  return out;
}

Value find_text(const std::string& s, const Arguments& a) {
  a.expect_at_most(1, "find");
  const std::size_t at = s.find(a.text(0, "", "find"));
  if (at == std::string::npos) return int64_t{-1};
  return length(Value(s.substr(0, at)));
}

Value join_text(const std::string& s, const Arguments& a) {
  if (a.positional.size() != 1) fail(ErrorKind::invalid_data, "chat template line {}: join needs one list", a.line);
  return apply_filter("join", a.positional[0], Arguments{{Value(s)}, {}, a.line});
}

Value remove_affix(const std::string& s, const Arguments& a, bool front) {
  const std::string affix = a.text(0, "", "removeprefix or removesuffix");
  if (front) return s.starts_with(affix) ? s.substr(affix.size()) : s;
  return s.ends_with(affix) ? s.substr(0, s.size() - affix.size()) : s;
}

const std::map<std::string_view, TextMethod>& text_methods() {
  static const std::map<std::string_view, TextMethod> table = {
      {"strip", [](const std::string& s, const Arguments& a) { return strip_method(s, a, Side::both); }},
      {"lstrip", [](const std::string& s, const Arguments& a) { return strip_method(s, a, Side::left); }},
      {"rstrip", [](const std::string& s, const Arguments& a) { return strip_method(s, a, Side::right); }},
      {"startswith", [](const std::string& s, const Arguments& a) { return has_affix(s, a, true); }},
      {"endswith", [](const std::string& s, const Arguments& a) { return has_affix(s, a, false); }},
      {"removeprefix", [](const std::string& s, const Arguments& a) { return remove_affix(s, a, true); }},
      {"removesuffix", [](const std::string& s, const Arguments& a) { return remove_affix(s, a, false); }},
      {"upper", [](const std::string& s, const Arguments& a) -> Value { return change_case(s, true, a.line); }},
      {"lower", [](const std::string& s, const Arguments& a) -> Value { return change_case(s, false, a.line); }},
      {"capitalize", capitalize},
      {"title", title},
      {"split", split},
      {"find", find_text},
      {"join", join_text},
      {"replace",
       [](const std::string& s, const Arguments& a) -> Value {
         return replace_all(s, a.text(0, "", "replace"), a.text(1, "", "replace"), a.integer(2, "count", -1));
       }},
  };
  return table;
}

Value pair_of(const std::string& key, const Value& value) { return List{{Value(key), value}}; }

const std::map<std::string_view, DictMethod>& dict_methods() {
  static const std::map<std::string_view, DictMethod> table = {
      {"items",
       [](const Dict& d, const Arguments&) -> Value {
         List out;
         for (const auto& [key, value] : d.items) out.items.push_back(pair_of(key, value));
         return out;
       }},
      {"keys",
       [](const Dict& d, const Arguments&) -> Value {
         List out;
         for (const auto& [key, value] : d.items) out.items.emplace_back(key);
         return out;
       }},
      {"values",
       [](const Dict& d, const Arguments&) -> Value {
         List out;
         for (const auto& [key, value] : d.items) out.items.push_back(value);
         return out;
       }},
      {"get",
       [](const Dict& d, const Arguments& a) -> Value {
         const Value* found = d.find(a.text(0, "key", "get"));
         const Value* absent = a.find(1, "default");
         return found != nullptr ? *found : (absent != nullptr ? *absent : Value(None{}));
       }},
  };
  return table;
}

Value method(const Value& object, const std::string& name) {
  return Callable{name, std::make_shared<const Value>(object), nullptr};
}

Value index(const Value& object, int64_t position) {
  if (const List* list = object.list()) {
    const auto size = static_cast<int64_t>(list->items.size());
    if (position < 0) position += size;
    return position >= 0 && position < size ? list->items[static_cast<std::size_t>(position)] : Value(Undefined{"item"});
  }
  if (const std::string* text = object.text()) {
    const std::vector<std::string_view> all = characters(*text);
    const auto size = static_cast<int64_t>(all.size());
    if (position < 0) position += size;
    return position >= 0 && position < size ? Value(all[static_cast<std::size_t>(position)]) : Value(Undefined{"item"});
  }
  return Undefined{"item"};
}

void check_defined(const Value& object, std::string_view wanted, int line) {
  const Undefined* undefined = object.as<Undefined>();
  if (undefined == nullptr) return;
  fail(ErrorKind::invalid_data, "chat template line {}: {} is not defined, so it has no {}", line, quote(undefined->name),
       quote(wanted));
}

}  // namespace

bool has_method(const Value& object, std::string_view name) {
  if (object.text() != nullptr) return text_methods().contains(name);
  return object.dict() != nullptr && dict_methods().contains(name);
}

Value attribute_of(const Value& object, const std::string& name, int line) {
  check_defined(object, name, line);
  if (has_method(object, name)) return method(object, name);
  if (const Dict* dict = object.dict()) {
    const Value* found = dict->find(name);
    if (found != nullptr) return *found;
  }
  if (const Namespace* space = object.as<Namespace>()) {
    const Value* found = space->fields->find(name);
    if (found != nullptr) return *found;
  }
  return Undefined{name};
}

Value item_of(const Value& object, const Value& key, int line) {
  int64_t position = 0;
  if (key.text() == nullptr) {
    check_defined(object, "item", line);
    return key.integer(position) ? index(object, position) : Value(Undefined{"item"});
  }
  if (const Dict* dict = object.dict()) {
    const Value* found = dict->find(*key.text());
    if (found != nullptr) return *found;
  }
  return attribute_of(object, *key.text(), line);
}

Value call_method(std::string_view name, const Value& self, const Arguments& arguments) {
  if (self.text() != nullptr) return text_methods().at(name)(*self.text(), arguments);
  return dict_methods().at(name)(*self.dict(), arguments);
}

}  // namespace ifm::jinja
