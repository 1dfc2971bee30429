#pragma once

#include <string>
#include <vector>

#include "inferometer/hub/hub_listing.h"
#include "inferometer/hub/hub_name.h"

namespace ifm {

/// What of a repository is needed to run the model.
struct HubChoice {
  std::vector<HubFile> files;
  bool is_folder = false;  ///< config.json and safetensors; otherwise files holds one GGUF
  std::string note;        ///< what was chosen where nothing was asked for; empty = nothing to say
};

/// The file or quantization that was asked for; otherwise the folder of config.json, safetensors and tokenizer, or a GGUF.
/// @throws Error not_found (naming what there is) or unsupported.
[[nodiscard]] HubChoice choose_files(const HubName& name, const HubListing& listing);

}  // namespace ifm
