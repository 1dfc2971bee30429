#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inferometer/text/jinja_ast.h"
#include "inferometer/text/jinja_lexer.h"

namespace ifm::jinja {

/// Walks over a template's tokens and parses its expressions, by recursive descent with Jinja's precedences.
/// Source: jinja2 3.1 parser.py, whose grammar it follows.
class ExpressionParser {
 public:
  explicit ExpressionParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  /// An expression with `x if y else z`.
  ExprPtr expression();
  /// The same without the conditional: what stands after `in` of a loop, whose `if` is its own.
  ExprPtr expression_without_conditional();
  /// Filters behind a statement, as in {% set x | trim %}; null when there are none.
  ExprPtr filters_of_nothing();

  [[nodiscard]] const Token& peek(std::size_t ahead = 0) const;
  Token take();
  [[nodiscard]] bool is_symbol(std::string_view text) const;
  [[nodiscard]] bool is_name(std::string_view text) const;
  bool skip_symbol(std::string_view text);
  bool skip_name(std::string_view text);
  void expect_symbol(std::string_view text);
  void expect_kind(TokenKind kind, std::string_view what);
  std::string expect_name();
  [[noreturn]] void syntax(std::string_view expected) const;
  [[noreturn]] void unsupported(std::string_view what, std::string_view name) const;

 private:
  using Operators = std::initializer_list<std::string_view>;
  class DepthGuard;

  ExprPtr logical_or();
  ExprPtr logical_and();
  ExprPtr logical_not();
  ExprPtr comparison();
  ExprPtr sum();
  ExprPtr concatenation();
  ExprPtr product();
  ExprPtr power();
  ExprPtr unary(bool with_filters);
  ExprPtr primary();
  ExprPtr name_or_constant();
  ExprPtr string_literal();
  ExprPtr parenthesized();
  ExprPtr list();
  ExprPtr dict();
  ExprPtr postfix(ExprPtr expr);
  ExprPtr subscript(ExprPtr object);
  ExprPtr filters_and_tests(ExprPtr expr);
  ExprPtr filter(ExprPtr operand);
  ExprPtr test(ExprPtr operand);
  void arguments(Expr& call);
  ExprPtr binary(ExprPtr (ExpressionParser::*operand)(), Operators operators);
  [[nodiscard]] ExprPtr make(ExprKind kind, std::string text = {}) const;

  std::vector<Token> tokens_;
  std::size_t position_ = 0;
  int depth_ = 0;
};

}  // namespace ifm::jinja
