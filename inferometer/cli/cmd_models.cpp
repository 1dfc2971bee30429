#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/models_inspect.h"
#include "inferometer/cli/models_pull.h"
#include "inferometer/cli/output.h"
#include "inferometer/cli/terminal.h"
#include "inferometer/hub/convert.h"
#include "inferometer/hub/gguf_mix.h"
#include "inferometer/hub/model_caches.h"
#include "inferometer/hub/registry.h"
#include "inferometer/hub/resolve.h"
#include "inferometer/hub/synth.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

struct ModelsFlags {
  std::string name;
  fs::path output;
  std::string target = "mlx";
  std::string format = "mlx";
  std::string type;
  uint64_t seed = 1;
  bool offline = false;
  bool update = false;
  bool json = false;
};
using Flags = std::shared_ptr<ModelsFlags>;

int64_t bytes_on_disk(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) return static_cast<int64_t>(fs::file_size(path, ignored));
  int64_t total = 0;
  for (fs::recursive_directory_iterator it(path, ignored), end; it != end; it.increment(ignored)) {
    if (it->is_regular_file(ignored)) total += static_cast<int64_t>(it->file_size(ignored));
  }
  return total;
}

/// A line of `models list`.
struct Listed {
  std::string name;
  fs::path path;  ///< empty: not here
  std::string license;
  std::string about;
  std::optional<int64_t> download_bytes;
  bool can_pull = false;
};

std::vector<Listed> list_everything(const HubOptions& hub) {
  std::vector<Listed> list;
  for (const RegistryEntry& entry : registry()) {
    Listed line{std::string(entry.name), {}, std::string(entry.license), std::string(entry.about), {}, true};
    if (entry.download_bytes > 0) line.download_bytes = entry.download_bytes;
    try {
      line.path = resolve_model(entry.source == ModelSource::hugging_face ? std::string(entry.package) : line.name, hub).path;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::not_found) throw;
    }
    list.push_back(line);
  }
  for (const ResolvedModel& model : cached_models(hub)) {
    const RegistryEntry* entry = find_registry_entry(model.name);
    if (entry != nullptr && entry->name == model.name) continue;
    list.push_back({model.name,
                    model.path,
                    entry == nullptr ? "" : std::string(entry->license),
                    entry == nullptr ? "in the cache" : fmt::format("the GGUF that {} was made from", entry->name),
                    {},
                    false});
  }
  for (const FoundModel& model : models_in_caches()) {
    if (find_registry_entry(model.name.starts_with("hf:") ? model.name.substr(3) : model.name) != nullptr) continue;
    list.push_back({model.name, model.path, "", fmt::format("in the cache of {}", model.keeper), {}, false});
  }
  return list;
}

Json listed_json(const Listed& line) {
  const bool here = !line.path.empty();
  return {{"model", line.name},
          {"here", here},
          {"path", json_or_null(line.path.string())},
          {"bytes", here ? Json(bytes_on_disk(line.path)) : Json(nullptr)},
          {"download_bytes", line.download_bytes ? Json(*line.download_bytes) : Json(nullptr)},
          {"can_pull", line.can_pull},
          {"license", json_or_null(line.license)},
          {"about", line.about}};
}

int list_models(const ModelsFlags& flags) {
  const HubOptions hub;
  const std::vector<Listed> list = list_everything(hub);
  if (flags.json) {
    Json json = Json::array();
    for (const Listed& line : list) json.push_back(listed_json(line));
    print_json(json);
    return exit_done;
  }
  TextTable table({"model", "here", "size", "licence", "about"});
  for (const Listed& line : list) {
    const bool here = !line.path.empty();
    const std::optional<int64_t> bytes = here ? bytes_on_disk(line.path) : line.download_bytes;
    table.add({line.name,
               here            ? "yes"
               : line.can_pull ? "no: pull it"
                               : "no",
               bytes ? fmt::format("{:.0f} MB", static_cast<double>(*bytes) / 1e6) : "", line.license, line.about});
  }
  fmt::print("{}\nModels lie in {}. Any other folder or .gguf file can be given by its path.\n", table.plain(),
             (cache_folder(hub) / "models").string());
  return exit_done;
}

int pull(const ModelsFlags& flags) { return pull_command({flags.name, flags.offline, flags.update, flags.json}); }

/// "Done: PATH, 98 MB", or the same as JSON.
int report_written(const ModelsFlags& flags) {
  const int64_t bytes = bytes_on_disk(flags.output);
  if (flags.json) {
    print_json({{"source", flags.name}, {"path", flags.output.string()}, {"bytes", bytes}});
  } else {
    fmt::print("{}: written, {:.1f} MB\n", flags.output.string(), static_cast<double>(bytes) / 1e6);
  }
  return exit_done;
}

int convert(const ModelsFlags& flags) {
  const ResolvedModel source = resolve_model(flags.name, HubOptions{});
  std::error_code ignored;
  if (fs::is_directory(source.path, ignored)) {
    fail(ErrorKind::usage, "{}: is a folder already (expected a .gguf file to convert)", flags.name);
  }
  convert_to_mlx(source.path, flags.output, say);
  return report_written(flags);
}

