#include "inferometer/cli/doctor.h"

#include <algorithm>

#include <fmt/format.h>

#include "inferometer/kernel/kernels.h"
#include "inferometer/kernel/limits.h"
#include "inferometer/machine/unavailable.h"

namespace ifm {
namespace {

constexpr int64_t kReadNs = 400'000'000;
constexpr int64_t kPeakNs = 250'000'000;
constexpr double kHighStealPercent = 2.0;  // METHOD: a block above it is flagged
constexpr double kCoarseTimerNs = 1000;

template <typename T>
Json number_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json one_and_all(const OneAndAll& figure) { return {{"one", figure.one}, {"all", figure.all}}; }

PeakFigure peak_figure(const Peak& one, const Peak& all) {
  return {.gmac_per_s = {one.gmac_per_s, all.gmac_per_s}, .instruction = std::string(all.instruction)};
}

std::string peak_text(const PeakFigure& peak, int threads) {
  return fmt::format("one thread {:.0f} GMAC/s, {} threads {:.0f} GMAC/s ({})", peak.gmac_per_s.one, threads, peak.gmac_per_s.all,
                     peak.instruction);
}

std::string gigabytes(const std::optional<int64_t>& bytes) {
  return bytes ? fmt::format("{:.1f} GB", static_cast<double>(*bytes) * 1e-9) : "unknown";
}

std::string known(const std::string& text) { return text.empty() ? "unknown" : text; }

std::string counted(const std::optional<int>& n, const char* one, const char* many) {
  return n ? fmt::format("{} {}", *n, *n == 1 ? one : many) : fmt::format("unknown {}", many);
}

std::string figure_text(const std::optional<double>& value, int digits, std::string_view unit) {
  return value ? fmt::format("{:.{}f}{}", *value, digits, unit) : "unknown";
}

}  // namespace

Diagnosis diagnose() {
  Diagnosis out;
  out.cpu = cpu_info();
  out.isas = available_isas();
  out.isa = out.isas.front();
  out.facts = machine_facts();
  out.state = machine_state();
  out.timer_resolution_ns = timer_resolution_ns();
  out.unavailable = unavailable_facts();
  const std::optional<CpuTimes> before = cpu_times();
  const int all = out.cpu.physical_cores;
  const int64_t working_set = memory_set_bytes(out.cpu.cache_bytes);
  out.read_gb_per_s = {measure_read_gb_per_s(1, working_set, kReadNs), measure_read_gb_per_s(all, working_set, kReadNs)};
  out.int8_peak = peak_figure(measure_int8_peak(1, kPeakNs), measure_int8_peak(all, kPeakNs));
  if (const std::optional<Peak> one = measure_bf16_peak(1, kPeakNs)) {
    out.bf16_peak = peak_figure(*one, measure_bf16_peak(all, kPeakNs).value());
  }
  out.f32_peak = peak_figure(measure_f32_peak(1, kPeakNs), measure_f32_peak(all, kPeakNs));
  out.steal_percent = steal_percent(before, cpu_times());
  return out;
}

Json doctor_json(const Diagnosis& diagnosis) {
  Json out;
  out["cpu"] = json_or_null(diagnosis.cpu.name);
  out["isa"] = diagnosis.isa;
  out["isas"] = diagnosis.isas;
  out["cores"] = diagnosis.cpu.physical_cores;
  out["logical_cores"] = diagnosis.cpu.logical_cores;
  out["cpu_quota_cores"] = number_or_null(diagnosis.facts.cpu_quota_cores);
  out["sockets"] = number_or_null(diagnosis.cpu.sockets);
  out["numa_nodes"] = number_or_null(diagnosis.cpu.numa_nodes);
  out["caches"] = json_or_null(diagnosis.cpu.caches);
  out["microcode"] = json_or_null(diagnosis.facts.microcode);
  out["boost"] = json_or_null(diagnosis.state.boost);
  out["memory_bytes"] = number_or_null(diagnosis.facts.memory_bytes);
  out["read_gb_per_s"] = one_and_all(diagnosis.read_gb_per_s);
  out["int8_gmac_per_s"] = one_and_all(diagnosis.int8_peak.gmac_per_s);
  out["bf16_gmac_per_s"] = diagnosis.bf16_peak ? one_and_all(diagnosis.bf16_peak->gmac_per_s) : Json(nullptr);
  out["f32_gmac_per_s"] = one_and_all(diagnosis.f32_peak.gmac_per_s);
  out["timer_resolution_ns"] = json_or_null(diagnosis.timer_resolution_ns);
  out["governor"] = json_or_null(diagnosis.state.governor);
  out["frequency_mhz"] = json_or_null(diagnosis.state.frequency_mhz);
  out["temperature_c"] = json_or_null(diagnosis.state.temperature_c);
  out["load_1m"] = json_or_null(diagnosis.state.load_1m);
  out["steal_percent"] = json_or_null(diagnosis.steal_percent);
  out["power_source"] = json_or_null(diagnosis.state.power_source);
  out["os"] = json_or_null(diagnosis.facts.os);
  out["kernel"] = json_or_null(diagnosis.facts.kernel);
  out["host_class"] = json_or_null(diagnosis.facts.host_class);
  out["gpu"] = json_or_null(diagnosis.facts.gpu);
  out["unavailable"] = diagnosis.unavailable;
  out["advice"] = doctor_advice(diagnosis);
  return out;
}

std::vector<std::string> doctor_advice(const Diagnosis& diagnosis) {
  std::vector<std::string> out;
  const MachineState& state = diagnosis.state;
  const double cores = diagnosis.cpu.physical_cores;
  if (state.load_1m && *state.load_1m > 0.5 * cores) {
    out.push_back(
        fmt::format("The load is {:.2f} on {:.0f} cores: close other programs before you measure.", *state.load_1m, cores));
  }
  if (diagnosis.steal_percent && *diagnosis.steal_percent > kHighStealPercent) {
    out.push_back(
        fmt::format("{:.1f} % of the CPU time went to other virtual machines: runs will be flagged; measure at a quieter time.",
                    *diagnosis.steal_percent));
  }
  if (!state.governor.empty() && state.governor != "performance") {
    out.push_back(fmt::format(
        "The frequency governor is {}: the clock follows the load. Steadier: sudo cpupower frequency-set -g performance",
        state.governor));
  }
  if (state.power_source == "battery") out.emplace_back("The machine runs on battery and may slow itself down: plug it in.");
  if (diagnosis.facts.cpu_quota_cores && *diagnosis.facts.cpu_quota_cores < cores) {
    out.push_back(fmt::format("A quota allows {:.2f} of {:.0f} cores: use --threads {:.0f}, or lift it.",
                              *diagnosis.facts.cpu_quota_cores, cores, std::max(1.0, *diagnosis.facts.cpu_quota_cores)));
  }
  if (diagnosis.timer_resolution_ns && *diagnosis.timer_resolution_ns > kCoarseTimerNs) {
    out.push_back(fmt::format("The clock moves in steps of {:.0f} ns: single token times are no finer than that.",
                              *diagnosis.timer_resolution_ns));
  }
  if (const std::string note = plain_code_note(); !note.empty()) out.push_back(note + ".");
  if (!diagnosis.facts.gpu.empty())
    out.push_back(fmt::format("{} is there, but the embedded engine runs on the CPU.", diagnosis.facts.gpu));
  return out;
}

std::string doctor_table(const Diagnosis& diagnosis) {
  const CpuInfo& cpu = diagnosis.cpu;
  const MachineState& state = diagnosis.state;
  TextTable table({"", ""}, TextTable::Numbers::as_words);
  table.add({"processor", known(cpu.name)});
  table.add({"cores", fmt::format("{} physical, {} logical that this process may use", cpu.physical_cores, cpu.logical_cores)});
  table.add({"topology", fmt::format("{}, {}", counted(cpu.sockets, "socket", "sockets"),
                                     counted(cpu.numa_nodes, "NUMA node", "NUMA nodes"))});
  table.add({"caches", known(cpu.caches)});
  table.add({"instruction set", fmt::format("{} (there are: {})", diagnosis.isa, fmt::join(diagnosis.isas, ", "))});
  table.add({"memory", gigabytes(diagnosis.facts.memory_bytes)});
  table.add({"read bandwidth", fmt::format("one thread {:.1f} GB/s, {} threads {:.1f} GB/s", diagnosis.read_gb_per_s.one,
                                           cpu.physical_cores, diagnosis.read_gb_per_s.all)});
  table.add({"int8 peak", peak_text(diagnosis.int8_peak, cpu.physical_cores)});
  table.add({"bf16 peak", diagnosis.bf16_peak ? peak_text(*diagnosis.bf16_peak, cpu.physical_cores)
                                              : "absent: this processor has no bf16 dot products"});
  table.add({"f32 peak", peak_text(diagnosis.f32_peak, cpu.physical_cores)});
  table.add({"timer", figure_text(diagnosis.timer_resolution_ns, 0, " ns steps")});
  table.add({"governor", known(state.governor)});
  table.add({"boost", known(state.boost)});
  table.add({"microcode", known(diagnosis.facts.microcode)});
  table.add({"frequency", figure_text(state.frequency_mhz, 0, " MHz")});
  table.add({"temperature", figure_text(state.temperature_c, 0, " °C")});
  table.add({"load, 1 minute", figure_text(state.load_1m, 2, "")});
  table.add({"stolen CPU time", figure_text(diagnosis.steal_percent, 1, " %")});
  table.add({"power", known(state.power_source)});
  table.add(
      {"system", known(diagnosis.facts.os) + ", " + known(diagnosis.facts.kernel) + ", " + known(diagnosis.facts.host_class)});
  table.add({"GPU", diagnosis.facts.gpu.empty() ? "none found" : diagnosis.facts.gpu + ", unused"});
  std::string out = table.plain();
  if (!diagnosis.unavailable.empty()) out += "\nnot told by this machine\n";
  for (const std::string& line : diagnosis.unavailable) out += "  - " + line + "\n";
  const std::vector<std::string> advice = doctor_advice(diagnosis);
  if (!advice.empty()) out += "\nadvice\n";
  for (const std::string& line : advice) out += "  - " + line + "\n";
  return out;
}

}  // namespace ifm
