#include "inferometer/engine/llama_cpp_library.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "inferometer/base/error.h"
#include "inferometer/machine/cpu.h"

namespace ifm {
namespace {

/// llama.cpp's log is one for the process, so this is too.
class Log {
 public:
  void add(ggml_log_level level, std::string_view text) {
    const std::lock_guard lock(mutex_);
    // A line may come in pieces.
    if (level != GGML_LOG_LEVEL_CONT) in_error_ = level == GGML_LOG_LEVEL_ERROR && error_.find('\n') == std::string::npos;
    if (in_error_) error_ += text;
  }
  std::string take() {
    const std::lock_guard lock(mutex_);
    in_error_ = false;
    std::string line = error_.substr(0, error_.find('\n'));
    error_.clear();
    return line;
  }

 private:
  std::mutex mutex_;
  std::string error_;
  bool in_error_ = false;
};

Log& log() {
  static Log instance;
  return instance;
}

void on_log(ggml_log_level level, const char* text, void* /*data*/) { log().add(level, text); }

/// "llama_model_load: error" without the function's name.
std::string_view without_function(std::string_view line) {
  const std::size_t colon = line.find(": ");
  const std::string_view head = line.substr(0, colon);
  const bool name = colon != std::string_view::npos && head.find(' ') == std::string_view::npos;
  return name ? line.substr(colon + 2) : line;
}

}  // namespace

void start_llama_cpp() {
  static std::once_flag once;
  std::call_once(once, [] {
    llama_log_set(on_log, nullptr);
    // A library whose backends are files of their own loads none by itself. Not otherwise: it would look for some in the
    // working folder.
    if (ggml_backend_reg_count() == 0) ggml_backend_load_all();
    llama_backend_init();
  });
}

std::string take_llama_cpp_error() { return std::string(without_function(log().take())); }

std::string llama_cpp_version() { return IFM_LLAMA_CPP_VERSION; }

std::string llama_cpp_isa() {
  // Source: ggml_backend_cpu_get_features in ggml-cpu.cpp.
  constexpr std::array<std::string_view, 14> kWidestFirst{"AMX_INT8",    "AVX512_BF16", "AVX512_VNNI", "AVX512", "AVX_VNNI",
                                                          "AVX2",        "AVX",         "SSSE3",       "SME",    "SVE",
                                                          "MATMUL_INT8", "DOTPROD",     "NEON",        "RISCV_V"};
  const std::string info = fmt::format(" {}", llama_print_system_info());
  const auto* found = std::ranges::find_if(
      kWidestFirst, [&](std::string_view set) { return info.find(fmt::format(" {} = 1 ", set)) != info.npos; });
  return found == kWidestFirst.end() ? std::string() : std::string(*found);
}

std::string llama_cpp_device() {
  std::vector<std::string> devices;
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    const ggml_backend_dev_t device = ggml_backend_dev_get(i);
    const enum ggml_backend_dev_type type = ggml_backend_dev_type(device);
    if (type == GGML_BACKEND_DEVICE_TYPE_GPU || type == GGML_BACKEND_DEVICE_TYPE_IGPU) {
      devices.push_back(fmt::format("{} ({})", ggml_backend_dev_description(device), ggml_backend_dev_name(device)));
    }
  }
  if (devices.empty()) return fmt::format("{} ({})", cpu_info().name, llama_cpp_isa());
  return fmt::format("{}", fmt::join(devices, ", "));
}

ggml_backend_dev_t llama_cpp_processor() {
  const ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  if (device == nullptr) fail(ErrorKind::engine, "llama.cpp: its library has nothing that computes on the processor");
  return device;
}

}  // namespace ifm
