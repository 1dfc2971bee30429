#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ifm {

/// "blk.3.attn_q.weight" -> "model.layers.3.self_attn.q_proj"; nullopt for a name that a Llama does not have.
[[nodiscard]] std::optional<std::string> hugging_face_name(std::string_view gguf_name);
/// The way back: "model.layers.3.self_attn.q_proj" -> "blk.3.attn_q.weight".
[[nodiscard]] std::optional<std::string> gguf_name(std::string_view hugging_face_name);
/// Whether GGUF keeps this tensor's rows in the order of its rotary embedding.
[[nodiscard]] bool has_permuted_rows(std::string_view hugging_face_name);

}  // namespace ifm
