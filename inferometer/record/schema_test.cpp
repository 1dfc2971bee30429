#include "inferometer/record/schema.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/base/test_folder.h"
#include "inferometer/record/store.h"

namespace ifm {
namespace {

TEST(Schema, NoSqlOfAStrangersFileIsRun) {
  const std::vector<std::string> strangers{
      "ALTER TABLE run RENAME TO other; CREATE VIEW run AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
      "SELECT i AS id FROM n",
      "CREATE TRIGGER t AFTER INSERT ON run BEGIN DELETE FROM run; END",
      "ALTER TABLE run ADD COLUMN slow TEXT AS (hex(zeroblob(1000000000)))"};
  for (const std::string& sql : strangers) {
    const test::TempFolder folder;
    const auto file = folder.path() / "inferometer.db";
    { const Store store(file, Store::Access::write); }
    SqliteDatabase(file, SqliteDatabase::Open::write).execute(sql);
    for (const auto access : {Store::Access::read, Store::Access::write}) {
      try {
        const Store store(file, access);
        ADD_FAILURE() << sql;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::invalid_data);
        EXPECT_NE(error.message().find("its schema is not a results file's"), std::string::npos) << error.message();
      }
    }
  }
}

}  // namespace
}  // namespace ifm
