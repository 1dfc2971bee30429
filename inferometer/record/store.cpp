#include "inferometer/record/store.h"

#include <sys/stat.h>

#include <string_view>
#include <variant>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "inferometer/base/error.h"
#include "inferometer/base/sha256.h"
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
  std::string value = row_checksum(columns, views_of(row));
  row.emplace_back(std::move(value));
  return row;
}

/// @throws Error invalid_data when the checksum does not fit.
void check_seal(std::span<const SqlColumn> columns, std::span<const SqlView> row, const SqlView& stored,
                const std::string& what) {
  const auto* text = std::get_if<std::string_view>(&stored);
  if (text == nullptr || *text != row_checksum(columns, row)) {
    fail(ErrorKind::invalid_data, "{}: damaged: its content does not fit its checksum", what);
  }
}

/// The values without the checksum, which stands last. @throws Error invalid_data when it does not fit.
std::span<const SqlView> unsealed(std::span<const SqlColumn> columns, std::span<const SqlView> row, const std::string& what) {
  const std::span<const SqlView> values = row.first(row.size() - 1);
  check_seal(columns, values, row.back(), what);
  return values;
}

/// The columns of a run that hold no tokens, and their places in a row.
struct LevelColumns {
  std::vector<SqlColumn> columns;
  std::vector<std::size_t> places;
};

const LevelColumns& level_columns() {
  static const LevelColumns kLevel = [] {
    LevelColumns level;
    for (std::size_t i = 0; i < run_columns().size(); ++i) {
      if (holds_tokens(run_columns()[i])) continue;
      level.columns.push_back(run_columns()[i]);
      level.places.push_back(i);
    }
    return level;
  }();
  return kLevel;
}

constexpr std::size_t kDigest = 64;  ///< characters of a checksum

/// What a table needs of a run, as one value: a checksum and the packed columns that hold no tokens. SQLite takes as long for
/// each column of a row as we do for all of these.
SqlBlob level_of(std::span<const SqlView> row) {
  std::vector<SqlView> level;
  for (const std::size_t place : level_columns().places) level.push_back(row[place]);
  const std::string bytes = pack_row(level_columns().columns, level);
  return {sha256_of(bytes) + bytes};
}

/// The packed columns of a level. @throws Error invalid_data when the checksum does not fit.
std::string_view unsealed_level(std::string_view level, const RowName& name) {
  if (level.size() < kDigest || level.substr(0, kDigest) != sha256_of(level.substr(kDigest)))
    fail(ErrorKind::invalid_data, "{}: damaged: its content does not fit its checksum", name());
  return level.substr(kDigest);
}

