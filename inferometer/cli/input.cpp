#include "inferometer/cli/input.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

constexpr std::size_t kMaxInputBytes = std::size_t{64} << 20;

void check_stream(std::FILE* stream, const std::string& name, std::size_t size) {
  if (std::ferror(stream) != 0) fail(ErrorKind::io, "{}: cannot be read ({})", name, std::strerror(errno));
  if (size > kMaxInputBytes) fail(ErrorKind::resource, "{}: too long (expected at most {} MiB)", name, kMaxInputBytes >> 20);
}

}  // namespace

std::string read_input(std::FILE* stream, const std::string& name) {
  std::string out;
  std::array<char, 1 << 16> buffer{};
  for (std::size_t got = 1; got > 0 && out.size() <= kMaxInputBytes;) {
    got = std::fread(buffer.data(), 1, buffer.size(), stream);
    out.append(buffer.data(), got);
  }
  check_stream(stream, name, out.size());
  return out;
}

bool read_line(std::FILE* stream, const std::string& name, std::string& line) {
  line.clear();
  int c = 0;
  while ((c = std::getc(stream)) != EOF && c != '\n' && line.size() <= kMaxInputBytes) line += static_cast<char>(c);
  check_stream(stream, name, line.size());
  if (c == EOF && line.empty()) return false;
  if (c == '\n' && !line.empty() && line.back() == '\r') line.pop_back();
  return true;
}

std::string read_text_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (file == nullptr) fail(ErrorKind::not_found, "{}: cannot be opened ({})", path, std::strerror(errno));
  return read_input(file.get(), path);
}

}  // namespace ifm
