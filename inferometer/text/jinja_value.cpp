#include "inferometer/text/jinja_value.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/text/utf8.h"

namespace ifm::jinja {
namespace {

constexpr int kMaxDepth = 64;

std::string double_text(double value) {
  std::string text = fmt::format("{}", value);
  if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<int>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

class JsonWriter {
 public:
  explicit JsonWriter(int64_t indent) : indent_(indent) {}

  void write(const Value& value, int depth) {
    check_text_size(out_.size());
    if (value.is_none()) {
      out_ += "null";
    } else if (const bool* b = value.as<bool>()) {
      out_ += *b ? "true" : "false";
    } else if (const std::string* text = value.text()) {
      append_json_string(out_, *text);
    } else if (value.is_number()) {
      out_ += to_text(value);
    } else if (const List* list = value.list()) {
      sequence('[', ']', list->items.size(), depth, [&](std::size_t i) { write(list->items[i], depth + 1); });
    } else if (const Dict* dict = value.dict()) {
      sequence('{', '}', dict->items.size(), depth, [&](std::size_t i) {
        append_json_string(out_, dict->items[i].first);
        out_ += ": ";
        write(dict->items[i].second, depth + 1);
      });
    } else {
      fail(ErrorKind::invalid_data, "chat template: tojson of a value of type {}", value.type_name());
    }
  }

  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  template <typename Item>
  void sequence(char open, char close, std::size_t size, int depth, const Item& item) {
    out_ += open;
    for (std::size_t i = 0; i < size; ++i) {
      if (i > 0) out_ += indent_ < 0 ? ", " : ",";
      new_line(depth + 1);
      item(i);
    }
    if (size > 0) new_line(depth);
    out_ += close;
  }

  void new_line(int depth) {
    if (indent_ < 0) return;
    out_ += '\n';
    out_.append(static_cast<std::size_t>(indent_ * depth), ' ');
  }

  int64_t indent_;
  std::string out_;
};

/// Compares, counting: lists that share their items can be exponentially large.
class Equality {
 public:
  bool operator()(const Value& a, const Value& b) {
    if (++steps_ > kMaxItems) fail(ErrorKind::resource, "chat template: two values are too large to compare");
    int64_t i = 0;
    int64_t j = 0;
    if (a.integer(i) && b.integer(j)) return i == j;
    double x = 0;
    double y = 0;
    if (a.number(x) && b.number(y)) return x == y;
    if (a.text() != nullptr && b.text() != nullptr) return *a.text() == *b.text();
    if (a.list() != nullptr && b.list() != nullptr) return lists(*a.list(), *b.list());
    if (a.dict() != nullptr && b.dict() != nullptr) return dicts(*a.dict(), *b.dict());
    if (a.as<Namespace>() != nullptr && b.as<Namespace>() != nullptr)
      return a.as<Namespace>()->fields == b.as<Namespace>()->fields;
    return (a.is_none() && b.is_none()) || (a.is_undefined() && b.is_undefined());
  }

 private:
  bool lists(const List& a, const List& b) {
    return std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(),
                      [this](const Value& x, const Value& y) { return (*this)(x, y); });
  }

  bool dicts(const Dict& a, const Dict& b) {
    if (a.items.size() != b.items.size()) return false;
    return std::all_of(a.items.begin(), a.items.end(), [this, &b](const auto& item) {
      const Value* other = b.find(item.first);
      return other != nullptr && (*this)(item.second, *other);
    });
  }

  std::size_t steps_ = 0;
};

int depth_of(const Value& value) {
  if (const List* list = value.list()) return list->depth;
  const Dict* dict = value.dict();
  return dict != nullptr ? dict->depth : 0;
}

void nest(int& depth, const Value& item) {
  check_storable(item);
  depth = std::max(depth, 1 + depth_of(item));
  if (depth > kMaxDepth) fail(ErrorKind::resource, "chat template: values are nested deeper than {}", kMaxDepth);
}

}  // namespace

const Value* Dict::find(std::string_view key) const {
  for (const auto& [name, value] : items) {
    if (name == key) return &value;
  }
  return nullptr;
}

void Dict::set(const std::string& key, Value value) {
  for (auto& [name, old] : items) {
    if (name == key) {
      old = std::move(value);
      return;
    }
  }
  items.emplace_back(key, std::move(value));
}

Value::Value(List l) {
  for (const Value& item : l.items) nest(l.depth, item);
  data = std::make_shared<const List>(std::move(l));
}

Value::Value(Dict d) {
  for (const auto& [key, item] : d.items) nest(d.depth, item);
  data = std::make_shared<const Dict>(std::move(d));
}

void check_storable(const Value& value) {
  if (value.as<Namespace>() == nullptr && value.as<Callable>() == nullptr) return;
  fail(ErrorKind::unsupported, "chat template: a {} inside a list, dictionary or namespace is not supported", value.type_name());
}

void check_text_size(std::size_t bytes) {
  if (bytes > kMaxText)
    fail(ErrorKind::resource, "chat template: a text is too long (expected at most {} bytes, got {})", kMaxText, bytes);
}

const List* Value::list() const {
  const auto* pointer = as<std::shared_ptr<const List>>();
  return pointer != nullptr ? pointer->get() : nullptr;
}

const Dict* Value::dict() const {
  const auto* pointer = as<std::shared_ptr<const Dict>>();
  return pointer != nullptr ? pointer->get() : nullptr;
}

bool Value::integer(int64_t& out) const {
  if (const bool* b = as<bool>()) {
    out = *b ? 1 : 0;
  } else if (const int64_t* i = as<int64_t>()) {
    out = *i;
  } else {
    return false;
  }
  return true;
}

bool Value::number(double& out) const {
  int64_t whole = 0;
  if (integer(whole)) {
    out = static_cast<double>(whole);
    return true;
  }
  const double* d = as<double>();
  if (d != nullptr) out = *d;
  return d != nullptr;
}

bool Value::truth() const {
  double n = 0;
  if (number(n)) return n != 0;
  if (const std::string* s = text()) return !s->empty();
  if (const List* l = list()) return !l->items.empty();
  if (const Dict* d = dict()) return !d->items.empty();
  return as<Namespace>() != nullptr || as<Callable>() != nullptr;
}

std::string_view Value::type_name() const {
  constexpr std::string_view names[] = {"Undefined", "NoneType", "bool", "int",       "float",
                                        "str",       "list",     "dict", "namespace", "function"};
  return names[data.index()];
}

bool equal(const Value& a, const Value& b) { return Equality()(a, b); }

int compare(const Value& a, const Value& b) {
  int64_t i = 0;
  int64_t j = 0;
  if (a.integer(i) && b.integer(j)) return i < j ? -1 : (i > j ? 1 : 0);
  double x = 0;
  double y = 0;
  if (a.number(x) && b.number(y)) return x < y ? -1 : (x > y ? 1 : 0);
  // UTF-8 sorts as its code points do.
  if (a.text() != nullptr && b.text() != nullptr) return std::clamp(a.text()->compare(*b.text()), -1, 1);
  fail(ErrorKind::invalid_data, "chat template: values of type {} and {} cannot be ordered", a.type_name(), b.type_name());
}

bool contains(const Value& container, const Value& item) {
  if (const std::string* text = container.text()) {
    if (item.text() == nullptr)
      fail(ErrorKind::invalid_data, "chat template: \"in\" a string needs a string (got {})", item.type_name());
    return text->find(*item.text()) != std::string::npos;
  }
  if (const Dict* dict = container.dict()) return item.text() != nullptr && dict->find(*item.text()) != nullptr;
  const std::vector<Value> items = iterate(container);
  return std::any_of(items.begin(), items.end(), [&item](const Value& v) { return equal(v, item); });
}

std::string to_text(const Value& value) {
  if (const std::string* text = value.text()) return *text;
  if (value.is_undefined()) return {};
  if (value.is_none()) return "None";
  if (const bool* b = value.as<bool>()) return *b ? "True" : "False";
  if (const int64_t* i = value.as<int64_t>()) return fmt::format("{}", *i);
  if (const double* d = value.as<double>()) return double_text(*d);
  fail(ErrorKind::unsupported, "chat template: printing a value of type {} is not supported (expected text or a number)",
       value.type_name());
}

std::string to_json(const Value& value, int64_t indent) {
  JsonWriter writer(indent);
  writer.write(value, 0);
  return writer.take();
}

std::vector<Value> iterate(const Value& value) {
  if (const List* list = value.list()) return list->items;
  std::vector<Value> items;
  if (const Dict* dict = value.dict()) {
    for (const auto& [key, unused] : dict->items) items.emplace_back(key);
  } else if (const std::string* text = value.text()) {
    for (const std::string_view c : characters(*text)) items.emplace_back(c);
  } else if (!value.is_undefined()) {
    fail(ErrorKind::invalid_data, "chat template: a value of type {} cannot be iterated over", value.type_name());
  }
  return items;
}

int64_t length(const Value& value) {
  if (const List* list = value.list()) return static_cast<int64_t>(list->items.size());
  if (const Dict* dict = value.dict()) return static_cast<int64_t>(dict->items.size());
  if (const std::string* text = value.text()) return static_cast<int64_t>(characters(*text).size());
  if (value.is_undefined()) return 0;
  fail(ErrorKind::invalid_data, "chat template: a value of type {} has no length", value.type_name());
}

std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); i += out.back().size()) out.push_back(text.substr(i, decode_utf8(text, i).size));
  return out;
}

bool is_python_space(char32_t code) {
  return (code >= 9 && code <= 13) || (code >= 28 && code <= 32) || code == 0x85 || code == 0xA0 || code == 0x1680 ||
         (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
         code == 0x3000;
}

std::string_view strip(std::string_view text, Side side, const std::string* chars) {
  const auto strips = [chars](std::string_view c) {
    if (chars != nullptr) {
      const std::vector<std::string_view> set = characters(*chars);
      return std::find(set.begin(), set.end(), c) != set.end();
    }
    const Utf8Char decoded = decode_utf8(c, 0);
    return decoded.valid && is_python_space(decoded.code);
  };
  while (side != Side::right && !text.empty()) {
    const std::size_t size = decode_utf8(text, 0).size;
    if (!strips(text.substr(0, size))) break;
    text.remove_prefix(size);
  }
  while (side != Side::left && !text.empty()) {
    std::size_t begin = text.size() - 1;
    while (begin > 0 && text.size() - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
    if (decode_utf8(text, begin).size != text.size() - begin || !strips(text.substr(begin))) break;
    text.remove_suffix(text.size() - begin);
  }
  return text;
}

}  // namespace ifm::jinja
