#include "inferometer/record/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

std::string holder_of(int descriptor) {
  std::array<char, 32> text{};
  const ssize_t size = pread(descriptor, text.data(), text.size(), 0);
  std::string holder;
  for (ssize_t i = 0; i < size && text[static_cast<std::size_t>(i)] >= '0' && text[static_cast<std::size_t>(i)] <= '9'; ++i) {
    holder += text[static_cast<std::size_t>(i)];
  }
  return holder.empty() ? "another process" : "process " + holder;
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& file) {
  descriptor_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail(ErrorKind::io, "{}: cannot be made: {}", file.string(), std::strerror(errno));
  if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    const std::string holder = holder_of(descriptor_);
    close(descriptor_);
    if (error == EWOULDBLOCK) {
      fail(ErrorKind::io, "{}: {} is writing here (expected a folder that nobody writes to; wait for it, or use another --out)",
           file.parent_path().string(), holder);
    }
    fail(ErrorKind::io, "{}: cannot be locked: {}", file.string(), std::strerror(error));
  }
  const std::string id = std::to_string(getpid()) + "\n";
  if (ftruncate(descriptor_, 0) != 0 || pwrite(descriptor_, id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) {
    const int error = errno;
    close(descriptor_);
    fail(ErrorKind::io, "{}: cannot be written: {}", file.string(), std::strerror(error));
  }
}

FileLock::~FileLock() { close(descriptor_); }

}  // namespace ifm
