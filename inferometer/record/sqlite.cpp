#include "inferometer/record/sqlite.h"

#include <memory>

#include <sqlite3.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

/// Values live until the statement has run: nothing is copied.
int bind_value(sqlite3_stmt* statement, int at, const SqlValue& value) {
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

SqlValue owned(const SqlView& view) {
  if (const auto* integer = std::get_if<int64_t>(&view)) return *integer;
  if (const auto* real = std::get_if<double>(&view)) return *real;
  if (const auto* text = std::get_if<std::string_view>(&view)) return std::string(*text);
  if (const auto* blob = std::get_if<SqlBlobView>(&view)) return SqlBlob{std::string(blob->bytes)};
  return std::monostate{};
}

SqlView view_of(const SqlValue& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return *integer;
  if (const auto* real = std::get_if<double>(&value)) return *real;
  if (const auto* text = std::get_if<std::string>(&value)) return std::string_view(*text);
  if (const auto* blob = std::get_if<SqlBlob>(&value)) return SqlBlobView{blob->bytes};
  return std::monostate{};
}

std::string_view bytes_of(const void* data, int size) {
  if (data == nullptr || size <= 0) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
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
  // A results file may be a stranger's: SQL in its schema gets no functions with effects, and pages that contradict themselves
  // are damage. Source: https://www.sqlite.org/security.html
  sqlite3_db_config(database_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  execute("PRAGMA cell_size_check=ON");
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
  SqliteStatement statement(*this, sql);
  statement.bind(values);
  std::vector<SqlRow> rows;
  while (statement.step()) {
    SqlRow row;
    const int columns = statement.columns();
    row.reserve(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) row.push_back(owned(statement.value(i)));
    rows.push_back(std::move(row));
  }
  return rows;
}

int64_t SqliteDatabase::last_row_id() const { return sqlite3_last_insert_rowid(database_); }

std::vector<SqlView> views_of(const SqlRow& row) {
  std::vector<SqlView> views;
  views.reserve(row.size());
  for (const SqlValue& value : row) views.push_back(view_of(value));
  return views;
}

SqliteStatement::SqliteStatement(const SqliteDatabase& database, const std::string& sql) : database_(database) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(database.database_, sql.c_str(), static_cast<int>(sql.size()), &raw, nullptr);
  statement_.reset(raw);
  if (code != SQLITE_OK) database_.fail_now(code);
}

SqliteStatement::SqliteStatement(SqliteStatement&&) noexcept = default;
SqliteStatement::~SqliteStatement() = default;

void SqliteStatement::Deleter::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void SqliteStatement::bind(const SqlRow& values) {
  sqlite3_reset(statement_.get());  // what the last run of it failed with has been thrown
  for (std::size_t i = 0; i < values.size(); ++i) {
    const int code = bind_value(statement_.get(), static_cast<int>(i) + 1, values[i]);
    if (code != SQLITE_OK) database_.fail_now(code);
  }
}

bool SqliteStatement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code != SQLITE_ROW && code != SQLITE_DONE) database_.fail_now(code);
  return code == SQLITE_ROW;
}

int SqliteStatement::columns() const { return sqlite3_column_count(statement_.get()); }

SqlView SqliteStatement::value(int column) const {
  // One call for the column and cheap ones for its value; they change nothing that another thread could see, for the connection
  // is this thread's.
  sqlite3_value* value = sqlite3_column_value(statement_.get(), column);
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      return int64_t{sqlite3_value_int64(value)};
    case SQLITE_FLOAT:
      return sqlite3_value_double(value);
    case SQLITE_TEXT: {
      const void* data = sqlite3_value_text(value);
      return bytes_of(data, sqlite3_value_bytes(value));
    }
    case SQLITE_BLOB: {
      const void* data = sqlite3_value_blob(value);
      return SqlBlobView{bytes_of(data, sqlite3_value_bytes(value))};
    }
    default:
      return std::monostate{};
  }
}

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
