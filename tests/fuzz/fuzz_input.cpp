#include "fuzz_input.h"

#include <unistd.h>

#include <cstdio>
#include <string>
#include <system_error>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"

namespace ifm {
namespace {

class Folder {
 public:
  Folder() {
    const std::filesystem::path memory = "/dev/shm";
    const std::filesystem::path base = std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
    path_ = base / ("inferometer-fuzz-" + std::to_string(::getpid()));
    std::filesystem::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

const std::filesystem::path& fuzz_folder() {
  static const Folder folder;
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
