#pragma once

#include <optional>
#include <string>
#include <vector>

#include "inferometer/record/store.h"
#include "inferometer/stats/interval.h"

namespace ifm {

/// A session with everything that a repetition is held against.
struct RecordedSession {
  Session session;
  std::vector<Run> runs;  ///< warm-up ones too
  std::vector<BlockRecord> blocks;
};

enum class Held {
  yes,        ///< nothing seen that is beyond the tolerance
  no,         ///< beyond the tolerance with the whole interval
  undecided,  ///< what was measured could not have shown a change of a quarter beyond the tolerance
  not_asked   ///< need not hold here; `why` says so
};
[[nodiscard]] const char* to_string(Held held);

/// Something that a session said, and what its repetition says.
struct Claim {
  /// "token_ids", "token_counts", "failed_runs", "same_greedy_answers": then and now are runs (cells of the last);
  /// "ttft_s", "tpot_s", "latency_s": geometric means, s; "length_shape": latency over that of the longest answers;
  /// "prefill_share", "decode_share": of the roofline; "temperature_effect": ratio of high over low
  std::string id;
  std::string of;  ///< series, and length or metric where there are several
  std::optional<double> then, now;
  std::optional<double> change;      ///< log now / then
  std::optional<Interval> interval;  ///< of it, where it is not the machine's own change of speed; all claims together at 95 %
  double tolerance = 0;              ///< log; 0 = must be equal
  Held held = Held::yes;
  std::string why;  ///< for people; empty = the numbers say it
};

/// What a repetition of a session found.
struct Reproduction {
  bool same_machine = true;
  std::vector<std::string> impossible;  ///< why nothing can be said: other weights, another plan
  std::vector<std::string> differs;     ///< machine, build, engines: what was otherwise
  std::vector<Claim> claims;
  std::optional<double> pace_change;  ///< log of what the canary's time changed by; null without canaries
  Held verdict = Held::undecided;
};

/// On the same machine (processor, cores, memory, system) times must be the same but for 2 % and for what chance and the
/// machine's own speed, by its canary, explain; on another one the shares of its limits and the shape over lengths must, to a
/// quarter. Tokens must be the same where engine, build version, instruction set and accuracy are. tolerance: a share, in place
/// of the same machine's 2 % for times and 5 % for shapes. Pure.
[[nodiscard]] Reproduction check_reproduction(const RecordedSession& then, const RecordedSession& now,
                                              std::optional<double> tolerance = std::nullopt);

/// "smollm2-135m: other weights (…)" for every model that is loaded in both and is not the same; by their hashes.
[[nodiscard]] std::vector<std::string> other_weights(const std::vector<SessionModel>& then, const std::vector<SessionModel>& now);

/// What two sessions of one build on one machine differ by when nothing has changed.
inline constexpr double kSessionTolerance = 0.02;

}  // namespace ifm
