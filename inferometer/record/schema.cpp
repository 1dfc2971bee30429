#include "inferometer/record/schema.h"

#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/record/run_row.h"
#include "inferometer/record/session_row.h"
#include "inferometer/record/sql_column.h"

namespace ifm {
namespace {

constexpr const char* kOfSession = "session INTEGER NOT NULL REFERENCES session(id)";

/// A table whose rows carry a checksum.
struct Table {
  const char* name;
  std::string head;  ///< before the columns
  std::span<const SqlColumn> columns;
  std::string tail;  ///< after the checksum
};

std::vector<Table> tables() {
  const std::string id = "id INTEGER PRIMARY KEY AUTOINCREMENT";
  return {{"session", id + ", finished_utc TEXT", session_columns(), ""},
          {"session_model", kOfSession, model_columns(), ", PRIMARY KEY(session, position)"},
          {"block", id + ", " + kOfSession, block_columns(), ""},
          {"run", id + ", " + kOfSession, run_columns(), ", level BLOB"}};
}

/// The database itself refuses a run that stands there already: a resumed session can neither lose nor double one.
constexpr const char* kIndexes = R"sql(
CREATE UNIQUE INDEX run_order_once ON run(session, run_order);
CREATE UNIQUE INDEX run_repeat_once ON run(session, cell, repeat) WHERE kind = 'measured';
)sql";

/// Everything of a run that tables need, in few pages: a table of a million runs reads a tenth of the file.
constexpr const char* kLevelIndex = "CREATE INDEX run_level ON run(session, run_order, level);";

std::string create_tables() {
  std::string sql;
  for (const Table& table : tables()) {
    sql += fmt::format("CREATE TABLE {}({}{}, checksum TEXT NOT NULL{});", table.name, table.head,
                       column_declarations(table.columns), table.tail);
  }
  return sql;
}

int64_t pragma(const SqliteDatabase& database, const std::string& name) {
  const auto rows = database.query("PRAGMA " + name);
  const int64_t* value = rows.empty() ? nullptr : std::get_if<int64_t>(&rows[0].at(0));
  return value == nullptr ? 0 : *value;
}

/// Brings a file of an older schema up to this one; what it holds stays as it is.
void upgrade(const SqliteDatabase& database) {
  const int64_t version = schema_version(database);
  if (version >= kSchemaVersion) return;
  SqliteTransaction transaction(database);
  for (const Table& table : tables()) {
    for (const SqlColumn& column : table.columns) {
      if (column.since > version)
        database.execute(fmt::format("ALTER TABLE {} ADD COLUMN {} {}", table.name, column.name, column.type));
    }
  }
  if (version < kLevelSchema) database.execute(std::string("ALTER TABLE run ADD COLUMN level BLOB;") + kLevelIndex);
  database.execute(fmt::format("PRAGMA user_version={}", kSchemaVersion));
  transaction.commit();
}

bool is_empty(const SqliteDatabase& database) { return database.query("SELECT name FROM sqlite_schema LIMIT 1").empty(); }

/// Tables of stored values, and indexes: a view, a trigger, a virtual table or a computed column would run its SQL in our
/// queries.
void check_plain(const SqliteDatabase& database, const std::filesystem::path& file) {
  for (const char* foreign :
       {"SELECT name FROM sqlite_schema WHERE type NOT IN ('table', 'index') OR sql LIKE 'CREATE VIRTUAL%' LIMIT 1",
        "SELECT t.name FROM sqlite_schema t, pragma_table_xinfo(t.name) c WHERE t.type = 'table' AND c.hidden <> 0 LIMIT 1"}) {
    const auto rows = database.query(foreign);
    if (rows.empty()) continue;
    const auto* name = std::get_if<std::string>(&rows[0].at(0));
    fail(ErrorKind::invalid_data, "{}: its schema is not a results file's: {} (expected tables of stored values)", file.string(),
         name != nullptr ? *name : "a part without a name");
  }
}

void check_ours(const SqliteDatabase& database, const std::filesystem::path& file) {
  if (pragma(database, "application_id") != kApplicationId) {
    fail(ErrorKind::invalid_data, "{}: not a results file of inferometer", file.string());
  }
  const int64_t version = schema_version(database);
  if (version > kSchemaVersion || version < 1) {
    fail(ErrorKind::unsupported, "{}: written by a newer inferometer (expected schema {}, got {})", file.string(), kSchemaVersion,
         version);
  }
  check_plain(database, file);
}

/// A path that a database can stand at: a FIFO would block, a folder would confuse.
void check_kind(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    fail(ErrorKind::invalid_data, "{}: not a file (expected a results file)", file.string());
  }
}

}  // namespace

int64_t schema_version(const SqliteDatabase& database) { return pragma(database, "user_version"); }

std::unique_ptr<SqliteDatabase> open_for_writing(const std::filesystem::path& file) {
  check_kind(file);
  auto database = std::make_unique<SqliteDatabase>(file, SqliteDatabase::Open::write);
  // Write-ahead log: readers never wait, and a crash loses at most the run that was being written.
  // Source: https://www.sqlite.org/wal.html
  if (database->query("PRAGMA journal_mode=WAL").empty()) fail(ErrorKind::io, "{}: no write-ahead log here", file.string());
  // FULL: the log is synced after each commit, so that a run that was acknowledged survives a power loss; NORMAL keeps the file
  // whole but may roll the last commits back. Source: https://www.sqlite.org/pragma.html#pragma_synchronous
  database->execute("PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON");
  if (is_empty(*database)) {
    SqliteTransaction transaction(*database);
    database->execute(create_tables() + kIndexes + kLevelIndex +
                      fmt::format("PRAGMA application_id={}; PRAGMA user_version={};", kApplicationId, kSchemaVersion));
    transaction.commit();
  }
  check_ours(*database, file);
  upgrade(*database);
  return database;
}

std::unique_ptr<SqliteDatabase> open_for_reading(const std::filesystem::path& file) {
  check_kind(file);
  if (!std::filesystem::exists(file)) fail(ErrorKind::not_found, "{}: no such results file", file.string());
  auto database = std::make_unique<SqliteDatabase>(file, SqliteDatabase::Open::read);
  try {
    (void)database->query("SELECT name FROM sqlite_schema LIMIT 1");
  } catch (const Error& error) {
    // In a folder that cannot be written to, SQLite cannot make the -shm file; without a log none is needed.
    if (error.kind() != ErrorKind::io || std::filesystem::exists(file.string() + "-wal")) throw;
    database = std::make_unique<SqliteDatabase>(file, SqliteDatabase::Open::immutable);
  }
  check_ours(*database, file);
  return database;
}

}  // namespace ifm
