#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "inferometer/record/run.h"
#include "inferometer/record/session.h"

namespace ifm {

/// What was measured of the machine when a block began (METHOD 10), or was taken up again after a pause.
struct BlockRecord {
  int block = 0;
  int first_order = 0;     ///< order of the first run that it speaks for
  int64_t started_ns = 0;  ///< as a run's times
  std::optional<int64_t> canary_compute_ns, canary_read_ns;
  std::optional<double> waiting_cpu_share;  ///< cores that this process and its children kept busy while every engine waited
  std::optional<double> temperature_c, frequency_mhz, load_1m;
  [[nodiscard]] bool operator==(const BlockRecord&) const = default;
};

/// Runs that could be read, and a sentence for each that could not.
struct ReadableRuns {
  std::vector<Run> runs;
  std::vector<std::string> damage;
};

/// How many runs of a session there are.
struct RunCounts {
  int64_t ok = 0, failed = 0;  ///< measured
  int64_t warmup = 0;
};

/// What is read of a run: everything, or all but its tokens (stamps, ids and text, which stay empty), which a table does not
/// need.
enum class RunDetail { all, without_tokens };

/// Runs by their place in the session's execution, both ends in it.
struct OrderRange {
  int first = 0;
  int last = std::numeric_limits<int>::max();
};

/// The results file (SQLite): the only source of truth. Each run is committed in one transaction.
class Store {
 public:
  enum class Access { read, write };
  /// `file` is made when absent and `access` is write; a second writer, a newer schema or a damaged file are errors. Beside it
  /// stand SQLite's -wal and -shm while it is written, and a lock file that names the writer.
  /// @throws Error not_found, io, invalid_data, unsupported.
  Store(const std::filesystem::path& file, Access access);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  /// Adds a session and returns its id. @throws Error io.
  [[nodiscard]] int64_t add_session(const Session& session);
  /// Commits a run and returns its id; once it has returned, the run survives a crash. @throws Error io.
  int64_t add_run(int64_t session, const Run& run);
  /// The same for several runs in one transaction, all or none: for results that exist already (a copy, a synthetic session).
  void add_runs(int64_t session, std::span<const Run> runs);
  void set_models(int64_t session, const std::vector<SessionModel>& models);
  void add_block(int64_t session, const BlockRecord& block);
  void finish_session(int64_t session, const std::string& finished_utc);
  /// Takes over a session of another results file, row by row as it is stored there, all or nothing. Returns its id here; null
  /// when it is here already. @throws Error io, invalid_data for a row whose checksum does not fit.
  std::optional<int64_t> copy_session(const Store& from, int64_t session);
  /// Takes a session and everything of it away, for good. @throws Error io, not_found.
  void delete_session(int64_t session);
  [[nodiscard]] std::vector<int64_t> sessions() const;  ///< oldest first
  [[nodiscard]] Session session(int64_t id) const;
  /// Runs in execution order. `canary_ratio`, and from 5 % on the flag "canary", come from the blocks' canaries: they are known
  /// only against the session's median. @throws Error invalid_data naming the run whose checksum does not fit.
  [[nodiscard]] std::vector<Run> runs(int64_t session) const;
  /// Hands over the same runs one after the other, so that a session need not fit into memory. Without tokens they come
  /// from an index that holds just that, each with a checksum over it.
  void visit_runs(int64_t session, RunDetail detail, const std::function<void(Run&&)>& visit, OrderRange range = {}) const;
  /// The highest order of a session's runs; null without one.
  [[nodiscard]] std::optional<int> last_order(int64_t session) const;
  [[nodiscard]] RunCounts count_runs(int64_t session) const;
  /// The same from a damaged file: what is whole, and what is not.
  [[nodiscard]] ReadableRuns readable_runs(int64_t session) const;
  [[nodiscard]] std::vector<BlockRecord> blocks(int64_t session) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ifm
