#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "inferometer/base/clock.h"
#include "inferometer/base/stop.h"
#include "inferometer/engine/engine.h"

namespace ifm {

/// What one row of `bench` evaluates: `prompt` tokens in one go, or `generate` single tokens in each of `parallel` sequences
/// together, from position `depth`. Exactly one of `prompt` and `generate` is > 0; a prompt is of one sequence.
struct BenchRow {
  int prompt = 0;
  int generate = 0;
  int depth = 0;
  int parallel = 1;

  /// Tokens that a sample evaluates, over all sequences.
  [[nodiscard]] int tokens() const { return prompt + generate * parallel; }
};

/// The row as llama-bench names it: "pp512", "tg128 @ d4096"; of several sequences "tg64 x 8".
[[nodiscard]] std::string row_name(const BenchRow& row);
/// Rows in llama-bench's order: for each depth the prompts, then the generations by numbers of sequences; a size of 0 makes no
/// row.
[[nodiscard]] std::vector<BenchRow> bench_rows(const std::vector<int>& prompts, const std::vector<int>& generations,
                                               const std::vector<int>& depths, const std::vector<int>& parallel);
/// Positions of a sequence, and sequences, that these rows need at most.
[[nodiscard]] int needed_context(const std::vector<BenchRow>& rows);
[[nodiscard]] int needed_sequences(const std::vector<BenchRow>& rows);
/// Bytes that a mean step of a row that generates moves: the weights once, and for each sequence the cache read at the mean
/// depth and one position written. Null for prompts, and where the engine does not say.
[[nodiscard]] std::optional<double> step_bytes(const BenchRow& row, const ModelInfo& info);

/// Bytes over which the read bandwidth is measured that a row's shares are of: those that a mean step moves (METHOD: of the same
/// size), for prompts a token's weights; 1 MB at least, and 1 GB at most, because a larger set does not change what memory can
/// deliver, only what the measurement takes away from the model.
[[nodiscard]] int64_t working_set_bytes(const BenchRow& row, const ModelInfo& info);

/// What the machine could do while a row ran.
struct BenchLimits {
  double read_gb_per_s = 0;
  double int8_gmac_per_s = 0;    ///< of the kernels' instruction set
  std::string int8_instruction;  ///< that reached it; empty when unknown
};

/// A measured row. Everything derived is METHOD's: MBU = bytes of a step * steps/s / read bandwidth; MAC share = MACs / time /
/// peak.
struct BenchResult {
  BenchRow row;
  std::vector<int64_t> samples_ns;
  std::vector<double> samples_tok_per_s;
  double mean_ns = 0, mean_tok_per_s = 0;
  std::optional<double> sd_ns, sd_tok_per_s;  ///< unknown for one sample
  std::vector<BenchLimits> measured_limits;   ///< before the first sample and after each
  BenchLimits limits;                         ///< of the samples that shares come from: medians
  std::optional<double> bytes_per_token;      ///< generation only: step_bytes() over the tokens of a step
  std::optional<double> macs_per_token;       ///< layers, attention and head; a prompt's head counts once
  std::optional<double> mbu;                  ///< generation only
  std::optional<double> mac_share;            ///< each multiply-add of the model once, in exact arithmetic too
  std::optional<double> limit_share;          ///< max(bytes / bandwidth, MACs / peak) over the time: the larger known share
  std::vector<std::string> flags;             ///< "mbu_over_limit", "mac_share_over_limit": one of two measurements is wrong;
                                              ///< "limits_changed": while every sample ran
};

/// Shares above this are flagged (METHOD 11).
inline constexpr double kHighestShare = 1.05;
/// A sample whose limits before and after differ by more tells nothing of its share.
inline constexpr double kSteadyLimits = 0.10;

/// Measures one row: a warm-up that is not kept, then `repetitions` samples, with the limits measured before and after each; the
/// higher of its two counts. Shares are medians over the samples whose limits held still. The tokens of the depth are evaluated
/// once and kept. `progress` is called after the warm-up and each sample.
/// @throws Error resource when the context is too small, interrupted when a stop is asked for, engine when the last logits of an
/// evaluation are not finite.
[[nodiscard]] BenchResult measure_row(const BenchRow& row, int repetitions, const ModelInfo& info, Evaluator& evaluator,
                                      Clock& clock, const std::function<BenchLimits()>& measure_limits,
                                      const std::function<void()>& progress, const StopToken& stop);

/// Fills what follows from samples, limits and the model. Pure.
void derive(BenchResult& result, const ModelInfo& info);

}  // namespace ifm