int synth(const ModelsFlags& flags) {
  SynthOptions options;
  options.seed = flags.seed;
  options.format = flags.format == "gguf" ? SynthFormat::gguf : SynthFormat::mlx;
  if (options.format == SynthFormat::mlx && !flags.type.empty()) {
    fail(ErrorKind::usage, "--type: goes with --format gguf (an MLX folder is always 4-bit, group 64)");
  }
  if (!flags.type.empty()) options.type = flags.type;
  synthesize(flags.name, options, flags.output, say);
  return report_written(flags);
}

CLI::App* add_models_verb(CLI::App& models, const Flags& flags, CliContext& context, int (*run)(const ModelsFlags&),
                          const std::string& name, const std::string& description, const std::string& example) {
  CLI::App* verb = add_verb(models, name, description, example);
  verb->add_flag("--json", flags->json, "Print JSON");
  verb->callback([flags, run, &context] { context.action = [flags, run] { return run(*flags); }; });
  return verb;
}

int inspect(const ModelsFlags& flags) { return inspect_command(flags.name, flags.json); }

void add_convert(CLI::App& models, const Flags& flags, CliContext& context) {
  CLI::App* verb = add_models_verb(models, flags, context, convert, "convert", "Turn a GGUF file into an MLX folder without loss",
                                   "  inferometer models convert model.gguf --to mlx -o model-mlx");
  verb->add_option("model", flags->name, "A .gguf file or the name of one (smollm2-135m-gguf)")->required();
  verb->add_option("--to", flags->target, "What to convert to")->check(CLI::IsMember({"mlx"}))->capture_default_str();
  verb->add_option("-o,--output", flags->output, "New folder")->required();
}

void add_synth(CLI::App& models, const Flags& flags, CliContext& context) {
  CLI::App* verb =
      add_models_verb(models, flags, context, synth, "synth", "Write a model with random weights, for speed work and tests",
                      "  inferometer models synth llama-3.2-1b -o llama-1b\n"
                      "  inferometer models synth llama-3.2-1b --format gguf --type q4_0 -o llama-1b-q4_0.gguf");
  verb->add_option("name", flags->name, fmt::format("Whose shapes: {}", fmt::join(synth_names(), " or ")))->required();
  verb->add_option("--format", flags->format, "An MLX folder, or a GGUF file with the same weights")
      ->check(CLI::IsMember({"mlx", "gguf"}))
      ->capture_default_str();
  std::vector<std::string> types;
  for (const GgufMix& mix : gguf_mixes()) types.emplace_back(mix.name);
  verb->add_option("--type", flags->type, "GGUF: type of every matrix, or llama.cpp's mixture q4_k_m (default q4_0)")
      ->check(CLI::IsMember(types));
  verb->add_option("--seed", flags->seed, "The same seed gives the same weights in every format")
      ->check([](const std::string& text) { return text.starts_with('-') ? "expected 0 or more, got " + text : std::string(); })
      ->capture_default_str();
  verb->add_option("-o,--output", flags->output, "New folder, or new .gguf file")->required();
}

}  // namespace

void add_models(CLI::App& app, CliContext& context) {
  CLI::App* models =
      add_verb(app, "models", "List, pull, inspect, convert and synthesize models",
               "  inferometer models list\n  inferometer models pull smollm2-135m\n  inferometer models inspect smollm2-135m");
  models->require_subcommand(0, 1);
  models->callback([models, &context] {
    if (!models->get_subcommands().empty()) return;
    context.action = []() -> int {
      fail(ErrorKind::usage, "models: what to do with them? (expected list, pull, inspect, convert or synth)");
    };
  });
  const auto flags = std::make_shared<ModelsFlags>();  // shared with the callbacks, which outlive this function
  add_models_verb(*models, flags, context, list_models, "list", "Models in the cache and models that can be had by name",
                  "  inferometer models list\n  inferometer models list --json");
  CLI::App* verb = add_models_verb(*models, flags, context, pull, "pull", "Fetch a model into the cache and check it",
                                   "  inferometer models pull smollm2-135m\n"
                                   "  inferometer models pull hf:mlx-community/Llama-3.2-1B-Instruct-4bit\n"
                                   "  inferometer models pull hf:bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M");
  verb->add_option(
          "name", flags->name,
          "Name from `inferometer models list`, or of the Hugging Face Hub: hf:owner/name, with @revision, :QUANTIZATION or "
          "/FILE.gguf behind it")
      ->required();
  verb->add_flag("--offline", flags->offline, "Use what is in the cache; never the network");
  verb->add_flag("--update", flags->update, "Ask the Hub for a newer version of a model that is here");
  verb =
      add_models_verb(*models, flags, context, inspect, "inspect", "What a model is, what it needs, and how fast it can be here",
                      "  inferometer models inspect smollm2-135m\n  inferometer models inspect model.gguf --json");
  verb->add_option("model", flags->name, "Folder, .gguf file or name")->required();
  verb->add_flag("--offline", flags->offline, "Accepted everywhere; inspect never uses the network");
  add_convert(*models, flags, context);
  add_synth(*models, flags, context);
}

}  // namespace ifm
