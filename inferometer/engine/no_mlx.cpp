#include "inferometer/base/error.h"
#include "inferometer/engine/mlx.h"

// Built where MLX is not there.
namespace ifm {

EngineStatus mlx_status() {
  return {.available = false,
          .version = {},
          .device = {},
          .what_to_install = "this build has no MLX: ./quickstart.sh --with mlx gets it and builds with it"};
}

std::unique_ptr<Engine> make_mlx_engine(const EngineOptions& /*options*/, Clock& /*clock*/) {
  fail(ErrorKind::unsupported, "mlx: {}", mlx_status().what_to_install);
}

}  // namespace ifm
