#include <algorithm>
#include <cmath>

#include "inferometer/base/error.h"
#include "inferometer/text/jinja_interpreter.h"

namespace ifm::jinja {
namespace {

[[noreturn]] void wrong_types(std::string_view op, const Value& a, const Value& b, int line) {
  fail(ErrorKind::invalid_data, "chat template line {}: {} between a {} and a {}", line, op, a.type_name(), b.type_name());
}

/// Division and remainder round towards minus infinity, as in Python.
Value whole_arithmetic(std::string_view op, int64_t a, int64_t b, int line) {
  int64_t out = 0;
  bool overflow = false;
  if (op == "+") {
    overflow = __builtin_add_overflow(a, b, &out);
  } else if (op == "-") {
    overflow = __builtin_sub_overflow(a, b, &out);
  } else if (op == "*") {
    overflow = __builtin_mul_overflow(a, b, &out);
  } else {
    if (b == 0) fail(ErrorKind::invalid_data, "chat template line {}: division by zero", line);
    if (op == "/") return static_cast<double>(a) / static_cast<double>(b);
    if (b == -1) {
      overflow = op == "//" && a == INT64_MIN;
      if (!overflow) out = op == "//" ? -a : 0;
    } else {
      const int64_t remainder = a % b;
      const bool adjust = remainder != 0 && (remainder < 0) != (b < 0);
      out = op == "//" ? a / b - (adjust ? 1 : 0) : remainder + (adjust ? b : 0);
    }
  }
  if (overflow) fail(ErrorKind::unsupported, "chat template line {}: a whole number of more than 64 bits is not supported", line);
  return out;
}

Value real_arithmetic(std::string_view op, double a, double b, int line) {
  if (op == "+") return a + b;
  if (op == "-") return a - b;
  if (op == "*") return a * b;
  if (b == 0) fail(ErrorKind::invalid_data, "chat template line {}: division by zero", line);
  if (op == "/") return a / b;
  const double remainder = std::fmod(a, b);
  const bool adjust = remainder != 0 && (remainder < 0) != (b < 0);
  if (op == "%") return remainder + (adjust ? b : 0);
  return std::floor((a - (remainder + (adjust ? b : 0))) / b + 0.5);
}

Value repeated(const std::string& text, int64_t count) {
  count = std::max<int64_t>(count, 0);
  if (!text.empty() && static_cast<std::size_t>(count) > kMaxText / text.size()) check_text_size(kMaxText + 1);
  std::string out;
  for (int64_t i = 0; i < count && !text.empty(); ++i) out += text;
  return out;
}

Value joined(const List& a, const List& b) {
  List out;
  if (a.items.size() + b.items.size() > kMaxItems) {
    fail(ErrorKind::resource, "chat template: a list is too long (expected at most {} items)", kMaxItems);
  }
  out.items.reserve(a.items.size() + b.items.size());
  out.items.insert(out.items.end(), a.items.begin(), a.items.end());
  out.items.insert(out.items.end(), b.items.begin(), b.items.end());
  return out;
}

/// The positions that a slice takes.
std::vector<std::size_t> positions(int64_t size, const int64_t* begin, const int64_t* end, int64_t step) {
  const int64_t lowest = step > 0 ? 0 : -1;
  const int64_t highest = step > 0 ? size : size - 1;
  const auto clamp = [&](int64_t at) { return std::clamp(at < 0 ? std::max(at + size, lowest) : at, lowest, highest); };
  const int64_t from = begin != nullptr ? clamp(*begin) : (step > 0 ? 0 : size - 1);
  const int64_t to = end != nullptr ? clamp(*end) : (step > 0 ? size : -1);
  std::vector<std::size_t> out;
  for (int64_t i = from; step > 0 ? i < to : i > to;) {
    out.push_back(static_cast<std::size_t>(i));
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return out;
}

}  // namespace

Value arithmetic(std::string_view op, const Value& a, const Value& b, int line) {
  int64_t i = 0;
  int64_t j = 0;
  double x = 0;
  double y = 0;
  if (op == "~") {
    std::string out = to_text(a);
    out += to_text(b);
    check_text_size(out.size());
    return out;
  }
  if (a.integer(i) && b.integer(j)) return whole_arithmetic(op, i, j, line);
  if (a.number(x) && b.number(y)) return real_arithmetic(op, x, y, line);
  if (op == "+" && a.text() != nullptr && b.text() != nullptr) {
    check_text_size(a.text()->size() + b.text()->size());
    return *a.text() + *b.text();
  }
  if (op == "+" && a.list() != nullptr && b.list() != nullptr) return joined(*a.list(), *b.list());
  if (op == "*" && a.text() != nullptr && b.integer(j)) return repeated(*a.text(), j);
  if (op == "*" && b.text() != nullptr && a.integer(i)) return repeated(*b.text(), i);
  if (op == "%" && a.text() != nullptr) {
    fail(ErrorKind::unsupported, "chat template line {}: formatting a text with % is not supported", line);
  }
  if (op == "*" && (a.list() != nullptr || b.list() != nullptr)) {
    fail(ErrorKind::unsupported, "chat template line {}: repeating a list is not supported", line);
  }
  wrong_types(op, a, b, line);
}

Value slice(const Value& object, const int64_t* begin, const int64_t* end, int64_t step, int line) {
  if (step == 0) fail(ErrorKind::invalid_data, "chat template line {}: a slice in steps of zero", line);
  if (const List* list = object.list()) {
    List out;
    for (const std::size_t i : positions(static_cast<int64_t>(list->items.size()), begin, end, step))
      out.items.push_back(list->items[i]);
    return out;
  }
  if (const std::string* text = object.text()) {
    const std::vector<std::string_view> all = characters(*text);
    std::string out;
    for (const std::size_t i : positions(static_cast<int64_t>(all.size()), begin, end, step)) out += all[i];
    return out;
  }
  fail(ErrorKind::invalid_data, "chat template line {}: a slice of a {} (expected a list or text)", line, object.type_name());
}

}  // namespace ifm::jinja
