#include "inferometer/hub/blob_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

constexpr std::chrono::milliseconds kBetweenTries{50};

}  // namespace

BlobLock::BlobLock(const std::filesystem::path& file, const StopToken& stop) {
  descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail(ErrorKind::io, "{}: cannot be made ({})", file.string(), std::strerror(errno));
  while (!stop.stop_requested()) {
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) {
      held_ = true;
      return;
    }
    if (errno != EWOULDBLOCK && errno != EINTR) {
      const int reason = errno;
      ::close(descriptor_);
      fail(ErrorKind::io, "{}: cannot be locked ({})", file.string(), std::strerror(reason));
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
}

BlobLock::~BlobLock() { ::close(descriptor_); }

}  // namespace ifm
