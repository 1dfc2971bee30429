#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ifm {

/// One of several GGUF files.
struct GgufChoice {
  std::string file;      ///< empty when none was chosen
  bool guessed = false;  ///< nothing was asked for, and there were several
};

/// The GGUF files among these that are models: helpers of models that see (mmproj) and importance matrices are none.
[[nodiscard]] std::vector<std::string> gguf_models(const std::vector<std::string>& files);

/// The models whose name says `quantization` ("Q4_K_M"), whatever its case; as a word of its own where one does so.
[[nodiscard]] std::vector<std::string> ggufs_with(const std::vector<std::string>& files, std::string_view quantization);

/// The file that `quantization` names, or, when that is empty, the only one or the one that people mostly take: Q4_K_M, Q4_0, …
/// Nothing is chosen when several fit.
[[nodiscard]] GgufChoice choose_gguf(const std::vector<std::string>& files, std::string_view quantization);

/// Whether it is one part of several ("-00001-of-00003.gguf").
[[nodiscard]] bool is_gguf_part(std::string_view file);

}  // namespace ifm
