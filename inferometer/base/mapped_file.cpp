#include "inferometer/base/mapped_file.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

/// A mapping that the signal handler knows: only lock-free atomics, for it may interrupt anything.
struct MappedFile::Guard {
  std::atomic<bool> taken{false};
  std::atomic<std::uintptr_t> begin{0}, end{0};  ///< end = 0: none
  std::atomic<bool> lost{false};

  static constexpr std::size_t kMost = 1024;
  static std::array<Guard, kMost>& all() {
    static std::array<Guard, kMost> guards;
    return guards;
  }
  static Guard* take(const void* data, std::size_t size);
  static void on_bus_error(int signal, siginfo_t* info, void* context);
};

/// The mapping that ends with the pages which are gone gets zeros in their place, and the instruction is tried again.
void MappedFile::Guard::on_bus_error(int signal, siginfo_t* info, void*) {
  const auto at = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const std::uintptr_t from = at / page * page;
  for (Guard& guard : all()) {
    const std::uintptr_t end = guard.end.load();
    if (at < guard.begin.load() || at >= end) continue;
    void* zeros = ::mmap(reinterpret_cast<void*>(from), end - from, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (zeros == MAP_FAILED) break;
    guard.lost.store(true);
    return;
  }
  struct sigaction ordinary {};
  ordinary.sa_handler = SIG_DFL;
  ::sigaction(signal, &ordinary, nullptr);
  ::raise(signal);
}

MappedFile::Guard* MappedFile::Guard::take(const void* data, std::size_t size) {
  static std::once_flag watching;
  std::call_once(watching, [] {
    (void)all();  // made before a signal could need it
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    ::sigaction(SIGBUS, &action, nullptr);
  });
  for (Guard& guard : all()) {
    if (guard.taken.exchange(true)) continue;
    guard.lost.store(false);
    guard.begin.store(reinterpret_cast<std::uintptr_t>(data));
    guard.end.store(reinterpret_cast<std::uintptr_t>(data) + size);
    return &guard;
  }
  return nullptr;
}

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) {
    const int reason = errno;
    fail(reason == ENOENT || reason == ENOTDIR ? ErrorKind::not_found : ErrorKind::io, "{}: cannot be opened ({})", path.string(),
         std::strerror(reason));
  }
  struct stat info {};
  if (::fstat(file.fd, &info) != 0) fail(ErrorKind::io, "{}: cannot be examined ({})", path.string(), std::strerror(errno));
  if (!S_ISREG(info.st_mode)) {
    fail(ErrorKind::invalid_data, "{}: is {} (expected a regular file)", path.string(),
         S_ISDIR(info.st_mode) ? "a directory" : "not a regular file");
  }
  size_ = static_cast<std::size_t>(info.st_size);
  if (size_ == 0) return;
  void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.fd, 0);
  if (mapped == MAP_FAILED) fail(ErrorKind::io, "{}: cannot be mapped ({})", path.string(), std::strerror(errno));
  data_ = static_cast<const std::byte*>(mapped);
  guard_ = Guard::take(mapped, size_);
#ifdef MADV_HUGEPAGE
  // What is read from the disk from now on may lie in the page cache in units of 2 MB, where the file system can do so: fewer
  // page walks (7 % in decode at 60 GB/s). Only a wish, and none for what is there already.
  (void)madvise(mapped, size_, MADV_HUGEPAGE);
#endif
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      guard_(std::exchange(other.guard_, nullptr)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(guard_, other.guard_);
  return *this;
}

MappedFile::~MappedFile() {
  if (guard_ != nullptr) {
    guard_->end.store(0);
    guard_->taken.store(false);
  }
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

bool MappedFile::intact() const { return guard_ == nullptr || !guard_->lost.load(std::memory_order_relaxed); }

}  // namespace ifm
