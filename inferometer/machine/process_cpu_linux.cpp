#include "inferometer/machine/process_cpu.h"

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include <unistd.h>

namespace ifm {
namespace {

namespace fs = std::filesystem;

/// Parents of all processes. In /proc/PID/stat the parent's id stands two words after the program's name, which is in parentheses
/// and may itself hold any character. Source: proc(5).
std::map<pid_t, pid_t> parents() {
  std::map<pid_t, pid_t> result;
  std::error_code ignored;
  for (fs::directory_iterator it("/proc", ignored), end; it != end; it.increment(ignored)) {
    const std::string name = it->path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(it->path() / "stat");
    // A process may end between the opening and the reading, which then fails: getline() takes that as an end, an iterator would
    // throw.
    std::string line;
    std::getline(file, line, '\0');
    const std::size_t close = line.rfind(')');
    if (close == std::string::npos || close + 4 >= line.size()) continue;
    result[static_cast<pid_t>(std::atol(name.c_str()))] = static_cast<pid_t>(std::atol(line.c_str() + close + 4));
  }
  return result;
}

/// This process and everything below it.
std::vector<pid_t> family() {
  const std::map<pid_t, pid_t> parent_of = parents();
  std::vector<pid_t> members{::getpid()};
  for (std::size_t i = 0; i < members.size(); ++i) {
    for (const auto& [process, parent] : parent_of) {
      if (parent == members[i] && process != members[i]) members.push_back(process);
    }
  }
  return members;
}

}  // namespace

std::optional<std::map<pid_t, int64_t>> family_cpu_ns() {
  std::map<pid_t, int64_t> used;
  for (const pid_t process : family()) {
    clockid_t clock{};
    timespec time{};
    if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &time) != 0) continue;
    used[process] = static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
  }
  if (used.empty()) return std::nullopt;
  return used;
}

}  // namespace ifm
