#pragma once

#include <string>
#include <vector>

#include "inferometer/record/run.h"

namespace ifm {

/// Refuses runs that no session can have recorded, as they stand in a results file that was edited: their numbers would be told
/// as if they had been measured. In execution order; each must start no earlier than the one before; its token events must be in
/// order and after its start; and its metrics must be those that its own times and counts give. `file` names where they come
/// from. @throws Error invalid_data naming the run and what is wrong with it.
void check_runs(const std::vector<Run>& runs, const std::string& file);

/// The same of a single run that was read without its tokens: what can be seen without them.
/// @throws Error invalid_data.
void check_without_tokens(const Run& run, const std::string& file);

}  // namespace ifm
