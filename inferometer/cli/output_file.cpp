#include "inferometer/cli/output_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

#include "inferometer/base/error.h"

namespace ifm {

namespace fs = std::filesystem;

fs::path temporary_beside(const fs::path& file) {
  return file.parent_path() / fmt::format(".{}.{}.tmp", file.filename().string(), ::getpid());
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorKind::io, "{}: cannot be made ({})", folder.string(), error.message());
}

void move_into_place(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (!error) return;
  std::error_code ignored;
  fs::remove(from, ignored);
  fail(ErrorKind::io, "{}: cannot be written ({})", to.string(), error.message());
}

void write_whole(const fs::path& file, const std::function<void(std::ostream&)>& write) {
  make_folder(file.parent_path());
  const fs::path temporary = temporary_beside(file);
  std::ofstream stream(temporary, std::ios::binary | std::ios::trunc);
  write(stream);
  stream.close();
  if (!stream) {
    const int reason = errno;
    std::error_code ignored;
    fs::remove(temporary, ignored);
    fail(ErrorKind::io, "{}: cannot be written ({})", file.string(), std::strerror(reason));
  }
  move_into_place(temporary, file);
}

void write_whole(const fs::path& file, const std::string& bytes) {
  write_whole(file, [&](std::ostream& stream) { stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size())); });
}

}  // namespace ifm
