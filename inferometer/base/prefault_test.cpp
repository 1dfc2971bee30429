#include "inferometer/base/prefault.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "inferometer/base/mapped_file.h"

namespace ifm {
namespace {

std::filesystem::path file_of(std::size_t bytes) {
  const auto path = std::filesystem::temp_directory_path() / ("ifm_prefault_" + std::to_string(getpid()));
  std::ofstream(path) << std::string(bytes, 'x');
  return path;
}

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
  const auto path = file_of(std::size_t{40} << 20);
  const MappedFile file(path);
  const MappedFile untouched(path);
  // An odd piece of the mapping: where it begins and ends inside a page counts too.
  const auto part = file.bytes().subspan(12'345, (std::size_t{30} << 20) + 17);
  Prefault prefault({part});
  prefault.wait();
  EXPECT_EQ(faults_of_reading(part), 0);
  EXPECT_GT(faults_of_reading(untouched.bytes()), 0);
  std::filesystem::remove(path);
}
#endif

TEST(Prefault, EndsWithTheObjectAndTakesNothing) {
  const auto path = file_of(1000);
  const MappedFile file(path);
  { const Prefault none({}); }
  { const Prefault small({file.bytes(), file.bytes().first(0)}); }
  EXPECT_EQ(std::to_integer<char>(file.bytes()[999]), 'x');
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace ifm
