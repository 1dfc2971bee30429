#include "inferometer/format/atomic_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

constexpr int kMaxTemporaries = 100;
/// Bytes that are written together, at multiples of it.
constexpr std::size_t kPiece = std::size_t{4} << 20;

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path final_path) : final_path_(std::move(final_path)) {
  // The first free name: one that a killed process left, or that another thread is writing, is stepped over.
  for (int number = 0; fd_ < 0 && number < kMaxTemporaries; ++number) {
    temporary_path_ = fmt::format("{}.{}-{}.tmp", final_path_.string(), ::getpid(), number);
    fd_ = ::open(temporary_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd_ < 0 && errno != EEXIST) break;
  }
  if (fd_ < 0) fail_io("a temporary file beside it cannot be made");
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_path_.empty()) ::unlink(temporary_path_.c_str());
}

void AtomicFile::fail_io(const char* what) const {
  fail(ErrorKind::io, "{}: {} ({})", final_path_.string(), what, std::strerror(errno));
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::span<const std::byte> part = bytes.first(std::min(bytes.size(), kPiece - waiting_.size()));
    waiting_.insert(waiting_.end(), part.begin(), part.end());
    bytes = bytes.subspan(part.size());
    if (waiting_.size() == kPiece) write_waiting();
  }
}

void AtomicFile::write_waiting() {
  std::span<const std::byte> left(waiting_);
  while (!left.empty()) {
    const ssize_t written = ::write(fd_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_io("cannot be written");
    left = left.subspan(static_cast<std::size_t>(written));
  }
  waiting_.clear();
}

void AtomicFile::write_zeros(std::size_t count) {
  constexpr std::array<std::byte, 256> kZeros{};
  while (count > 0) {
    const std::size_t part = std::min(count, kZeros.size());
    write(std::span(kZeros).first(part));
    count -= part;
  }
}

void AtomicFile::commit() {
  write_waiting();
  if (::fsync(fd_) != 0) fail_io("cannot be synced");
#ifdef POSIX_FADV_DONTNEED
  // Let go of, so that whoever maps it gets it in larger units than writing left it in (MappedFile).
  (void)::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
#endif
  if (::close(std::exchange(fd_, -1)) != 0) fail_io("cannot be closed");
  if (::rename(temporary_path_.c_str(), final_path_.c_str()) != 0) fail_io("cannot be given its name");
  temporary_path_.clear();
  const std::filesystem::path folder = final_path_.has_parent_path() ? final_path_.parent_path() : ".";
  const int folder_fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_fd < 0) return;  // the name stands; a folder that may not be read cannot be synced
  ::fsync(folder_fd);
  ::close(folder_fd);
}

}  // namespace ifm
