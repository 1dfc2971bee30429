#include "inferometer/cli/bench_output.h"

#include <algorithm>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "inferometer/base/version.h"
#include "inferometer/machine/cpu.h"

namespace ifm {
namespace {

Json json_or_null(const std::optional<int64_t>& value) { return value ? Json(*value) : Json(nullptr); }
using ifm::json_or_null;
/// A limit of 0 was not measured.
Json measured_or_null(double limit) { return limit > 0 ? Json(limit) : Json(nullptr); }

/// "llama 135M 4-bit affine, group 32"
std::string model_type(const ModelInfo& model) {
  std::string out = model.architecture;
  if (model.parameters) {
    const double millions = static_cast<double>(*model.parameters) * 1e-6;
    out += millions >= 1000 ? fmt::format(" {:.2f}B", millions * 1e-3) : fmt::format(" {:.0f}M", millions);
  }
  if (!model.quantization.empty()) out += " " + model.quantization;
  return out.empty() ? model.name : out;
}

std::string csv_cell(const Json& value) {
  if (value.is_null()) return {};
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

/// The share of the limit that bounds this row: bandwidth for one token at a time, arithmetic for a prompt, for sequences
/// together whichever is nearer.
std::string share_text(const BenchResult& result) {
  const bool arithmetic = result.row.parallel > 1 ? result.limit_share == result.mac_share : result.row.prompt > 0;
  const std::optional<double>& share = arithmetic ? result.mac_share : result.mbu;
  if (!share) return "-";
  return fmt::format("{:.2f} {}", *share, arithmetic ? "of int8 peak" : "of read bandwidth");
}

/// " with vpdpbusd zmm, the peak of avx512"; a call measures one set of kernels.
std::string int8_peak_text(const BenchRecord& record) {
  const std::string& instruction = record.result.limits.int8_instruction;
  if (instruction.empty()) return {};
  return fmt::format(" with {}, the peak of {}", instruction, record.model.isa.empty() ? "the processor" : record.model.isa);
}

std::string speed_text(const BenchResult& result) {
  std::string text = fmt::format("{:.2f}", result.mean_tok_per_s);
  if (result.sd_tok_per_s) text += fmt::format(" ± {:.2f}", *result.sd_tok_per_s);
  if (result.row.parallel > 1) text += fmt::format(" ({:.2f} each)", result.mean_tok_per_s / result.row.parallel);
  return text;
}

}  // namespace

Json bench_json(const BenchRecord& record) {
  const ModelInfo& model = record.model;
  const BenchResult& result = record.result;
  Json out;
  out["build_commit"] = build_version().commit;
  out["cpu_info"] = json_or_null(cpu_info().name);
  out["model_filename"] = model.path.empty() ? model.name : model.path.string();
  out["model_type"] = model_type(model);
  out["model_size"] = json_or_null(model.weight_bytes);
  out["model_n_params"] = json_or_null(model.parameters);
  out["n_threads"] = model.threads > 0 ? Json(model.threads) : Json(nullptr);
  out["n_prompt"] = result.row.prompt;
  out["n_gen"] = result.row.generate;
  out["n_depth"] = result.row.depth;
  out["n_parallel"] = result.row.parallel;
  out["avg_ns"] = result.mean_ns;
  out["stddev_ns"] = json_or_null(result.sd_ns);
  out["avg_ts"] = result.mean_tok_per_s;
  out["stddev_ts"] = json_or_null(result.sd_tok_per_s);
  out["samples_ns"] = result.samples_ns;
  out["samples_ts"] = result.samples_tok_per_s;
  out["measured_read_gb_per_s"] = Json::array();
  out["measured_int8_gmac_per_s"] = Json::array();
  for (const BenchLimits& limits : result.measured_limits) {
    if (limits.read_gb_per_s > 0) out["measured_read_gb_per_s"].push_back(limits.read_gb_per_s);
    if (limits.int8_gmac_per_s > 0) out["measured_int8_gmac_per_s"].push_back(limits.int8_gmac_per_s);
  }
  out["test"] = row_name(result.row);
  out["engine"] = record.engine;
  out["isa"] = json_or_null(model.isa);
  out["accuracy"] = json_or_null(model.accuracy);
  out["bytes_per_token"] = json_or_null(result.bytes_per_token);
  out["macs_per_token"] = json_or_null(result.macs_per_token);
  out["read_gb_per_s"] = measured_or_null(result.limits.read_gb_per_s);
  out["int8_gmac_per_s"] = measured_or_null(result.limits.int8_gmac_per_s);
  out["int8_instruction"] = json_or_null(result.limits.int8_instruction);
  out["mbu"] = json_or_null(result.mbu);
  out["mac_share"] = json_or_null(result.mac_share);
  out["limit_share"] = json_or_null(result.limit_share);
  out["flags"] = result.flags;
  return out;
}

std::string bench_csv_header() {
  std::string out;
  const Json keys = bench_json({});
  for (const auto& [key, value] : keys.items()) {
    if (!value.is_array() || key == "flags") out += (out.empty() ? "" : ",") + key;
  }
  return out + "\n";
}

std::string bench_csv_line(const BenchRecord& record) {
  std::string out;
  bool first = true;
  const Json values = bench_json(record);
  for (const auto& [key, value] : values.items()) {
    if (value.is_array() && key != "flags") continue;
    if (!first) out += ',';
    first = false;
    out += key == "flags" ? csv_cell(Json(fmt::format("{}", fmt::join(record.result.flags, " ")))) : csv_cell(value);
  }
  return out + "\n";
}

std::string bench_markdown(const std::vector<BenchRecord>& records) {
  TextTable table({"model", "size", "params", "engine", "threads", "test", "t/s", "share of the limit"});
  double read_low = std::numeric_limits<double>::infinity(), read_high = 0, mac_low = read_low, mac_high = 0;
  std::string warnings;
  for (const BenchRecord& record : records) {
    const ModelInfo& model = record.model;
    const BenchResult& result = record.result;
    table.add({model.name,
               model.weight_bytes ? fmt::format("{:.2f} MiB", static_cast<double>(*model.weight_bytes) / (1 << 20)) : "-",
               model.parameters ? fmt::format("{:.2f} M", static_cast<double>(*model.parameters) * 1e-6) : "-",
               fmt::format("{} {}", record.engine, model.isa), model.threads > 0 ? fmt::format("{}", model.threads) : "-",
               row_name(result.row), speed_text(result), share_text(result)});
    for (const BenchLimits& limits : result.measured_limits) {
      read_low = std::min(read_low, limits.read_gb_per_s);
      read_high = std::max(read_high, limits.read_gb_per_s);
      mac_low = std::min(mac_low, limits.int8_gmac_per_s);
      mac_high = std::max(mac_high, limits.int8_gmac_per_s);
    }
    for (const std::string& flag : result.flags) {
      const std::string what =
          flag == "limits_changed"
              ? "the machine's limits changed while every sample ran, so that the share is a guess"
              : fmt::format("share above {:.2f}: one of the two measurements is wrong; close other programs and repeat",
                            kHighestShare);
      warnings += fmt::format("\nwarning: {}: {} ({})", row_name(result.row), flag, what);
    }
  }
  std::string out = table.markdown();
  if (read_high > 0) {
    out += fmt::format("\nlimits measured between the samples: read {:.1f}-{:.1f} GB/s, int8 {:.0f}-{:.0f} GMAC/s{}", read_low,
                       read_high, mac_low, mac_high, int8_peak_text(records.front()));
    out += warnings + "\n";
  }
  return out;
}

}  // namespace ifm
