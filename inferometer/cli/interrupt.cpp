#include "inferometer/cli/interrupt.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"

namespace ifm {
namespace {

constexpr int kExitInterrupted = 130;

// What the handler needs, and nothing more: it may only touch lock-free atomics and call write and _exit.
std::atomic<int> signal_pipe_write{-1};
std::atomic<int> signals_seen{0};
int pipe_ends[2] = {-1, -1};
struct sigaction previous_int, previous_term;

void on_signal(int) {
  const int saved_errno = errno;
  if (signals_seen.fetch_add(1) > 0) _exit(kExitInterrupted);
  const char byte = 's';
  if (write(signal_pipe_write.load(), &byte, 1) < 0) _exit(kExitInterrupted);
  errno = saved_errno;
}

}  // namespace

InterruptGuard::InterruptGuard() {
  IFM_CHECK(signal_pipe_write.load() < 0);
  if (pipe(pipe_ends) != 0) fail(ErrorKind::io, "signal pipe: cannot be made (out of file descriptors)");
  for (const int end : pipe_ends) fcntl(end, F_SETFD, FD_CLOEXEC);
  signals_seen.store(0);
  signal_pipe_write.store(pipe_ends[1]);
  watcher_ = std::thread([this] {
    char byte = 0;
    while (read(pipe_ends[0], &byte, 1) < 0 && errno == EINTR) {
    }
    if (byte == 's') source_.request_stop();
  });
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, &previous_int);
  sigaction(SIGTERM, &action, &previous_term);
}

InterruptGuard::~InterruptGuard() {
  sigaction(SIGINT, &previous_int, nullptr);
  sigaction(SIGTERM, &previous_term, nullptr);
  const char byte = 'q';
  // The pipe holds at most two bytes, so this cannot block; a failure would leave the watcher waiting for ever.
  IFM_CHECK(write(pipe_ends[1], &byte, 1) == 1);
  watcher_.join();
  signal_pipe_write.store(-1);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

}  // namespace ifm
