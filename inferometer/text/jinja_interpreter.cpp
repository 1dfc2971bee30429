#include "inferometer/text/jinja_interpreter.h"

#include <algorithm>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"
#include "inferometer/format/quote.h"

namespace ifm::jinja {
namespace {

constexpr std::size_t kMaxSteps = 5'000'000;
constexpr int kMaxDepth = 300;

Dict loop_fields(const std::vector<Value>& items, std::size_t i) {
  const auto index = static_cast<int64_t>(i);
  const auto size = static_cast<int64_t>(items.size());
  Dict loop;
  loop.items = {{"index", index + 1},  {"index0", index},           {"revindex", size - index}, {"revindex0", size - index - 1},
                {"first", i == 0},     {"last", index + 1 == size}, {"length", size},           {"depth", int64_t{1}},
                {"depth0", int64_t{0}}};
  if (i > 0) loop.items.emplace_back("previtem", items[i - 1]);
  if (i + 1 < items.size()) loop.items.emplace_back("nextitem", items[i + 1]);
  return loop;
}

}  // namespace

/// Counts how deep evaluation and macro calls are nested.
class Interpreter::DepthGuard {
 public:
  DepthGuard(Interpreter& interpreter, int line) : interpreter_(interpreter) {
    if (++interpreter_.depth_ > kMaxDepth) {
      fail(ErrorKind::resource, "chat template line {}: calls are nested deeper than {}", line, kMaxDepth);
    }
  }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;
  ~DepthGuard() { --interpreter_.depth_; }

