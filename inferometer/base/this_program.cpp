#include "inferometer/base/this_program.h"

#include <array>
#include <cstdint>
#include <system_error>

#include "inferometer/base/error.h"

#if defined(__APPLE__)
#include <mach-o/dyld.h>
#endif

namespace ifm {

std::filesystem::path this_program() {
#if defined(__APPLE__)
  std::array<char, 4096> buffer{};
  auto size = static_cast<uint32_t>(buffer.size());
  if (_NSGetExecutablePath(buffer.data(), &size) == 0) return buffer.data();
  fail(ErrorKind::io, "program: its own path is longer than {} bytes", buffer.size());
#else
  std::error_code error;
  std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) fail(ErrorKind::io, "program: its own path cannot be read ({})", error.message());
  return path;
#endif
}

}  // namespace ifm
