#pragma once

#include <string>

#include "inferometer/format/model_config.h"

namespace ifm {

/// Checks that the numbers of a configuration agree and stay below their caps, and puts `eos` in order.
/// subject: the file, as messages name it. @throws Error invalid_data naming the field.
void check_config(ModelConfig& config, const std::string& subject);

/// @throws Error unsupported naming general.architecture of a GGUF file when the model could not be run.
void check_gguf_architecture(const std::string& architecture, const std::string& subject);

}  // namespace ifm
