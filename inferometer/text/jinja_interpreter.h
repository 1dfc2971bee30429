#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "inferometer/text/jinja_ast.h"
#include "inferometer/text/jinja_builtins.h"

namespace ifm::jinja {

/// Runs a parsed template once. Steps, output and nesting are capped, so it ends whatever the template says (FAULTS 32).
class Interpreter {
 public:
  /// day: what strftime_now writes, as "26 Jul 2024".
  Interpreter(const Dict& variables, std::string day);
  /// @throws Error invalid_data, unsupported, resource; with the line where one is known.
  [[nodiscard]] std::string run(const Body& body);

 private:
  struct Scope {
    std::map<std::string, Value, std::less<>> variables;
    Scope* parent = nullptr;
  };
  enum class Flow { normal, break_, continue_ };
  class DepthGuard;

  Flow execute(const Body& body, Scope& scope, std::string& out);
  Flow execute(const Statement& statement, Scope& scope, std::string& out);
  Flow execute_loop(const Statement& loop, Scope& scope, std::string& out);
  void set(const Statement& statement, Scope& scope);
  void set_field(const Statement& statement, Scope& scope);
  void set_block(const Statement& statement, Scope& scope);
  void write(std::string& out, std::string_view text);

  Value evaluate(const Expr& expr, Scope& scope);
  Value evaluate_name(const Expr& expr, const Scope& scope) const;
  Value evaluate_binary(const Expr& expr, Scope& scope);
  Value evaluate_unary(const Expr& expr, Scope& scope);
  Value evaluate_comparison(const Expr& expr, Scope& scope);
  Value evaluate_slice(const Expr& expr, Scope& scope);
  Value evaluate_filter(const Expr& expr, Scope& scope, const Value* operand);
  Value evaluate_call(const Expr& expr, Scope& scope);
  Value call_macro(const Statement& macro, const Arguments& arguments);
  Arguments arguments_of(const Expr& call, Scope& scope);
  void charge(std::size_t steps, int line);

  std::string day_;
  Scope globals_;
  std::size_t steps_ = 0;
  int depth_ = 0;
};

/// `+ - * / // % ~` with Python's meaning. @throws Error invalid_data for types that do not fit, resource for what grows too
/// large.
[[nodiscard]] Value arithmetic(std::string_view op, const Value& a, const Value& b, int line);
/// Python's `object[begin:end:step]`; a null pointer is a part that is not given. @throws Error invalid_data.
[[nodiscard]] Value slice(const Value& object, const int64_t* begin, const int64_t* end, int64_t step, int line);

}  // namespace ifm::jinja
