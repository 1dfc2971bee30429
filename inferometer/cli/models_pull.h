#pragma once

#include <string>

namespace ifm {

/// Pulls a model: says before a download what it will cost and bring here, shows how far it is, prints where the model lies.
/// Returns the exit code. @throws Error as pull_model.
int pull_command(const std::string& name, bool offline, bool json);

}  // namespace ifm
