#pragma once

#include <string>
#include <string_view>

namespace ifm {

/// Who answers a URL: a secret that was meant for one origin must not reach another.
struct Origin {
  std::string scheme;  ///< "http" or "https"
  std::string host;    ///< lower case
  int port = 0;
  bool operator==(const Origin&) const = default;
};

/// @throws Error invalid_data when it is no http or https URL.
[[nodiscard]] Origin origin_of(const std::string& url);

/// What `reference`, absolute or relative as a Location header may have it, means on the page `base`.
/// @throws Error invalid_data when that is no http or https URL.
[[nodiscard]] std::string resolve_url(const std::string& base, const std::string& reference);

/// A path as it may stand in a URL: every byte but letters, digits, "-._~" and "/" as %XX.
[[nodiscard]] std::string encode_path(std::string_view path);

}  // namespace ifm
