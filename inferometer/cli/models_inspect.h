#pragma once

#include <cstdint>
#include <string>

#include "inferometer/cli/output.h"
#include "inferometer/hub/inspect.h"

namespace ifm {

/// How fast weights can be read here, and what follows for decoding.
struct ReadSpeed {
  int threads = 0;
  double read_gb_per_s = 0;  ///< over a working set of the size that a token reads
};

/// Measures for a third of a second, with a thread for each core. bytes_per_token: what a token reads.
[[nodiscard]] ReadSpeed measure_read_speed(int64_t bytes_per_token);

/// `models inspect --json`. model: as the user wrote it.
[[nodiscard]] Json inspect_json(const std::string& model, const ModelReport& report, const ReadSpeed& speed);
/// The same for people.
[[nodiscard]] std::string inspect_table(const std::string& model, const ModelReport& report, const ReadSpeed& speed);

/// Inspects a model, measures the read bandwidth for a third of a second, prints. Returns the exit code.
int inspect_command(const std::string& model, bool json);

}  // namespace ifm
