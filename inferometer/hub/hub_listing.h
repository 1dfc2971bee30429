#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ifm {

/// A file of a repository on the Hub.
struct HubFile {
  std::string path;  ///< safe: is_safe_file_name
  int64_t bytes = 0;
  std::string
      digest;  ///< SHA-256 (64 digits) of a large file, else the SHA-1 that git gives it (40 digits): the cache's file name
};

/// A repository at one commit.
struct HubListing {
  std::string commit;
  std::vector<HubFile> files;
};

/// Reads what {endpoint}/api/models/{owner}/{name}/revision/{revision}?blobs=true answers. `subject`: what messages name.
/// @throws Error invalid_data for anything unexpected: names that leave the folder, digests that are none, sizes that differ.
[[nodiscard]] HubListing parse_hub_listing(std::string_view json, const std::string& subject);

}  // namespace ifm
