#include "inferometer/record/export_json.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/base/test_folder.h"

namespace ifm {
namespace {

TEST(ExportJson, UnknownIsNullAndNumbersAreExact) {
  ifm::Run run;
  run.stamps = {{11, 22}, {1, 1}};
  run.metrics.e2e_s = 0.1;
  run.seed = (uint64_t{1} << 53U) - 1;
  const auto json = nlohmann::json::parse(run_to_json(run).dump());
  EXPECT_TRUE(json.at("metrics").at("ttft_s").is_null());
  EXPECT_TRUE(json.at("output_tokens").is_null());
  EXPECT_TRUE(json.at("error_kind").is_null());
  EXPECT_EQ(json.at("metrics").at("e2e_s").get<double>(), 0.1);
  EXPECT_EQ(json.at("seed").get<uint64_t>(), run.seed);
  EXPECT_EQ(json.at("stamps").at("offset_ns"), (std::vector<int64_t>{11, 22}));
}

TEST(ExportJson, FileIsWholeOrAbsent) {
  const test::TempFolder folder;
  const auto file = folder.path() / "raw_results" / "benchmark_1.json";
  write_json_file(file, {{"text", "\xff bad"}});
  std::ifstream in(file);
  EXPECT_EQ(nlohmann::json::parse(in).at("text"), "\xEF\xBF\xBD bad");
  EXPECT_FALSE(std::filesystem::exists(file.string() + ".part"));
  EXPECT_THROW(write_json_file(folder.path() / "raw_results" / "benchmark_1.json" / "x.json", {}), Error);
}

}  // namespace
}  // namespace ifm
