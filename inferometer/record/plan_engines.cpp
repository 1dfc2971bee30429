#include "inferometer/record/plan_engines.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "inferometer/record/utf8_check.h"

namespace ifm {
namespace {

constexpr int kMaxBodyDepth = 16;

constexpr std::array<std::string_view, 6> kKinds{"embedded", "mlx", "llama_cpp", "openai", "process", "simulated"};

struct Read {
  const PlanReader& reader;
  PlanEngine& engine;

  void threads(const PlanField& field) const { engine.threads = static_cast<int>(reader.integer(field, 1, 4096)); }
  void accuracy(const PlanField& field) const { engine.accuracy = choice(field, {"fast", "exact"}); }
  void context(const PlanField& field) const { engine.context = static_cast<int>(reader.integer(field, 1, 1 << 24)); }
  void isa(const PlanField& field) const { engine.isa = reader.label(field, 40); }
  void speculate(const PlanField& field) const { engine.speculate = choice(field, {"off", "lookup"}); }
  void program(const PlanField& field) const { engine.program = reader.label(field, 4096); }
  void model(const PlanField& field) const { engine.model = reader.label(field, 4096); }
  void name(const PlanField& field) const { engine.id = reader.label(field, 60); }
  void cache_type(const PlanField& field) const { engine.cache_type = choice(field, {"f16", "f32", "q8_0"}); }
  void flash_attention(const PlanField& field) const { engine.flash_attention = choice(field, {"auto", "on", "off"}); }
  void device(const PlanField& field) const { engine.device = choice(field, {"cpu", "gpu"}); }
  void inner(const PlanField& field) const { engine.inner = choice(field, {"embedded", "mlx", "llama_cpp"}); }

