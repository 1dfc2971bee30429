#include "inferometer/base/subprocess.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ctime>
#include <mutex>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): not every system's header has it

namespace ifm {
namespace {

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_fd(read_end);
    close_fd(write_end);
  }
  void open() {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) fail(ErrorKind::io, "pipe: cannot be made ({})", std::strerror(errno));
    read_end = ends[0];
    write_end = ends[1];
    for (const int fd : ends) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
};

struct FileActions {
  posix_spawn_file_actions_t actions{};
  FileActions() { IFM_CHECK(posix_spawn_file_actions_init(&actions) == 0); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { posix_spawn_file_actions_destroy(&actions); }
};

struct Attributes {
  posix_spawnattr_t attributes{};
  Attributes() { IFM_CHECK(posix_spawnattr_init(&attributes) == 0); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { posix_spawnattr_destroy(&attributes); }
};

/// Ours with the additions; "NAME=value" each.
std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& additions) {
  std::vector<std::string> result;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::string_view name = text.substr(0, text.find('='));
    if (std::ranges::none_of(additions, [&](const auto& a) { return a.first == name; })) result.emplace_back(text);
  }
  for (const auto& [name, value] : additions) result.push_back(fmt::format("{}={}", name, value));
  return result;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

void connect_streams(posix_spawn_file_actions_t& actions, const Pipe& input, const Pipe& output, const Pipe& error,
                     ChildStderr standard_error) {
  posix_spawn_file_actions_adddup2(&actions, input.read_end, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output.write_end, STDOUT_FILENO);
  if (standard_error == ChildStderr::capture) posix_spawn_file_actions_adddup2(&actions, error.write_end, STDERR_FILENO);
  if (standard_error == ChildStderr::discard) posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
}

/// The child starts with default signal handling and nothing blocked, whatever we have set for ourselves.
void set_attributes(posix_spawnattr_t& attributes, bool own_group) {
  sigset_t defaults;
  sigemptyset(&defaults);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) sigaddset(&defaults, signal);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  const int flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | (own_group ? POSIX_SPAWN_SETPGROUP : 0);
  posix_spawnattr_setflags(&attributes, static_cast<short>(flags));
}

