#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace ifm {

/// How a child ended: by itself with a code, or by a signal.
struct ProcessExit {
  int code = 0;    ///< exit code; 128 + signal when a signal ended it, as a shell says it
  int signal = 0;  ///< 0 = it ended by itself
};

/// What becomes of a child's standard error.
enum class ChildStderr { inherit, capture, discard };

/// How a child is started, besides its arguments.
struct SpawnOptions {
  ChildStderr standard_error = ChildStderr::inherit;
  bool own_group = false;  ///< a process group of its own: Ctrl-C at the terminal does not reach it, kill() reaches its children,
                           ///< and when it has ended and is waited for, those of them that still run are killed
  std::vector<std::pair<std::string, std::string>> environment;  ///< added to, or replacing, what we have
};

/// A child process with pipes to its standard input and output. No shell: argv[0] is searched in PATH, the rest is passed as it
/// is. The destructor kills a child that still runs, and reaps it. Movable; not thread-safe, except that one thread may write
/// while another reads.
class ChildProcess {
 public:
  /// @throws Error not_found when there is no such program, io when it cannot be started.
  explicit ChildProcess(const std::vector<std::string>& argv, const SpawnOptions& options = {});
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// The end that writes the child's standard input, -1 once closed; owned by this object, like the two below.
  [[nodiscard]] int input_fd() const { return input_; }
  /// The end that reads its standard output.
  [[nodiscard]] int read_fd() const { return output_; }
  /// The end that reads its standard error; -1 unless captured.
  [[nodiscard]] int error_fd() const { return error_; }
  /// Writes all of it to the child's standard input; SIGPIPE never reaches us. @throws Error io when the child closed it.
  void write(std::string_view bytes);
  void close_input();
  /// One read of the child's output, blocking, appended to `into`. False at the end of the output. @throws Error io.
  [[nodiscard]] bool read_some(std::string& into);
  /// Sends a signal; nothing happens when the child has been reaped.
  void kill(int signal);
  /// Waits for the end; afterwards always the same answer.
  ProcessExit wait();
  /// As wait(), but gives up after `timeout_ms`; 0 only looks.
  [[nodiscard]] std::optional<ProcessExit> wait_for(int64_t timeout_ms);

 private:
  void release() noexcept;
  bool reap(int options);
  std::string program_;
  pid_t pid_ = -1;
  bool own_group_ = false;
  int input_ = -1;
  int output_ = -1;
  int error_ = -1;
  std::optional<ProcessExit> exit_;
};

/// Limits and input of run_process().
struct RunOptions {
  std::string input;                       ///< its standard input; then closed
  std::optional<int64_t> timeout_ms;       ///< unset = none
  std::size_t output_limit = 64UL << 20U;  ///< per stream; what is beyond is read and dropped
  std::vector<std::pair<std::string, std::string>> environment;
};

/// A child that has ended, and what it wrote.
struct ProcessResult {
  ProcessExit exit;
  bool timed_out = false;  ///< it was killed because of the limit
  std::string output;
  std::string error;
  [[nodiscard]] bool ok() const { return exit.code == 0 && !timed_out; }
};

/// Runs a program to its end, without a shell. @throws Error not_found, io as ChildProcess.
[[nodiscard]] ProcessResult run_process(const std::vector<std::string>& argv, const RunOptions& options = {});

}  // namespace ifm
