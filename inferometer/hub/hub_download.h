#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "inferometer/base/clock.h"
#include "inferometer/hub/blob_download.h"

namespace ifm {

/// How files are fetched.
struct DownloadOptions {
  int connections = 4;
  RetryRule retry;
  StopToken stop;
  /// In the thread that called: bytes that are there, and all.
  std::function<void(int64_t done, int64_t total)> on_progress;
};

/// Fetches files in parallel, and links each one into the commit's snapshot as soon as it is whole.
/// @throws Error that one of them ended with; interrupted after a stop: what has come stays and is gone on with the next time.
void download_files(const BlobSource& source, std::span<const HubFile> files, const DownloadOptions& options, Clock& clock);

/// How much of these files has not come yet.
[[nodiscard]] int64_t missing_bytes(const HubCache& cache, std::span<const HubFile> files);

}  // namespace ifm
