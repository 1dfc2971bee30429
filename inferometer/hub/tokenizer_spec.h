#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "inferometer/base/token_id.h"
#include "inferometer/format/gguf.h"
#include "inferometer/format/gguf_writer.h"

namespace ifm {

/// What a token is, with GGUF's numbers.
enum class TokenKind { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

/// The pre-tokenizers that we can write down.
enum class PreTokenizer { smollm, llama3, gpt2, qwen2 };

/// A byte-level BPE tokenizer as plain data, to be written as Hugging Face files or as GGUF metadata.
struct TokenizerSpec {
  PreTokenizer pre = PreTokenizer::gpt2;
  std::vector<std::string> tokens;  ///< by id, in GPT-2's printable form of the bytes
  std::vector<TokenKind> kinds;     ///< one per token
  std::vector<std::string> merges;  ///< "a b", by rank
  std::optional<TokenId> bos;
  std::optional<TokenId> eos;
  std::optional<TokenId> pad;
  std::optional<TokenId> unknown;
  bool add_bos = false;       ///< a BOS stands in front of every text
  std::string chat_template;  ///< empty = none
  int64_t context = 0;
};

/// From `tokenizer.ggml.*`. @throws Error invalid_data naming file and key, unsupported naming model or pre-tokenizer.
[[nodiscard]] TokenizerSpec read_tokenizer_spec(const GgufFile& file);

/// Appends `tokenizer.*` entries.
void add_gguf_entries(const TokenizerSpec& spec, std::vector<GgufEntry>& entries);

}  // namespace ifm
