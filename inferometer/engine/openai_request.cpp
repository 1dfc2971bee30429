#include "inferometer/engine/openai_request.h"

#include <limits>

#include "inferometer/base/error.h"
#include "inferometer/engine/in_process.h"

namespace ifm {
namespace {

using nlohmann::json;

/// As strong as mlx-lm's documentation shows it: an id with it is never drawn.
constexpr int kNever = -1000;

std::string without_trailing_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string base_of(const std::string& url) {
  const std::string base = without_trailing_slash(url);
  return base.ends_with("/v1") ? base : base + "/v1";
}

void add_sampling(json& body, const Request& request, ServerKind kind) {
  const SamplingParams& s = request.sampling;
  body["temperature"] = s.temperature;
  // Servers read a signed number.
  body["seed"] = static_cast<int64_t>(s.seed & static_cast<uint64_t>(std::numeric_limits<int32_t>::max()));
  if (s.top_p != 1.0) body["top_p"] = s.top_p;
  if (s.presence_penalty != 0) body["presence_penalty"] = s.presence_penalty;
  if (s.frequency_penalty != 0) body["frequency_penalty"] = s.frequency_penalty;
  // Beyond OpenAI's protocol. llama.cpp cuts by default: what is not asked for has to be turned off.
  const bool own_defaults = kind == ServerKind::llama_cpp;
  if (s.top_k != 0 || own_defaults) body["top_k"] = s.top_k;
  if (s.min_p != 0 || own_defaults) body["min_p"] = s.min_p;
  if (s.top_p == 1.0 && own_defaults) body["top_p"] = 1.0;
  if (s.repetition_penalty != 1.0)
    body[kind == ServerKind::llama_cpp ? "repeat_penalty" : "repetition_penalty"] = s.repetition_penalty;
}

void add_ignore_eos(json& body, const Request& request, ServerKind kind, std::span<const TokenId> eos) {
  switch (kind) {
    case ServerKind::llama_cpp:
      body["ignore_eos"] = true;
      break;
    case ServerKind::vllm:
      body["ignore_eos"] = true;
      body["min_tokens"] = request.max_tokens;
      break;
    case ServerKind::mlx_lm:
      for (const TokenId id : eos) body["logit_bias"][std::to_string(id)] = kNever;
      break;
    default:
      break;
  }
}

}  // namespace

const char* to_string(ServerKind kind) {
  switch (kind) {
    case ServerKind::openai:
      return "OpenAI";
    case ServerKind::llama_cpp:
      return "llama.cpp's server";
    case ServerKind::mlx_lm:
      return "mlx-lm's server";
    case ServerKind::vllm:
      return "vLLM";
    case ServerKind::ollama:
      return "Ollama";
    case ServerKind::lm_studio:
      return "LM Studio";
    case ServerKind::unknown:
      break;
  }
  return "a server of unknown kind";
}

ServerKind server_kind_of(const std::string& url, const std::string& server_header, const json& models) {
  if (url.find("//api.openai.com") != std::string::npos) return ServerKind::openai;
  if (server_header == "llama.cpp") return ServerKind::llama_cpp;
  std::string owner;
  if (const auto data = models.is_object() ? models.find("data") : models.end(); data != models.end() && data->is_array()) {
    for (const json& model : *data) {
      if (model.is_object() && owner.empty() && model.contains("owned_by") && model["owned_by"].is_string())
        owner = model["owned_by"].get<std::string>();
    }
  }
  if (owner == "llamacpp") return ServerKind::llama_cpp;
  if (owner == "vllm") return ServerKind::vllm;
  if (owner == "library") return ServerKind::ollama;
  if (owner == "organization_owner") return ServerKind::lm_studio;
  // mlx-lm's lists models without an owner, on Python's own server.
  if (server_header.starts_with("BaseHTTP/")) return ServerKind::mlx_lm;
  return ServerKind::unknown;
}

bool can_ignore_eos(ServerKind kind, std::span<const TokenId> eos) {
  return kind == ServerKind::llama_cpp || kind == ServerKind::vllm || (kind == ServerKind::mlx_lm && !eos.empty());
}

std::string endpoint_of(const std::string& url, PromptForm form) {
  return base_of(url) + (form == PromptForm::chat ? "/chat/completions" : "/completions");
}

std::string root_of(const std::string& url) {
  const std::string base = base_of(url);
  return base.substr(0, base.size() - 3);
}

std::string body_of(const Request& request, const std::string& model, ServerKind kind, std::span<const TokenId> eos,
                    const std::string& extra) {
  json body{{"model", model}, {"stream", true}, {"stream_options", {{"include_usage", true}}}};
  if (request.form == PromptForm::chat) {
    body["messages"] = json::array();
    for (const PromptMessage& m : request.messages) body["messages"].push_back({{"role", m.role}, {"content", m.content}});
  } else {
    body["prompt"] = raw_text_of(request);
  }
  body["max_tokens"] = request.max_tokens;
  if (!request.stop.empty()) body["stop"] = request.stop;
  add_sampling(body, request, kind);
  if (request.ignore_eos) add_ignore_eos(body, request, kind, eos);
  if (kind == ServerKind::llama_cpp) body["cache_prompt"] = false;  // each run evaluates its whole prompt
  if (!extra.empty()) {
    const json more = json::parse(extra, nullptr, false);
    if (!more.is_object()) fail(ErrorKind::usage, "server: the extra fields are no JSON object");
    body.merge_patch(more);
  }
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace ifm
