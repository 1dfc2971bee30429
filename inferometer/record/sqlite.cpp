#include "inferometer/record/sqlite.h"

#include <memory>

#include <sqlite3.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

struct StatementDeleter {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, StatementDeleter>;

/// Values live until the statement has run: nothing is copied.
int bind(sqlite3_stmt* statement, int at, const SqlValue& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return sqlite3_bind_int64(statement, at, *integer);
  if (const auto* real = std::get_if<double>(&value)) return sqlite3_bind_double(statement, at, *real);
  if (const auto* text = std::get_if<std::string>(&value)) {
    return sqlite3_bind_text64(statement, at, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  if (const auto* blob = std::get_if<SqlBlob>(&value)) {
    return sqlite3_bind_blob64(statement, at, blob->bytes.data(), blob->bytes.size(), SQLITE_STATIC);
  }
  return sqlite3_bind_null(statement, at);
}

std::string bytes_of(const void* data, int size) {
  return data == nullptr || size <= 0 ? std::string()
                                      : std::string(static_cast<const char*>(data), static_cast<std::size_t>(size));
}

SqlValue column(sqlite3_stmt* statement, int at) {
  switch (sqlite3_column_type(statement, at)) {
    case SQLITE_INTEGER:
      return int64_t{sqlite3_column_int64(statement, at)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, at);
    case SQLITE_TEXT: {
      const void* data = sqlite3_column_text(statement, at);
      return bytes_of(data, sqlite3_column_bytes(statement, at));
    }
    case SQLITE_BLOB: {
      const void* data = sqlite3_column_blob(statement, at);
      return SqlBlob{bytes_of(data, sqlite3_column_bytes(statement, at))};
    }
    default:
      return std::monostate{};
  }
}

/// A path as a URI, so that SQLite's own characters in it mean nothing. Source: https://www.sqlite.org/uri.html
std::string uri_of(const std::filesystem::path& file) {
  std::string uri = "file:";
  for (const char c : file.string()) {
    if (c == '?') {
      uri += "%3f";
    } else if (c == '#') {
      uri += "%23";
    } else if (c == '%') {
      uri += "%25";
    } else {
      uri += c;
    }
  }
  return uri;
}

}  // namespace

SqliteDatabase::SqliteDatabase(const std::filesystem::path& file, Open how) : file_(file) {
  const int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
                    (how == Open::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
  const std::string uri = uri_of(file) + (how == Open::immutable ? "?immutable=1" : "");
  const int code = sqlite3_open_v2(uri.c_str(), &database_, flags, nullptr);
  if (code != SQLITE_OK) {
    const std::string message = sqlite3_errstr(code);
    sqlite3_close(database_);
    fail(ErrorKind::io, "{}: cannot open the results file: {}", file_.string(), message);
  }
  sqlite3_extended_result_codes(database_, 1);
  sqlite3_busy_timeout(database_, 10'000);
}

SqliteDatabase::~SqliteDatabase() { sqlite3_close(database_); }

void SqliteDatabase::fail_now(int code) const {
  const int primary = code & 0xFF;
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_FORMAT) {
    fail(ErrorKind::invalid_data, "{}: the results file is damaged: {}", file_.string(), sqlite3_errmsg(database_));
  }
  fail(ErrorKind::io, "{}: {}", file_.string(), sqlite3_errmsg(database_));
}

void SqliteDatabase::execute(const std::string& sql) const {
  const int code = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail_now(code);
}

std::vector<SqlRow> SqliteDatabase::query(const std::string& sql, const SqlRow& values) const {
  sqlite3_stmt* raw = nullptr;
  int code = sqlite3_prepare_v2(database_, sql.c_str(), static_cast<int>(sql.size()), &raw, nullptr);
  const Statement statement(raw);
  if (code != SQLITE_OK) fail_now(code);
  for (std::size_t i = 0; i < values.size(); ++i) {
    code = bind(raw, static_cast<int>(i) + 1, values[i]);
    if (code != SQLITE_OK) fail_now(code);
  }
  std::vector<SqlRow> rows;
  while ((code = sqlite3_step(raw)) == SQLITE_ROW) {
    SqlRow row;
    const int columns = sqlite3_column_count(raw);
    row.reserve(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) row.push_back(column(raw, i));
    rows.push_back(std::move(row));
  }
  if (code != SQLITE_DONE) fail_now(code);
  return rows;
}

int64_t SqliteDatabase::last_row_id() const { return sqlite3_last_insert_rowid(database_); }

SqliteTransaction::SqliteTransaction(const SqliteDatabase& database) : database_(database) {
  database_.execute("BEGIN IMMEDIATE");
}

SqliteTransaction::~SqliteTransaction() {
  if (!open_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const Error&) {
    // The error that ended the transaction is on its way; SQLite has rolled back, or will when the file is opened next.
  }
}

void SqliteTransaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace ifm
