#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ifm::jinja {

enum class TokenKind : uint8_t {
  data,
  block_begin,
  block_end,
  variable_begin,
  variable_end,
  name,
  string,
  integer,
  decimal,
  symbol,
  end
};

/// One token; `text` is a string's value, a name, an operator or the text between tags.
struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;
  int line = 0;
};

/// Cuts a template into tokens with white space control as Hugging Face sets it: trim_blocks, lstrip_blocks, and one line end at
/// the end of the template dropped. Source: jinja2 3.1 lexer.py, whose rules it follows.
/// @throws Error invalid_data with the line, unsupported for raw blocks.
[[nodiscard]] std::vector<Token> tokenize(std::string_view source);

}  // namespace ifm::jinja
