#include "inferometer/cli/share.h"

#include <CLI/CLI.hpp>

#include "inferometer/base/error.h"

namespace ifm {

double parse_share(const std::string& text, std::string_view option) {
  std::string number = text;
  double factor = 1;
  if (number.ends_with('%')) {
    number.pop_back();
    factor = 0.01;
  }
  double value = 0;
  if (!CLI::detail::lexical_cast(CLI::detail::trim_copy(number), value) || !(value * factor > 0 && value * factor < 1))
    fail(ErrorKind::usage, "{}: {} is no share (expected for example 1% or 0.01)", option, text);
  return value * factor;
}

}  // namespace ifm
