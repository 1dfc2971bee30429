#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inferometer/engine/engine.h"
#include "inferometer/engine/llama_cpp_library.h"
#include "inferometer/format/checkpoint.h"
#include "inferometer/text/model_text.h"

namespace ifm {

/// The text side of a model in llama.cpp. Where our tokenizer reads the file and gives llama.cpp's ids on the probes of the .cpp,
/// it makes the ids, so that every engine evaluates the same ones; else llama.cpp's own does. The chat template is ours where it
/// can be read, else llama.cpp's rendering of it.
class LlamaCppText {
 public:
  /// model: must outlive this. checkpoint: null where we cannot read the file.
  LlamaCppText(const llama_model& model, const Checkpoint* checkpoint);

  /// @throws Error usage, unsupported when there is no usable chat template.
  [[nodiscard]] PromptIds encode(const Request& request) const;
  /// Special tokens are included as their text.
  [[nodiscard]] std::string decode(std::span<const TokenId> ids) const;
  /// What an id adds to an answer; empty for special tokens. Valid until the next call.
  [[nodiscard]] std::string_view piece(TokenId id);
  /// Ids that end an answer, ascending: the checkpoint's, else llama.cpp's.
  [[nodiscard]] std::span<const TokenId> eos() const { return eos_; }
  /// Whether our tokenizer makes the ids.
  [[nodiscard]] bool ours() const { return agrees_; }

 private:
  [[nodiscard]] bool agrees() const;
  [[nodiscard]] std::string chat_text(const std::vector<PromptMessage>& messages) const;

  const llama_model& model_;
  const llama_vocab* vocab_;
  std::optional<ModelText> text_;
  bool agrees_ = false;
  std::vector<TokenId> eos_;
  std::string piece_;
};

}  // namespace ifm
