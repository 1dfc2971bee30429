#include "inferometer/engine/managed_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/base/subprocess.h"
#include "inferometer/engine/openai_request.h"
#include "inferometer/net/http.h"

namespace ifm {
namespace {

constexpr std::size_t kKeptOutput = std::size_t{64} << 10U;
constexpr int64_t kPollNs = 50'000'000;
constexpr int64_t kGraceMs = 5'000;
constexpr int64_t kDyingMs = 500;
constexpr int64_t kLastWordsMs = 1'000;
constexpr double kAnswerS = 2;

/// A port of the loopback interface that is free now. (Somebody may take it before the child does; then the child says so.)
int free_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  if (descriptor < 0) fail(ErrorKind::io, "server: no socket can be had");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool bound = ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                     ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(descriptor);
  if (!bound) fail(ErrorKind::io, "server: no free port can be had");
  return ntohs(address.sin_port);
}

void replace_all(std::string& text, std::string_view from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

/// A shell that waits for the end of its input, which only this process holds open, and then ends the server's group: however we
/// end, also by SIGKILL, no server is left behind.
std::vector<std::string> guard_of(pid_t group) {
  return {"/bin/sh", "-c", "read -r never; kill -s TERM -- -$0; sleep 5; kill -s KILL -- -$0", std::to_string(group)};
}

/// Where a server's output is added to; nowhere when the path is empty.
std::ofstream open_log(const std::filesystem::path& path) {
  std::ofstream file;
  if (path.empty()) return file;
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  file.open(path, std::ios::app | std::ios::binary);
  if (!file) fail(ErrorKind::io, "server: {} cannot be written (expected a file for what the server prints)", path.string());
  return file;
}

}  // namespace

/// The child, its guard, and the thread that reads what it prints.
class ManagedServer::Running {
 public:
  Running(const std::vector<std::string>& command, const std::filesystem::path& log)
      : log_(open_log(log)),
        child_(command, {.standard_error = ChildStderr::capture, .own_group = true}),
        guard_(guard_of(child_.pid()), {.standard_error = ChildStderr::discard, .own_group = true}),
        reader_([this] { read(); }) {
    child_.close_input();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    child_.kill(SIGTERM);
    if (!child_.wait_for(kGraceMs)) {
      child_.kill(SIGKILL);
      child_.wait();
    }
    guard_.kill(SIGKILL);
    stop_ = true;
    reader_.join();
  }

  [[nodiscard]] std::optional<ProcessExit> ended(int64_t within_ms = 0) {
    const std::optional<ProcessExit> exit = child_.wait_for(within_ms);
    if (exit) guard_.kill(SIGKILL);  // the group's number may be somebody else's from now on
    return exit;
  }
  /// After the child's end: waits until all that it printed is read. A grandchild may hold the pipes open for ever, so not long.
  void read_to_the_end() {
    std::unique_lock lock(mutex_);
    all_read_.wait_for(lock, std::chrono::milliseconds(kLastWordsMs), [this] { return at_end_; });
  }
  [[nodiscard]] std::string output() const {
    const std::lock_guard lock(mutex_);
    return output_;
  }

 private:
  void read() {
    std::array<pollfd, 2> ends{pollfd{child_.read_fd(), POLLIN, 0}, pollfd{child_.error_fd(), POLLIN, 0}};
    while (!stop_ && (ends[0].fd >= 0 || ends[1].fd >= 0)) {
      if (::poll(ends.data(), ends.size(), 200) <= 0) continue;
      for (pollfd& end : ends) {
        if (end.fd < 0 || end.revents == 0) continue;
        std::array<char, 4096> bytes{};
        const ssize_t size = ::read(end.fd, bytes.data(), bytes.size());
        if (size <= 0) {
          end.fd = -1;
          continue;
        }
        log_.write(bytes.data(), size);
        log_.flush();
        const std::lock_guard lock(mutex_);
        output_.append(bytes.data(), static_cast<std::size_t>(size));
        if (output_.size() > kKeptOutput) output_.erase(0, output_.size() - kKeptOutput);
      }
    }
    const std::lock_guard lock(mutex_);
    at_end_ = true;
    all_read_.notify_all();
  }

  std::ofstream log_;
  ChildProcess child_;
  ChildProcess guard_;
  mutable std::mutex mutex_;
  std::condition_variable all_read_;
  std::string output_;
  bool at_end_ = false;
  std::atomic<bool> stop_{false};
  std::thread reader_;
};

ManagedServer::ManagedServer(const ServerOptions& options, const std::string& model, Clock& clock) {
  const std::string port = std::to_string(free_port());
  url_ = options.url.empty() ? "http://127.0.0.1:{port}" : options.url;
  replace_all(url_, "{port}", port);
  std::vector<std::string> command = options.command;
  for (std::string& word : command) {
    replace_all(word, "{port}", port);
    replace_all(word, "{model}", model);
  }
  HttpClient client({.socket = options.socket, .connect_s = kAnswerS}, clock);
  const HttpRequest ready{.url = root_of(url_) + options.ready, .body = {}, .first_s = kAnswerS, .gap_s = kAnswerS};
  const auto status = [&] {
    try {
      return client.fetch(ready).status;
    } catch (const Error&) {
      return 0;
    }
  };
  if (status() != 0) {
    fail(ErrorKind::engine, "server: something else answers at {} already (expected nobody before {} is started)", url_,
         command.front());
  }
  running_ = std::make_unique<Running>(command, options.log);
  const int64_t deadline_ns = clock.now_ns() + static_cast<int64_t>(options.ready_s * 1e9);
  while (status() != 200) {
    if (const auto ended = running_->ended()) {
      running_->read_to_the_end();
      fail(ErrorKind::engine, "server: {} ended with exit code {} before it was ready: {}", command.front(), ended->code,
           last_line());
    }
    if (clock.now_ns() >= deadline_ns) {
      fail(ErrorKind::timeout, "server: {} was not ready within {} s ({} did not answer 200): {}", command.front(),
           options.ready_s, ready.url, last_line());
    }
    clock.wait_until(clock.now_ns() + kPollNs);
  }
  // Who answers may be somebody who took the port; our child would have ended then.
  if (const auto ended = running_->ended())
    fail(ErrorKind::engine, "server: {} ended with exit code {}, but somebody answers at {}", command.front(), ended->code, url_);
}

ManagedServer::~ManagedServer() = default;

bool ManagedServer::has_ended() {
  if (!running_->ended(kDyingMs)) return false;
  running_->read_to_the_end();
  return true;
}

std::string ManagedServer::last_line() const {
  std::string output = running_->output();
  while (!output.empty() && (output.back() == '\n' || output.back() == '\r')) output.pop_back();
  const std::size_t start = output.rfind('\n');
  return output.substr(start == std::string::npos ? 0 : start + 1).substr(0, 300);
}

}  // namespace ifm
