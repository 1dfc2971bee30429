#include "inferometer/text/model_text.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "inferometer/base/error.h"
#include "inferometer/base/mapped_file.h"
#include "inferometer/format/json_reader.h"

namespace ifm {
namespace {

/// A special token of tokenizer_config.json: a string, an object with its content, or null.
std::string special_text(const nlohmann::json& config, const char* key, const std::string& source) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return {};
  if (found->is_string()) return found->get<std::string>();
  const auto content = found->is_object() ? found->find("content") : found->end();
  if (!found->is_object() || content == found->end() || !content->is_string()) {
    fail(ErrorKind::invalid_data, "{}: {} is neither a string nor an object with \"content\"", source, key);
  }
  return content->get<std::string>();
}

/// The template of tokenizer_config.json: a string, or a list of named ones of which "default" counts.
std::string template_text(const nlohmann::json& config, const std::string& source) {
  const auto found = config.find("chat_template");
  if (found == config.end() || found->is_null()) return {};
  if (found->is_string()) return found->get<std::string>();
  if (found->is_array()) {
    for (const nlohmann::json& item : *found) {
      if (item.is_object() && item.value("name", nlohmann::json()) == "default" && item.contains("template") &&
          item["template"].is_string()) {
        return item["template"].get<std::string>();
      }
    }
  }
  fail(ErrorKind::invalid_data, "{}: chat_template is neither a string nor a list with a template named \"default\"", source);
}

std::string read_text(const std::filesystem::path& path) {
  const MappedFile file(path);
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

ModelText from_folder(const std::filesystem::path& folder) {
  ModelText text{.tokenizer = Tokenizer::from_file(folder / "tokenizer.json")};
  const std::filesystem::path config_path = folder / "tokenizer_config.json";
  if (std::filesystem::exists(config_path)) {
    const nlohmann::json config = read_json_object(config_path);
    text.bos_token = special_text(config, "bos_token", config_path.string());
    text.eos_token = special_text(config, "eos_token", config_path.string());
    text.chat_template_source = template_text(config, config_path.string());
    text.chat_template_file = config_path;
  }
  const std::filesystem::path template_path = folder / "chat_template.jinja";
  if (std::filesystem::exists(template_path)) {
    text.chat_template_source = read_text(template_path);
    text.chat_template_file = template_path;
  }
  return text;
}

std::string token_named(const GgufFile& file, const char* key, const Tokenizer& tokenizer) {
  const std::optional<int64_t> id = file.integer(key);
  if (!id) return {};
  if (*id < 0 || *id >= tokenizer.vocab_size()) {
    fail(ErrorKind::invalid_data, "{}: {} is out of range (expected 0 to {}, got {})", file.path().string(), key,
         tokenizer.vocab_size() - 1, *id);
  }
  return std::string(tokenizer.token_bytes(static_cast<TokenId>(*id)));
}

ModelText from_gguf(const GgufFile& file) {
  ModelText text{.tokenizer = Tokenizer::from_gguf(file)};
  text.bos_token = token_named(file, "tokenizer.ggml.bos_token_id", text.tokenizer);
  text.eos_token = token_named(file, "tokenizer.ggml.eos_token_id", text.tokenizer);
  if (const std::string* source = file.text("tokenizer.chat_template")) text.chat_template_source = *source;
  text.chat_template_file = file.path();
  return text;
}

}  // namespace

PromptIds with_one_bos(std::vector<TokenId> ids, std::optional<TokenId> bos) {
  std::size_t doubled = 0;
  while (bos && doubled + 1 < ids.size() && ids[doubled] == *bos && ids[doubled + 1] == *bos) ++doubled;
  ids.erase(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(doubled));
  return {std::move(ids), doubled > 0};
}

ModelText ModelText::open(const Checkpoint& checkpoint) {
  const GgufFile* gguf = checkpoint.gguf();
  ModelText text = gguf != nullptr ? ::ifm::from_gguf(*gguf) : from_folder(checkpoint.path());
  if (text.chat_template_source.empty()) return text;
  try {
    text.chat_template.emplace(text.chat_template_source);
  } catch (const Error& error) {
    text.chat_template_problem = Error(error.kind(), text.chat_template_file.string() + ": " + error.message());
  }
  return text;
}

PromptIds ModelText::encode_chat(std::span<const ChatMessage> messages) const {
  if (chat_template_problem) throw Error(*chat_template_problem);
  if (!chat_template) {
    fail(ErrorKind::unsupported,
         "chat template: the model has none (expected tokenizer_config.json or GGUF metadata to hold one; use a raw prompt)");
  }
  ChatTemplateOptions options;
  options.bos_token = bos_token;
  options.eos_token = eos_token;
  const std::string conversation =
      under([this] { return chat_template_file.string(); }, [&] { return chat_template->render(messages, options); });
  return with_one_bos(tokenizer.encode(conversation), bos_token.empty() ? std::nullopt : tokenizer.find(bos_token));
}

PromptIds ModelText::encode_raw(std::string_view text) const {
  std::vector<TokenId> ids(tokenizer.prefix().begin(), tokenizer.prefix().end());
  const std::vector<TokenId> body = tokenizer.encode(text);
  ids.insert(ids.end(), body.begin(), body.end());
  return with_one_bos(std::move(ids), tokenizer.prefix().empty() ? std::nullopt : std::optional(tokenizer.prefix().front()));
}

}  // namespace ifm
