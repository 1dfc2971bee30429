#include "fuzz_input.h"

#include <cstdio>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"
#include "inferometer/base/test_folder.h"

namespace ifm {

const std::filesystem::path& fuzz_folder() {
  static const std::filesystem::path memory = "/dev/shm";
  static const test::TempFolder folder(std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path());
  return folder.path();
}

void fuzz(const std::function<void()>& parse) {
  try {
    parse();
  } catch (const Error& error) {
    IFM_CHECK(!error.message().empty());
  }
}

void fuzz_file(const uint8_t* data, std::size_t size, const char* name,
               const std::function<void(const std::filesystem::path&)>& parse) {
  const std::filesystem::path path = fuzz_folder() / name;
  std::FILE* file = std::fopen(path.c_str(), "wb");
  IFM_CHECK(file != nullptr);
  IFM_CHECK(std::fwrite(data, 1, size, file) == size);
  IFM_CHECK(std::fclose(file) == 0);
  fuzz([&] { parse(path); });
  std::filesystem::remove(path);
}

}  // namespace ifm
