#include "inferometer/engine/process.h"

#include <csignal>
#include <string>
#include <utility>

#include "inferometer/base/error.h"
#include "inferometer/base/rng.h"
#include "inferometer/base/subprocess.h"
#include "inferometer/base/this_program.h"
#include "inferometer/base/version.h"
#include "inferometer/engine/program_link.h"
#include "inferometer/engine/wire.h"

namespace ifm {
namespace {

using nlohmann::json;

constexpr uint64_t kLayoutSeed = 1;
constexpr uint64_t kMaxPadding = 4096;
constexpr uint64_t kMaxPathPart = 200;

ErrorKind kind_named(const std::string& name) {
  for (const ErrorKind kind : {ErrorKind::usage, ErrorKind::not_found, ErrorKind::invalid_data, ErrorKind::unsupported,
                               ErrorKind::io, ErrorKind::resource, ErrorKind::timeout, ErrorKind::interrupted}) {
    if (name == to_string(kind)) return kind;
  }
  return ErrorKind::engine;
}

/// Other lengths for every child: the size of its environment and of its path move its stack, which alone can change speeds by
/// some percent, and would do so for one side of a comparison. Source: Mytkowicz et al., Producing Wrong Data Without Doing
/// Anything Obviously Wrong!, ASPLOS 2009.
struct Layout {
  std::size_t padding = 0;
  std::size_t path_part = 1;
};

Layout next_layout() {
  static Rng rng(kLayoutSeed);
  const std::size_t padding = rng.below(kMaxPadding);
  return {padding, 1 + rng.below(kMaxPathPart)};
}

/// The lines of a worker, each with the moment at which its last byte was read.
class Worker {
 public:
  Worker(const std::filesystem::path& program, const Layout& layout, Clock& clock)
      : clock_(clock),
        link_(program, layout.path_part),
        child_({link_.path().string(), "worker"},
               {.own_group = true, .environment = {{"INFEROMETER_PADDING", std::string(layout.padding, 'x')}}}) {}

  void send(const json& message) { child_.write(message.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"); }

  struct Line {
    json message;
    int64_t received_ns = 0;
  };

  /// @throws Error engine when the child ended or wrote something else, or whatever error it reports.
  [[nodiscard]] Line receive() {
    std::size_t end = buffer_.find('\n', at_);
    while (end == std::string::npos) {
      buffer_.erase(0, std::exchange(at_, 0));
      const std::size_t searched = buffer_.size();
      if (!child_.read_some(buffer_)) fail_ended();
      received_ns_ = clock_.now_ns();
      end = buffer_.find('\n', searched);
    }
    json message = json::parse(buffer_.begin() + static_cast<std::ptrdiff_t>(at_),
                               buffer_.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    at_ = end + 1;
    if (message.is_discarded() || !message.is_object()) fail(ErrorKind::engine, "worker: a line that is not a JSON object");
    if (const auto error = message.find("error"); error != message.end()) {
      throw Error(kind_named(error->at("kind").get<std::string>()), error->at("message").get<std::string>());
    }
    return {std::move(message), received_ns_};
  }

  void kill() { child_.kill(SIGKILL); }

 private:
  [[noreturn]] void fail_ended() {
    const ProcessExit exit = child_.wait();
    if (exit.signal != 0) fail(ErrorKind::engine, "worker: the process was ended by signal {}", exit.signal);
    fail(ErrorKind::engine, "worker: the process ended with exit code {}", exit.code);
  }

  Clock& clock_;
  ProgramLink link_;
  ChildProcess child_;
  std::string buffer_;
  std::size_t at_ = 0;
  int64_t received_ns_ = 0;
};

class ProcessModel final : public Model {
 public:
  ProcessModel(const EngineOptions& options, const std::filesystem::path& program, Clock& clock,
               const std::filesystem::path& path, const std::string& name)
      : clock_(clock), worker_(program, next_layout(), clock) {
    worker_.send({{"load", {{"path", path.string()}, {"name", name}, {"options", to_wire(options)}}}});
    info_ = info_from_wire(worker_.receive().message.at("info"));
  }

  [[nodiscard]] const ModelInfo& info() const override { return info_; }

  [[nodiscard]] std::vector<TokenId> encode(const Request& request) override {
    worker_.send({{"encode", to_wire(request)}});
    return worker_.receive().message.at("ids").get<std::vector<TokenId>>();
  }

  [[nodiscard]] std::string decode(std::span<const TokenId> ids) override {
    worker_.send({{"decode", std::vector<TokenId>(ids.begin(), ids.end())}});
    return worker_.receive().message.at("text").get<std::string>();
  }

  Completion generate(const Request& request, TokenSink& sink, StopToken stop) override {
    const int64_t start_ns = clock_.now_ns();
    Completion cancelled{.start_ns = start_ns, .end_ns = start_ns, .finish = FinishReason::cancelled};
    worker_.send({{"generate", to_wire(request)}});
    const StopCallback end_worker(stop, [this] { worker_.kill(); });
    try {
      while (true) {
        const Worker::Line line = worker_.receive();
        if (const auto done = line.message.find("done"); done != line.message.end()) {
          Completion completion = completion_from_wire(*done);
          completion.start_ns = start_ns;
          return completion;
        }
        const auto ids = line.message.at("ids").get<std::vector<TokenId>>();
        const auto& text = line.message.at("text").get_ref<const std::string&>();
        cancelled.end_ns = line.received_ns;
        cancelled.output_tokens += static_cast<int>(ids.size());
        sink.on_tokens({line.received_ns, ids, text});
      }
    } catch (const Error&) {
      if (stop.stop_requested()) return cancelled;
      throw;
    }
  }

 private:
  Clock& clock_;
  Worker worker_;
  ModelInfo info_;
};

class ProcessEngine final : public Engine {
 public:
  ProcessEngine(EngineOptions options, Clock& clock) : options_(std::move(options)), clock_(clock) {}
  [[nodiscard]] std::string name() const override { return "process"; }
  [[nodiscard]] std::string version() const override { return build_version().version; }
  [[nodiscard]] std::unique_ptr<Model> load(const std::filesystem::path& path, const std::string& name) override {
    return std::make_unique<ProcessModel>(options_, program(), clock_, path, name);
  }

 private:
  [[nodiscard]] std::filesystem::path program() const { return options_.program.empty() ? this_program() : options_.program; }
  EngineOptions options_;
  Clock& clock_;
};

}  // namespace

EngineStatus process_status() {
  return {.available = true, .version = build_version().version, .device = "that of the engine inside", .what_to_install = {}};
}

std::unique_ptr<Engine> make_process_engine(const EngineOptions& options, Clock& clock) {
  return std::make_unique<ProcessEngine>(options, clock);
}

}  // namespace ifm
