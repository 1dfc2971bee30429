#include "inferometer/hub/staging.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <fmt/format.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace fs = std::filesystem;
namespace {

/// A folder's name without the slash that people type behind it.
fs::path without_slash(const fs::path& path) { return path.has_filename() ? path : path.parent_path(); }

}  // namespace

void require_vacant_folder(const fs::path& target) {
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(target, ignored))) return;
  if (!fs::is_directory(target, ignored)) fail(ErrorKind::usage, "{}: exists and is not a folder", target.string());
  std::error_code error;
  const bool empty = fs::is_empty(target, error);
  if (error) fail(ErrorKind::io, "{}: cannot be read ({})", target.string(), error.message());
  if (!empty) fail(ErrorKind::usage, "{}: exists and is not empty (expected a new or an empty folder)", target.string());
}

StagedFolder::StagedFolder(fs::path target) : target_(without_slash(target)) {
  if (target_.filename().empty()) fail(ErrorKind::usage, "output: names no folder");
  require_vacant_folder(target_);
  const fs::path parent = target_.has_parent_path() ? target_.parent_path() : fs::path(".");
  std::error_code error;
  fs::create_directories(parent, error);
  if (error) fail(ErrorKind::io, "{}: cannot be made ({})", parent.string(), error.message());
  std::string pattern = (parent / fmt::format(".{}.partial-XXXXXX", target_.filename().string())).string();
  if (::mkdtemp(pattern.data()) == nullptr)
    fail(ErrorKind::io, "{}: cannot be written ({})", parent.string(), std::strerror(errno));
  staging_ = pattern;
  fs::permissions(
      staging_,
      fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec | fs::perms::others_read | fs::perms::others_exec,
      error);
}

StagedFolder::~StagedFolder() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(staging_, ignored);
}

void StagedFolder::commit() {
  // rename(2) replaces an empty folder and nothing else, so that another program's finished work is never lost.
  if (::rename(staging_.c_str(), target_.c_str()) != 0) {
    fail(ErrorKind::io, "{}: cannot be put in place ({})", target_.string(), std::strerror(errno));
  }
  committed_ = true;
}

void write_text_file(const fs::path& file, std::string_view text) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) fail(ErrorKind::io, "{}: cannot be made ({})", file.string(), std::strerror(errno));
  int reason = 0;
  while (!text.empty() && reason == 0) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    if (written < 0 && errno != EINTR) reason = errno;
  }
  if (reason == 0 && ::fsync(fd) != 0 && errno != EINVAL) reason = errno;
  if (::close(fd) != 0 && reason == 0) reason = errno;
  if (reason != 0) fail(ErrorKind::io, "{}: cannot be written ({})", file.string(), std::strerror(reason));
}

}  // namespace ifm
