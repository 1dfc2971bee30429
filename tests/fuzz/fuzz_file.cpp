#include "fuzz_file.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include <unistd.h>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"

namespace ifm {

void fuzz_file(const uint8_t* data, std::size_t size, const char* name,
               const std::function<void(const std::filesystem::path&)>& parse) {
  // One folder for the life of the process: in memory where the system has such a place.
  static const std::filesystem::path folder = [] {
    const std::filesystem::path base = std::filesystem::exists("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path();
    std::filesystem::path made = base / ("inferometer-fuzz-" + std::to_string(::getpid()));
    std::filesystem::create_directories(made);
    return made;
  }();
  const std::filesystem::path path = folder / name;
  std::FILE* file = std::fopen(path.c_str(), "wb");
  IFM_CHECK(file != nullptr);
  IFM_CHECK(std::fwrite(data, 1, size, file) == size);
  IFM_CHECK(std::fclose(file) == 0);
  try {
    parse(path);
  } catch (const Error&) {
  }
  std::filesystem::remove(path);
}

}  // namespace ifm
