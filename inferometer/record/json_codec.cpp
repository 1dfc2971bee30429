#include "inferometer/record/json_codec.h"

namespace ifm {
namespace {

using Json = nlohmann::ordered_json;

Json engine_to_json(const PlanEngine& engine) {
  Json timing = Json::array();
  for (const auto& [key, value] : engine.simulated) timing.push_back(Json::array({key, value}));
  return {{"id", engine.id},
          {"kind", engine.kind},
          {"threads", engine.threads},
          {"accuracy", engine.accuracy},
          {"context", engine.context},
          {"isa", engine.isa},
          {"speculate", engine.speculate},
          {"cache_type", engine.cache_type},
          {"flash_attention", engine.flash_attention},
          {"device", engine.device},
          {"model", engine.model},
          {"program", engine.program},
          {"inner", engine.inner},
          // Not the whole of it: headers and fields may hold what is nobody's business.
          {"server", {{"url", engine.server.url}, {"model", engine.server.model}, {"command", engine.server.command}}},
          {"simulated", timing}};
}

PlanEngine engine_from_json(const nlohmann::json& json) {
  PlanEngine engine;
  json.at("id").get_to(engine.id);
  json.at("kind").get_to(engine.kind);
  json.at("threads").get_to(engine.threads);
  json.at("accuracy").get_to(engine.accuracy);
  json.at("context").get_to(engine.context);
  json.at("isa").get_to(engine.isa);
  // Results of older versions lack some.
  engine.speculate = json.value("speculate", "off");
  engine.cache_type = json.value("cache_type", "");
  engine.flash_attention = json.value("flash_attention", "auto");
  engine.device = json.value("device", "");
  engine.model = json.value("model", "");
  engine.inner = json.value("inner", "embedded");
  if (const auto server = json.find("server"); server != json.end()) {
    server->at("url").get_to(engine.server.url);
    server->at("model").get_to(engine.server.model);
    server->at("command").get_to(engine.server.command);
  }
  json.at("program").get_to(engine.program);
  for (const auto& pair : json.at("simulated")) {
    engine.simulated.emplace_back(pair.at(0).get<std::string>(), pair.at(1).get<double>());
  }
  return engine;
}

template <typename T>
void read_optional(const nlohmann::json& json, const char* key, std::optional<T>& into) {
  const auto at = json.find(key);
  into = at == json.end() || at->is_null() ? std::nullopt : std::optional<T>(at->template get<T>());
}

void read_text(const nlohmann::json& json, const char* key, std::string& into) {
  const auto at = json.find(key);
  into = at == json.end() || at->is_null() ? std::string() : at->get<std::string>();
}

}  // namespace

Json nullable(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json plan_to_json(const Plan& plan) {
  Json json;
  json["version"] = plan.version;
  json["name"] = plan.name;
  json["description"] = plan.description;
  json["seed"] = plan.seed;
  json["mode"] = Json::array();
  for (const Mode mode : plan.modes) json["mode"].push_back(to_string(mode));
  json["engines"] = Json::array();
  for (const PlanEngine& engine : plan.engines) json["engines"].push_back(engine_to_json(engine));
  json["models"] = plan.models;
  json["prompts"] = Json::array();
  for (const PlanPrompt& prompt : plan.prompts) {
    json["prompts"].push_back({{"id", prompt.id}, {"text", prompt.text}, {"raw", prompt.raw}});
  }
  json["max_tokens"] = plan.max_tokens;
  json["temperature"] = plan.temperatures;
  json["top_p"] = plan.top_p;
  json["top_k"] = plan.top_k;
  json["min_p"] = plan.min_p;
  json["repeats"] = plan.repeats;
  json["pairs"] = plan.pairs;
  json["extra_pairs"] = plan.extra_pairs;
  json["stop"] = plan.stop ? Json{{"half_width", plan.stop->half_width},
                                  {"of", plan.stop->of},
                                  {"min_runs", plan.stop->min_runs},
                                  {"max_runs", plan.stop->max_runs},
                                  {"max_time_s", plan.stop->max_time_s}}
                           : Json(nullptr);
  json["warmup"] = plan.warmup;
  json["ignore_eos"] = plan.ignore_eos;
  json["cache"] = to_string(plan.page_cache);
  json["equivalence_margin"] = plan.equivalence_margin;
  json["timeouts"] = {
      {"connect_s", plan.timeouts.connect_s}, {"first_token_s", plan.timeouts.first_token_s}, {"gap_s", plan.timeouts.gap_s}};
  json["hash"] = plan.hash;
  return json;
}

Plan plan_from_json(const nlohmann::json& json) {
  Plan plan;
  json.at("version").get_to(plan.version);
  json.at("name").get_to(plan.name);
  json.at("description").get_to(plan.description);
  json.at("seed").get_to(plan.seed);
  plan.modes.clear();
  for (const auto& mode : json.at("mode")) plan.modes.push_back(mode == "cold" ? Mode::cold : Mode::warm);
  plan.engines.clear();
  for (const auto& engine : json.at("engines")) plan.engines.push_back(engine_from_json(engine));
  json.at("models").get_to(plan.models);
  for (const auto& prompt : json.at("prompts")) {
    plan.prompts.push_back({.id = prompt.at("id"), .text = prompt.at("text"), .raw = prompt.at("raw")});
  }
  json.at("max_tokens").get_to(plan.max_tokens);
  json.at("temperature").get_to(plan.temperatures);
  json.at("top_p").get_to(plan.top_p);
  json.at("top_k").get_to(plan.top_k);
  json.at("min_p").get_to(plan.min_p);
  json.at("repeats").get_to(plan.repeats);
  plan.pairs = json.value("pairs", 0);  // sessions of older builds have none of these three
  plan.extra_pairs = json.value("extra_pairs", 0);
  if (const auto stop = json.find("stop"); stop != json.end() && !stop->is_null()) {
    plan.stop = PlanStop{.half_width = stop->at("half_width"),
                         .of = stop->at("of"),
                         .min_runs = stop->at("min_runs"),
                         .max_runs = stop->at("max_runs"),
                         .max_time_s = stop->at("max_time_s")};
  }
  json.at("warmup").get_to(plan.warmup);
  json.at("ignore_eos").get_to(plan.ignore_eos);
  plan.page_cache = json.at("cache") == "dropped" ? PageCache::dropped : PageCache::as_is;
  json.at("equivalence_margin").get_to(plan.equivalence_margin);
  json.at("timeouts").at("connect_s").get_to(plan.timeouts.connect_s);
  json.at("timeouts").at("first_token_s").get_to(plan.timeouts.first_token_s);
  json.at("timeouts").at("gap_s").get_to(plan.timeouts.gap_s);
  json.at("hash").get_to(plan.hash);
  return plan;
}

Json environment_to_json(const Environment& e) {
  return {{"host_class", nullable(e.host_class)},
          {"os", nullable(e.os)},
          {"kernel", nullable(e.kernel)},
          {"cpu", nullable(e.cpu)},
          {"isa", nullable(e.isa)},
          {"compiler", nullable(e.compiler)},
          {"compiler_flags", nullable(e.compiler_flags)},
          {"inferometer_version", nullable(e.inferometer_version)},
          {"inferometer_commit", nullable(e.inferometer_commit)},
          {"microcode", nullable(e.microcode)},
          {"sockets", nullable(e.sockets)},
          {"numa_nodes", nullable(e.numa_nodes)},
          {"physical_cores", nullable(e.physical_cores)},
          {"logical_cores", nullable(e.logical_cores)},
          {"caches", nullable(e.caches)},
          {"memory_bytes", nullable(e.memory_bytes)},
          {"governor", nullable(e.governor)},
          {"boost", nullable(e.boost)},
          {"frequency_mhz", nullable(e.frequency_mhz)},
          {"load_1m", nullable(e.load_1m)},
          {"temperature_c", nullable(e.temperature_c)},
          {"steal_percent", nullable(e.steal_percent)},
          {"cpu_quota_cores", nullable(e.cpu_quota_cores)},
          {"power_source", nullable(e.power_source)},
          {"gpu", nullable(e.gpu)},
          {"read_gb_per_s", nullable(e.read_gb_per_s)},
          {"int8_gmac_per_s", nullable(e.int8_gmac_per_s)},
          {"idle_power_w", nullable(e.idle_power_w)},
          {"timer_resolution_ns", nullable(e.timer_resolution_ns)},
          {"clock_stamp_ns", nullable(e.clock_stamp_ns)},
          {"sleep_late_p50_ns", nullable(e.sleep_late_p50_ns)},
          {"sleep_late_p99_ns", nullable(e.sleep_late_p99_ns)},
          {"harness_overhead_ns_per_token", nullable(e.harness_overhead_ns_per_token)},
          {"unavailable", e.unavailable}};
}

Environment environment_from_json(const nlohmann::json& json) {
  Environment e;
  read_text(json, "host_class", e.host_class);
  read_text(json, "os", e.os);
  read_text(json, "kernel", e.kernel);
  read_text(json, "cpu", e.cpu);
  read_text(json, "isa", e.isa);
  read_text(json, "compiler", e.compiler);
  read_text(json, "compiler_flags", e.compiler_flags);
  read_text(json, "inferometer_version", e.inferometer_version);
  read_text(json, "inferometer_commit", e.inferometer_commit);
  read_text(json, "microcode", e.microcode);
  read_optional(json, "sockets", e.sockets);
  read_optional(json, "numa_nodes", e.numa_nodes);
  read_optional(json, "physical_cores", e.physical_cores);
  read_optional(json, "logical_cores", e.logical_cores);
  read_text(json, "caches", e.caches);
  read_optional(json, "memory_bytes", e.memory_bytes);
  read_text(json, "governor", e.governor);
  read_text(json, "boost", e.boost);
  read_optional(json, "frequency_mhz", e.frequency_mhz);
  read_optional(json, "load_1m", e.load_1m);
  read_optional(json, "temperature_c", e.temperature_c);
  read_optional(json, "steal_percent", e.steal_percent);
  read_optional(json, "cpu_quota_cores", e.cpu_quota_cores);
  read_text(json, "power_source", e.power_source);
  read_text(json, "gpu", e.gpu);
  read_optional(json, "read_gb_per_s", e.read_gb_per_s);
  read_optional(json, "int8_gmac_per_s", e.int8_gmac_per_s);
  read_optional(json, "idle_power_w", e.idle_power_w);
  read_optional(json, "timer_resolution_ns", e.timer_resolution_ns);
  read_optional(json, "clock_stamp_ns", e.clock_stamp_ns);
  read_optional(json, "sleep_late_p50_ns", e.sleep_late_p50_ns);
  read_optional(json, "sleep_late_p99_ns", e.sleep_late_p99_ns);
  read_optional(json, "harness_overhead_ns_per_token", e.harness_overhead_ns_per_token);
  e.unavailable = json.value("unavailable", std::vector<std::string>());  // sessions of older builds lack it
  return e;
}

}  // namespace ifm
