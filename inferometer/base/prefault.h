#pragma once

#include <cstddef>
#include <span>
#include <thread>
#include <vector>

#include "inferometer/base/stop.h"

namespace ifm {

/// Maps the pages of files that are in the page cache already, in order, in a thread of its own, so that whoever reads them next
/// takes no page faults. Ends with the last page or with the object. What lies only on the disk is left to its readers: they read
/// it in two places at once, which measured faster. Does nothing where the system has no such call.
class Prefault {
 public:
  /// The mappings must outlive it.
  explicit Prefault(std::vector<std::span<const std::byte>> mappings);
  Prefault(const Prefault&) = delete;
  Prefault& operator=(const Prefault&) = delete;
  ~Prefault();
  /// Until the last page; once.
  void wait() { thread_.join(); }

 private:
  StopSource source_;
  std::thread thread_;
};

}  // namespace ifm
