#include "inferometer/hub/part_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

constexpr std::size_t kGitDigits = 40;
constexpr std::size_t kReadBytes = std::size_t{1} << 20;

}  // namespace

PartFile::PartFile(std::filesystem::path path, const HubFile& file, const StopToken& stop) : path_(std::move(path)), file_(file) {
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
  if (descriptor_ < 0) fail_io("made");
  struct stat info {};
  if (::fstat(descriptor_, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(descriptor_);
    fail(ErrorKind::io, "{}: is no regular file (remove it)", path_.string());
  }
  begin_hash();
  if (info.st_size > file.bytes) {
    restart();
  } else {
    hash_what_is_there(stop);
  }
}

PartFile::~PartFile() { ::close(descriptor_); }

void PartFile::fail_io(const char* what) const {
  fail(ErrorKind::io, "{}: cannot be {} ({})", path_.string(), what, std::strerror(errno));
}

void PartFile::begin_hash() {
  if (file_.digest.size() != kGitDigits) {
    hash_ = Sha256();
    return;
  }
  hash_ = Sha1();  // git hashes a file behind a head of its own
  hash(fmt::format("blob {}", file_.bytes));
  hash(std::string_view("\0", 1));
}

void PartFile::hash(std::string_view bytes) {
  std::visit([&](auto& digest) { digest.update(bytes); }, hash_);
}

void PartFile::hash_what_is_there(const StopToken& stop) {
  std::string buffer(kReadBytes, '\0');
  while (!stop.stop_requested()) {
    const ssize_t count = ::read(descriptor_, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_io("read");
    if (count == 0) return;
    hash(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
    size_ += count;
  }
}

void PartFile::append(std::string_view bytes) {
  if (static_cast<int64_t>(bytes.size()) > file_.bytes - size_) {
    fail(ErrorKind::invalid_data, "{}: the Hub sends more than the {} bytes that it listed", file_.path, file_.bytes);
  }
  hash(bytes);
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail_io("written");
    bytes.remove_prefix(static_cast<std::size_t>(count));
    size_ += count;
  }
}

void PartFile::restart() {
  if (::ftruncate(descriptor_, 0) != 0 || ::lseek(descriptor_, 0, SEEK_SET) != 0) fail_io("emptied");
  size_ = 0;
  begin_hash();
}

void PartFile::finish(const std::filesystem::path& final_path) {
  const std::string found = std::visit([](auto& digest) { return digest.hex_digest(); }, hash_);
  if (found != file_.digest) {
    ::unlink(path_.c_str());
    fail(ErrorKind::invalid_data, "{}: {} is {} (expected {}); what came is removed, pull it again", file_.path,
         file_.digest.size() == kGitDigits ? "git SHA-1" : "SHA-256", found, file_.digest);
  }
  if (::fsync(descriptor_) != 0 && errno != EINVAL) fail_io("written");
#ifdef POSIX_FADV_DONTNEED
  // So that the first reader gets it into the page cache in large units, where the file system can do so.
  (void)::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_DONTNEED);
#endif
  if (::rename(path_.c_str(), final_path.c_str()) != 0) fail_io("put in place");
}

}  // namespace ifm
