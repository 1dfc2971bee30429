#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "inferometer/base/stop.h"
#include "inferometer/hub/hub_cache.h"
#include "inferometer/hub/hub_client.h"
#include "inferometer/hub/hub_listing.h"

namespace ifm {

/// How often a broken connection is tried again, in vain, and how long the first pause is; each next one is twice as long.
struct RetryRule {
  int tries = 6;
  int64_t first_pause_ns = 500'000'000;
};

/// Where a file comes from and goes to.
struct BlobSource {
  const HubSettings& settings;
  const HubCache& cache;
  std::string repository;  ///< owner/name
  std::string commit;
};

/// Where the Hub has the file, below its endpoint.
[[nodiscard]] std::string blob_path(const BlobSource& source, const HubFile& file);

/// Fetches one file into the cache's blobs: goes on with the part that is there, tries again when the connection breaks, checks
/// size and digest. While another program fetches the same file, waits for it. After a stop the part stays. `on_bytes`: how many
/// bytes are there more (or, negative, less) than before.
/// @throws Error as HubClient::get, fail_answer and PartFile.
void download_blob(const BlobSource& source, const HubFile& file, HubClient& client, const RetryRule& rule,
                   const std::function<void(int64_t)>& on_bytes, const StopToken& stop);

}  // namespace ifm
