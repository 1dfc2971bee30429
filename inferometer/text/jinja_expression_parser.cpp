#include "inferometer/text/jinja_expression_parser.h"

#include <charconv>
#include <locale>
#include <sstream>

#include "inferometer/base/error.h"
#include "inferometer/format/quote.h"
#include "inferometer/text/jinja_builtins.h"

namespace ifm::jinja {
namespace {

constexpr int kMaxDepth = 100;

/// False when it does not fit.
bool parse_integer(const std::string& text, int64_t& value) {
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
}

/// By a stream: Apple's from_chars knows no floating-point numbers.
bool parse_decimal(const std::string& text, double& value) {
  std::istringstream in(text);
  in.imbue(std::locale::classic());
  return static_cast<bool>(in >> value);
}

}  // namespace

/// Counts how deep expressions are nested, so that a hostile template cannot exhaust the stack.
class ExpressionParser::DepthGuard {
 public:
  explicit DepthGuard(ExpressionParser& parser) : parser_(parser) {
    if (++parser_.depth_ > kMaxDepth) {
      fail(ErrorKind::invalid_data, "chat template line {}: expressions are nested deeper than {}", parser_.peek().line,
           kMaxDepth);
    }
  }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;
  ~DepthGuard() { --parser_.depth_; }

 private:
  ExpressionParser& parser_;
};

const Token& ExpressionParser::peek(std::size_t ahead) const {
  return position_ + ahead < tokens_.size() ? tokens_[position_ + ahead] : tokens_.back();
}

Token ExpressionParser::take() {
  Token token = peek();
  if (position_ + 1 < tokens_.size()) ++position_;
  return token;
}

bool ExpressionParser::is_symbol(std::string_view text) const { return peek().kind == TokenKind::symbol && peek().text == text; }
bool ExpressionParser::is_name(std::string_view text) const { return peek().kind == TokenKind::name && peek().text == text; }

bool ExpressionParser::skip_symbol(std::string_view text) {
  if (!is_symbol(text)) return false;
  take();
  return true;
}

bool ExpressionParser::skip_name(std::string_view text) {
  if (!is_name(text)) return false;
  take();
  return true;
}

void ExpressionParser::expect_symbol(std::string_view text) {
  if (!skip_symbol(text)) syntax(quote(text));
}

void ExpressionParser::expect_kind(TokenKind kind, std::string_view what) {
  if (peek().kind != kind) syntax(what);
  take();
}

std::string ExpressionParser::expect_name() {
  if (peek().kind != TokenKind::name) syntax("a name");
  return take().text;
}

void ExpressionParser::syntax(std::string_view expected) const {
  const Token& token = peek();
  std::string got = token.text.empty() ? "the end of the tag" : quote(token.text);
  if (token.kind == TokenKind::end) got = "the end of the template";
  fail(ErrorKind::invalid_data, "chat template line {}: syntax (expected {}, got {})", token.line, expected, got);
}

void ExpressionParser::unsupported(std::string_view what, std::string_view name) const {
  fail(ErrorKind::unsupported, "chat template line {}: the {} {} is not supported", peek().line, what, quote(name));
}

ExprPtr ExpressionParser::make(ExprKind kind, std::string text) const {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->line = peek().line;
  expr->text = std::move(text);
  return expr;
}

ExprPtr ExpressionParser::expression() {
  const DepthGuard guard(*this);
  ExprPtr value = logical_or();
  while (is_name("if")) {
    ExprPtr conditional = make(ExprKind::conditional);
    take();
    conditional->parts.push_back(logical_or());
    conditional->parts.push_back(std::move(value));
    conditional->parts.push_back(skip_name("else") ? expression() : nullptr);
    value = std::move(conditional);
  }
  return value;
}

ExprPtr ExpressionParser::expression_without_conditional() { return logical_or(); }

ExprPtr ExpressionParser::binary(ExprPtr (ExpressionParser::*operand)(), Operators operators) {
  ExprPtr left = (this->*operand)();
  int chained = 0;
  while (true) {
    std::string_view found;
    for (const std::string_view op : operators) {
      if (is_symbol(op) || is_name(op)) found = op;
    }
    if (found.empty()) return left;
    if (++chained > kMaxDepth)
      fail(ErrorKind::invalid_data, "chat template line {}: more than {} operands in a row", peek().line, kMaxDepth);
    ExprPtr both = make(ExprKind::binary, std::string(found));
    take();
    both->parts.push_back(std::move(left));
    both->parts.push_back((this->*operand)());
    left = std::move(both);
  }
}

ExprPtr ExpressionParser::logical_or() { return binary(&ExpressionParser::logical_and, {"or"}); }
ExprPtr ExpressionParser::logical_and() { return binary(&ExpressionParser::logical_not, {"and"}); }

ExprPtr ExpressionParser::logical_not() {
  const DepthGuard guard(*this);
  if (!is_name("not")) return comparison();
  ExprPtr expr = make(ExprKind::logical_not);
  take();
  expr->parts.push_back(logical_not());
  return expr;
}

ExprPtr ExpressionParser::comparison() {
  ExprPtr first = sum();
  ExprPtr chain = make(ExprKind::comparison);
  chain->parts.push_back(nullptr);
  while (true) {
    std::string op;
    for (const std::string_view symbol : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (op.empty() && is_symbol(symbol)) op = symbol;
    }
    if (is_name("in")) op = "in";
    if (is_name("not") && peek(1).kind == TokenKind::name && peek(1).text == "in") {
      take();
      op = "not in";
    }
    if (op.empty()) break;
    take();
    chain->named.emplace_back(op, sum());
  }
  if (chain->named.empty()) return first;
  chain->parts[0] = std::move(first);
  return chain;
}

ExprPtr ExpressionParser::sum() { return binary(&ExpressionParser::concatenation, {"+", "-"}); }
ExprPtr ExpressionParser::concatenation() { return binary(&ExpressionParser::product, {"~"}); }
ExprPtr ExpressionParser::product() { return binary(&ExpressionParser::power, {"*", "/", "//", "%"}); }

ExprPtr ExpressionParser::power() {
  ExprPtr base = unary(true);
  if (is_symbol("**")) unsupported("operator", "**");
  return base;
}

ExprPtr ExpressionParser::unary(bool with_filters) {
  const DepthGuard guard(*this);
  ExprPtr expr;
  if (is_symbol("-") || is_symbol("+")) {
    expr = make(ExprKind::unary, peek().text);
    take();
    expr->parts.push_back(unary(false));
  } else {
    expr = primary();
  }
  expr = postfix(std::move(expr));
  return with_filters ? filters_and_tests(std::move(expr)) : std::move(expr);
}

ExprPtr ExpressionParser::primary() {
  switch (peek().kind) {
    case TokenKind::name:
      return name_or_constant();
    case TokenKind::string:
      return string_literal();
    case TokenKind::integer:
    case TokenKind::decimal: {
      ExprPtr expr = make(ExprKind::literal);
      const Token token = take();
      int64_t whole = 0;
      double number = 0;
      const bool decimal = token.kind == TokenKind::decimal;
      if (decimal ? !parse_decimal(token.text, number) : !parse_integer(token.text, whole))
        fail(ErrorKind::unsupported, "chat template line {}: the number {} is too large", token.line, quote(token.text));
      expr->value = decimal ? Value(number) : Value(whole);
      return expr;
    }
    default:
      break;
  }
  if (is_symbol("(")) return parenthesized();
  if (is_symbol("[")) return list();
  if (is_symbol("{")) return dict();
  syntax("an expression");
}

ExprPtr ExpressionParser::name_or_constant() {
  const std::string name = peek().text;
  ExprPtr expr = make(ExprKind::literal);
  take();
  if (name == "true" || name == "True") {
    expr->value = true;
  } else if (name == "false" || name == "False") {
    expr->value = false;
  } else if (name == "none" || name == "None") {
    expr->value = None{};
  } else {
    expr->kind = ExprKind::name;
    expr->text = name;
  }
  return expr;
}

ExprPtr ExpressionParser::string_literal() {
  ExprPtr expr = make(ExprKind::literal);
  std::string text;
  while (peek().kind == TokenKind::string) text += take().text;
  expr->value = std::move(text);
  return expr;
}

ExprPtr ExpressionParser::parenthesized() {
  take();
  if (is_symbol(")")) unsupported("construct", "tuple");
  ExprPtr expr = expression();
  if (is_symbol(",")) unsupported("construct", "tuple");
  expect_symbol(")");
  return expr;
}

ExprPtr ExpressionParser::list() {
  ExprPtr expr = make(ExprKind::list);
  take();
  while (!is_symbol("]")) {
    expr->parts.push_back(expression());
    if (!skip_symbol(",")) break;
  }
  expect_symbol("]");
  return expr;
}

ExprPtr ExpressionParser::dict() {
  ExprPtr expr = make(ExprKind::dict);
  take();
  while (!is_symbol("}")) {
    if (peek().kind != TokenKind::string) unsupported("construct", "dictionary with keys that are no string literals");
    std::string key = take().text;
    expect_symbol(":");
    expr->named.emplace_back(std::move(key), expression());
    if (!skip_symbol(",")) break;
  }
  expect_symbol("}");
  return expr;
}

ExprPtr ExpressionParser::postfix(ExprPtr expr) {
  for (int chained = 0;; ++chained) {
    if (chained > kMaxDepth)
      fail(ErrorKind::invalid_data, "chat template line {}: more than {} calls or items in a row", peek().line, kMaxDepth);
    if (is_symbol(".")) {
      take();
      ExprPtr attribute = make(ExprKind::attribute);
      if (peek().kind == TokenKind::integer) unsupported("construct", "item by number after a dot");
      attribute->text = expect_name();
      attribute->parts.push_back(std::move(expr));
      expr = std::move(attribute);
    } else if (is_symbol("[")) {
      expr = subscript(std::move(expr));
    } else if (is_symbol("(")) {
      ExprPtr call = make(ExprKind::call);
      call->parts.push_back(std::move(expr));
      arguments(*call);
      expr = std::move(call);
    } else {
      return expr;
    }
  }
}

ExprPtr ExpressionParser::subscript(ExprPtr object) {
  ExprPtr expr = make(ExprKind::item);
  take();
  expr->parts.push_back(std::move(object));
  const auto at_end_of_part = [this] { return is_symbol(":") || is_symbol("]"); };
  expr->parts.push_back(at_end_of_part() ? nullptr : expression());
  while (skip_symbol(":")) {
    expr->kind = ExprKind::slice;
    expr->parts.push_back(at_end_of_part() ? nullptr : expression());
  }
  if (expr->kind == ExprKind::slice) {
    if (expr->parts.size() > 4) syntax("\"]\"");
    expr->parts.resize(4);
  } else if (expr->parts[1] == nullptr) {
    syntax("an expression");
  }
  expect_symbol("]");
  return expr;
}

void ExpressionParser::arguments(Expr& call) {
  expect_symbol("(");
  while (!is_symbol(")")) {
    if (is_symbol("*") || is_symbol("**")) unsupported("construct", "call with * or **");
    if (peek().kind == TokenKind::name && peek(1).kind == TokenKind::symbol && peek(1).text == "=") {
      std::string name = take().text;
      take();
      call.named.emplace_back(std::move(name), expression());
    } else {
      if (!call.named.empty()) syntax("a named argument");
      call.parts.push_back(expression());
    }
    if (!skip_symbol(",")) break;
  }
  expect_symbol(")");
}

ExprPtr ExpressionParser::filters_and_tests(ExprPtr expr) {
  for (int chained = 0;; ++chained) {
    if (chained > kMaxDepth)
      fail(ErrorKind::invalid_data, "chat template line {}: more than {} filters in a row", peek().line, kMaxDepth);
    if (is_symbol("|")) {
      expr = filter(std::move(expr));
    } else if (is_name("is")) {
      expr = test(std::move(expr));
    } else if (is_symbol("(")) {  // the result of a filter is called
      ExprPtr call = make(ExprKind::call);
      call->parts.push_back(std::move(expr));
      arguments(*call);
      expr = std::move(call);
    } else {
      return expr;
    }
  }
}

ExprPtr ExpressionParser::filter(ExprPtr operand) {
  ExprPtr expr = make(ExprKind::filter);
  take();
  if (!has_filter(peek().text)) unsupported("filter", peek().text);
  expr->text = expect_name();
  expr->parts.push_back(std::move(operand));
  if (is_symbol("(")) arguments(*expr);
  return expr;
}

ExprPtr ExpressionParser::filters_of_nothing() {
  ExprPtr expr;
  while (is_symbol("|")) expr = filter(std::move(expr));
  return expr;
}

ExprPtr ExpressionParser::test(ExprPtr operand) {
  ExprPtr expr = make(ExprKind::test);
  take();
  const bool negated = skip_name("not");
  if (!has_test(peek().text)) unsupported("test", peek().text);
  expr->text = expect_name();
  expr->parts.push_back(std::move(operand));
  const TokenKind kind = peek().kind;
  const bool argument_name = kind == TokenKind::name && !is_name("else") && !is_name("or") && !is_name("and") && !is_name("if") &&
                             !is_name("is") && !is_name("in") && !is_name("not");
  if (is_symbol("(")) {
    arguments(*expr);
  } else if (argument_name || kind == TokenKind::string || kind == TokenKind::integer || kind == TokenKind::decimal ||
             is_symbol("[") || is_symbol("{")) {
    expr->parts.push_back(postfix(primary()));
  }
  if (!negated) return expr;
  ExprPtr inverted = make(ExprKind::logical_not);
  inverted->parts.push_back(std::move(expr));
  return inverted;
}

}  // namespace ifm::jinja
