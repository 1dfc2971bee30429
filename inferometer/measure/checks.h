#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "inferometer/base/token_id.h"
#include "inferometer/engine/engine.h"
#include "inferometer/record/run.h"

namespace ifm {

/// Engine and laboratory may differ by this much about the length of a request (METHOD 11).
inline constexpr int64_t kClockToleranceNs = 1'000'000;
/// A run is flagged when more than this share of CPU time was stolen (METHOD 10), in percent.
inline constexpr double kStealTolerancePercent = 2.0;
/// A block's runs are flagged "engines_awake" when more cores than this were busy while every engine waited (METHOD 3).
inline constexpr double kWaitingCpuTolerance = 0.1;

/// The consistency rules on a run that the engine has finished: a cancelled one and one without tokens fail; a disagreement of
/// the two clocks fails (flag "clock_disagreement"); tokens that do not add up are flagged "count_disputed", an
/// answer that an EOS ended which was to be ignored "eos_not_ignored", what the engine itself says is wrong as it says; prompt
/// tokens from a cache are flagged "prompt_cached". `handed_over_ns`: when the text was handed over, as a run's times.
void check_run(Run& run, const Completion& done, const Request& request, int64_t handed_over_ns);

/// sha256 of ids as little-endian i32.
[[nodiscard]] std::string hash_of_ids(const std::vector<TokenId>& ids);

}  // namespace ifm
