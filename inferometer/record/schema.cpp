#include "inferometer/record/schema.h"

#include <string>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/record/run_row.h"

namespace ifm {
namespace {

constexpr const char* kTables = R"sql(
CREATE TABLE session(
  id INTEGER PRIMARY KEY AUTOINCREMENT, started_utc TEXT NOT NULL, finished_utc TEXT, plan_name TEXT NOT NULL,
  plan_hash TEXT NOT NULL, plan_source TEXT NOT NULL, plan_json TEXT NOT NULL, order_seed INTEGER NOT NULL,
  environment_json TEXT NOT NULL, command TEXT NOT NULL, checksum TEXT NOT NULL);
CREATE TABLE session_model(
  session INTEGER NOT NULL REFERENCES session(id), position INTEGER NOT NULL, engine TEXT NOT NULL, model TEXT NOT NULL,
  path TEXT NOT NULL, architecture TEXT NOT NULL, quantization TEXT NOT NULL, hash TEXT NOT NULL, isa TEXT NOT NULL,
  accuracy TEXT NOT NULL, threads INTEGER NOT NULL, context INTEGER NOT NULL, weight_bytes INTEGER, parameters INTEGER,
  bytes_per_token INTEGER, load_s REAL, checksum TEXT NOT NULL, PRIMARY KEY(session, position));
CREATE TABLE block(
  id INTEGER PRIMARY KEY AUTOINCREMENT, session INTEGER NOT NULL REFERENCES session(id), block INTEGER NOT NULL,
  first_order INTEGER NOT NULL, started_ns INTEGER NOT NULL, canary_compute_ns INTEGER, canary_read_ns INTEGER,
  temperature_c REAL, frequency_mhz REAL, load_1m REAL, checksum TEXT NOT NULL);
)sql";

/// The database itself refuses a run that stands there already: a resumed session can neither lose nor double one.
constexpr const char* kIndexes = R"sql(
CREATE UNIQUE INDEX run_order_once ON run(session, run_order);
CREATE UNIQUE INDEX run_repeat_once ON run(session, cell, repeat) WHERE kind = 'measured';
)sql";

std::string run_table() {
  std::string sql = "CREATE TABLE run(id INTEGER PRIMARY KEY AUTOINCREMENT, session INTEGER NOT NULL REFERENCES session(id)";
  for (const RunColumn& column : run_columns()) sql += fmt::format(", {} {}", column.name, column.type);
  return sql + ", checksum TEXT NOT NULL);";
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
  for (const RunColumn& column : run_columns()) {
    if (column.since > version) database.execute(fmt::format("ALTER TABLE run ADD COLUMN {} {}", column.name, column.type));
  }
  database.execute(fmt::format("PRAGMA user_version={}", kSchemaVersion));
  transaction.commit();
}

bool is_empty(const SqliteDatabase& database) { return database.query("SELECT name FROM sqlite_schema LIMIT 1").empty(); }

void check_ours(const SqliteDatabase& database, const std::filesystem::path& file) {
  if (pragma(database, "application_id") != kApplicationId) {
    fail(ErrorKind::invalid_data, "{}: not a results file of inferometer", file.string());
  }
  const int64_t version = schema_version(database);
  if (version > kSchemaVersion || version < 1) {
    fail(ErrorKind::unsupported, "{}: written by a newer inferometer (expected schema {}, got {})", file.string(), kSchemaVersion,
         version);
  }
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
    database->execute(kTables + run_table() + kIndexes +
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
