#pragma once

#include <filesystem>

#include "inferometer/base/stop.h"

namespace ifm {

/// An advisory lock (flock) that other downloads of the same blob wait for, ours and those of huggingface_hub; the OS lets go of
/// it when the process dies. The file stays.
class BlobLock {
 public:
  /// Waits until nobody else holds it, or until the stop. @throws Error io.
  BlobLock(const std::filesystem::path& file, const StopToken& stop);
  BlobLock(const BlobLock&) = delete;
  BlobLock& operator=(const BlobLock&) = delete;
  ~BlobLock();
  /// False only after a stop.
  [[nodiscard]] bool held() const { return held_; }

 private:
  int descriptor_ = -1;
  bool held_ = false;
};

}  // namespace ifm
