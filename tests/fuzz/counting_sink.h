#pragma once

#include <cstddef>

#include "inferometer/engine/engine.h"

namespace ifm {

/// Counts the bytes of text that it is given.
struct CountingSink final : TokenSink {
  void on_tokens(const TokenEvent& event) override { bytes += event.text.size(); }
  std::size_t bytes = 0;
};

}  // namespace ifm
