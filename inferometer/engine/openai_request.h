#pragma once

#include <optional>
#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include "inferometer/engine/engine.h"

namespace ifm {

/// Which server this is: what it knows beyond OpenAI's protocol differs.
enum class ServerKind { unknown, openai, llama_cpp, mlx_lm, vllm, ollama, lm_studio };
[[nodiscard]] const char* to_string(ServerKind kind);

/// Guesses a server's kind from its address, its `Server` header and its answer to GET /v1/models.
[[nodiscard]] ServerKind server_kind_of(const std::string& url, const std::string& server_header, const nlohmann::json& models);

/// Whether this kind can be asked to go on after an EOS; mlx-lm's can, by a bias against its ids.
[[nodiscard]] bool can_ignore_eos(ServerKind kind, std::span<const TokenId> eos);

/// ".../v1/chat/completions" or ".../v1/completions" for a request of this form.
[[nodiscard]] std::string endpoint_of(const std::string& url, PromptForm form);
/// The server's address without "/v1": where /health and the like are.
[[nodiscard]] std::string root_of(const std::string& url);

/// The request's body. eos: ids of the model's ends where they are known; extra: a JSON object whose fields are added to it or
/// replace its own, null takes one away. @throws Error usage when `extra` is no JSON object.
[[nodiscard]] std::string body_of(const Request& request, const std::string& model, ServerKind kind, std::span<const TokenId> eos,
                                  const std::string& extra);

}  // namespace ifm
