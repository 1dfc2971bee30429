#include "inferometer/base/error.h"
#include "inferometer/engine/llama_cpp.h"

// Built where llama.cpp is not there.
namespace ifm {

EngineStatus llama_cpp_status() {
  return {.available = false,
          .version = {},
          .device = {},
          .what_to_install = "this build has no llama.cpp: ./quickstart.sh --with llama.cpp gets it and builds with it"};
}

std::unique_ptr<Engine> make_llama_cpp_engine(const EngineOptions& /*options*/, Clock& /*clock*/) {
  fail(ErrorKind::unsupported, "llama_cpp: {}", llama_cpp_status().what_to_install);
}

}  // namespace ifm
