#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "inferometer/record/run.h"

namespace ifm {

/// Whether a run's token events were read with it.
enum class RunTokens { read, left_out };

/// Refuses runs that no session can have recorded, as they stand in a results file that was edited: their numbers would be told
/// as if they had been measured. Takes them in execution order; each must start no earlier than the one before; its token events
/// must be in order and after its start; and its metrics must be those that its own times and counts give (of a run whose tokens
/// were left out: none below 0, none infinite).
class RunChecker {
 public:
  /// `file` names where they come from.
  explicit RunChecker(std::string file) : file_(std::move(file)) {}
  /// @throws Error invalid_data naming the run and what is wrong with it.
  void check(const Run& run, RunTokens tokens = RunTokens::read);

 private:
  std::string file_;
  std::optional<std::pair<int64_t, int64_t>> before_;  ///< the run before: id, start
};

}  // namespace ifm
