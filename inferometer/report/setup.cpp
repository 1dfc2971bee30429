#include <algorithm>

#include <fmt/format.h>

#include "inferometer/render/number.h"
#include "inferometer/report/sections.h"

namespace ifm {
namespace {

/// Joins what is there with a middle dot.
std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (!part.empty()) text += (text.empty() ? "" : " · ") + part;
  }
  return text;
}

std::string cores_text(const Environment& e) {
  if (!e.physical_cores && !e.logical_cores) return {};
  const int physical = e.physical_cores.value_or(*(e.logical_cores ? e.logical_cores : e.physical_cores));
  std::string text = counted(physical, "core", "cores");
  if (e.logical_cores && e.logical_cores != physical) text += fmt::format(" ({} logical)", *e.logical_cores);
  if (e.sockets.value_or(1) > 1) text += fmt::format(" in {} sockets", *e.sockets);
  if (e.numa_nodes.value_or(1) > 1) text += fmt::format(", {} NUMA nodes", *e.numa_nodes);
  return text;
}

std::string hardware_text(const Environment& e) {
  return joined({e.cpu, cores_text(e), e.caches,
                 e.memory_bytes ? bytes_text(static_cast<double>(*e.memory_bytes)) + " memory" : "",
                 e.read_gb_per_s ? fmt::format("reads {} GB/s", significant(e.read_gb_per_s)) : "",
                 e.int8_gmac_per_s ? fmt::format("int8 peak {} GMAC/s", significant(e.int8_gmac_per_s)) : "", e.host_class,
                 e.microcode.empty() ? "" : "microcode " + e.microcode,
                 e.gpu.empty() ? "" : fmt::format("GPU present: {} (the embedded engine runs on the CPU)", e.gpu)});
}

std::string state_text(const Environment& e) {
  return joined({e.governor.empty() ? "" : "governor " + e.governor, e.boost.empty() ? "" : "boost " + e.boost,
                 e.frequency_mhz ? fmt::format("{} MHz", decimal(e.frequency_mhz, 0)) : "",
                 e.temperature_c ? fmt::format("{} °C", significant(e.temperature_c)) : "",
                 e.load_1m ? fmt::format("load {}", decimal(e.load_1m, 2)) : "",
                 e.steal_percent ? fmt::format("{} % CPU time stolen", significant(e.steal_percent, 2)) : "",
                 e.cpu_quota_cores ? fmt::format("quota {} cores", significant(e.cpu_quota_cores)) : "",
                 e.power_source.empty() ? "" : "power: " + e.power_source,
                 e.idle_power_w ? fmt::format("{} W at rest", significant(e.idle_power_w)) : ""});
}

std::string clock_text(const Environment& e) {
  const auto duration = [](const std::optional<double>& ns) {
    return duration_text(ns ? std::optional(*ns / 1e9) : std::nullopt);
  };
  std::string late;
  if (e.sleep_late_p50_ns && e.sleep_late_p99_ns) {
    late = fmt::format("a sleeping thread wakes {} late, p99 {}", duration(e.sleep_late_p50_ns), duration(e.sleep_late_p99_ns));
  }
  return joined({e.clock_stamp_ns ? fmt::format("a stamp takes {}", duration(e.clock_stamp_ns)) : "",
                 e.timer_resolution_ns ? fmt::format("steps of {}", duration(e.timer_resolution_ns)) : "", late,
                 e.harness_overhead_ns_per_token
                     ? fmt::format("the harness adds {} per token", duration(e.harness_overhead_ns_per_token))
                     : ""});
}

/// The names alone; the reasons stand in REPRODUCIBILITY.md.
std::string unavailable_text(const Environment& e) {
  std::string text;
  for (const std::string& what : e.unavailable) text += (text.empty() ? "" : ", ") + what.substr(0, what.find(':'));
  return text;
}

std::string model_text(const SessionModel& m) {
  return joined({m.model, joined({m.architecture, m.quantization}),
                 m.parameters ? fmt::format("{} M parameters", significant(static_cast<double>(*m.parameters) / 1e6)) : "",
                 m.weight_bytes ? bytes_text(static_cast<double>(*m.weight_bytes)) + " of weights" : "",
                 m.hash.empty() ? "" : fmt::format("sha256 {}", m.hash.substr(m.hash.find(':') + 1, 12))});
}

/// Each set of weights once, as the engine describes it that knows most.
std::vector<SessionModel> best_described(const std::vector<SessionModel>& models) {
  std::vector<SessionModel> best;
  for (const SessionModel& model : models) {
    const auto same = std::ranges::find_if(best, [&](const SessionModel& other) {
      return !model.hash.empty() && model.hash == other.hash && model.model == other.model;
    });
    if (same == best.end()) {
      best.push_back(model);
    } else if (model_text(model).size() > model_text(*same).size()) {
      *same = model;
    }
  }
  return best;
}

