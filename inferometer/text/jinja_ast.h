#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "inferometer/text/jinja_value.h"

namespace ifm::jinja {

struct Expr;
struct Statement;
using ExprPtr = std::unique_ptr<Expr>;
using Body = std::vector<Statement>;

enum class ExprKind {
  literal,      ///< value
  name,         ///< text
  list,         ///< parts
  dict,         ///< named
  attribute,    ///< parts[0].text
  item,         ///< parts[0][parts[1]]
  slice,        ///< parts[0][parts[1]:parts[2]:parts[3]], each of the three may be null
  call,         ///< parts[0](parts[1..], named)
  filter,       ///< parts[0] | text(parts[1..], named); parts[0] null inside a filter block
  test,         ///< parts[0] is text(parts[1..])
  logical_not,  ///< not parts[0]
  unary,        ///< text parts[0]
  binary,       ///< parts[0] text parts[1]; also "and", "or", "~"
  comparison,   ///< parts[0] then (text, operand) pairs: a < b < c
  conditional,  ///< parts[1] if parts[0] else parts[2] (may be null)
};

struct Expr {
  ExprKind kind = ExprKind::literal;
  int line = 0;
  std::string text;
  Value value;
  std::vector<ExprPtr> parts;
  std::vector<std::pair<std::string, ExprPtr>> named;
};

enum class StatementKind {
  text,       ///< text
  output,     ///< {{ expr }}
  if_,        ///< expr, body, else_body
  for_,       ///< targets, expr, condition (may be null), body, else_body
  set,        ///< targets = expr
  set_field,  ///< targets[0].text = expr, a namespace's field
  set_block,  ///< targets[0] = what body prints, through the filter expr if there is one
  macro,      ///< text(named parameters with their defaults), body
  break_,
  continue_,
  scope,  ///< body in a scope of its own: {% generation %}
};

struct Statement {
  StatementKind kind = StatementKind::text;
  int line = 0;
  std::string text;
  ExprPtr expr;
  ExprPtr condition;
  std::vector<std::string> targets;
  std::vector<std::pair<std::string, ExprPtr>> parameters;
  Body body;
  Body else_body;
};

}  // namespace ifm::jinja
