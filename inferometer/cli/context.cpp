#include "inferometer/cli/context.h"

#include <string_view>

namespace ifm {
namespace {

bool needs_quotes(std::string_view word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
  return word.empty() || word.find_first_not_of(kPlain) != std::string_view::npos;
}

std::string quoted(std::string_view word) {
  if (!needs_quotes(word)) return std::string(word);
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

}  // namespace

std::string command_line(const CliContext& context) {
  std::string out;
  for (const std::string& word : context.arguments) {
    if (!out.empty()) out += ' ';
    out += quoted(word);
  }
  return out;
}

}  // namespace ifm
