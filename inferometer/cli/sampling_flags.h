#pragma once

#include <CLI/CLI.hpp>

#include "inferometer/engine/engine.h"

namespace ifm {

/// How long answers may be and how their ids are drawn.
struct SamplingFlags {
  int max_tokens = 256;
  SamplingParams sampling;
};

/// Adds -n, --temp, --top-p, --top-k, --min-p, --seed. `flags` must live as long as the app.
void add_sampling_flags(CLI::App& verb, SamplingFlags& flags);

}  // namespace ifm
