#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "inferometer/base/error.h"
#include "inferometer/format/quote.h"
#include "inferometer/text/jinja_builtins.h"

namespace ifm::jinja {
namespace {

constexpr int64_t kMaxRange = 100'000;  // jinja2's sandbox has the same

constexpr std::array<std::string_view, 12> kMonths = {"January", "February", "March",     "April",   "May",      "June",
                                                      "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kWeekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};

Value range(const Arguments& a) {
  if (a.positional.empty()) fail(ErrorKind::invalid_data, "chat template line {}: range needs its end", a.line);
  const bool one = a.positional.size() == 1;
  const int64_t begin = one ? 0 : a.integer(0, "", 0);
  const int64_t end = a.integer(one ? 0 : 1, "", 0);
  const int64_t step = a.integer(2, "", 1);
  if (step == 0) fail(ErrorKind::invalid_data, "chat template line {}: range in steps of zero", a.line);
  List out;
  for (int64_t i = begin; step > 0 ? i < end : i > end;) {
    out.items.emplace_back(i);
    if (static_cast<int64_t>(out.items.size()) > kMaxRange) {
      fail(ErrorKind::resource, "chat template line {}: range is too large (expected at most {} numbers)", a.line, kMaxRange);
    }
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return out;
}

Dict named_fields(const Arguments& a, std::string_view callee) {
  if (!a.positional.empty()) {
    fail(ErrorKind::unsupported, "chat template line {}: {} with positional arguments is not supported", a.line, callee);
  }
  Dict out;
  for (const auto& [name, value] : a.named) {
    check_storable(value);
    out.set(name, value);
  }
  return out;
}

struct Day {
  std::chrono::year_month_day date;
};

Day parse_day(std::string_view text, int line) {
  int day = 0;
  int year = 0;
  const std::size_t first = text.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : text.find(' ', first + 1);
  if (second != std::string_view::npos) {
    std::from_chars(text.data(), text.data() + first, day);
    std::from_chars(text.data() + second + 1, text.data() + text.size(), year);
    const std::string_view name = text.substr(first + 1, second - first - 1);
    for (unsigned month = 1; month <= kMonths.size(); ++month) {
      if (name != kMonths[month - 1].substr(0, 3) && name != kMonths[month - 1]) continue;
      const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                             std::chrono::day(static_cast<unsigned>(day))};
      if (date.ok() && year >= 1000 && year <= 9999) return {date};
    }
  }
  fail(ErrorKind::invalid_data, "chat template line {}: the date {} is not written like \"26 Jul 2024\"", line, quote(text));
}

}  // namespace

const Value* Arguments::find(std::size_t position, std::string_view name) const {
  if (position < positional.size()) return &positional[position];
  for (const auto& [key, value] : named) {
    if (key == name) return &value;
  }
  return nullptr;
}

void Arguments::expect_at_most(std::size_t count, std::string_view callee) const {
  if (positional.size() <= count) return;
  fail(ErrorKind::invalid_data, "chat template line {}: {} has too many arguments (expected at most {}, got {})", line,
       quote(callee), count, positional.size());
}

std::string Arguments::text(std::size_t position, std::string_view name, std::string_view callee) const {
  const Value* value = find(position, name);
  if (value == nullptr || value->text() == nullptr) {
    fail(ErrorKind::invalid_data, "chat template line {}: {} needs a text (got {})", line, callee,
         value == nullptr ? "nothing" : value->type_name());
  }
  return *value->text();
}

int64_t Arguments::integer(std::size_t position, std::string_view name, int64_t absent) const {
  const Value* value = find(position, name);
  if (value == nullptr) return absent;
  int64_t result = 0;
  if (!value->integer(result)) {
    fail(ErrorKind::invalid_data, "chat template line {}: an argument is of type {} (expected a whole number)", line,
         value->type_name());
  }
  return result;
}

bool Arguments::flag(std::size_t position, std::string_view name) const {
  const Value* value = find(position, name);
  return value != nullptr && value->truth();
}

bool has_function(std::string_view name) {
  return name == "range" || name == "namespace" || name == "dict" || name == "raise_exception" || name == "strftime_now";
}

Value call_function(std::string_view name, const Arguments& arguments) {
  if (name == "range") return range(arguments);
  if (name == "dict") return named_fields(arguments, name);
  if (name == "namespace") return Namespace{std::make_shared<Dict>(named_fields(arguments, name))};
  fail(ErrorKind::invalid_data, "chat template line {}: the template refuses: {}", arguments.line,
       quote(arguments.positional.empty() ? "" : to_text(arguments.positional[0])));
}

std::string format_date(std::string_view day, std::string_view format, int line) {
  const std::chrono::year_month_day date = parse_day(day, line).date;
  const unsigned month = static_cast<unsigned>(date.month()) - 1;
  const std::chrono::weekday weekday{std::chrono::sys_days(date)};
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 >= format.size()) {
      out += format[i];
      continue;
    }
    const char c = format[++i];
    if (c == 'd') {
      out += fmt::format("{:02}", static_cast<unsigned>(date.day()));
    } else if (c == 'm') {
      out += fmt::format("{:02}", month + 1);
    } else if (c == 'Y') {
      out += fmt::format("{}", static_cast<int>(date.year()));
    } else if (c == 'y') {
      out += fmt::format("{:02}", static_cast<int>(date.year()) % 100);
    } else if (c == 'B' || c == 'b') {
      out += c == 'B' ? kMonths[month] : kMonths[month].substr(0, 3);
    } else if (c == 'A' || c == 'a') {
      out += c == 'A' ? kWeekdays[weekday.c_encoding()] : kWeekdays[weekday.c_encoding()].substr(0, 3);
    } else if (c == 'H' || c == 'M' || c == 'S') {
      out += "00";
    } else if (c == '%') {
      out += '%';
    } else {
      fail(ErrorKind::unsupported, "chat template line {}: strftime_now with %{} is not supported", line, c);
    }
  }
  return out;
}

std::string change_case(std::string_view text, bool upper, int line) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) >= 0x80) {
      fail(ErrorKind::unsupported, "chat template line {}: upper or lower case of text that is not ASCII is not supported", line);
    }
    if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    if (!upper && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to, int64_t count) {
  std::string out;
  std::size_t begin = 0;
  int64_t left = count < 0 ? INT64_MAX : count;
  if (from.empty()) {  // between all characters, and at both ends
    for (const std::string_view c : characters(text)) {
      if (left-- > 0) out += to;
      out += c;
      check_text_size(out.size());
    }
    if (left > 0) out += to;
    return out;
  }
  for (; left > 0; --left) {
    const std::size_t at = text.find(from, begin);
    if (at == std::string_view::npos) break;
    out += text.substr(begin, at - begin);
    out += to;
    check_text_size(out.size());
    begin = at + from.size();
  }
  return out + std::string(text.substr(begin));
}

}  // namespace ifm::jinja
