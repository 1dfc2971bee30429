#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "inferometer/base/clock.h"
#include "inferometer/hub/hub_download.h"
#include "inferometer/hub/hub_estimate.h"
#include "inferometer/hub/hub_name.h"
#include "inferometer/hub/hub_settings.h"
#include "inferometer/hub/resolve.h"

namespace ifm {

/// What is about to be downloaded.
struct DownloadPlan {
  std::string name;
  int64_t files = 0;
  int64_t total_bytes = 0;
  int64_t missing_bytes = 0;            ///< what has not come yet
  std::optional<HubEstimate> estimate;  ///< unknown when a GGUF says too little in its first bytes
  std::string note;                     ///< which file was chosen where nothing was asked for; empty = nothing to say
};

/// How a model is fetched from the Hub.
struct HubPullOptions {
  HubSettings hub;
  DownloadOptions download;
  std::function<void(const DownloadPlan&)> on_plan;  ///< once, before anything large is fetched; may throw
};

/// Fetches what is needed to run the model into the Hugging Face cache. Its config.json comes first, so that a model that this
/// build cannot run costs nothing.
/// @throws Error usage when the Hub must not be asked or wants a token; not_found; unsupported; network, timeout; io, also when
/// the disk is too full; invalid_data when a digest or the Hub's answers are wrong; interrupted.
ResolvedModel pull_from_hub(const HubName& name, const HubPullOptions& options, Clock& clock);

}  // namespace ifm
