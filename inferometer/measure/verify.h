#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "inferometer/base/stop.h"
#include "inferometer/base/token_id.h"
#include "inferometer/engine/engine.h"
#include "inferometer/measure/agreement.h"

namespace ifm {

/// How much is compared.
struct VerifyOptions {
  int window = 512;          ///< positions that share a cache; each window starts from an empty one
  int positions = 0;         ///< at most this many of the text's; 0 = all
  int continuations = 0;     ///< greedy continuations, of pieces of the text as prompts
  int prompt_tokens = 32;    ///< of each
  int continue_tokens = 64;  ///< of each
};

/// Where two greedy continuations of the same tokens part.
struct Divergence {
  int prompt = 0;  ///< which of the continuations
  int token = 0;   ///< which of its tokens, from 0
  TokenId id = 0;
  TokenId reference_id = 0;
  double gap = 0;            ///< logits: by how much the first prefers its token to the other's, and
  double reference_gap = 0;  ///< the reference its own
};

/// What verify() found.
struct Verified {
  std::vector<PositionAgreement> positions;
  int64_t target_bytes = 0;  ///< UTF-8 bytes of the tokens that were predicted: for bits per byte
  int continuations = 0;
  int continued_tokens = 0;  ///< that both gave alike
  std::vector<Divergence> divergences;
};

/// Ids that both models give for a text; only then can their distributions be compared.
/// @throws Error unsupported where an engine shows none or has no bare evaluation, incomparable tokenizations as invalid_data.
[[nodiscard]] std::vector<TokenId> common_ids(Model& model, Model& reference, const std::string& text);

/// Evaluates a text with two models, side by side, and compares what they say of each next token, then their greedy
/// continuations. ids: with the begin token, if there is one, in front. `progress`: called with positions and continued tokens
/// done so far. @throws Error usage when the text is too short, resource when a window does not fit a context, interrupted,
/// engine when logits are not finite.
[[nodiscard]] Verified verify(Model& model, Model& reference, std::span<const TokenId> ids, const VerifyOptions& options,
                              const StopToken& stop, const std::function<void(int)>& progress);

/// Whether a divergence is rounding: the first engine's preference is within `margin_error` (AgreementSummary's largest).
[[nodiscard]] bool is_rounding(const Divergence& divergence, double margin_error);

}  // namespace ifm
