#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace ifm {

/// An option of a verb as its help names it.
struct OptionHelp {
  std::vector<std::string> names;  ///< "-m", "--model"; empty for a positional
  std::string positional;          ///< what it stands for: "PLAN"; empty for an option
  std::string description;
  std::string value;  ///< what it takes: "TEXT", "{csv,json}"; empty for a flag
};

/// A verb with everything that its help says; the program itself has no name of a verb.
struct VerbHelp {
  std::vector<std::string> path;  ///< {"models", "pull"}
  std::string description;
  std::string example;  ///< what stands below its options
  std::vector<OptionHelp> options;
  std::vector<VerbHelp> verbs;
};

/// All that a program's verbs say of themselves; hidden ones and hidden options are left out.
[[nodiscard]] VerbHelp verb_help(const CLI::App& app);

/// The same as one list: the program, then each verb before its own verbs.
[[nodiscard]] std::vector<const VerbHelp*> all_verbs(const VerbHelp& program);

}  // namespace ifm
