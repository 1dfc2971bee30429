#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace ifm {

/// Bytes of a BLOB column.
struct SqlBlob {
  std::string bytes;
  [[nodiscard]] bool operator==(const SqlBlob&) const = default;
};
/// A value of SQLite: NULL, INTEGER, REAL, TEXT or BLOB.
using SqlValue = std::variant<std::monostate, int64_t, double, std::string, SqlBlob>;
using SqlRow = std::vector<SqlValue>;

/// A connection. Every error is thrown as Error with the file's name: invalid_data for a damaged file, io otherwise.
class SqliteDatabase {
 public:
  enum class Open { read, write, immutable };
  SqliteDatabase(const std::filesystem::path& file, Open how);
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;
  ~SqliteDatabase();

  /// Runs statements that give no rows.
  void execute(const std::string& sql) const;
  /// Runs one statement with bound values and gives all its rows.
  std::vector<SqlRow> query(const std::string& sql, const SqlRow& values = {}) const;
  [[nodiscard]] int64_t last_row_id() const;

 private:
  [[noreturn]] void fail_now(int code) const;
  std::filesystem::path file_;
  sqlite3* database_ = nullptr;
};

/// BEGIN IMMEDIATE … COMMIT; rolled back when it goes without commit().
class SqliteTransaction {
 public:
  explicit SqliteTransaction(const SqliteDatabase& database);
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  ~SqliteTransaction();
  void commit();

 private:
  const SqliteDatabase& database_;
  bool open_ = true;
};

}  // namespace ifm