SqlValue owned(const SqlView& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
  if (const auto* blob = std::get_if<SqlBlobView>(&value)) return SqlBlob{std::string(blob->bytes)};
  if (const auto* integer = std::get_if<int64_t>(&value)) return *integer;
  if (const auto* real = std::get_if<double>(&value)) return *real;
  return std::monostate();
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
  /// A row of run as it is inserted.
  [[nodiscard]] SqlRow run_values(int64_t session, const Run& run) const {
    SqlRow all{session};
    for (SqlValue& value : sealed(run_columns(), run_to_row(run))) all.push_back(std::move(value));
    const std::vector<SqlView> views = views_of(all);
    all.emplace_back(level_of(std::span(views).subspan(1)));
    return all;
  }
  [[nodiscard]] SqliteStatement run_insertion() const {
    return {*database, fmt::format("INSERT INTO run(session, {}, checksum, level) VALUES({})", list(run_columns()),
                                   question_marks(run_columns().size() + 3))};
  }
  [[nodiscard]] std::string name_of_run(int64_t id) const { return fmt::format("{}: run {}", file.string(), id); }
  /// row: id, values, checksum.
  [[nodiscard]] Run run_of(std::span<const SqlView> row) const {
    const int64_t id = std::get<int64_t>(row[0]);
    Run run = run_from_row(unsealed(run_columns(), row.subspan(1), name_of_run(id)), [&] { return name_of_run(id); });
    run.id = id;
    return run;
  }
  [[nodiscard]] std::optional<Run> run_with_id(int64_t id) const {
    const auto rows_found =
        database->query(fmt::format("SELECT id, {}, checksum FROM run WHERE id = ?", list(run_columns())), {id});
    if (rows_found.empty()) return std::nullopt;
    return run_of(views_of(rows_found[0]));
  }
  /// A row from an older schema has no level: it is read whole.
  [[nodiscard]] Run level_run_of(int64_t id, const SqlView& level) const {
    const RowName name = [this, id] { return name_of_run(id); };
    if (std::holds_alternative<std::monostate>(level)) {
      Run run = run_with_id(id).value_or(Run{});
      forget_tokens(run);
      run.id = id;
      return run;
    }
    const auto* blob = std::get_if<SqlBlobView>(&level);
    Run run = run_from_packed_level(unsealed_level(blob != nullptr ? blob->bytes : std::string_view(), name), name);
    run.id = id;
    return run;
  }
  /// Copies a session's rows of a table from another file, each after a look at its checksum.
  void copy_rows(const Impl& from, const std::string& table, std::span<const SqlColumn> columns, int64_t source,
                 int64_t target) const {
    const bool run = table == "run";
    const std::string level = !run ? "" : from.schema >= kLevelSchema ? ", level" : ", NULL";
    SqliteStatement reading(*from.database, fmt::format("SELECT {}, checksum{} FROM {} WHERE session = ? ORDER BY rowid",
                                                        from.list(columns), level, table));
    const SqlRow of_source{source};
    reading.bind(of_source);
    const auto count = static_cast<std::size_t>(reading.columns());
    SqliteStatement writing(*database, fmt::format("INSERT INTO {}(session, {}, checksum{}) VALUES({})", table, list(columns),
                                                   run ? ", level" : "", question_marks(count + 1)));
    std::vector<SqlView> row(count);
    while (reading.step()) {
      for (std::size_t i = 0; i < count; ++i) row[i] = reading.value(static_cast<int>(i));
      check_seal(columns, std::span(row).first(columns.size()), row[columns.size()],
                 fmt::format("{}: a row of {}", from.file.string(), table));
      SqlRow copy{target};
      for (const SqlView& value : row) copy.push_back(owned(value));
      writing.bind(copy);
      (void)writing.step();
    }
  }
  static void forget_tokens(Run& run) {
    run.stamps = {};
    run.output_ids = {};
    run.text = {};
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
  add_runs(session, std::span(&run, 1));
  return impl_->database->last_row_id();
}

void Store::add_runs(int64_t session, std::span<const Run> runs) {
  impl_->check_same_file();
  SqliteTransaction transaction(*impl_->database);
  {
    SqliteStatement insertion = impl_->run_insertion();
    for (const Run& run : runs) {
      const SqlRow values = impl_->run_values(session, run);
      insertion.bind(values);
      (void)insertion.step();
    }
  }
  transaction.commit();
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

std::optional<int64_t> Store::copy_session(const Store& from, int64_t session) {
  impl_->check_same_file();
  const Impl& source = *from.impl_;
  const auto rows = source.database->query(
      fmt::format("SELECT {}, checksum, finished_utc FROM session WHERE id = ?", source.list(session_columns())), {session});
  if (rows.empty()) fail(ErrorKind::not_found, "{}: no session {}", source.file.string(), session);
  const std::vector<SqlView> row = views_of(rows[0]);
  const std::size_t columns = session_columns().size();
  check_seal(session_columns(), std::span(row).first(columns), row[columns],
             fmt::format("{}: session {}", source.file.string(), session));
  if (!impl_->database->query("SELECT id FROM session WHERE checksum = ?", {rows[0][columns]}).empty()) return std::nullopt;
  SqliteTransaction transaction(*impl_->database);
  impl_->database->query(fmt::format("INSERT INTO session({}, checksum, finished_utc) VALUES({})", impl_->list(session_columns()),
                                     question_marks(columns + 2)),
                         rows[0]);
  const int64_t id = impl_->database->last_row_id();
  impl_->copy_rows(source, "session_model", model_columns(), session, id);
  impl_->copy_rows(source, "block", block_columns(), session, id);
  impl_->copy_rows(source, "run", run_columns(), session, id);
  transaction.commit();
  return id;
}

void Store::delete_session(int64_t session) {
  impl_->check_same_file();
  if (impl_->database->query("SELECT id FROM session WHERE id = ?", {session}).empty())
    fail(ErrorKind::not_found, "{}: no session {}", impl_->file.string(), session);
  SqliteTransaction transaction(*impl_->database);
  for (const char* table : {"run", "block", "session_model"})
    impl_->database->query(fmt::format("DELETE FROM {} WHERE session = ?", table), {session});
  impl_->database->query("DELETE FROM session WHERE id = ?", {session});
  transaction.commit();
  impl_->database->execute("VACUUM");  // what is deleted stays in a file's free pages otherwise
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
  const std::vector<SqlView> row = views_of(rows[0]);
  const SqlValue& finished = rows[0][0];
  const std::string what = fmt::format("{}: session {}", impl_->file.string(), id);
  Session session = session_from_row(unsealed(session_columns(), std::span(row).subspan(1), what), what);
  session.id = id;
  if (const auto* text = std::get_if<std::string>(&finished)) session.finished_utc = *text;
  for (const SqlRow& model :
       impl_->database->query(fmt::format("SELECT {}, checksum FROM session_model WHERE session = ? ORDER BY position",
                                          impl_->list(model_columns())),
                              {id})) {
    const std::string of_model = what + ": a model";
    session.models.push_back(model_from_row(unsealed(model_columns(), views_of(model), of_model), of_model));
  }
  return session;
}

std::vector<BlockRecord> Store::blocks(int64_t session) const {
  std::vector<BlockRecord> blocks;
  for (const SqlRow& row : impl_->rows("block", block_columns(), session, "id")) {
    const std::vector<SqlView> values = views_of(row);
    const std::string what = fmt::format("{}: a block", impl_->file.string());
    blocks.push_back(block_from_row(unsealed(block_columns(), std::span(values).subspan(1), what), what));
  }
  return blocks;
}

std::vector<Run> Store::runs(int64_t session) const {
  std::vector<Run> runs;
  visit_runs(session, RunDetail::all, [&](Run&& run) { runs.push_back(std::move(run)); });
  return runs;
}

void Store::visit_runs(int64_t session, RunDetail detail, const std::function<void(Run&&)>& visit, OrderRange range) const {
  const CanaryRatios canary(blocks(session));
  const bool from_index = detail == RunDetail::without_tokens && impl_->schema >= kLevelSchema;
  SqliteStatement statement(
      *impl_->database,
      fmt::format("SELECT id, {} FROM run {} WHERE session = ? AND run_order BETWEEN ? AND ? ORDER BY run_order",
                  from_index ? "level" : impl_->list(run_columns()) + ", checksum", from_index ? "INDEXED BY run_level" : ""));
  const SqlRow bounds{session, int64_t{range.first}, int64_t{range.last}};
  statement.bind(bounds);
  std::vector<SqlView> row(static_cast<std::size_t>(statement.columns()));
  while (statement.step()) {
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = statement.value(static_cast<int>(i));
    Run run = from_index ? impl_->level_run_of(std::get<int64_t>(row[0]), row[1]) : impl_->run_of(row);
    if (detail == RunDetail::without_tokens && !from_index) Impl::forget_tokens(run);
    canary.apply(run);
    visit(std::move(run));
  }
}

std::optional<int> Store::last_order(int64_t session) const {
  const auto rows = impl_->database->query("SELECT max(run_order) FROM run WHERE session = ?", {session});
  const int64_t* order = rows.empty() ? nullptr : std::get_if<int64_t>(&rows[0].at(0));
  return order == nullptr ? std::nullopt : std::optional(static_cast<int>(*order));
}

RunCounts Store::count_runs(int64_t session) const {
  const auto count = [&](const char* which) {
    return std::get<int64_t>(
        impl_->database->query(fmt::format("SELECT count(*) FROM run WHERE session = ? AND {}", which), {session})[0].at(0));
  };
  return {count("kind = 'measured' AND status = 'ok'"), count("kind = 'measured' AND status <> 'ok'"), count("kind = 'warmup'")};
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
      if (auto run = impl_->run_with_id(std::get<int64_t>(id[0]))) readable.runs.push_back(std::move(*run));
    } catch (const Error& error) {
      note(error);
    }
  }
  try {
    const CanaryRatios canary(blocks(session));
    for (Run& run : readable.runs) canary.apply(run);
  } catch (const Error& error) {
    note(error);
  }
  return readable;
}

}  // namespace ifm
