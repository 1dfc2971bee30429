#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace ifm {

/// The ways to cut text into words that we know; each is exactly one published pattern.
enum class PreTokenizerKind {
  gpt2,    ///< ByteLevel's own pattern
  smollm,  ///< every digit alone, then gpt2
  llama3,  ///< contractions in any case, numbers in groups of up to three
  qwen2,   ///< as llama3, every digit alone
};

[[nodiscard]] std::string_view to_string(PreTokenizerKind kind);

/// The patterns of llama3 and qwen2 as `tokenizer.json` writes them.
extern const std::string_view kLlama3Pattern;
extern const std::string_view kQwen2Pattern;

/// End of the word that starts at `begin`; text must be well-formed UTF-8 and begin < text.size(). Calling it again from each end
/// cuts the text as the pattern's leftmost matches do. Linear in the word's length plus one character, whatever the text (FAULTS
/// 30). Source: the patterns in `tokenizers` 0.23.3 (ByteLevel), Llama 3's and Qwen 2's tokenizer.json; proven equal by tests.
[[nodiscard]] std::size_t next_word(PreTokenizerKind kind, std::string_view text, std::size_t begin);

}  // namespace ifm
