#pragma once

#include <string>

namespace ifm {

/// What `models pull` was asked.
struct PullFlags {
  std::string name;
  bool offline = false;
  bool update = false;
  bool json = false;
};

/// Pulls a model: says before a download what it will cost and bring here, shows how far it is, prints where the model lies.
/// Returns the exit code. @throws Error as pull_model.
int pull_command(const PullFlags& flags);

}  // namespace ifm
