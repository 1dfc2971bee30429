#pragma once

#include <memory>
#include <string>

#include <llama.h>

namespace ifm {

struct LlamaModelFree {
  void operator()(llama_model* model) const { llama_model_free(model); }
};
struct LlamaContextFree {
  void operator()(llama_context* context) const { llama_free(context); }
};
struct GgmlBackendFree {
  void operator()(ggml_backend* backend) const { ggml_backend_free(backend); }
};
using LlamaModelPtr = std::unique_ptr<llama_model, LlamaModelFree>;
using LlamaContextPtr = std::unique_ptr<llama_context, LlamaContextFree>;
using GgmlBackendPtr = std::unique_ptr<ggml_backend, GgmlBackendFree>;

/// Makes llama.cpp ready, once per process: from then on it says nothing on stderr. Before anything else of llama.cpp.
void start_llama_cpp();

/// What llama.cpp said was wrong since the last call, one line without its function's name; empty when it said nothing. Of
/// several lines the first: those that follow only repeat that something failed. Thread-safe.
[[nodiscard]] std::string take_llama_cpp_error();

/// "0.5.0 (commit)", as the CMake package that was found says it.
[[nodiscard]] std::string llama_cpp_version();
/// The widest instruction set that its processor code was built for and runs with, "AVX2"; empty when it names none.
[[nodiscard]] std::string llama_cpp_isa();
/// The graphics processors that it puts a model's layers on, else the processor.
[[nodiscard]] std::string llama_cpp_device();
/// The processor's part of llama.cpp. @throws Error engine when the library has none.
[[nodiscard]] ggml_backend_dev_t llama_cpp_processor();

}  // namespace ifm
