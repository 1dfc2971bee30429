#include "inferometer/machine/page_cache.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "inferometer/machine/page_cache_os.h"

namespace ifm {
namespace {

/// A regular file opened for reading, with its size.
class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& path) : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    struct stat status {};
    if (descriptor_ >= 0 && fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode))
      size_ = static_cast<std::size_t>(status.st_size);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  int descriptor_ = -1;
  std::size_t size_ = 0;
};

}  // namespace

std::optional<double> resident_share(const std::vector<std::filesystem::path>& files) {
  const auto page_bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::size_t pages = 0;
  std::size_t resident = 0;
  for (const std::filesystem::path& path : files) {
    const OpenFile file(path);
    if (file.size() == 0) continue;
    void* data = mmap(nullptr, file.size(), PROT_READ, MAP_SHARED, file.descriptor(), 0);
    if (data == MAP_FAILED) return std::nullopt;
    std::vector<unsigned char> in_cache((file.size() + page_bytes - 1) / page_bytes);
    const bool known = ask_residency(data, file.size(), in_cache.data());
    munmap(data, file.size());
    if (!known) return std::nullopt;
    pages += in_cache.size();
    resident += static_cast<std::size_t>(std::count_if(in_cache.begin(), in_cache.end(), [](auto p) { return (p & 1U) != 0; }));
  }
  if (pages == 0) return std::nullopt;
  return static_cast<double>(resident) / static_cast<double>(pages);
}

bool drop_page_cache(const std::vector<std::filesystem::path>& files) {
  return std::all_of(files.begin(), files.end(), [](const std::filesystem::path& path) {
    const OpenFile file(path);
    return file.descriptor() >= 0 && forget_pages(file.descriptor());
  });
}

std::vector<std::filesystem::path> weight_files_of(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error)) return {path};
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    const std::string ending = at->path().extension().string();
    if (ending == ".safetensors" || ending == ".gguf") files.push_back(at->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace ifm
