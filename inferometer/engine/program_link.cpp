#include "inferometer/engine/program_link.h"

#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <system_error>

namespace ifm {

namespace fs = std::filesystem;

ProgramLink::ProgramLink(const fs::path& program, std::size_t length) : path_(program) {
  std::error_code error;
  const fs::path target = fs::absolute(program, error);
  std::string name = (fs::temp_directory_path(error) / "inferometer-XXXXXX").string();
  if (error || mkdtemp(name.data()) == nullptr) return;
  folder_ = name;
  const fs::path inside = folder_ / std::string(length, 'x');
  fs::create_directory(inside, error);
  if (!error) fs::create_symlink(target, inside / program.filename(), error);
  if (!error) path_ = inside / program.filename();
}

ProgramLink::~ProgramLink() {
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

}  // namespace ifm
