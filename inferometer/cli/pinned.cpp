#include "inferometer/cli/pinned.h"

#include <fstream>
#include <sstream>
#include <system_error>

#include <nlohmann/json.hpp>

#include "inferometer/base/error.h"
#include "inferometer/base/sha256.h"
#include "inferometer/base/subprocess.h"
#include "inferometer/base/utc.h"
#include "inferometer/hub/resolve.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kVersionTimeoutMs = 30'000;

fs::path folder() { return cache_folder({}) / "pinned"; }
fs::path program_file() { return folder() / "inferometer"; }
fs::path record_file() { return folder() / "pinned.json"; }

/// The first line of what it says of itself. @throws Error unsupported.
std::string version_of(const fs::path& program) {
  const ProcessResult said = run_process({program.string(), "--version"}, {.input = {}, .timeout_ms = kVersionTimeoutMs});
  std::string line = said.output.substr(0, said.output.find('\n'));
  if (!said.ok() || !line.starts_with("inferometer"))
    fail(ErrorKind::unsupported, "{}: is not an inferometer (expected a program that says so with --version)", program.string());
  return line;
}

/// Copies beside the old one and renames, so that there is always a whole one.
void replace_program(const fs::path& from) {
  std::error_code error;
  fs::create_directories(folder(), error);
  const fs::path fresh = folder() / "inferometer.new";
  if (!error) fs::copy_file(from, fresh, fs::copy_options::overwrite_existing, error);
  if (!error) fs::rename(fresh, program_file(), error);
  if (error) fail(ErrorKind::io, "{}: cannot be pinned in {} ({})", from.string(), folder().string(), error.message());
}

}  // namespace

PinnedProgram pin_program(const fs::path& program) {
  const PinnedProgram pinned{program_file(), version_of(program), utc_now()};
  replace_program(program);
  const nlohmann::ordered_json record{
      {"version", pinned.version}, {"pinned_utc", pinned.pinned_utc}, {"sha256", sha256_of_file(pinned.program)}};
  std::ofstream file(record_file());
  file << record.dump(2) << "\n";
  if (!file.flush()) fail(ErrorKind::io, "{}: cannot be written", record_file().string());
  return pinned;
}

PinnedProgram pinned_program() {
  std::ifstream file(record_file());
  if (!file) fail(ErrorKind::not_found, "--against pinned: no program is pinned (expected one by inferometer compare --pin)");
  const nlohmann::json record = nlohmann::json::parse(file, nullptr, false);
  const auto field = [&](const char* key) {
    return record.is_object() && record.contains(key) && record[key].is_string() ? record[key].get<std::string>() : std::string();
  };
  PinnedProgram pinned{program_file(), field("version"), field("pinned_utc")};
  if (!fs::exists(pinned.program) || sha256_of_file(pinned.program) != field("sha256")) {
    fail(ErrorKind::invalid_data,
         "{}: is not the program that was pinned (expected to be pinned anew: inferometer compare --pin)",
         pinned.program.string());
  }
  return pinned;
}

}  // namespace ifm
