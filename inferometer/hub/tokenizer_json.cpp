#include "inferometer/hub/tokenizer_json.h"

#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "inferometer/base/check.h"

namespace ifm {
namespace {

using Json = nlohmann::ordered_json;

// What Hugging Face's files of these families say. Sources: the model cards' tokenizer.json, and llama.cpp's llama-vocab.cpp.
constexpr const char* kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

Json byte_level(bool trim_offsets, bool use_regex, bool add_prefix_space = false) {
  return {
      {"type", "ByteLevel"}, {"add_prefix_space", add_prefix_space}, {"trim_offsets", trim_offsets}, {"use_regex", use_regex}};
}

Json sequence(const char* key, std::vector<Json> parts) { return {{"type", "Sequence"}, {key, std::move(parts)}}; }

Json split(const char* pattern) {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
}

Json pre_tokenizer(PreTokenizer pre) {
  switch (pre) {
    case PreTokenizer::smollm:
      return sequence("pretokenizers", {Json{{"type", "Digits"}, {"individual_digits", true}}, byte_level(true, true)});
    case PreTokenizer::llama3:
      return sequence("pretokenizers", {split(kLlama3Pattern), byte_level(true, false)});
    case PreTokenizer::qwen2:
      return sequence("pretokenizers", {split(kQwen2Pattern), byte_level(false, false)});
    case PreTokenizer::gpt2:
      break;
  }
  return byte_level(true, true);
}

Json bos_template(const std::string& bos, TokenId id) {
  const Json begin = {{"SpecialToken", {{"id", bos}, {"type_id", 0}}}};
  const Json begin_second = {{"SpecialToken", {{"id", bos}, {"type_id", 1}}}};
  const Json first = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const Json second = {{"Sequence", {{"id", "B"}, {"type_id", 1}}}};
  Json result = {{"type", "TemplateProcessing"}};
  result["single"] = Json::array({begin, first});
  result["pair"] = Json::array({begin, first, begin_second, second});
  result["special_tokens"][bos] = {{"id", bos}, {"ids", Json::array({id})}, {"tokens", Json::array({bos})}};
  return result;
}

Json post_processor(const TokenizerSpec& spec) {
  if (!spec.add_bos || !spec.bos) return byte_level(spec.pre != PreTokenizer::qwen2, true);
  return sequence("processors",
                  {byte_level(false, true, true), bos_template(spec.tokens[static_cast<std::size_t>(*spec.bos)], *spec.bos)});
}

bool is_added(TokenKind kind) {
  return kind == TokenKind::control || kind == TokenKind::user_defined || kind == TokenKind::unknown;
}

/// Added tokens behind the vocabulary stand only in their own list, as in Llama 3's files; others are in both, as in SmolLM's.
std::size_t vocabulary_end(const TokenizerSpec& spec) {
  std::size_t end = spec.tokens.size();
  while (end > 0 && is_added(spec.kinds[end - 1])) --end;
  return end;
}

std::string quoted(const std::string& text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }

void append_added_tokens(std::string& out, const TokenizerSpec& spec) {
  const char* separator = "\n";
  for (std::size_t i = 0; i < spec.tokens.size(); ++i) {
    if (!is_added(spec.kinds[i])) continue;
    out += separator;
    separator = ",\n";
    out += "    {\n      \"id\": " + std::to_string(i) + ",\n      \"content\": " + quoted(spec.tokens[i]) +
           ",\n      \"single_word\": false,\n      \"lstrip\": false,\n      \"rstrip\": false,\n      \"normalized\": false,\n "
           "     \"special\": " +
           (spec.kinds[i] == TokenKind::user_defined ? "false" : "true") + "\n    }";
  }
}

void append_vocabulary(std::string& out, const TokenizerSpec& spec) {
  const char* separator = "\n";
  const std::size_t end = vocabulary_end(spec);
  for (std::size_t i = 0; i < end; ++i) {
    if (spec.kinds[i] == TokenKind::unused) continue;
    out += separator;
    separator = ",\n";
    out += "      " + quoted(spec.tokens[i]) + ": " + std::to_string(i);
  }
}

void append_merges(std::string& out, const TokenizerSpec& spec, MergeForm form) {
  const char* separator = "\n";
  for (const std::string& merge : spec.merges) {
    out += separator;
    separator = ",\n";
    if (form == MergeForm::strings) {
      out += "      " + quoted(merge);
      continue;
    }
    const std::size_t space = merge.find(' ');
    out += "      [\n        " + quoted(merge.substr(0, space)) + ",\n        " + quoted(merge.substr(space + 1)) + "\n      ]";
  }
}

}  // namespace

std::string tokenizer_json(const TokenizerSpec& spec, MergeForm merges) {
  IFM_CHECK(spec.kinds.size() == spec.tokens.size());
  const Json normalizer = spec.pre == PreTokenizer::qwen2 ? Json{{"type", "NFC"}} : Json(nullptr);
  // Written by hand: 400,000 entries are slow to build as a document, and this is how Hugging Face's own files look.
  std::string out = "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n  \"added_tokens\": [";
  append_added_tokens(out, spec);
  out += "\n  ],\n  \"normalizer\": " + normalizer.dump();
  out += ",\n  \"pre_tokenizer\": " + pre_tokenizer(spec.pre).dump();
  out += ",\n  \"post_processor\": " + post_processor(spec).dump();
  out += ",\n  \"decoder\": " + byte_level(true, true, true).dump();
  out +=
      ",\n  \"model\": {\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": null,\n    "
      "\"continuing_subword_prefix\": null,";
  out += "\n    \"end_of_word_suffix\": null,\n    \"fuse_unk\": false,\n    \"byte_fallback\": false,\n    \"ignore_merges\": ";
  out += spec.pre == PreTokenizer::llama3 ? "true" : "false";
  out += ",\n    \"vocab\": {";
  append_vocabulary(out, spec);
  out += "\n    },\n    \"merges\": [";
  append_merges(out, spec, merges);
  out += "\n    ]\n  }\n}\n";
  return out;
}

std::string tokenizer_config_json(const TokenizerSpec& spec) {
  Json config;
  const auto add = [&](const char* key, const std::optional<TokenId>& id) {
    if (id) config[key] = spec.tokens[static_cast<std::size_t>(*id)];
  };
  config["tokenizer_class"] = "PreTrainedTokenizerFast";
  add("bos_token", spec.bos);
  add("eos_token", spec.eos);
  add("pad_token", spec.pad);
  add("unk_token", spec.unknown);
  config["clean_up_tokenization_spaces"] = false;
  if (spec.context > 0) config["model_max_length"] = spec.context;
  if (!spec.chat_template.empty()) config["chat_template"] = spec.chat_template;
  return config.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ifm