 private:
  Interpreter& interpreter_;
};

Interpreter::Interpreter(const Dict& variables, std::string day) : day_(std::move(day)) {
  for (const auto& [name, value] : variables.items) globals_.variables[name] = value;
}

std::string Interpreter::run(const Body& body) {
  std::string out;
  execute(body, globals_, out);
  return out;
}

void Interpreter::charge(std::size_t steps, int line) {
  steps_ += steps;
  if (steps_ > kMaxSteps) fail(ErrorKind::resource, "chat template line {}: it does not end within {} steps", line, kMaxSteps);
}

void Interpreter::write(std::string& out, std::string_view text) {
  check_text_size(out.size() + text.size());
  out += text;
}

Interpreter::Flow Interpreter::execute(const Body& body, Scope& scope, std::string& out) {
  for (const Statement& statement : body) {
    const Flow flow = execute(statement, scope, out);
    if (flow != Flow::normal) return flow;
  }
  return Flow::normal;
}

Interpreter::Flow Interpreter::execute(const Statement& statement, Scope& scope, std::string& out) {
  charge(1, statement.line);
  switch (statement.kind) {
    case StatementKind::text:
      write(out, statement.text);
      return Flow::normal;
    case StatementKind::output:
      write(out, to_text(evaluate(*statement.expr, scope)));
      return Flow::normal;
    case StatementKind::if_:
      return execute(evaluate(*statement.expr, scope).truth() ? statement.body : statement.else_body, scope, out);
    case StatementKind::for_:
      return execute_loop(statement, scope, out);
    case StatementKind::set:
      set(statement, scope);
      return Flow::normal;
    case StatementKind::set_field:
      set_field(statement, scope);
      return Flow::normal;
    case StatementKind::set_block:
      set_block(statement, scope);
      return Flow::normal;
    case StatementKind::macro:
      scope.variables[statement.text] = Callable{statement.text, nullptr, &statement};
      return Flow::normal;
    case StatementKind::scope: {
      Scope inner{{}, &scope};
      return execute(statement.body, inner, out);
    }
    case StatementKind::break_:
      return Flow::break_;
    case StatementKind::continue_:
      return Flow::continue_;
  }
  IFM_CHECK(false);
  return Flow::normal;
}

namespace {

/// Gives the targets of a loop or assignment their values: one, or the parts of a list.
template <typename Variables>
void assign(Variables& variables, const Statement& statement, const Value& value) {
  if (statement.targets.size() == 1) {
    variables[statement.targets[0]] = value;
    return;
  }
  const std::vector<Value> parts = iterate(value);
  if (parts.size() != statement.targets.size()) {
    fail(ErrorKind::invalid_data, "chat template line {}: a value does not have as many parts as names (expected {}, got {})",
         statement.line, statement.targets.size(), parts.size());
  }
  for (std::size_t i = 0; i < parts.size(); ++i) variables[statement.targets[i]] = parts[i];
}

}  // namespace

Interpreter::Flow Interpreter::execute_loop(const Statement& loop, Scope& scope, std::string& out) {
  std::vector<Value> items = iterate(evaluate(*loop.expr, scope));
  charge(items.size(), loop.line);
  if (loop.condition != nullptr) {
    std::vector<Value> kept;
    for (const Value& item : items) {
      Scope inner{{}, &scope};
      assign(inner.variables, loop, item);
      if (evaluate(*loop.condition, inner).truth()) kept.push_back(item);
    }
    items = std::move(kept);
  }
  if (items.empty()) {
    Scope inner{{}, &scope};
    return execute(loop.else_body, inner, out);
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    Scope inner{{}, &scope};
    assign(inner.variables, loop, items[i]);
    inner.variables["loop"] = loop_fields(items, i);
    if (execute(loop.body, inner, out) == Flow::break_) break;
  }
  return Flow::normal;
}

void Interpreter::set(const Statement& statement, Scope& scope) {
  assign(scope.variables, statement, evaluate(*statement.expr, scope));
}

void Interpreter::set_field(const Statement& statement, Scope& scope) {
  Value value = evaluate(*statement.expr, scope);
  const Expr name{ExprKind::name, statement.line, statement.targets[0], {}, {}, {}};
  const Value object = evaluate_name(name, scope);
  const Namespace* space = object.as<Namespace>();
  if (space == nullptr) {
    fail(ErrorKind::invalid_data, "chat template line {}: {} is no namespace, so its field cannot be set", statement.line,
         quote(name.text));
  }
  check_storable(value);
  space->fields->set(statement.text, std::move(value));
}

void Interpreter::set_block(const Statement& statement, Scope& scope) {
  std::string text;
  Scope inner{{}, &scope};
  execute(statement.body, inner, text);
  Value value(std::move(text));
  if (statement.expr != nullptr) value = evaluate_filter(*statement.expr, scope, &value);
  scope.variables[statement.targets[0]] = std::move(value);
}

Value Interpreter::evaluate(const Expr& expr, Scope& scope) {
  const DepthGuard guard(*this, expr.line);
  charge(1, expr.line);
  switch (expr.kind) {
    case ExprKind::literal:
      return expr.value;
    case ExprKind::name:
      return evaluate_name(expr, scope);
    case ExprKind::list: {
      List list;
      for (const ExprPtr& part : expr.parts) list.items.push_back(evaluate(*part, scope));
      return list;
    }
    case ExprKind::dict: {
      Dict dict;
      charge(expr.named.size() * expr.named.size() / 8, expr.line);
      for (const auto& [key, part] : expr.named) dict.set(key, evaluate(*part, scope));
      return dict;
    }
    case ExprKind::attribute:
      return attribute_of(evaluate(*expr.parts[0], scope), expr.text, expr.line);
    case ExprKind::item: {
      const Value object = evaluate(*expr.parts[0], scope);
      if (object.text() != nullptr) charge(object.text()->size() / 64, expr.line);
      return item_of(object, evaluate(*expr.parts[1], scope), expr.line);
    }
    case ExprKind::slice:
      return evaluate_slice(expr, scope);
    case ExprKind::call:
      return evaluate_call(expr, scope);
    case ExprKind::filter:
      return evaluate_filter(expr, scope, nullptr);
    case ExprKind::test: {
      const Value operand = evaluate(*expr.parts[0], scope);
      return apply_test(expr.text, operand, arguments_of(expr, scope));
    }
    case ExprKind::logical_not:
      return !evaluate(*expr.parts[0], scope).truth();
    case ExprKind::unary:
      return evaluate_unary(expr, scope);
    case ExprKind::binary:
      return evaluate_binary(expr, scope);
    case ExprKind::comparison:
      return evaluate_comparison(expr, scope);
    case ExprKind::conditional: {
      const ExprPtr& chosen = evaluate(*expr.parts[0], scope).truth() ? expr.parts[1] : expr.parts[2];
      return chosen != nullptr ? evaluate(*chosen, scope) : Value(Undefined{"value of a conditional without else"});
    }
  }
  IFM_CHECK(false);
  return {};
}

Value Interpreter::evaluate_name(const Expr& expr, const Scope& scope) const {
  for (const Scope* s = &scope; s != nullptr; s = s->parent) {
    const auto found = s->variables.find(expr.text);
    if (found != s->variables.end()) return found->second;
  }
  if (has_function(expr.text)) return Callable{expr.text, nullptr, nullptr};
  return Undefined{expr.text};
}

Value Interpreter::evaluate_binary(const Expr& expr, Scope& scope) {
  Value left = evaluate(*expr.parts[0], scope);
  if (expr.text == "or") return left.truth() ? left : evaluate(*expr.parts[1], scope);
  if (expr.text == "and") return left.truth() ? evaluate(*expr.parts[1], scope) : left;
  const Value right = evaluate(*expr.parts[1], scope);
  for (const Value* side : std::initializer_list<const Value*>{&left, &right}) {
    const Undefined* undefined = side->as<Undefined>();
    if (undefined != nullptr && expr.text != "~") {
      fail(ErrorKind::invalid_data, "chat template line {}: {} is not defined", expr.line, quote(undefined->name));
    }
    if (side->text() != nullptr) charge(side->text()->size() / 256, expr.line);
    if (side->list() != nullptr) charge(side->list()->items.size(), expr.line);
  }
  return arithmetic(expr.text, left, right, expr.line);
}

Value Interpreter::evaluate_unary(const Expr& expr, Scope& scope) {
  const Value value = evaluate(*expr.parts[0], scope);
  if (!value.is_number())
    fail(ErrorKind::invalid_data, "chat template line {}: {} before a {}", expr.line, expr.text, value.type_name());
  return expr.text == "-" ? arithmetic("*", value, Value(int64_t{-1}), expr.line) : value;
}

Value Interpreter::evaluate_comparison(const Expr& expr, Scope& scope) {
  Value left = evaluate(*expr.parts[0], scope);
  for (const auto& [op, operand] : expr.named) {
    Value right = evaluate(*operand, scope);
    if (right.text() != nullptr) charge(right.text()->size() / 256, expr.line);
    if (right.list() != nullptr) charge(right.list()->items.size(), expr.line);
    bool holds = false;
    if (op == "==" || op == "!=") {
      holds = equal(left, right) == (op == "==");
    } else if (op == "in" || op == "not in") {
      holds = contains(right, left) == (op == "in");
    } else {
      const int order = compare(left, right);
      holds = op == "<" ? order < 0 : (op == "<=" ? order <= 0 : (op == ">" ? order > 0 : order >= 0));
    }
    if (!holds) return false;
    left = std::move(right);
  }
  return true;
}

Value Interpreter::evaluate_slice(const Expr& expr, Scope& scope) {
  const Value object = evaluate(*expr.parts[0], scope);
  if (object.text() != nullptr) charge(object.text()->size() / 16, expr.line);
  if (object.list() != nullptr) charge(object.list()->items.size(), expr.line);
  int64_t parts[3] = {0, 0, 1};
  bool given[3] = {};
  for (std::size_t i = 0; i < 3; ++i) {
    if (expr.parts[i + 1] == nullptr) continue;
    const Value part = evaluate(*expr.parts[i + 1], scope);
    given[i] = !part.is_none();
    if (given[i] && !part.integer(parts[i])) {
      fail(ErrorKind::invalid_data, "chat template line {}: a slice by a {} (expected whole numbers)", expr.line,
           part.type_name());
    }
  }
  return slice(object, given[0] ? &parts[0] : nullptr, given[1] ? &parts[1] : nullptr, parts[2], expr.line);
}

Value Interpreter::evaluate_filter(const Expr& expr, Scope& scope, const Value* operand) {
  const Expr* inner = expr.parts[0].get();
  // In a filter block the innermost filter of the chain has no operand of its own.
  Value input;
  if (operand != nullptr && inner != nullptr && inner->kind == ExprKind::filter) {
    input = evaluate_filter(*inner, scope, operand);
  } else {
    input = inner != nullptr ? evaluate(*inner, scope) : *operand;
  }
  if (input.text() != nullptr) charge(input.text()->size() / 16, expr.line);
  if (input.list() != nullptr) charge(input.list()->items.size(), expr.line);
  return apply_filter(expr.text, input, arguments_of(expr, scope));
}

Arguments Interpreter::arguments_of(const Expr& call, Scope& scope) {
  Arguments out;
  out.line = call.line;
  for (std::size_t i = 1; i < call.parts.size(); ++i) out.positional.push_back(evaluate(*call.parts[i], scope));
  for (const auto& [name, part] : call.named) out.named.emplace_back(name, evaluate(*part, scope));
  return out;
}

Value Interpreter::evaluate_call(const Expr& expr, Scope& scope) {
  const Expr& callee = *expr.parts[0];
  const Value object = evaluate(callee, scope);
  const Callable* function = object.as<Callable>();
  const Arguments arguments = arguments_of(expr, scope);
  if (function == nullptr) {
    fail(ErrorKind::unsupported, "chat template line {}: the function or method {} is not supported", expr.line,
         quote(callee.text.empty() ? object.type_name() : std::string_view(callee.text)));
  }
  if (function->macro != nullptr) return call_macro(*function->macro, arguments);
  if (function->self != nullptr) {
    if (const std::string* text = function->self->text()) charge(text->size() / 16, expr.line);
    return call_method(function->name, *function->self, arguments);
  }
  if (function->name == "strftime_now") return format_date(day_, arguments.text(0, "format", "strftime_now"), expr.line);
  const Value result = call_function(function->name, arguments);
  if (result.list() != nullptr) charge(result.list()->items.size(), expr.line);
  return result;
}

Value Interpreter::call_macro(const Statement& macro, const Arguments& arguments) {
  const DepthGuard guard(*this, macro.line);
  arguments.expect_at_most(macro.parameters.size(), macro.text);
  Scope inner{{}, &globals_};
  for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
    const auto& [name, absent] = macro.parameters[i];
    const Value* given = arguments.find(i, name);
    if (given != nullptr) {
      inner.variables[name] = *given;
    } else {
      inner.variables[name] = absent != nullptr ? evaluate(*absent, inner) : Value(Undefined{name});
    }
  }
  std::string out;
  execute(macro.body, inner, out);
  return out;
}

}  // namespace ifm::jinja
