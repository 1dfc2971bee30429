#include "inferometer/text/chat_template.h"

#include "inferometer/base/error.h"
#include "inferometer/text/jinja_interpreter.h"
#include "inferometer/text/jinja_parser.h"

namespace ifm {
namespace {

constexpr std::size_t kMaxSourceBytes = std::size_t{256} << 10;

jinja::Value message_value(const ChatMessage& message) {
  jinja::Dict dict;
  dict.items = {{"role", message.role}, {"content", message.content}};
  return dict;
}

}  // namespace

struct ChatTemplate::Impl {
  jinja::Body body;
};

ChatTemplate::ChatTemplate(std::string_view source) : impl_(std::make_unique<Impl>()) {
  if (source.size() > kMaxSourceBytes) {
    fail(ErrorKind::resource, "chat template: too long (expected at most {} bytes, got {})", kMaxSourceBytes, source.size());
  }
  impl_->body = jinja::parse(source);
}

ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

std::string ChatTemplate::render(std::span<const ChatMessage> messages, const ChatTemplateOptions& options) const {
  jinja::List list;
  for (const ChatMessage& message : messages) list.items.push_back(message_value(message));
  jinja::Dict variables;
  variables.set("messages", std::move(list));
  variables.set("add_generation_prompt", options.add_generation_prompt);
  // Hugging Face passes these two always, as None when there are none.
  variables.set("tools", jinja::None{});
  variables.set("documents", jinja::None{});
  variables.set("date_string", options.date);
  // A token that the model does not have is not defined, as there.
  if (!options.bos_token.empty()) variables.set("bos_token", options.bos_token);
  if (!options.eos_token.empty()) variables.set("eos_token", options.eos_token);
  return jinja::Interpreter(variables, options.date).run(impl_->body);
}

}  // namespace ifm
