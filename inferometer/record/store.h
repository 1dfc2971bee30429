#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "inferometer/record/run.h"
#include "inferometer/record/session.h"

namespace ifm {

/// The results file (SQLite): the only source of truth. Each run is committed in one transaction.
class Store {
 public:
  enum class Access { read, write };
  /// `file` is made when absent and `access` is write; a second writer, a newer schema or a damaged file are errors.
  /// @throws Error not_found, io, invalid_data, unsupported.
  Store(const std::filesystem::path& file, Access access);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  /// Adds a session and returns its id. @throws Error io.
  [[nodiscard]] int64_t add_session(const Session& session);
  /// Commits a run and returns its id; once it has returned, the run survives a crash. @throws Error io.
  int64_t add_run(int64_t session, const Run& run);
  void set_models(int64_t session, const std::vector<SessionModel>& models);
  void finish_session(int64_t session, const std::string& finished_utc);
  [[nodiscard]] std::vector<int64_t> sessions() const;  ///< oldest first
  [[nodiscard]] Session session(int64_t id) const;
  /// Runs in execution order. @throws Error invalid_data naming the run whose checksum does not fit.
  [[nodiscard]] std::vector<Run> runs(int64_t session) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ifm
