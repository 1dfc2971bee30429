#include "inferometer/engine/llama_cpp_text.h"

#include <algorithm>
#include <array>

#include "inferometer/base/error.h"
#include "inferometer/engine/in_process.h"
#include "inferometer/text/chat_template.h"

namespace ifm {
namespace {

enum class Prefix { none, add };

/// llama.cpp's ids.
std::vector<TokenId> tokenize(const llama_vocab* vocab, std::string_view text, Prefix prefix, SpecialText special) {
  std::vector<TokenId> ids(text.size() + 2);  // a BOS and an EOS more than bytes at most
  const auto call = [&] {
    return llama_tokenize(vocab, text.data(), static_cast<int32_t>(text.size()), ids.data(), static_cast<int32_t>(ids.size()),
                          prefix == Prefix::add, special == SpecialText::parse);
  };
  int32_t count = call();
  if (count < 0 && count != INT32_MIN) {
    ids.resize(static_cast<std::size_t>(-count));
    count = call();
  }
  if (count < 0) fail(ErrorKind::resource, "tokenizer: llama.cpp cannot encode a text of {} bytes", text.size());
  ids.resize(static_cast<std::size_t>(count));
  return ids;
}

/// Texts on which tokenizers are known to part: contractions, digits, runs of spaces and line ends, code, scripts without
/// spaces, combining marks, emoji, spaces that are not ASCII.
constexpr std::array<std::string_view, 32> kProbes{
    "",
    "a",
    " ",
    "  ",
    "\n",
    "Hello, world!",
    " Hello  world ",
    "The quick brown fox jumps over the lazy dog.",
    "I'm sure they've said we'll see; don't, it's HERS, I'LL, YOU'RE.",
    "1",
    "12",
    "123",
    "1234567890",
    "3.14159 and 2,718,281 in 1984",
    "0x1F, 1e-9, v1.2.3",
    "int main(void) { return x[i] += (a->b) << 2; }\n",
    "def f(x):\n    if x > 0:\n        return x ** 2\n\n\n    return None\n",
    "\tindented\twith\ttabs\t\n",
    "trailing spaces   \nand blank lines\n\n\nhere \n \n",
    "\r\nWindows\r\nlines\r\n",
    "https://example.com/a/b?c=d&e=%20f#g",
    "café naïve coöperate façade",
    "cafe\u0301 n\u0303",
    "Ελληνικά Русский",
    "你好，世界。こんにちは",
    "العربية עברית",
    "😀👩\u200d💻 🇫🇷",
    "non\u00a0breaking\u2009thin\u3000wide\u2028line",
    "x² + y³ ≤ ½ Ⅷ ١٢٣",
    "“quotes” — dashes… €5",
    "!!!??? ... ((([[[{{{ --- === ### $$$ @@@ ~~~ ^^^",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
};

const std::vector<PromptMessage>& probe_conversation() {
  static const std::vector<PromptMessage> messages{{"user", "2 + 2?"}, {"assistant", "4"}, {"user", "And in words?"}};
  return messages;
}

/// Nothing where our reader refuses the file: llama.cpp reads more kinds of models than we do.
std::optional<ModelText> open_text(const Checkpoint* checkpoint) {
  if (checkpoint == nullptr) return std::nullopt;
  try {
    return ModelText::open(*checkpoint);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

LlamaCppText::LlamaCppText(const llama_model& model, const Checkpoint* checkpoint)
    : model_(model), vocab_(llama_model_get_vocab(&model)), text_(open_text(checkpoint)), agrees_(agrees()) {
  if (checkpoint != nullptr) eos_ = checkpoint->config().eos;
  if (!eos_.empty()) return;
  for (TokenId id = 0; id < llama_vocab_n_tokens(vocab_); ++id) {
    if (llama_vocab_is_eog(vocab_, id)) eos_.push_back(id);
  }
}

/// Whether our tokenizer gives llama.cpp's ids on all probes, alone, with the tokenizer's own prefix, and as a conversation. Not
/// where our side cannot do the conversation: that is then the error of the request that asks for one.
bool LlamaCppText::agrees() const {
  if (!text_ || text_->tokenizer.vocab_size() > llama_vocab_n_tokens(vocab_)) return false;
  const auto same = [this](std::string_view text) {
    return text_->tokenizer.encode(text, SpecialText::plain) == tokenize(vocab_, text, Prefix::none, SpecialText::plain);
  };
  if (!std::ranges::all_of(kProbes, same)) return false;
  if (text_->encode_raw("Hello").ids != tokenize(vocab_, "Hello", Prefix::add, SpecialText::parse)) return false;
  if (!text_->chat_template) return true;
  try {
    const std::string conversation = chat_text(probe_conversation());
    return text_->tokenizer.encode(conversation) == tokenize(vocab_, conversation, Prefix::none, SpecialText::parse);
  } catch (const Error&) {
    return false;
  }
}

std::string LlamaCppText::chat_text(const std::vector<PromptMessage>& messages) const {
  if (text_ && text_->chat_template) {
    ChatTemplateOptions options;
    options.bos_token = text_->bos_token;
    options.eos_token = text_->eos_token;
    return text_->chat_template->render(chat_of(messages), options);
  }
  const char* source = llama_model_chat_template(&model_, nullptr);
  if (source == nullptr) fail(ErrorKind::unsupported, "chat template: the model has none (use a raw prompt)");
  std::vector<llama_chat_message> chat;
  for (const PromptMessage& message : messages) chat.push_back({message.role.c_str(), message.content.c_str()});
  std::string text;
  const auto apply = [&] {
    return llama_chat_apply_template(source, chat.data(), chat.size(), true, text.data(), static_cast<int32_t>(text.size()));
  };
  int32_t size = apply();
  if (size < 0) fail(ErrorKind::unsupported, "chat template: llama.cpp does not know this model's (use a raw prompt)");
  text.resize(static_cast<std::size_t>(size));
  size = apply();
  text.resize(static_cast<std::size_t>(size));
  return text;
}

PromptIds LlamaCppText::encode(const Request& request) const {
  if (agrees_) return encode_request(*text_, request);
  if (request.form == PromptForm::chat) {
    return with_one_bos(tokenize(vocab_, chat_text(request.messages), Prefix::add, SpecialText::parse), llama_vocab_bos(vocab_));
  }
  return with_one_bos(tokenize(vocab_, raw_text_of(request), Prefix::add, SpecialText::parse), llama_vocab_bos(vocab_));
}

std::string LlamaCppText::decode(std::span<const TokenId> ids) const {
  if (agrees_) return text_->tokenizer.decode(ids);
  std::string text;
  const auto call = [&] {
    return llama_detokenize(vocab_, ids.data(), static_cast<int32_t>(ids.size()), text.data(), static_cast<int32_t>(text.size()),
                            false, true);
  };
  const int32_t size = call();
  if (size == 0) return text;
  text.resize(static_cast<std::size_t>(-size));
  text.resize(static_cast<std::size_t>(call()));
  return text;
}

std::string_view LlamaCppText::piece(TokenId id) {
  if (agrees_) return text_->tokenizer.is_special(id) ? std::string_view() : text_->tokenizer.token_bytes(id);
  piece_.resize(64);
  const auto call = [&] {
    return llama_token_to_piece(vocab_, id, piece_.data(), static_cast<int32_t>(piece_.size()), 0, false);
  };
  int32_t size = call();
  if (size < 0) {
    piece_.resize(static_cast<std::size_t>(-size));
    size = call();
  }
  piece_.resize(static_cast<std::size_t>(size));
  return piece_;
}

}  // namespace ifm
