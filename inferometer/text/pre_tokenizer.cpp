#include "inferometer/text/pre_tokenizer.h"

#include "inferometer/base/check.h"
#include "inferometer/text/unicode_class.h"
#include "inferometer/text/utf8.h"

namespace ifm {
namespace {

constexpr char32_t kLongS = 0x17F;  // the one other character that "s" matches regardless of case

/// The character at a position as a pattern sees it; size 0 at the end of what the pattern may see.
struct Seen {
  char32_t code = 0;
  std::size_t size = 0;
  UnicodeClass kind = UnicodeClass::other;
  [[nodiscard]] bool is_newline() const { return size > 0 && (code == '\r' || code == '\n'); }
  [[nodiscard]] bool is(UnicodeClass k) const { return size > 0 && kind == k; }
};

class Scanner {
 public:
  Scanner(PreTokenizerKind kind, std::string_view text) : kind_(kind), text_(text) {}

  [[nodiscard]] std::size_t word_end(std::size_t begin) const {
    switch (kind_) {
      case PreTokenizerKind::gpt2:
        return gpt2(begin);
      case PreTokenizerKind::smollm:
        return digit_size(begin) > 0 ? begin + digit_size(begin) : gpt2(begin);
      case PreTokenizerKind::llama3:
        return llama3(begin, 3);
      case PreTokenizerKind::qwen2:
        return llama3(begin, 1);
    }
    IFM_CHECK(false);
    return begin;
  }

 private:
  [[nodiscard]] Seen at(std::size_t position) const {
    if (position >= text_.size()) return {};
    const Utf8Char c = decode_utf8(text_, position);
    UnicodeClass kind = unicode_class(c.code);
    if (kind_ == PreTokenizerKind::smollm && (kind == UnicodeClass::number || kind == UnicodeClass::late_digit)) return {};
    if (kind == UnicodeClass::late_digit) kind = UnicodeClass::other;
    return {c.code, c.size, kind};
  }

  [[nodiscard]] std::size_t digit_size(std::size_t position) const {
    const Utf8Char c = decode_utf8(text_, position);
    const UnicodeClass kind = unicode_class(c.code);
    return kind == UnicodeClass::number || kind == UnicodeClass::late_digit ? c.size : 0;
  }

  [[nodiscard]] std::size_t run_end(std::size_t position, UnicodeClass kind) const {
    for (Seen c = at(position); c.is(kind); c = at(position)) position += c.size;
    return position;
  }

  /// `'s|'t|'re|'ve|'m|'ll|'d` at an apostrophe; 0 when it is none of them.
  [[nodiscard]] std::size_t contraction_size(std::size_t begin, bool any_case) const {
    const auto lower = [any_case](char32_t c) -> char32_t {
      if (!any_case) return c;
      return c == kLongS ? U's' : (c >= 'A' && c <= 'Z' ? c + 32 : c);
    };
    const Seen first = at(begin + 1);
    if (first.size == 0) return 0;
    const char32_t a = lower(first.code);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 1 + first.size;
    const Seen second = at(begin + 1 + first.size);
    if (second.size == 0) return 0;
    const char32_t b = lower(second.code);
    const bool two = (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l');
    return two ? 1 + first.size + second.size : 0;
  }

  /// `\s+(?!\S)|\s+`: leaves the last space to the word that follows, unless it is the only one.
  [[nodiscard]] std::size_t spaces(std::size_t begin) const {
    std::size_t last = begin;
    std::size_t position = begin;
    for (Seen c = at(position); c.is(UnicodeClass::space); c = at(position)) {
      last = position;
      position += c.size;
    }
    return at(position).size == 0 || last == begin ? position : last;
  }

  [[nodiscard]] std::size_t gpt2(std::size_t begin) const {
    const Seen first = at(begin);
    if (first.code == '\'') {
      const std::size_t size = contraction_size(begin, false);
      if (size > 0) return begin + size;
    }
    if (first.kind != UnicodeClass::space) return run_end(begin, first.kind);
    if (first.code == ' ') {
      const Seen second = at(begin + 1);
      if (second.size > 0 && second.kind != UnicodeClass::space) return run_end(begin + 1, second.kind);
    }
    return spaces(begin);
  }

  [[nodiscard]] std::size_t llama3(std::size_t begin, int max_digits) const {
    const Seen first = at(begin);
    if (first.code == '\'') {
      const std::size_t size = contraction_size(begin, true);
      if (size > 0) return begin + size;
    }
    if (first.is(UnicodeClass::letter)) return run_end(begin, UnicodeClass::letter);
    if (first.is(UnicodeClass::number)) return number(begin, max_digits);
    const Seen second = at(begin + first.size);
    if (!first.is_newline() && second.is(UnicodeClass::letter)) return run_end(begin + first.size, UnicodeClass::letter);
    if (first.is(UnicodeClass::other)) return punctuation(begin);
    if (first.code == ' ' && second.is(UnicodeClass::other)) return punctuation(begin + first.size);
    return newlines_or_spaces(begin);
  }

  [[nodiscard]] std::size_t number(std::size_t position, int max_digits) const {
    for (int n = 0; n < max_digits && at(position).is(UnicodeClass::number); ++n) position += at(position).size;
    return position;
  }

  /// `[^\s\p{L}\p{N}]+[\r\n]*`
  [[nodiscard]] std::size_t punctuation(std::size_t begin) const {
    std::size_t position = run_end(begin, UnicodeClass::other);
    while (at(position).is_newline()) ++position;
    return position;
  }

  /// `\s*[\r\n]+|\s+(?!\S)|\s+`: up to the last line end of the run, if it has one.
  [[nodiscard]] std::size_t newlines_or_spaces(std::size_t begin) const {
    std::size_t after_newline = begin;
    std::size_t position = begin;
    for (Seen c = at(position); c.is(UnicodeClass::space); c = at(position)) {
      position += c.size;
      if (c.is_newline()) after_newline = position;
    }
    return after_newline > begin ? after_newline : spaces(begin);
  }

  PreTokenizerKind kind_;
  std::string_view text_;
};

}  // namespace

const std::string_view kLlama3Pattern =
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";
const std::string_view kQwen2Pattern =
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";

std::string_view to_string(PreTokenizerKind kind) {
  switch (kind) {
    case PreTokenizerKind::gpt2:
      return "gpt2";
    case PreTokenizerKind::smollm:
      return "smollm";
    case PreTokenizerKind::llama3:
      return "llama3";
    case PreTokenizerKind::qwen2:
      return "qwen2";
  }
  return "?";
}

std::size_t next_word(PreTokenizerKind kind, std::string_view text, std::size_t begin) {
  return Scanner(kind, text).word_end(begin);
}

}  // namespace ifm
