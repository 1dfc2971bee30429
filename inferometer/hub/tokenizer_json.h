#pragma once

#include <string>

#include "inferometer/hub/tokenizer_spec.h"

namespace ifm {

/// How merges are written: as Hugging Face did it until 2024, or since.
enum class MergeForm {
  strings,  ///< "a b"
  pairs,    ///< ["a", "b"]
};

/// Hugging Face's `tokenizer.json`: vocabulary, merges, added tokens, pre-tokenizer, post-processor, decoder.
[[nodiscard]] std::string tokenizer_json(const TokenizerSpec& spec, MergeForm merges);

/// Hugging Face's `tokenizer_config.json`: class, special tokens, chat template.
[[nodiscard]] std::string tokenizer_config_json(const TokenizerSpec& spec);

}  // namespace ifm
