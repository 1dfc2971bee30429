#pragma once

#include <algorithm>
#include <exception>
#include <new>
#include <string>

#include <mlx/stream.h>
#include <mlx/utils.h>

#include "inferometer/base/error.h"

namespace ifm {

/// Runs `action` with this stream, and so its device, as the calling thread's default, which MLX keeps for each thread.
/// @throws Error engine, one line, for what MLX throws (resource when memory is short); an Error of ours as it is.
template <typename Action>
auto on_stream(const mlx::core::Stream& stream, const Action& action) {
  try {
    const mlx::core::StreamContext context(stream);
    return action();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    fail(ErrorKind::resource, "mlx: not enough memory");
  } catch (const std::exception& error) {
    std::string line = error.what();
    std::ranges::replace(line, '\n', ' ');
    fail(ErrorKind::engine, "mlx: {}", line);
  }
}

}  // namespace ifm
