#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "inferometer/hub/hub_name.h"

namespace ifm {

/// A repository's folder in the cache that all tools of the Hugging Face Hub share: blobs/DIGEST, snapshots/COMMIT/FILE -> a link
/// to a blob, refs/REVISION -> a commit. Source: huggingface.co/docs/hub/local-cache, huggingface_hub 2.4.0 file_download.py.
class HubCache {
 public:
  HubCache(const std::filesystem::path& cache, const HubName& name);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] std::filesystem::path blob(const std::string& digest) const { return folder_ / "blobs" / digest; }
  /// A blob in the making.
  [[nodiscard]] std::filesystem::path part(const std::string& digest) const {
    return folder_ / "blobs" / (digest + ".incomplete");
  }
  /// What a program holds while it makes a blob; the same file that huggingface_hub locks.
  [[nodiscard]] std::filesystem::path lock(const std::string& digest) const { return locks_ / (digest + ".lock"); }
  [[nodiscard]] std::filesystem::path snapshot(const std::string& commit) const { return folder_ / "snapshots" / commit; }

  /// Makes the folders for blobs and locks. @throws Error io.
  void make_folders() const;
  /// Lets snapshots/commit/file point to a blob, whatever it was before. @throws Error io.
  void link(const std::string& commit, const std::string& file, const std::string& digest) const;
  /// Notes which commit a revision is; a revision that is the commit itself needs no note. @throws Error io.
  void write_reference(const std::string& revision, const std::string& commit) const;
  /// The commit that a revision was when it was fetched; nullopt when it never was.
  [[nodiscard]] std::optional<std::string> read_reference(const std::string& revision) const;

  /// The revision's snapshots that may hold a model, the one to take first: one, or all for "main" without a note.
  [[nodiscard]] std::vector<std::filesystem::path> snapshots_of(const std::string& revision) const;
  /// Where the model lies when it is whole: the revision's snapshot, for "main" without a note the last one by name.
  [[nodiscard]] std::optional<std::filesystem::path> find(const HubName& name) const;

 private:
  std::filesystem::path folder_;
  std::filesystem::path locks_;
};

/// Names of the models of "main" that lie whole in the cache.
[[nodiscard]] std::vector<HubName> hub_cache_names(const std::filesystem::path& cache);

}  // namespace ifm
