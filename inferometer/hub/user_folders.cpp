#include "inferometer/hub/user_folders.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <system_error>

#include "inferometer/base/error.h"

namespace ifm {

namespace fs = std::filesystem;

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

bool environment_says_yes(const char* name) {
  std::string value = environment(name).value_or("");
  std::ranges::transform(value, value.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

fs::path home_folder() {
  if (const auto home = environment("HOME")) return *home;
  fail(ErrorKind::usage, "HOME: is not set (set INFEROMETER_HOME to the folder where models are to be kept)");
}

fs::path user_cache_folder() {
  if (const auto xdg = environment("XDG_CACHE_HOME")) return *xdg;
  return home_folder() / ".cache";
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> result;
  for (fs::directory_iterator it(folder, ignored), end; it != end; it.increment(ignored)) result.push_back(it->path());
  std::ranges::sort(result);
  return result;
}

std::vector<std::string> files_below(const fs::path& folder) {
  std::error_code ignored;
  std::vector<std::string> result;
  for (fs::recursive_directory_iterator it(folder, ignored), end; it != end; it.increment(ignored)) {
    if (is_file(it->path())) result.push_back(it->path().lexically_relative(folder).generic_string());
  }
  std::ranges::sort(result);
  return result;
}

}  // namespace ifm
