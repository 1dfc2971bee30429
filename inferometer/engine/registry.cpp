#include "inferometer/engine/registry.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "inferometer/base/error.h"
#include "inferometer/engine/embedded.h"
#include "inferometer/engine/llama_cpp.h"
#include "inferometer/engine/mlx.h"
#include "inferometer/engine/openai.h"
#include "inferometer/engine/process.h"
#include "inferometer/engine/simulated.h"

namespace ifm {
namespace {

/// An engine: how it is described and made. One line here is all that an engine's own file needs besides.
struct Entry {
  std::string_view kind;
  EngineStatus (*status)();
  std::unique_ptr<Engine> (*make)(const EngineOptions& options, Clock& clock);
  enum class Place { here, elsewhere } place;  ///< where it computes
};

constexpr std::array kEngines{
    Entry{"embedded", embedded_status, make_embedded_engine, Entry::Place::here},
    Entry{"mlx", mlx_status, make_mlx_engine, Entry::Place::here},
    Entry{"llama_cpp", llama_cpp_status, make_llama_cpp_engine, Entry::Place::here},
    Entry{"openai", openai_status, make_openai_engine, Entry::Place::elsewhere},
    Entry{"process", process_status, make_process_engine, Entry::Place::elsewhere},
    Entry{"simulated", simulated_status, make_simulated_engine, Entry::Place::elsewhere},
};

}  // namespace

std::vector<EngineStatus> known_engines() {
  std::vector<EngineStatus> engines;
  for (const Entry& entry : kEngines) {
    engines.push_back(entry.status());
    engines.back().kind = entry.kind;
  }
  return engines;
}

bool lives_in_this_process(const EngineOptions& options) {
  return std::ranges::any_of(kEngines,
                             [&](const Entry& entry) { return entry.place == Entry::Place::here && entry.kind == options.kind; });
}

std::unique_ptr<Engine> make_engine(const EngineOptions& options, Clock& clock) {
  std::vector<std::string_view> kinds;
  for (const Entry& entry : kEngines) {
    if (entry.kind == options.kind) return entry.make(options, clock);
    kinds.push_back(entry.kind);
  }
  fail(ErrorKind::usage, "engine: {} is unknown (expected one of {})", options.kind, fmt::join(kinds, ", "));
}

}  // namespace ifm
