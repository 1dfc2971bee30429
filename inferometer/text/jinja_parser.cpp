#include "inferometer/text/jinja_parser.h"

#include <algorithm>

#include "inferometer/base/error.h"
#include "inferometer/format/quote.h"
#include "inferometer/text/jinja_expression_parser.h"

namespace ifm::jinja {
namespace {

constexpr int kMaxDepth = 50;

class Parser {
 public:
  explicit Parser(std::string_view source) : in_(tokenize(source)) {}

  Body run() {
    Body body = statements({});
    if (in_.peek().kind != TokenKind::end) in_.syntax("a statement");
    return body;
  }

 private:
  using Names = std::vector<std::string_view>;

  /// Statements up to one of the given tags (its name is left to be read) or the end of the template.
  Body statements(const Names& ends) {
    if (++depth_ > kMaxDepth) {
      fail(ErrorKind::invalid_data, "chat template line {}: statements are nested deeper than {}", in_.peek().line, kMaxDepth);
    }
    Body body;
    while (in_.peek().kind != TokenKind::end) {
      const Token token = in_.take();
      if (token.kind == TokenKind::data) {
        body.push_back(make(StatementKind::text, token.line));
        body.back().text = token.text;
      } else if (token.kind == TokenKind::variable_begin) {
        body.push_back(make(StatementKind::output, token.line));
        body.back().expr = in_.expression();
        if (in_.is_symbol(",")) in_.unsupported("construct", "tuple");
        in_.expect_kind(TokenKind::variable_end, "\"}}\"");
      } else {
        const bool ends_here =
            in_.peek().kind == TokenKind::name && std::find(ends.begin(), ends.end(), in_.peek().text) != ends.end();
        if (ends_here) break;
        body.push_back(statement());
      }
    }
    --depth_;
    return body;
  }

  static Statement make(StatementKind kind, int line) {
    Statement statement;
    statement.kind = kind;
    statement.line = line;
    return statement;
  }

  Statement statement() {
    const int line = in_.peek().line;
    const Token tag = in_.peek();
    if (tag.kind != TokenKind::name) in_.syntax("a statement");
    if (tag.text == "if") return if_statement(line);
    if (tag.text == "for") return for_statement(line);
    if (tag.text == "set") return set_statement(line);
    if (tag.text == "macro") return macro_statement(line);
    if (tag.text == "generation") return generation(line);
    if ((tag.text == "break" || tag.text == "continue") && loops_ > 0) {
      in_.take();
      end_of_tag();
      return make(tag.text == "break" ? StatementKind::break_ : StatementKind::continue_, line);
    }
    constexpr std::string_view stray[] = {"else",     "elif",  "endif",    "endfor",       "endset",
                                          "endmacro", "break", "continue", "endgeneration"};
    if (std::find(std::begin(stray), std::end(stray), tag.text) != std::end(stray)) in_.syntax("another statement");
    in_.unsupported("statement", tag.text);
  }

  void end_of_tag() { in_.expect_kind(TokenKind::block_end, "\"%}\""); }

  void expect_end(std::string_view name) {
    if (!in_.skip_name(name)) in_.syntax(quote(name));
    end_of_tag();
  }

  Statement if_statement(int line) {
    Statement result = make(StatementKind::if_, line);
    in_.take();
    result.expr = in_.expression();
    end_of_tag();
    result.body = statements({"elif", "else", "endif"});
    if (in_.is_name("elif")) {
      if (++depth_ > kMaxDepth) fail(ErrorKind::invalid_data, "chat template line {}: more than {} times elif", line, kMaxDepth);
      result.else_body.push_back(if_statement(in_.peek().line));
      --depth_;
      return result;
    }
    if (in_.skip_name("else")) {
      end_of_tag();
      result.else_body = statements({"endif"});
    }
    expect_end("endif");
    return result;
  }

  Statement for_statement(int line) {
    Statement result = make(StatementKind::for_, line);
    in_.take();
    do {
      result.targets.push_back(in_.expect_name());
    } while (in_.skip_symbol(","));
    if (!in_.skip_name("in")) in_.syntax("\"in\"");
    result.expr = in_.expression_without_conditional();
    if (in_.is_symbol(",")) in_.unsupported("construct", "tuple");
    if (in_.skip_name("if")) result.condition = in_.expression();
    if (in_.is_name("recursive")) in_.unsupported("construct", "recursive loop");
    end_of_tag();
    ++loops_;
    result.body = statements({"else", "endfor"});
    --loops_;
    if (in_.skip_name("else")) {
      end_of_tag();
      result.else_body = statements({"endfor"});
    }
    expect_end("endfor");
    return result;
  }

  Statement set_statement(int line) {
    Statement result = make(StatementKind::set, line);
    in_.take();
    do {
      result.targets.push_back(in_.expect_name());
    } while (in_.skip_symbol(","));
    if (result.targets.size() == 1 && in_.skip_symbol(".")) {
      result.kind = StatementKind::set_field;
      result.text = in_.expect_name();
    }
    if (in_.skip_symbol("=")) {
      result.expr = in_.expression();
      if (in_.is_symbol(",")) in_.unsupported("construct", "tuple");
      end_of_tag();
      return result;
    }
    if (result.kind != StatementKind::set || result.targets.size() != 1) in_.syntax("\"=\"");
    result.kind = StatementKind::set_block;
    result.expr = in_.filters_of_nothing();
    end_of_tag();
    result.body = statements({"endset"});
    expect_end("endset");
    return result;
  }

  Statement macro_statement(int line) {
    Statement result = make(StatementKind::macro, line);
    if (depth_ > 1 && loops_ + macros_ > 0) in_.unsupported("construct", "macro inside a loop or macro");
    in_.take();
    result.text = in_.expect_name();
    in_.expect_symbol("(");
    while (!in_.is_symbol(")")) {
      std::string name = in_.expect_name();
      ExprPtr value = in_.skip_symbol("=") ? in_.expression() : nullptr;
      if (value == nullptr && !result.parameters.empty() && result.parameters.back().second != nullptr)
        in_.syntax("a default value");
      result.parameters.emplace_back(std::move(name), std::move(value));
      if (!in_.skip_symbol(",")) break;
    }
    in_.expect_symbol(")");
    end_of_tag();
    const int outer_loops = std::exchange(loops_, 0);
    ++macros_;
    result.body = statements({"endmacro"});
    --macros_;
    loops_ = outer_loops;
    expect_end("endmacro");
    return result;
  }

  /// Hugging Face's extension that marks what the assistant said: only its content matters here.
  Statement generation(int line) {
    Statement result = make(StatementKind::scope, line);
    in_.take();
    end_of_tag();
    const int outer_loops = std::exchange(loops_, 0);
    result.body = statements({"endgeneration"});
    loops_ = outer_loops;
    expect_end("endgeneration");
    return result;
  }

  ExpressionParser in_;
  int depth_ = 0;
  int loops_ = 0;
  int macros_ = 0;
};

}  // namespace

Body parse(std::string_view source) { return Parser(source).run(); }

}  // namespace ifm::jinja
