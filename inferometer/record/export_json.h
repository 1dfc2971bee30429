#pragma once

#include <filesystem>
#include <vector>

#include <nlohmann/json.hpp>

#include "inferometer/record/run.h"
#include "inferometer/record/session.h"
#include "inferometer/record/store.h"

namespace ifm {

/// One run with everything that is stored of it; unknown = null. Keys are the fields' names.
[[nodiscard]] nlohmann::ordered_json run_to_json(const Run& run);

/// A whole session for programs that do not read SQLite: plan, machine, models, blocks and every run with its stamps.
[[nodiscard]] nlohmann::ordered_json session_to_json(const Session& session, const std::vector<Run>& runs,
                                                     const std::vector<BlockRecord>& blocks);

/// Writes a document so that a reader finds the old file or the whole new one, never a part; text that is not UTF-8 becomes
/// U+FFFD. Makes the folder. @throws Error io.
void write_json_file(const std::filesystem::path& file, const nlohmann::ordered_json& document);

}  // namespace ifm