 private:
  [[nodiscard]] std::string choice(const PlanField& field, std::initializer_list<std::string_view> words) const {
    return std::string(words.begin()[reader.word(field, words)]);
  }
};

/// A scalar of YAML 1.2's core schema as JSON; what is quoted is text.
nlohmann::json scalar_to_json(const YamlNode& node) {
  if (node.quoted) return node.text;
  if (node.text == "true") return true;
  if (node.text == "false") return false;
  if (node.text == "null" || node.text == "~") return nullptr;
  const auto number = nlohmann::json::parse(node.text, nullptr, false);
  return number.is_number() ? number : nlohmann::json(node.text);
}

nlohmann::json to_json(const PlanReader& reader, const PlanField& field, int depth) {
  if (depth > kMaxBodyDepth) reader.fail_at(field, fmt::format("nested deeper than {} levels", kMaxBodyDepth));
  const YamlNode& node = *field.node;
  if (node.kind == YamlNode::Kind::scalar) return scalar_to_json(node);
  nlohmann::json json = node.kind == YamlNode::Kind::list ? nlohmann::json::array() : nlohmann::json::object();
  if (node.kind == YamlNode::Kind::null) return nullptr;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    if (node.kind == YamlNode::Kind::list) {
      json.push_back(to_json(reader, {&node.items[i], fmt::format("{}[{}]", field.name, i)}, depth + 1));
    } else {
      json[node.keys[i]] = to_json(reader, {&node.items[i], field.name + "." + node.keys[i]}, depth + 1);
    }
  }
  return json;
}

void read_server(const PlanReader& reader, const PlanField& options, PlanEngine& engine) {
  PlanServer& server = engine.server;
  reader.require_keys(options, {"name", "files", "url", "model", "key_env", "headers", "body", "cacert", "proxy", "socket",
                                "command", "ready", "ready_s"});
  const auto label = [&](std::string_view key, std::string& into) {
    if (const PlanField field = reader.optional(options, key); field.node != nullptr) into = reader.label(field, 4096);
  };
  label("name", engine.id);
  label("files", engine.model);
  label("url", server.url);
  label("model", server.model);
  label("key_env", server.key_variable);
  label("cacert", server.ca_file);
  label("proxy", server.proxy);
  label("socket", server.socket);
  label("ready", server.ready);
  if (const PlanField field = reader.optional(options, "ready_s"); field.node != nullptr)
    server.ready_s = reader.number(field, 0.1, 86'400);
  if (const PlanField field = reader.optional(options, "command"); field.node != nullptr) {
    for (const PlanField& word : reader.list(field)) server.command.push_back(reader.label(word, 4096));
  }
  if (const PlanField field = reader.optional(options, "headers"); field.node != nullptr) {
    if (field.node->kind != YamlNode::Kind::map) reader.fail_at(field, "expected names with their values");
    for (const std::string& name : field.node->keys)
      server.headers.emplace_back(name, reader.label(reader.required(field, name), 4096));
  }
  if (const PlanField field = reader.optional(options, "body"); field.node != nullptr) {
    if (field.node->kind != YamlNode::Kind::map) reader.fail_at(field, "expected fields of a request with their values");
    server.body = to_json(reader, field, 0).dump();
  }
  if (server.url.empty() && server.command.empty()) {
    reader.fail_at(options, "a server is asked at its url, or started by its command (expected url or command, got neither)");
  }
}

void read_simulated(const PlanReader& reader, const PlanField& options, PlanEngine& engine) {
  reader.require_keys(options, {"name", "load_ms", "ttft_ms", "prefill_us_per_token", "gap_ms", "gap_sd", "run_sd",
                                "temperature_slope", "fail_every", "prompt_tokens"});
  for (const std::string& key : options.node->keys) {
    const PlanField field = reader.required(options, key);
    if (key == "name") {
      engine.id = reader.label(field, 60);
      continue;
    }
    const bool whole = key == "fail_every" || key == "prompt_tokens";
    const double low = key == "temperature_slope" ? -0.4 : 0.0;  // any T up to 2 keeps the time positive
    engine.simulated.emplace_back(
        key, whole ? static_cast<double>(reader.integer(field, 0, 1'000'000)) : reader.number(field, low, 1e9));
  }
  std::sort(engine.simulated.begin(), engine.simulated.end());
}

/// An option that engines of some kinds have.
struct Option {
  std::string_view key;
  void (Read::*read)(const PlanField&) const;
};
constexpr Option kThreads{"threads", &Read::threads};
constexpr Option kAccuracy{"accuracy", &Read::accuracy};
constexpr Option kContext{"context", &Read::context};
constexpr Option kIsa{"isa", &Read::isa};
constexpr Option kSpeculate{"speculate", &Read::speculate};
constexpr Option kModel{"model", &Read::model};

void read_options(const PlanReader& reader, const PlanField& options, PlanEngine& engine, std::initializer_list<Option> known) {
  std::vector<std::string_view> keys{"name"};
  for (const Option& option : known) keys.push_back(option.key);
  reader.require_keys(options, keys);
  if (const PlanField name = reader.optional(options, "name"); name.node != nullptr) Read{reader, engine}.name(name);
  for (const Option& option : known) {
    if (const PlanField field = reader.optional(options, option.key); field.node != nullptr)
      (Read{reader, engine}.*option.read)(field);
  }
}

void read_options(const PlanReader& reader, const PlanField& options, PlanEngine& engine) {
  if (engine.kind == "simulated") {
    read_simulated(reader, options, engine);
  } else if (engine.kind == "openai") {
    read_server(reader, options, engine);
  } else if (engine.kind == "mlx") {
    read_options(reader, options, engine, {kContext, kModel, {"device", &Read::device}});
  } else if (engine.kind == "llama_cpp") {
    read_options(reader, options, engine,
                 {kThreads, kContext, kModel, {"cache_type", &Read::cache_type}, {"flash_attention", &Read::flash_attention}});
  } else if (engine.kind == "process") {
    read_options(
        reader, options, engine,
        {kThreads, kAccuracy, kContext, kIsa, kSpeculate, kModel, {"program", &Read::program}, {"engine", &Read::inner}});
  } else {
    read_options(reader, options, engine, {kThreads, kAccuracy, kContext, kIsa, kSpeculate, kModel});
  }
}

PlanEngine read_engine(const PlanReader& reader, const PlanField& field) {
  PlanEngine engine;
  if (field.node->kind != YamlNode::Kind::map) {
    engine.kind = reader.label(field);
    if (std::ranges::find(kKinds, engine.kind) == kKinds.end()) {
      const std::string_view near = nearest_word(engine.kind, kKinds);
      reader.fail_at(field, fmt::format("unknown engine (expected {}, got {})",
                                        near.empty() ? fmt::format("one of {}", fmt::join(kKinds, ", ")) : std::string(near),
                                        shown(engine.kind)));
    }
    if (engine.kind == "openai") reader.fail_at(field, "a server needs its url or command (expected {openai: {url: …}})");
    return engine;
  }
  reader.require_keys(field, kKinds);
  if (field.node->keys.size() != 1) {
    reader.fail_at(field, fmt::format("an engine is one kind with its options (expected {{embedded: {{…}}}}, got {} keys)",
                                      field.node->keys.size()));
  }
  engine.kind = field.node->keys[0];
  read_options(reader, reader.required(field, engine.kind), engine);
  return engine;
}

bool same_engine(const PlanEngine& a, const PlanEngine& b) {
  return a.kind == b.kind && a.threads == b.threads && a.accuracy == b.accuracy && a.context == b.context && a.isa == b.isa &&
         a.speculate == b.speculate && a.cache_type == b.cache_type && a.flash_attention == b.flash_attention &&
         a.device == b.device && a.model == b.model && a.program == b.program && a.inner == b.inner && a.server == b.server &&
         a.simulated == b.simulated;
}

/// "embedded(threads=2,accuracy=exact)": what is not at its default.
std::string long_engine_id(const PlanEngine& engine) {
  std::vector<std::string> options;
  const auto text = [&](std::string_view key, const std::string& value, std::string_view usual) {
    if (value != usual) options.push_back(fmt::format("{}={}", key, value));
  };
  text("engine", engine.inner, "embedded");
  if (engine.threads != 0) options.push_back(fmt::format("threads={}", engine.threads));
  text("accuracy", engine.accuracy, "fast");
  if (engine.context != 0) options.push_back(fmt::format("context={}", engine.context));
  text("isa", engine.isa, "");
  text("speculate", engine.speculate, "off");
  text("cache_type", engine.cache_type, "");
  text("flash_attention", engine.flash_attention, "auto");
  text("device", engine.device, "");
  text("model", engine.model, "");
  text("program", engine.program, "");
  text("url", engine.server.url, "");
  if (!engine.server.command.empty()) options.push_back(engine.server.command.front());
  text("model", engine.server.model, "");
  for (const auto& [key, value] : engine.simulated) options.push_back(fmt::format("{}={}", key, value));
  return options.empty() ? engine.kind : fmt::format("{}({})", engine.kind, fmt::join(options, ","));
}

void name_engines(std::vector<PlanEngine>& engines) {
  for (PlanEngine& engine : engines) {
    if (!engine.id.empty()) continue;  // the plan's own name
    const auto same_kind = [&](const PlanEngine& other) { return other.kind == engine.kind; };
    const bool alone = std::ranges::count_if(engines, same_kind) == 1;
    // Speculation changes what the times of tokens mean, so that it is always in the name.
    engine.id = alone && engine.speculate == "off" ? engine.kind : long_engine_id(engine);
  }
}

}  // namespace

std::vector<PlanEngine> read_plan_engines(const PlanReader& reader, const PlanField& list) {
  std::vector<PlanEngine> engines;
  for (const PlanField& item : reader.list(list)) {
    PlanEngine engine = read_engine(reader, item);
    if (!engine.id.empty() && std::ranges::any_of(engines, [&](const PlanEngine& other) { return other.id == engine.id; }))
      reader.fail_at(item, fmt::format("two engines are named {} (expected each name once)", shown(engine.id)));
    if (std::ranges::any_of(engines, [&](const PlanEngine& other) { return same_engine(engine, other); })) {
      reader.fail_at(item, "the same engine with the same options stands twice and makes identical cells (expected it once)");
    }
    engines.push_back(std::move(engine));
  }
  name_engines(engines);
  return engines;
}

PlanEngine parse_engine(const std::string& text, const std::string& option) {
  const YamlNode tree = parse_yaml_tree(text, option);
  std::vector<PlanEngine> engine{read_engine(PlanReader(option), {&tree, "engine"})};
  name_engines(engine);
  return std::move(engine.front());
}

}  // namespace ifm
