#include "inferometer/cli/model_flags.h"

#include "inferometer/base/error.h"
#include "inferometer/cli/app.h"
#include "inferometer/engine/registry.h"
#include "inferometer/hub/resolve.h"

namespace ifm {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int kMaxContext = 1 << 24;

/// For engines that can do without the model's files.
ResolvedModel resolve_if_here(const std::string& name) {
  try {
    return resolve_model(name, HubOptions{});
  } catch (const Error&) {
    return {name, {}};
  }
}

}  // namespace

void add_model_flags(CLI::App& verb, ModelFlags& flags) {
  verb.add_option("--engine", flags.engine, "Engine that runs the model; see inferometer engines")->capture_default_str();
  verb.add_option("-t,--threads", flags.threads, "Threads (default: one for each physical core)")
      ->check(number_between(1, kMaxThreads));
  verb.add_option("--ctx", flags.context, "Tokens that the context holds (default: the model's, at most 4096)")
      ->check(number_between(1, kMaxContext));
  verb.add_option("--accuracy", flags.accuracy, "Arithmetic of the embedded engine")
      ->check(CLI::IsMember({"fast", "exact"}))
      ->capture_default_str();
  verb.add_option("--isa", flags.isa, "Instruction set to use, for example reference or avx2 (default: the best one here)");
  verb.add_option("--url", flags.url, "Server that speaks OpenAI's protocol, for --engine openai (chosen by this flag)");
  verb.add_option("--server-model", flags.server_model, "The server's name for the model (default: the only one that it has)");
  verb.add_option("--key-env", flags.key_variable, "Environment variable that holds the server's key");
  verb.add_option("--cacert", flags.ca_file, "Certificates (PEM) to trust instead of the system's")->check(CLI::ExistingFile);
}

EngineOptions engine_options(const ModelFlags& flags) {
  EngineOptions options;
  options.kind = flags.url.empty() || flags.engine != "embedded" ? flags.engine : "openai";
  options.threads = flags.threads;
  options.accuracy = flags.accuracy == "exact" ? Accuracy::exact : Accuracy::fast;
  options.context = flags.context;
  options.parallel = flags.parallel;
  options.isa = flags.isa;
  options.speculation = flags.speculate == "lookup" ? Speculation::lookup : Speculation::off;
  options.server.url = flags.url;
  options.server.model = flags.server_model;
  options.server.key_variable = flags.key_variable;
  options.server.ca_file = flags.ca_file;
  return options;
}

LoadedModel load_model(const std::string& name, const ModelFlags& flags, Clock& clock) {
  LoadedModel loaded;
  loaded.engine = make_engine(engine_options(flags), clock);
  const ResolvedModel place = loaded.engine->needs_files() ? resolve_model(name, HubOptions{}) : resolve_if_here(name);
  const int64_t begin_ns = clock.now_ns();
  loaded.model = loaded.engine->load(place.path, place.name);
  loaded.load_s = static_cast<double>(clock.now_ns() - begin_ns) * 1e-9;
  return loaded;
}

}  // namespace ifm
