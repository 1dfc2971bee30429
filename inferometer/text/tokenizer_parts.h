#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "inferometer/text/added_tokens.h"
#include "inferometer/text/bpe.h"
#include "inferometer/text/pre_tokenizer.h"
#include "inferometer/text/tokenizer.h"
#include "inferometer/text/vocabulary.h"

namespace ifm {

/// Everything that a tokenizer is made of; both readers fill it and call finish().
struct TokenizerParts {
  static constexpr uint8_t kModel = 1;    ///< a word of the BPE; the others never come out of merges
  static constexpr uint8_t kSpecial = 2;  ///< only added tokens can be

  std::string source;  ///< file, for messages
  Vocabulary vocabulary;
  std::vector<uint8_t> flags;  ///< by id
  std::string bytes;           ///< every token's bytes, one after the other
  std::vector<uint32_t> byte_ends;
  BpeMerges merges;
  AddedTokens added;             ///< found in the text as it is
  AddedTokens added_normalized;  ///< found after the normalizer
  PreTokenizerKind pre_tokenizer = PreTokenizerKind::gpt2;
  bool normalize_nfc = false;
  bool whole_words_first = false;  ///< a word that is a token is not merged ("ignore_merges")
  std::vector<TokenId> prefix;

  /// Adds a token of the model's vocabulary. @throws Error invalid_data for a bad or doubled id or text.
  void add_model_token(int64_t id, std::string_view written) { add_token(id, written, kModel); }
  /// Marks a token (already there with this id, or new) as added. @throws as above.
  void add_added_token(int64_t id, std::string_view content, bool special, bool normalized);
  /// Adds the next rule, made of written forms, which must live until finish().
  /// @throws Error invalid_data when one of the three tokens of a rule is unknown: now or from finish().
  void add_merge(std::string_view left, std::string_view right);
  /// Derives what follows from the vocabulary: bytes of tokens, ids of bytes. @throws Error invalid_data when it is empty.
  void finish();
  /// True when each byte that valid UTF-8 can hold has a token.
  [[nodiscard]] bool has_all_bytes() const;

  [[nodiscard]] TokenId model_id(std::string_view written) const;
  void encode_plain(std::string_view text, BpeMerges::Scratch& scratch, std::vector<TokenId>& out) const;
  void encode_valid(std::string_view text, BpeMerges::Scratch& scratch, std::vector<TokenId>& out) const;
  void encode_word(std::string_view word, BpeMerges::Scratch& scratch, std::vector<TokenId>& out) const;
  void encode_normalized(std::string_view text, SpecialText special, BpeMerges::Scratch& scratch,
                         std::vector<TokenId>& out) const;

 private:
  /// Rules are looked up in blocks, whose cache lines are fetched together: three lookups each make up most of the loading.
  struct PendingMerge {
    std::string_view left;
    std::string_view right;
  };
  static constexpr std::size_t kMergeBlock = 32;
  void flush_merges();
  void add_token(int64_t id, std::string_view written, uint8_t flag);

  std::vector<PendingMerge> pending_;
  int32_t next_rank_ = 0;

  [[nodiscard]] std::string_view token_text(TokenId id, std::string& storage) const;
};

/// The readers behind Tokenizer::from_file and from_gguf; @throws as they do.
[[nodiscard]] std::unique_ptr<TokenizerParts> read_tokenizer_json(const std::filesystem::path& path);
[[nodiscard]] std::unique_ptr<TokenizerParts> read_tokenizer_gguf(const GgufFile& file);

/// Unicode normalization form C; text must be well-formed UTF-8.
[[nodiscard]] std::string to_nfc(std::string_view text);

}  // namespace ifm
