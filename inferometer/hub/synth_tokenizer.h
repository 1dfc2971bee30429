#pragma once

#include <cstdint>

#include "inferometer/hub/tokenizer_spec.h"

namespace ifm {

/// How large a synthetic tokenizer is.
struct SynthTokenizerSize {
  int tokens = 0;    ///< ordinary ones, the 256 bytes included; > 256
  int specials = 0;  ///< behind them, named as Llama 3's; >= 10
  int merges = 0;    ///< >= tokens - 256: a token may be made in several ways, as in Llama 3's own file
};

/// A valid byte-level BPE with Llama 3's pre-tokenizer, special tokens and prompt layout: all bytes, short letter groups, digits,
/// then longer words of random syllables. Each merge joins two tokens of lower rank into a third one.
[[nodiscard]] TokenizerSpec synth_tokenizer(const SynthTokenizerSize& size, uint64_t seed);

}  // namespace ifm
