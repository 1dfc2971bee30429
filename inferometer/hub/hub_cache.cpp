#include "inferometer/hub/hub_cache.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>

#include <unistd.h>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/hub/hexadecimal.h"
#include "inferometer/hub/model_folder.h"
#include "inferometer/hub/staging.h"
#include "inferometer/hub/user_folders.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kModels = "models--";
constexpr std::size_t kCommitDigits = 40;

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorKind::io, "{}: cannot be made ({})", folder.string(), error.message());
}

bool is_commit(const std::string& text) { return is_hexadecimal(text, kCommitDigits); }

/// A name beside `path` that no other program uses.
fs::path temporary_beside(const fs::path& path) {
  return path.parent_path() / fmt::format(".{}.{}", path.filename().string(), ::getpid());
}

void put_in_place(const fs::path& temporary, const fs::path& path) {
  std::error_code error;
  fs::rename(temporary, path, error);
  if (!error) return;
  std::error_code ignored;
  fs::remove(temporary, ignored);
  fail(ErrorKind::io, "{}: cannot be put in place ({})", path.string(), error.message());
}

}  // namespace

HubCache::HubCache(const fs::path& cache, const HubName& name) {
  const std::string folder = std::string(kModels) + name.owner + "--" + name.name;
  folder_ = cache / folder;
  locks_ = cache / ".locks" / folder;
}

void HubCache::make_folders() const {
  make_folder(folder_ / "blobs");
  make_folder(locks_);
}

void HubCache::link(const std::string& commit, const std::string& file, const std::string& digest) const {
  const fs::path place = snapshot(commit) / file;
  make_folder(place.parent_path());
  const fs::path target = blob(digest).lexically_relative(place.parent_path());
  std::error_code error;
  if (fs::read_symlink(place, error) == target && !error) return;
  const fs::path temporary = temporary_beside(place);
  fs::remove(temporary, error);
  fs::create_symlink(target, temporary, error);
  if (error) fail(ErrorKind::io, "{}: cannot be made ({})", place.string(), error.message());
  put_in_place(temporary, place);
}

void HubCache::write_reference(const std::string& revision, const std::string& commit) const {
  if (revision == commit) return;
  const fs::path place = folder_ / "refs" / revision;
  make_folder(place.parent_path());
  const fs::path temporary = temporary_beside(place);
  write_text_file(temporary, commit);
  put_in_place(temporary, place);
}

std::optional<std::string> HubCache::read_reference(const std::string& revision) const {
  std::ifstream in(folder_ / "refs" / revision, std::ios::binary);
  std::string commit(kCommitDigits, '\0');
  in.read(commit.data(), static_cast<std::streamsize>(commit.size()));
  if (static_cast<std::size_t>(in.gcount()) != commit.size() || !is_commit(commit)) return std::nullopt;
  return commit;
}

std::vector<fs::path> HubCache::snapshots_of(const std::string& revision) const {
  if (const auto commit = read_reference(revision)) return {snapshot(*commit)};
  if (is_commit(revision)) return {snapshot(revision)};
  if (revision != "main") return {};
  std::vector<fs::path> snapshots = entries_of(folder_ / "snapshots");
  std::ranges::reverse(snapshots);
  return snapshots;
}

std::optional<fs::path> HubCache::find(const HubName& name) const {
  for (const fs::path& snapshot : snapshots_of(name.revision)) {
    if (auto found = whole_model_in(snapshot, name)) return found;
  }
  return std::nullopt;
}

std::vector<HubName> hub_cache_names(const fs::path& cache) {
  std::vector<HubName> names;
  for (const fs::path& folder : entries_of(cache)) {
    std::string text = folder.filename().string();
    const std::size_t cut = text.find("--", kModels.size());
    if (!text.starts_with(kModels) || cut == std::string::npos) continue;
    text = text.substr(kModels.size(), cut - kModels.size()) + "/" + text.substr(cut + 2);
    const auto name = parse_hub_name(text);
    if (!name) continue;
    for (const fs::path& snapshot : HubCache(cache, *name).snapshots_of(name->revision)) {
      const std::vector<HubName> here = names_in(snapshot, *name);
      names.insert(names.end(), here.begin(), here.end());
      if (!here.empty()) break;
    }
  }
  return names;
}

}  // namespace ifm