ProcessExit exit_of(int status) {
  if (WIFSIGNALED(status)) return {128 + WTERMSIG(status), WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

/// Keeps SIGPIPE away from this thread while it writes into a pipe that may be closed at the other end.
class SigpipeGuard {
 public:
  SigpipeGuard() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  SigpipeGuard(const SigpipeGuard&) = delete;
  SigpipeGuard& operator=(const SigpipeGuard&) = delete;
  ~SigpipeGuard() {
    sigset_t pending;
    sigpending(&pending);
    if (!was_pending_ && sigismember(&pending, SIGPIPE) == 1) {
      int signal = 0;
      sigwait(&pipe_, &signal);
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& argv, const SpawnOptions& options) : own_group_(options.own_group) {
  IFM_CHECK(!argv.empty());
  // Between the making of a pipe and its mark (close on exec) no other thread may start a child, which would keep its ends open.
  static std::mutex one_at_a_time;
  const std::lock_guard<std::mutex> lock(one_at_a_time);
  program_ = argv.front();
  Pipe input;
  Pipe output;
  Pipe error;
  input.open();
  output.open();
  if (options.standard_error == ChildStderr::capture) error.open();
  FileActions streams;
  connect_streams(streams.actions, input, output, error, options.standard_error);
  Attributes attributes;
  set_attributes(attributes.attributes, own_group_);
  std::vector<std::string> arguments = argv;
  std::vector<std::string> environment = environment_with(options.environment);
  const int reason = ::posix_spawnp(&pid_, program_.c_str(), &streams.actions, &attributes.attributes,
                                    pointers_to(arguments).data(), pointers_to(environment).data());
  if (reason != 0) {
    pid_ = -1;
    if (reason == ENOENT) fail(ErrorKind::not_found, "{}: no such program", program_);
    fail(ErrorKind::io, "{}: cannot be started ({})", program_, std::strerror(reason));
  }
  input_ = std::exchange(input.write_end, -1);
  output_ = std::exchange(output.read_end, -1);
  error_ = std::exchange(error.read_end, -1);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : program_(std::move(other.program_)),
      pid_(std::exchange(other.pid_, -1)),
      own_group_(other.own_group_),
      input_(std::exchange(other.input_, -1)),
      output_(std::exchange(other.output_, -1)),
      error_(std::exchange(other.error_, -1)),
      exit_(other.exit_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this == &other) return *this;
  release();
  program_ = std::move(other.program_);
  pid_ = std::exchange(other.pid_, -1);
  own_group_ = other.own_group_;
  input_ = std::exchange(other.input_, -1);
  output_ = std::exchange(other.output_, -1);
  error_ = std::exchange(other.error_, -1);
  exit_ = other.exit_;
  return *this;
}

ChildProcess::~ChildProcess() { release(); }

void ChildProcess::release() noexcept {
  close_fd(input_);
  close_fd(output_);
  close_fd(error_);
  if (pid_ < 0 || exit_) return;
  kill(SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  exit_ = exit_of(status);
}

void ChildProcess::write(std::string_view bytes) {
  const SigpipeGuard guard;
  while (!bytes.empty()) {
    const ssize_t written = ::write(input_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(ErrorKind::io, "{}: its input cannot be written ({})", program_, std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void ChildProcess::close_input() { close_fd(input_); }

bool ChildProcess::read_some(std::string& into) {
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t got = ::read(output_, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(ErrorKind::io, "{}: its output cannot be read ({})", program_, std::strerror(errno));
    into.append(buffer.data(), static_cast<std::size_t>(got));
    return got > 0;
  }
}

void ChildProcess::kill(int signal) {
  if (pid_ > 0 && !exit_) ::kill(own_group_ ? -pid_ : pid_, signal);
}

/// False when it still runs, or a signal came.
bool ChildProcess::reap(int options) {
  siginfo_t ended{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOWAIT | options) != 0) {
    if (errno == EINTR) return false;
    fail(ErrorKind::io, "{}: cannot be waited for ({})", program_, std::strerror(errno));
  }
  if (ended.si_pid != pid_) return false;
  // While it is not reaped its id cannot become another group's.
  if (own_group_) ::kill(-pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  exit_ = exit_of(status);
  return true;
}

ProcessExit ChildProcess::wait() {
  IFM_CHECK(pid_ > 0);
  while (!exit_) (void)reap(0);
  return *exit_;
}

std::optional<ProcessExit> ChildProcess::wait_for(int64_t timeout_ms) {
  IFM_CHECK(pid_ > 0);
  const int64_t deadline_ms = now_ms() + timeout_ms;
  while (!exit_) {
    if (reap(WNOHANG)) break;
    if (now_ms() >= deadline_ms) return std::nullopt;
    const timespec pause{0, 2'000'000};
    ::nanosleep(&pause, nullptr);
  }
  return exit_;
}

namespace {

/// Feeds and drains a child's three streams at once, so that no full pipe can make both sides wait for ever.
class Pump {
 public:
  Pump(ChildProcess& child, const RunOptions& options, int input_fd) : child_(child), options_(options), input_fd_(input_fd) {
    for (const int fd : {child.read_fd(), child.error_fd(), input_fd}) ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  }

  /// False when the time was up first.
  bool run(ProcessResult& result) {
    if (options_.timeout_ms) deadline_ms_ = now_ms() + *options_.timeout_ms;
    if (options_.input.empty()) finish_input();
    bool output_open = true;
    bool error_open = true;
    while (output_open || error_open) {
      std::array<pollfd, 3> waiting{pollfd{output_open ? child_.read_fd() : -1, POLLIN, 0},
                                    pollfd{error_open ? child_.error_fd() : -1, POLLIN, 0}, pollfd{input_fd_, POLLOUT, 0}};
      const int64_t left_ms = deadline_ms_ ? *deadline_ms_ - now_ms() : -1;
      if (deadline_ms_ && left_ms <= 0) return false;
      const int timeout = static_cast<int>(std::min<int64_t>(left_ms, 1'000'000));
      if (::poll(waiting.data(), waiting.size(), timeout) <= 0) continue;
      if (waiting[0].revents != 0) output_open = drain(child_.read_fd(), result.output);
      if (waiting[1].revents != 0) error_open = drain(child_.error_fd(), result.error);
      if (waiting[2].revents != 0) feed();
    }
    return true;
  }

 private:
  /// False at the end of the stream.
  bool drain(int fd, std::string& into) const {
    std::array<char, 65536> buffer;
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0) return errno == EINTR || errno == EAGAIN;
    const std::size_t room = options_.output_limit - std::min(options_.output_limit, into.size());
    into.append(buffer.data(), std::min(room, static_cast<std::size_t>(got)));
    return got > 0;
  }

  /// A child that does not want its input may close it: that is its right, not an error.
  void feed() {
    const SigpipeGuard guard;
    const ssize_t put = ::write(input_fd_, options_.input.data() + written_, options_.input.size() - written_);
    if (put < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (put > 0) written_ += static_cast<std::size_t>(put);
    if (put < 0 || written_ == options_.input.size()) finish_input();
  }

  void finish_input() {
    child_.close_input();
    input_fd_ = -1;
  }

  ChildProcess& child_;
  const RunOptions& options_;
  int input_fd_;
  std::size_t written_ = 0;
  std::optional<int64_t> deadline_ms_;
};

}  // namespace

ProcessResult run_process(const std::vector<std::string>& argv, const RunOptions& options) {
  ChildProcess child(argv, {.standard_error = ChildStderr::capture, .environment = options.environment});
  ProcessResult result;
  Pump pump(child, options, child.input_fd());
  const bool in_time = pump.run(result);
  std::optional<ProcessExit> exit;
  if (in_time) exit = options.timeout_ms ? child.wait_for(*options.timeout_ms) : child.wait();
  result.timed_out = !exit;
  if (!exit) {
    child.kill(SIGKILL);
    exit = child.wait();
  }
  result.exit = *exit;
  return result;
}

}  // namespace ifm
