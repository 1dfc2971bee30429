#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "inferometer/hub/hub_name.h"

namespace ifm {

/// A model that another program has put on this machine.
struct FoundModel {
  std::string name;  ///< what -m takes
  std::filesystem::path path;
  std::string keeper;  ///< whose cache: "Hugging Face", "LM Studio", "llama.cpp", "Ollama"
};

/// A model of the Hub in the cache of Hugging Face's tools, LM Studio, llama.cpp or Ollama, in this order. Only what is whole
/// counts.
[[nodiscard]] std::optional<FoundModel> find_in_caches(const HubName& name);

/// Every model there. Unreadable folders count as empty.
[[nodiscard]] std::vector<FoundModel> models_in_caches();

/// Where was looked, for messages.
[[nodiscard]] std::string searched_caches();

}  // namespace ifm
