#pragma once

#include <filesystem>
#include <string>

namespace ifm {

/// How the Hugging Face Hub is reached and where its files are kept.
struct HubSettings {
  std::string endpoint = "https://huggingface.co";  ///< without a slash at its end
  std::string token;                                ///< empty = none
  std::string ca_file;                              ///< PEM; empty = the system's
  std::filesystem::path cache;                      ///< holds models--owner--name
  bool offline = false;
};

/// What the Hugging Face tools would use: HF_ENDPOINT, HF_TOKEN or the file that HF_TOKEN_PATH or HF_HOME/token names,
/// HF_HUB_CACHE or HF_HOME/hub, HF_HUB_OFFLINE; and SSL_CERT_FILE. @throws Error usage for an endpoint or a token that cannot be
/// meant.
[[nodiscard]] HubSettings hub_settings_from_environment();

/// The cache folder alone, which needs neither endpoint nor token.
[[nodiscard]] std::filesystem::path hub_cache_folder();

}  // namespace ifm
