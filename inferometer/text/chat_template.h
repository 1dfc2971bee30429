#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ifm {

/// One message of a conversation.
struct ChatMessage {
  std::string role;  ///< "system", "user", "assistant"
  std::string content;
};

/// What a template may ask for besides the messages.
struct ChatTemplateOptions {
  bool add_generation_prompt = true;
  std::string bos_token;
  std::string eos_token;
  std::string date = "26 Jul 2024";  ///< strftime_now and date_string: fixed, so that a prompt is the same tomorrow
};

/// A chat template: the subset of Jinja that real models' templates use, interpreted; never any other code.
class ChatTemplate {
 public:
  /// @throws Error invalid_data (syntax, with its line), unsupported naming the construct.
  explicit ChatTemplate(std::string_view source);
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  /// The prompt text. Steps and output are capped (FAULTS 32). @throws Error invalid_data (raise_exception, wrong types),
  /// resource.
  [[nodiscard]] std::string render(std::span<const ChatMessage> messages, const ChatTemplateOptions& options) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ifm
