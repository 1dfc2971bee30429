#include "inferometer/machine/text_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace ifm {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string first_line_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

std::optional<double> number_of(const std::filesystem::path& file) { return first_number_in(first_line_of(file)); }

std::string why_unreadable(const std::filesystem::path& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return std::strerror(errno);
  char byte = 0;
  const int problem = read(descriptor, &byte, 1) < 0 ? errno : 0;
  close(descriptor);
  return problem == 0 ? std::string() : std::strerror(problem);
}

// By hand: the standard readers follow the locale or lack floating point in some libraries, and these are short decimals.
std::vector<double> numbers_in(std::string_view line) {
  std::vector<double> numbers;
  for (std::size_t at = 0; at < line.size();) {
    if (!is_digit(line[at])) {
      ++at;
      continue;
    }
    const bool negative = at > 0 && line[at - 1] == '-';
    double value = 0;
    for (; at < line.size() && is_digit(line[at]); ++at) value = value * 10 + (line[at] - '0');
    if (at + 1 < line.size() && line[at] == '.' && is_digit(line[at + 1])) {
      double scale = 1;
      for (++at; at < line.size() && is_digit(line[at]); ++at) {
        scale *= 10;
        value += (line[at] - '0') / scale;
      }
    }
    numbers.push_back(negative ? -value : value);
  }
  return numbers;
}

std::optional<double> first_number_in(std::string_view line) {
  const std::vector<double> numbers = numbers_in(line);
  return numbers.empty() ? std::nullopt : std::optional<double>(numbers[0]);
}

std::vector<std::filesystem::path> children_of(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> children;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    children.push_back(at->path());
  }
  std::sort(children.begin(), children.end());
  return children;
}

}  // namespace ifm
