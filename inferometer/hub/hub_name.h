#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ifm {

/// A model on the Hugging Face Hub, as people write it: owner/name, owner/name@revision, owner/name:Q4_K_M,
/// owner/name/file.gguf, with or without "hf:" in front.
struct HubName {
  std::string owner;
  std::string name;
  std::string revision = "main";  ///< branch, tag or commit
  std::string quantization;       ///< picks the GGUF whose name holds it; empty = not given
  std::string file;               ///< a .gguf of the repository; empty = not given

  [[nodiscard]] std::string repository() const { return owner + "/" + name; }
  /// With "hf:" in front, as `models pull` takes it.
  [[nodiscard]] std::string text() const;
};

/// How such names look, for messages.
inline constexpr const char* kHubNameForms =
    "hf:owner/name, hf:owner/name@revision, hf:owner/name:Q4_K_M or hf:owner/name/file.gguf";

/// Nullopt when it cannot be one; then it may be a path or a name of the registry.
[[nodiscard]] std::optional<HubName> parse_hub_name(std::string_view text);

/// Whether a name that a server sent stays below the folder that it is put into: relative, without "..", empty parts, backslashes
/// and control characters, and no longer than a file system takes.
[[nodiscard]] bool is_safe_file_name(std::string_view path);

}  // namespace ifm
