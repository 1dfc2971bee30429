#include "inferometer/base/prefault.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "inferometer/base/mapped_file.h"
#include "inferometer/base/test_folder.h"

namespace ifm {
namespace {

struct FileOf {
  explicit FileOf(std::size_t bytes) : path(folder.write("file", std::string(bytes, 'x'))) {}
  test::TempFolder folder;
  std::filesystem::path path;
};

#ifdef MADV_POPULATE_READ
/// Page faults of this thread while it reads one byte of each page.
long faults_of_reading(std::span<const std::byte> bytes) {
  rusage before{};
  rusage after{};
  getrusage(RUSAGE_THREAD, &before);
  int sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 4096) sum += std::to_integer<int>(bytes[i]);
  getrusage(RUSAGE_THREAD, &after);
  EXPECT_GT(sum, 0);
  return after.ru_minflt - before.ru_minflt;
}

TEST(Prefault, LeavesNoPageFaultsToTheReader) {
  const FileOf of(std::size_t{40} << 20);
  const MappedFile file(of.path);
  const MappedFile untouched(of.path);
  // An odd piece of the mapping: where it begins and ends inside a page counts too.
  const auto part = file.bytes().subspan(12'345, (std::size_t{30} << 20) + 17);
  Prefault prefault({part});
  prefault.wait();
  EXPECT_EQ(faults_of_reading(part), 0);
  EXPECT_GT(faults_of_reading(untouched.bytes()), 0);
}
#endif

TEST(Prefault, EndsWithTheObjectAndTakesNothing) {
  const FileOf of(1000);
  const MappedFile file(of.path);
  { const Prefault none({}); }
  { const Prefault small({file.bytes(), file.bytes().first(0)}); }
  EXPECT_EQ(std::to_integer<char>(file.bytes()[999]), 'x');
}

}  // namespace
}  // namespace ifm
