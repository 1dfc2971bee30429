#include "inferometer/record/store.h"

#include <sys/stat.h>

#include <bit>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "inferometer/base/error.h"
#include "inferometer/record/canary.h"
#include "inferometer/record/file_lock.h"
#include "inferometer/record/json_codec.h"
#include "inferometer/record/run_row.h"
#include "inferometer/record/schema.h"
#include "inferometer/record/session_row.h"
#include "inferometer/record/sql_column.h"

namespace ifm {
namespace {

/// Which file a path stands for, to notice when it is replaced.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  [[nodiscard]] bool operator==(const FileIdentity&) const = default;
};

FileIdentity identity_of(const std::filesystem::path& file) {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

/// A row as it is stored: its values and, last, their checksum.
SqlRow sealed(std::span<const SqlColumn> columns, SqlRow row) {
  std::string value = row_checksum(columns, row);
  row.emplace_back(std::move(value));
  return row;
}

/// The values without the checksum. @throws Error invalid_data when it does not fit.
SqlRow unsealed(std::span<const SqlColumn> columns, SqlRow row, const std::string& what) {
  const SqlValue stored = row.back();
  row.pop_back();
  const auto* text = std::get_if<std::string>(&stored);
  if (text == nullptr || *text != row_checksum(columns, row)) {
    fail(ErrorKind::invalid_data, "{}: damaged: its content does not fit its checksum", what);
  }
  return row;
}

std::string question_marks(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += i == 0 ? "?" : ",?";
  return text;
}

}  // namespace

struct Store::Impl {
  Impl(const std::filesystem::path& results, Access how)
      : file(results),
        access(how),
        lock(how == Access::write ? std::make_unique<FileLock>(results.string() + ".lock") : nullptr),
        database(how == Access::write ? open_for_writing(results) : open_for_reading(results)),
        schema(schema_version(*database)),
        identity(identity_of(results)) {}

  /// @throws Error io when the file is no longer the one that was opened: writing on would lose every run (FAULTS 67).
  void check_same_file() const {
    if (identity_of(file) == identity) return;
    fail(ErrorKind::io, "{}: the results file was deleted or replaced while it was written to", file.string());
  }
  void insert(const std::string& table, std::span<const SqlColumn> columns, int64_t session, SqlRow values) const {
    check_same_file();
    SqlRow all{session};
    for (SqlValue& value : sealed(columns, std::move(values))) all.push_back(std::move(value));
    database->query(
        fmt::format("INSERT INTO {}(session, {}, checksum) VALUES({})", table, list(columns), question_marks(all.size())), all);
  }
  [[nodiscard]] std::string list(std::span<const SqlColumn> columns) const { return column_list(columns, schema); }
  [[nodiscard]] std::vector<SqlRow> rows(const std::string& table, std::span<const SqlColumn> columns, int64_t session,
                                         const std::string& order) const {
    return database->query(
        fmt::format("SELECT id, {}, checksum FROM {} WHERE session = ? ORDER BY {}", list(columns), table, order), {session});
  }
  [[nodiscard]] Run run_of(SqlRow row) const {
    const int64_t id = std::get<int64_t>(row.at(0));
    row.erase(row.begin());
    const std::string what = fmt::format("{}: run {}", file.string(), id);
    Run run = run_from_row(unsealed(run_columns(), std::move(row), what), what);
    run.id = id;
    return run;
  }

