#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "inferometer/base/error.h"
#include "inferometer/format/checkpoint.h"
#include "inferometer/text/chat_template.h"
#include "inferometer/text/tokenizer.h"

namespace ifm {

/// Ids as a model gets them.
struct PromptIds {
  std::vector<TokenId> ids;
  bool doubled_bos = false;  ///< there was more than one BOS in front: template, text and tokenizer each may put one there
  [[nodiscard]] bool operator==(const PromptIds&) const = default;
};
/// Leaves one of several equal BOS at the front.
[[nodiscard]] PromptIds with_one_bos(std::vector<TokenId> ids, std::optional<TokenId> bos);

/// A model's text side: tokenizer, chat template, and the tokens that begin and end.
struct ModelText {
  Tokenizer tokenizer;
  std::optional<ChatTemplate> chat_template;
  std::string chat_template_source;
  std::filesystem::path chat_template_file;    ///< where it stands
  std::optional<Error> chat_template_problem;  ///< why there is no chat_template although there is a source
  std::string bos_token;
  std::string eos_token;

  /// From a folder (tokenizer.json, tokenizer_config.json, chat_template.jinja) or a GGUF's metadata. A template that cannot be
  /// used is a problem of conversations alone. @throws Error as its other parts.
  [[nodiscard]] static ModelText open(const Checkpoint& checkpoint);

  /// Ids of a conversation through the template; at most one BOS in front. @throws Error unsupported when there is no template,
  /// and what is wrong with it, naming its file.
  [[nodiscard]] PromptIds encode_chat(std::span<const ChatMessage> messages) const;
  /// Ids of a plain text with the tokenizer's own prefix; never two BOS.
  [[nodiscard]] PromptIds encode_raw(std::string_view text) const;
};

}  // namespace ifm