std::string engine_text(const SessionModel& m) {
  return joined({m.engine, m.engine_version, m.isa, m.threads > 0 ? counted(m.threads, "thread", "threads") : "",
                 m.accuracy.empty() ? "" : m.accuracy + " arithmetic", m.context > 0 ? fmt::format("context {}", m.context) : "",
                 m.load_s ? "loaded in " + duration_text(m.load_s) : ""});
}

std::string design_text(const Study& study) {
  const Plan& plan = study.session.plan;
  std::vector<std::string> factors;
  const auto add = [&](size_t n, const char* one, const char* many) {
    if (n > 1 || many[0] == 'p') factors.push_back(counted(static_cast<int64_t>(n), one, many));
  };
  add(plan.modes.size(), "mode", "modes");
  add(plan.engines.size(), "engine", "engines");
  add(plan.models.size(), "model", "models");
  add(plan.prompts.size(), "prompt", "prompts");
  add(plan.max_tokens.size(), "output length", "output lengths");
  add(plan.temperatures.size(), "temperature", "temperatures");
  factors.push_back((plan.stop ? "at most " : "") + counted(plan.repeats, "repeat", "repeats"));
  if (plan.pairs > 0) factors.push_back(counted(plan.pairs, "pair of processes", "pairs of processes"));
  std::string product;
  for (const std::string& factor : factors) product += (product.empty() ? "" : " × ") + factor;
  std::string modes;
  for (const Mode mode : plan.modes) modes += (modes.empty() ? "" : " and ") + std::string(to_string(mode));
  const int64_t planned = static_cast<int64_t>(expand_cells(plan).size()) * runs_of_cell(plan);
  const int64_t done = study.runs_ok + study.runs_failed;
  std::string text = fmt::format("{} = {}", product, counted(planned, "run", "runs"));
  if (done != planned) text += fmt::format(" planned, {} done", done);
  if (plan.stop) {
    text += fmt::format(", until the mean {} is known to ± {} % at two planned looks", plan.stop->of,
                        significant(100 * plan.stop->half_width));
    if (plan.stop->max_time_s > 0) text += fmt::format(" or {} have passed", duration_text(plan.stop->max_time_s));
  }
  return text + fmt::format(", {}, in {} (seed {}); {}", modes,
                            plan.pairs > 0      ? "adjacent pairs"
                            : plan.repeats == 1 ? "one shuffled block"
                                                : fmt::format("{} shuffled blocks", plan.repeats),
                            study.session.order_seed, counted(study.runs_warmup, "warm-up run", "warm-up runs"));
}

/// The same fact for several models or engines once, in the order of the session.
void add_each(Facts& facts, const char* name, const std::vector<SessionModel>& models, std::string (*text)(const SessionModel&)) {
  std::vector<std::string> seen;
  for (const SessionModel& model : models) {
    const std::string value = text(model);
    if (value.empty() || std::find(seen.begin(), seen.end(), value) != seen.end()) continue;
    facts.items.emplace_back(seen.empty() ? name : "", value);
    seen.push_back(value);
  }
}

}  // namespace

Facts setup_facts(const Study& study) {
  const Environment& e = study.session.environment;
  Facts facts;
  const auto add = [&facts](const char* name, const std::string& value) {
    if (!value.empty()) facts.items.emplace_back(name, value);
  };
  add("Hardware", hardware_text(e));
  add("State", state_text(e));
  add("Not known", unavailable_text(e));
  add("Clock", clock_text(e));
  add("System", joined({e.os, e.kernel}));
  add_each(facts, "Model", best_described(study.session.models), model_text);
  add_each(facts, "Engine", study.session.models, engine_text);
  const std::string commit = e.inferometer_commit.empty() ? "" : " (" + e.inferometer_commit + ")";
  const std::string version = e.inferometer_version.empty() ? "" : "Inferometer " + e.inferometer_version + commit;
  add("Build", joined({version, e.compiler, e.compiler_flags, e.isa}));
  add("Design", design_text(study));
  return facts;
}

Document title_section(const Study& study) {
  const Session& session = study.session;
  const int runs = study.runs_ok + study.runs_failed;
  std::string note = fmt::format("session {} · {} of {} runs succeeded", session.id, study.runs_ok, runs);
  if (!session.started_utc.empty()) note += " · " + session.started_utc;
  if (session.finished_utc.empty()) note += " · not finished";
  Document document{Title{"Inferometer · " + session.plan.name, note}};
  if (!session.plan.description.empty()) document.emplace_back(Paragraph{session.plan.description});
  return document;
}

Document setup_section(const Study& study) { return {Heading{"Set-up", ""}, setup_facts(study)}; }

}  // namespace ifm
