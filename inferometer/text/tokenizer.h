#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inferometer/base/token_id.h"
#include "inferometer/format/gguf.h"

namespace ifm {

/// What encode() does with text that looks like a special token ("<|im_start|>").
enum class SpecialText {
  parse,  ///< becomes the special token (chat templates)
  plain,  ///< stays text
};

/// Byte-level BPE, as in `tokenizer.json` or GGUF metadata. Immutable, thread-safe after construction.
class Tokenizer {
 public:
  /// Reads `tokenizer.json` (and, beside it, nothing). @throws Error not_found, invalid_data, unsupported (never approximated).
  [[nodiscard]] static Tokenizer from_file(const std::filesystem::path& tokenizer_json);
  /// Reads `tokenizer.ggml.*`. @throws as above.
  [[nodiscard]] static Tokenizer from_gguf(const GgufFile& file);
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// Ids of a text, without BOS or any post-processing; broken UTF-8 is encoded bytewise. @throws Error resource past 64 MiB.
  [[nodiscard]] std::vector<TokenId> encode(std::string_view text, SpecialText special = SpecialText::parse) const;
  /// What the tokenizer's own post-processor (or add_bos_token in GGUF) puts in front of a text: nothing or the BOS.
  [[nodiscard]] std::span<const TokenId> prefix() const;
  /// The exact bytes of the ids, special tokens included as their text; may end inside a UTF-8 sequence.
  /// An id without a token (hole of the vocabulary) gives nothing.
  [[nodiscard]] std::string decode(std::span<const TokenId> ids) const;
  /// Bytes of one token; empty for a hole.
  [[nodiscard]] std::string_view token_bytes(TokenId id) const;
  [[nodiscard]] bool is_special(TokenId id) const;
  [[nodiscard]] std::optional<TokenId> find(std::string_view token) const;  ///< by its written form
  /// Largest id + 1.
  [[nodiscard]] int vocab_size() const;
  /// "llama3", "smollm", "gpt2", "qwen2".
  [[nodiscard]] std::string_view pre_tokenizer() const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ifm
