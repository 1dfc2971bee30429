#include "inferometer/hub/tokenizer_spec.h"

#include <array>
#include <string_view>
#include <utility>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"

namespace ifm {
namespace {

/// llama.cpp's names; the first one of each kind is the one that we write.
constexpr std::array<std::pair<std::string_view, PreTokenizer>, 8> kPreTokenizers{{
    {"smollm", PreTokenizer::smollm},
    {"llama-bpe", PreTokenizer::llama3},
    {"llama3", PreTokenizer::llama3},
    {"llama-v3", PreTokenizer::llama3},
    {"gpt-2", PreTokenizer::gpt2},
    {"gpt2", PreTokenizer::gpt2},
    {"qwen2", PreTokenizer::qwen2},
    {"deepseek-r1-qwen", PreTokenizer::qwen2},
}};

PreTokenizer read_pre_tokenizer(const GgufFile& file) {
  const std::string* name = file.text("tokenizer.ggml.pre");
  if (name == nullptr)
    fail(ErrorKind::unsupported, "{}: tokenizer.ggml.pre is missing (a pre-tokenizer is never guessed)", file.path().string());
  for (const auto& [known, pre] : kPreTokenizers) {
    if (*name == known) return pre;
  }
  fail(ErrorKind::unsupported, "{}: pre-tokenizer {} is not supported (expected smollm, llama-bpe, gpt-2 or qwen2)",
       file.path().string(), *name);
}

std::vector<TokenKind> read_kinds(const GgufFile& file, std::size_t count) {
  const std::vector<int64_t>* types = file.integers("tokenizer.ggml.token_type");
  std::vector<TokenKind> kinds(count, TokenKind::normal);
  if (types == nullptr) return kinds;
  if (types->size() != count) {
    fail(ErrorKind::invalid_data, "{}: tokenizer.ggml.token_type has {} entries (expected {})", file.path().string(),
         types->size(), count);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const int64_t type = (*types)[i];
    if (type < 1 || type > 6)
      fail(ErrorKind::invalid_data, "{}: tokenizer.ggml.token_type[{}] is {} (expected 1 to 6)", file.path().string(), i, type);
    kinds[i] = static_cast<TokenKind>(type);
  }
  return kinds;
}

std::optional<TokenId> read_id(const GgufFile& file, std::string_view key, std::size_t count) {
  const std::optional<int64_t> id = file.integer(key);
  if (!id) return std::nullopt;
  if (*id < 0 || static_cast<uint64_t>(*id) >= count) {
    fail(ErrorKind::invalid_data, "{}: {} is {} (expected 0 to {})", file.path().string(), key, *id, count - 1);
  }
  return static_cast<TokenId>(*id);
}

}  // namespace

TokenizerSpec read_tokenizer_spec(const GgufFile& file) {
  const std::string* model = file.text("tokenizer.ggml.model");
  if (model == nullptr) fail(ErrorKind::invalid_data, "{}: tokenizer.ggml.model is missing", file.path().string());
  if (*model != "gpt2")
    fail(ErrorKind::unsupported, "{}: tokenizer model {} is not supported (expected gpt2)", file.path().string(), *model);
  TokenizerSpec spec;
  spec.pre = read_pre_tokenizer(file);
  const std::vector<std::string>* tokens = file.texts("tokenizer.ggml.tokens");
  const std::vector<std::string>* merges = file.texts("tokenizer.ggml.merges");
  if (tokens == nullptr || tokens->empty())
    fail(ErrorKind::invalid_data, "{}: tokenizer.ggml.tokens is missing", file.path().string());
  if (merges == nullptr) fail(ErrorKind::invalid_data, "{}: tokenizer.ggml.merges is missing", file.path().string());
  spec.tokens = *tokens;
  spec.merges = *merges;
  spec.kinds = read_kinds(file, spec.tokens.size());
  spec.bos = read_id(file, "tokenizer.ggml.bos_token_id", spec.tokens.size());
  spec.eos = read_id(file, "tokenizer.ggml.eos_token_id", spec.tokens.size());
  spec.pad = read_id(file, "tokenizer.ggml.padding_token_id", spec.tokens.size());
  spec.unknown = read_id(file, "tokenizer.ggml.unknown_token_id", spec.tokens.size());
  // llama.cpp puts a BOS in front of Llama 3's texts unless the file says otherwise.
  spec.add_bos = file.boolean("tokenizer.ggml.add_bos_token").value_or(spec.pre == PreTokenizer::llama3) && spec.bos;
  if (const std::string* text = file.text("tokenizer.chat_template")) spec.chat_template = *text;
  return spec;
}

void add_gguf_entries(const TokenizerSpec& spec, std::vector<GgufEntry>& entries) {
  IFM_CHECK(spec.kinds.size() == spec.tokens.size());
  using Type = GgufEntry::Type;
  std::string pre;
  for (const auto& [name, kind] : kPreTokenizers) {
    if (kind == spec.pre && pre.empty()) pre = name;
  }
  std::vector<int64_t> types;
  types.reserve(spec.kinds.size());
  for (const TokenKind kind : spec.kinds) types.push_back(static_cast<int64_t>(kind));
  entries.push_back({"tokenizer.ggml.model", Type::text, std::string("gpt2")});
  entries.push_back({"tokenizer.ggml.pre", Type::text, pre});
  entries.push_back({"tokenizer.ggml.tokens", Type::texts, spec.tokens});
  entries.push_back({"tokenizer.ggml.token_type", Type::i32s, types});
  entries.push_back({"tokenizer.ggml.merges", Type::texts, spec.merges});
  const auto add_id = [&](const char* key, const std::optional<TokenId>& id) {
    if (id) entries.push_back({key, Type::u32, static_cast<uint64_t>(*id)});
  };
  add_id("tokenizer.ggml.bos_token_id", spec.bos);
  add_id("tokenizer.ggml.eos_token_id", spec.eos);
  add_id("tokenizer.ggml.padding_token_id", spec.pad);
  add_id("tokenizer.ggml.unknown_token_id", spec.unknown);
  entries.push_back({"tokenizer.ggml.add_bos_token", Type::boolean, spec.add_bos});
  if (!spec.chat_template.empty()) entries.push_back({"tokenizer.chat_template", Type::text, spec.chat_template});
}

}  // namespace ifm