  std::filesystem::path file;
  Access access;
  std::unique_ptr<FileLock> lock;
  std::unique_ptr<SqliteDatabase> database;
  int64_t schema;
  FileIdentity identity;
};

Store::Store(const std::filesystem::path& file, Access access) : impl_(std::make_unique<Impl>(file, access)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

int64_t Store::add_session(const Session& session) {
  impl_->check_same_file();
  SqlRow row = sealed(session_columns(), session_to_row(session));
  row.emplace_back();
  if (!session.finished_utc.empty()) row.back() = session.finished_utc;
  SqliteTransaction transaction(*impl_->database);
  impl_->database->query(fmt::format("INSERT INTO session({}, checksum, finished_utc) VALUES({})", impl_->list(session_columns()),
                                     question_marks(row.size())),
                         row);
  const int64_t id = impl_->database->last_row_id();
  transaction.commit();
  if (!session.models.empty()) set_models(id, session.models);
  return id;
}

int64_t Store::add_run(int64_t session, const Run& run) {
  SqliteTransaction transaction(*impl_->database);
  impl_->insert("run", run_columns(), session, run_to_row(run));
  const int64_t id = impl_->database->last_row_id();
  transaction.commit();
  return id;
}

void Store::set_models(int64_t session, const std::vector<SessionModel>& models) {
  SqliteTransaction transaction(*impl_->database);
  impl_->database->query("DELETE FROM session_model WHERE session = ?", {session});
  for (std::size_t i = 0; i < models.size(); ++i) {
    impl_->insert("session_model", model_columns(), session, model_to_row(static_cast<int>(i), models[i]));
  }
  transaction.commit();
}

void Store::add_block(int64_t session, const BlockRecord& block) {
  SqliteTransaction transaction(*impl_->database);
  impl_->insert("block", block_columns(), session, block_to_row(block));
  transaction.commit();
}

void Store::finish_session(int64_t session, const std::string& finished_utc) {
  impl_->check_same_file();
  SqliteTransaction transaction(*impl_->database);
  impl_->database->query("UPDATE session SET finished_utc = ? WHERE id = ?", {finished_utc, session});
  transaction.commit();
}

std::vector<int64_t> Store::sessions() const {
  std::vector<int64_t> ids;
  for (const SqlRow& row : impl_->database->query("SELECT id FROM session ORDER BY id")) ids.push_back(std::get<int64_t>(row[0]));
  return ids;
}

Session Store::session(int64_t id) const {
  const auto rows = impl_->database->query(
      fmt::format("SELECT finished_utc, {}, checksum FROM session WHERE id = ?", impl_->list(session_columns())), {id});
  if (rows.empty()) fail(ErrorKind::not_found, "{}: no session {}", impl_->file.string(), id);
  SqlRow row = rows[0];
  const SqlValue finished = row[0];
  row.erase(row.begin());
  const std::string what = fmt::format("{}: session {}", impl_->file.string(), id);
  Session session = session_from_row(unsealed(session_columns(), std::move(row), what), what);
  session.id = id;
  if (const auto* text = std::get_if<std::string>(&finished)) session.finished_utc = *text;
  for (const SqlRow& model :
       impl_->database->query(fmt::format("SELECT {}, checksum FROM session_model WHERE session = ? ORDER BY position",
                                          impl_->list(model_columns())),
                              {id})) {
    session.models.push_back(model_from_row(unsealed(model_columns(), model, what + ": a model"), what + ": a model"));
  }
  return session;
}

std::vector<BlockRecord> Store::blocks(int64_t session) const {
  std::vector<BlockRecord> blocks;
  const std::string what = fmt::format("{}: a block", impl_->file.string());
  for (SqlRow& row : impl_->rows("block", block_columns(), session, "id")) {
    row.erase(row.begin());
    blocks.push_back(block_from_row(unsealed(block_columns(), std::move(row), what), what));
  }
  return blocks;
}

std::vector<Run> Store::runs(int64_t session) const {
  std::vector<Run> runs;
  for (SqlRow& row : impl_->rows("run", run_columns(), session, "run_order")) runs.push_back(impl_->run_of(std::move(row)));
  apply_canary(runs, blocks(session));
  return runs;
}

ReadableRuns Store::readable_runs(int64_t session) const {
  ReadableRuns readable;
  const auto note = [&](const Error& error) { readable.damage.push_back(error.message()); };
  std::vector<SqlRow> ids;
  try {
    ids = impl_->database->query("SELECT id FROM run WHERE session = ? ORDER BY run_order", {session});
  } catch (const Error& error) {
    note(error);
  }
  for (const SqlRow& id : ids) {
    try {
      auto rows =
          impl_->database->query(fmt::format("SELECT id, {}, checksum FROM run WHERE id = ?", impl_->list(run_columns())), id);
      if (!rows.empty()) readable.runs.push_back(impl_->run_of(std::move(rows[0])));
    } catch (const Error& error) {
      note(error);
    }
  }
  try {
    apply_canary(readable.runs, blocks(session));
  } catch (const Error& error) {
    note(error);
  }
  return readable;
}

}  // namespace ifm
