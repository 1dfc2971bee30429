#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "inferometer/base/clock.h"
#include "inferometer/engine/engine.h"

namespace ifm {

/// A server that runs as a child of ours while this lives: started on a free port, waited for, and ended with everything that it
/// started, also when we are killed ourselves. What it prints is read, so that it never stalls, added to options.log, and its end
/// is kept for messages. No server but our own child is ever ended.
class ManagedServer {
 public:
  /// options.command: "{port}" and "{model}" in its words are replaced. `model`: what stands for {model}.
  /// @throws Error not_found when there is no such program, engine when it ends before it is ready or something else answers at
  /// its address, timeout when it is not ready in time.
  ManagedServer(const ServerOptions& options, const std::string& model, Clock& clock);
  ManagedServer(const ManagedServer&) = delete;
  ManagedServer& operator=(const ManagedServer&) = delete;
  ~ManagedServer();

  /// Where it listens.
  [[nodiscard]] const std::string& url() const { return url_; }
  /// Whether it has ended, or does within half a second: a process that dies closes its sockets before it is gone.
  [[nodiscard]] bool has_ended();
  /// The last line that it printed, for messages.
  [[nodiscard]] std::string last_line() const;

 private:
  class Running;
  std::string url_;
  std::unique_ptr<Running> running_;
};

}  // namespace ifm
