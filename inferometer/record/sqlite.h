#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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

/// Bytes of a BLOB column that stand elsewhere.
struct SqlBlobView {
  std::string_view bytes;
};
/// The same value where it stands: valid as long as that. Alternatives in SqlValue's order.
using SqlView = std::variant<std::monostate, int64_t, double, std::string_view, SqlBlobView>;
[[nodiscard]] std::vector<SqlView> views_of(const SqlRow& row);

class SqliteDatabase;

/// A prepared statement of a connection, which must outlive it.
class SqliteStatement {
 public:
  SqliteStatement(const SqliteDatabase& database, const std::string& sql);
  SqliteStatement(SqliteStatement&&) noexcept;
  ~SqliteStatement();
  /// Begins anew with these values, which must stay where they are until the last step. @throws Error as the connection's.
  void bind(const SqlRow& values);
  /// Goes on to the next row; false after the last one. @throws Error.
  [[nodiscard]] bool step();
  [[nodiscard]] int columns() const;
  /// A value of the row, valid until the next step.
  [[nodiscard]] SqlView value(int column) const;

 private:
  struct Deleter {
    void operator()(sqlite3_stmt* statement) const;
  };
  const SqliteDatabase& database_;
  std::unique_ptr<sqlite3_stmt, Deleter> statement_;
};

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
  friend class SqliteStatement;
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
