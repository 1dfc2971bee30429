#include "inferometer/text/jinja_lexer.h"

#include <algorithm>
#include <charconv>

#include "inferometer/base/error.h"
#include "inferometer/format/quote.h"
#include "inferometer/text/jinja_value.h"
#include "inferometer/text/utf8.h"

namespace ifm::jinja {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/// Line ends become "\n", and one at the very end goes.
std::string normalize_lines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out += source[i];
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalize_lines(source)) {}

  std::vector<Token> run() {
    while (position_ < source_.size()) {
      const std::size_t tag = next_tag();
      take_data(tag);
      if (tag < source_.size()) take_tag();
    }
    add(TokenKind::end, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void syntax(std::string_view what) const {
    fail(ErrorKind::invalid_data, "chat template line {}: {}", line_, what);
  }

  void add(TokenKind kind, std::string_view text) { tokens_.push_back({kind, std::string(text), line_}); }

  [[nodiscard]] bool at(std::string_view text) const { return std::string_view(source_).substr(position_, text.size()) == text; }

  void advance(std::size_t size) {
    const auto begin = source_.begin() + static_cast<std::ptrdiff_t>(position_);
    line_ += static_cast<int>(std::count(begin, begin + static_cast<std::ptrdiff_t>(size), '\n'));
    position_ += size;
    if (size > 0) line_starting_ = source_[position_ - 1] == '\n';
  }

  [[nodiscard]] std::size_t next_tag() const {
    for (std::size_t i = position_; i + 1 < source_.size(); ++i) {
      if (source_[i] == '{' && (source_[i + 1] == '{' || source_[i + 1] == '%' || source_[i + 1] == '#')) return i;
    }
    return source_.size();
  }

  void take_data(std::size_t tag) {
    const std::string_view all = source_;
    std::string_view text = all.substr(position_, tag - position_);
    const char sign = tag + 2 < all.size() ? all[tag + 2] : '\0';
    if (tag < all.size() && sign == '-') {
      text = strip(text, Side::right);
    } else if (tag < all.size() && sign != '+' && all[tag + 1] != '{') {
      const std::size_t newline = text.rfind('\n');
      const std::size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
      if ((line_begin > 0 || line_starting_) && strip(text.substr(line_begin), Side::right).empty())
        text = text.substr(0, line_begin);
    }
    if (!text.empty()) add(TokenKind::data, text);
    advance(tag - position_);
  }

  void skip_spaces() {
    const std::string_view rest = std::string_view(source_).substr(position_);
    advance(rest.size() - strip(rest, Side::left).size());
  }

  void take_tag() {
    const char kind = source_[position_ + 1];
    if (kind == '#') {
      take_comment();
      return;
    }
    const bool block = kind == '%';
    add(block ? TokenKind::block_begin : TokenKind::variable_begin, "");
    advance(2);
    if (at("-") || at("+")) advance(1);
    while (!take_end(block)) take_token();
  }

  void take_comment() {
    advance(2);
    if (at("-") || at("+")) advance(1);
    const std::size_t end = source_.find("#}", position_);
    if (end == std::string::npos) syntax("a comment is not closed");
    const char sign = end > position_ ? source_[end - 1] : '\0';
    advance(end + 2 - position_);
    after_tag(sign, true);
  }

  void after_tag(char sign, bool trims) {
    if (sign == '-') {
      skip_spaces();
    } else if (trims && sign != '+' && at("\n")) {
      advance(1);
    }
  }

  /// The end of the tag, if it is here.
  bool take_end(bool block) {
    skip_spaces();
    if (position_ >= source_.size()) syntax("a tag is not closed");
    if (!open_.empty()) return false;
    const std::string_view close = block ? "%}" : "}}";
    const bool signed_end = (at("-") || (block && at("+"))) && std::string_view(source_).substr(position_ + 1, 2) == close;
    if (!signed_end && !at(close)) return false;
    const char sign = signed_end ? source_[position_] : '\0';
    add(block ? TokenKind::block_end : TokenKind::variable_end, "");
    advance(signed_end ? 3 : 2);
    after_tag(sign, block);
    return true;
  }

  void take_token() {
    const char c = source_[position_];
    if (is_name_start(c)) {
      take_name();
    } else if (is_digit(c)) {
      take_number();
    } else if (c == '"' || c == '\'') {
      take_string(c);
    } else {
      take_symbol();
    }
  }

  void take_name() {
    std::size_t end = position_;
    while (end < source_.size() && (is_name_start(source_[end]) || is_digit(source_[end]))) ++end;
    const std::string name = source_.substr(position_, end - position_);
    if (name == "raw" && !tokens_.empty() && tokens_.back().kind == TokenKind::block_begin) {
      fail(ErrorKind::unsupported, "chat template line {}: the statement \"raw\" is not supported", line_);
    }
    add(TokenKind::name, name);
    advance(end - position_);
  }

  void take_number() {
    std::size_t end = position_;
    const auto digits = [&] {
      while (end < source_.size() && is_digit(source_[end])) ++end;
    };
    digits();
    bool decimal = false;
    if (end + 1 < source_.size() && source_[end] == '.' && is_digit(source_[end + 1])) {
      decimal = true;
      ++end;
      digits();
    }
    if (end < source_.size() && (is_name_start(source_[end]))) {
      fail(ErrorKind::unsupported, "chat template line {}: a number like {} is not supported (expected decimal digits)", line_,
           quote(source_.substr(position_, end + 1 - position_)));
    }
    add(decimal ? TokenKind::decimal : TokenKind::integer, source_.substr(position_, end - position_));
    advance(end - position_);
  }

  void take_string(char quote_char) {
    std::size_t end = position_ + 1;
    while (end < source_.size() && source_[end] != quote_char) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) syntax("a string is not closed");
    const std::string raw = source_.substr(position_ + 1, end - position_ - 1);
    add(TokenKind::string, unescape(raw));
    advance(end + 1 - position_);
  }

  [[nodiscard]] std::string unescape(const std::string& raw) const {
    std::string out;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] != '\\' || i + 1 >= raw.size()) {
        out += raw[i];
        continue;
      }
      const char c = raw[++i];
      constexpr std::string_view from = "ntr\\'\"abfv";
      constexpr std::string_view to = "\n\t\r\\'\"\a\b\f\v";
      const std::size_t simple = from.find(c);
      if (simple != std::string_view::npos) {
        out += to[simple];
      } else if (c == 'x' || c == 'u' || c == 'U') {
        const std::size_t digits = c == 'x' ? 2 : (c == 'u' ? 4 : 8);
        append_utf8(out, code_point(raw, i + 1, digits));
        i += digits;
      } else if (is_digit(c) || c == 'N') {
        fail(ErrorKind::unsupported, "chat template line {}: the escape \\{} in a string is not supported", line_, c);
      } else if (c != '\n') {
        out += '\\';
        out += c;
      }
    }
    return out;
  }

  [[nodiscard]] char32_t code_point(const std::string& raw, std::size_t begin, std::size_t digits) const {
    uint32_t code = 0;
    const std::size_t end = std::min(raw.size(), begin + digits);
    const auto [stop, error] = std::from_chars(raw.data() + begin, raw.data() + end, code, 16);
    if (error != std::errc() || stop != raw.data() + begin + digits) syntax("an escape in a string lacks hexadecimal digits");
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) syntax("an escape in a string names no character");
    return code;
  }

  void take_symbol() {
    constexpr std::string_view symbols[] = {"**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
                                            "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};
    for (const std::string_view symbol : symbols) {
      if (!at(symbol)) continue;
      balance(symbol[0]);
      add(TokenKind::symbol, symbol);
      advance(symbol.size());
      return;
    }
    syntax(fmt::format("the character {} is not expected here", quote(std::string_view(source_).substr(position_, 1))));
  }

  void balance(char c) {
    if (c == '(' || c == '[' || c == '{') open_ += c;
    if (c != ')' && c != ']' && c != '}') return;
    const char expected = c == ')' ? '(' : (c == ']' ? '[' : '{');
    if (open_.empty() || open_.back() != expected) syntax(fmt::format("a \"{}\" closes nothing", c));
    open_.pop_back();
  }

  std::string source_;
  std::size_t position_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::string open_;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) { return Lexer(source).run(); }

}  // namespace ifm::jinja
