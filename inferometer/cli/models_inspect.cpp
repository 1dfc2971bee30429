#include "inferometer/cli/models_inspect.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include <fmt/format.h>

#include "inferometer/cli/app.h"
#include "inferometer/cli/terminal.h"
#include "inferometer/hub/registry.h"
#include "inferometer/hub/resolve.h"
#include "inferometer/kernel/limits.h"
#include "inferometer/machine/cpu.h"

namespace ifm {
namespace {

constexpr int64_t kMeasureNs = 300'000'000;
constexpr int64_t kSmallestSetBytes = int64_t{64} << 20;  // larger than a cache, so that memory is measured
constexpr int64_t kLargestSetBytes = int64_t{1} << 30;
constexpr int64_t kUsualContext = 4096;  // what the embedded engine holds unless asked for more

int64_t usual_context(const ModelReport& report) { return std::min(kUsualContext, report.config.context); }

/// Tokens per second when every byte of a step is read at full speed and nothing else takes time.
double speed_limit(const ModelReport& report, const ReadSpeed& speed) {
  return speed.read_gb_per_s * 1e9 / static_cast<double>(report.bytes_per_token);
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string megabytes(int64_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

std::string shortened(const std::string& text) {
  constexpr std::size_t kColumns = 80;
  const std::string shown = printable(text);
  return shown.size() <= kColumns ? shown : shown.substr(0, kColumns) + "...";
}

/// The licence that the file states, else the registry's.
std::string license_of(const std::string& model, const ModelReport& report) {
  if (!report.license.empty()) return report.license;
  const RegistryEntry* entry = find_registry_entry(model.starts_with("hf:") ? model.substr(3) : model);
  return entry == nullptr ? "" : std::string(entry->license);
}

std::string shape_of(const ModelConfig& config) {
  return fmt::format("{}: {} layers, hidden {}, {} heads of {} ({} for keys and values), feed-forward {}, {} head",
                     config.architecture, config.layers, config.hidden, config.heads, config.head_dim, config.kv_heads,
                     config.intermediate, config.tied_head ? "tied" : "separate");
}

std::string memory_text(const ModelReport& report) {
  const int64_t usual = usual_context(report);
  std::string text = fmt::format("{} at {} tokens", megabytes(memory_bytes(report, usual)), usual);
  if (report.config.context > usual) {
    text += fmt::format(", {} at {}", megabytes(memory_bytes(report, report.config.context)), report.config.context);
  }
  return text + " (weights and f16 KV cache)";
}

}  // namespace

ReadSpeed measure_read_speed(int64_t bytes_per_token) {
  ReadSpeed speed;
  speed.threads = cpu_info().physical_cores;
  speed.read_gb_per_s =
      measure_read_gb_per_s(speed.threads, std::clamp(bytes_per_token, kSmallestSetBytes, kLargestSetBytes), kMeasureNs);
  return speed;
}

Json inspect_json(const std::string& model, const ModelReport& report, const ReadSpeed& speed) {
  const ModelConfig& config = report.config;
  return {{"model", model},
          {"path", report.path.string()},
          {"format", report.format},
          {"name", json_or_null(report.name)},
          {"architecture", config.architecture},
          {"layers", config.layers},
          {"hidden", config.hidden},
          {"heads", config.heads},
          {"kv_heads", config.kv_heads},
          {"head_dim", config.head_dim},
          {"intermediate", config.intermediate},
          {"vocab", config.vocab},
          {"tied_head", config.tied_head},
          {"parameters", report.parameters},
          {"quantization", report.quantization},
          {"weight_bytes", report.weight_bytes},
          {"bytes_per_token", report.bytes_per_token},
          {"cache_bytes_per_position", report.cache_bytes_per_position},
          {"context", config.context},
          {"memory_context", usual_context(report)},
          {"memory_bytes", memory_bytes(report, usual_context(report))},
          {"memory_bytes_at_full_context", memory_bytes(report, config.context)},
          {"tokenizer", json_or_null(report.tokenizer)},
          {"tokens", report.tokens ? Json(*report.tokens) : Json(nullptr)},
          {"chat_template", json_or_null(report.chat_template)},
          {"license", json_or_null(license_of(model, report))},
          {"threads", speed.threads},
          {"read_gb_per_s", json_or_null(std::optional(speed.read_gb_per_s))},
          {"expected_decode_tok_per_s", json_or_null(std::optional(speed_limit(report, speed)))}};
}

std::string inspect_table(const std::string& model, const ModelReport& report, const ReadSpeed& speed) {
  std::string out;
  const auto add = [&out](std::string_view label, const std::string& value) { out += fmt::format("{:<15} {}\n", label, value); };
  const std::string license = license_of(model, report);
  add("model", report.name.empty() ? model : fmt::format("{} ({})", model, shortened(report.name)));
  add("path", report.path.string());
  add("format", report.format);
  add("architecture", shape_of(report.config));
  add("parameters", fmt::format("{:.1f} million", static_cast<double>(report.parameters) / 1e6));
  add("quantization", report.quantization);
  add("weights", megabytes(report.weight_bytes));
  add("read per token", fmt::format("{} of weights", megabytes(report.bytes_per_token)));
  add("context", fmt::format("{} tokens, {:.1f} kB of KV cache each", report.config.context,
                             static_cast<double>(report.cache_bytes_per_position) / 1e3));
  add("memory", memory_text(report));
  add("tokenizer", fmt::format("{}, {} tokens", report.tokenizer, report.tokens.value_or(0)));
  add("chat template", report.chat_template.empty() ? "none" : shortened(first_line(report.chat_template)));
  add("licence", license.empty() ? "not stated" : shortened(license));
  add("speed here",
      fmt::format("at most {:.1f} tokens/s in decode ({:.1f} GB/s read by {} threads / {} per token)", speed_limit(report, speed),
                  speed.read_gb_per_s, speed.threads, megabytes(report.bytes_per_token)));
  return out;
}

int inspect_command(const std::string& model, bool json) {
  const ModelReport report = inspect_model(resolve_model(model, HubOptions{}).path);
  const ReadSpeed speed = measure_read_speed(report.bytes_per_token);
  if (json) {
    print_json(inspect_json(model, report, speed));
  } else {
    fmt::print("{}", inspect_table(model, report, speed));
  }
  return exit_done;
}

}  // namespace ifm
