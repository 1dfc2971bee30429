#include "inferometer/cli/completions.h"

#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ifm {
namespace {

/// In single quotes for a POSIX shell, zsh or fish; fish takes \' only.
std::string quoted(const std::string& text, Shell shell) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += shell == Shell::fish ? "\\'" : "'\\''";
    } else if (c == '\\' && shell == Shell::fish) {
      out += "\\\\";
    } else {
      out += c;
    }
  }
  return out + "'";
}

/// The choices of "{csv,json}"; none for other values.
std::vector<std::string> choices_of(const OptionHelp& option) {
  std::vector<std::string> choices;
  if (option.value.size() < 2 || option.value.front() != '{') return choices;
  std::string word;
  for (const char c : option.value.substr(1)) {
    if (c == ',' || c == '}') {
      choices.push_back(std::exchange(word, {}));
    } else {
      word += c;
    }
  }
  return choices;
}

std::string path_of(const VerbHelp& verb) { return fmt::format("{}", fmt::join(verb.path, " ")); }

std::vector<std::string> names_of(const VerbHelp& verb) {
  std::vector<std::string> names;
  for (const OptionHelp& option : verb.options) names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

/// A case that gives the choices of the option before the cursor, over all verbs: "generate --format").
std::string choice_cases(const VerbHelp& program, Shell shell) {
  std::string cases;
  for (const VerbHelp* verb : all_verbs(program)) {
    for (const OptionHelp& option : verb->options) {
      const std::vector<std::string> choices = choices_of(option);
      if (choices.empty()) continue;
      std::vector<std::string> patterns;
      for (const std::string& name : option.names) patterns.push_back(quoted(path_of(*verb) + " " + name, shell));
      // A word that stands right after its verb.
      if (option.names.empty()) patterns.push_back(quoted(path_of(*verb) + " " + verb->path.back(), shell));
      cases += fmt::format("    {}) choices={} ;;\n", fmt::join(patterns, "|"),
                           quoted(fmt::format("{}", fmt::join(choices, " ")), shell));
    }
  }
  return cases;
}

/// The paths of verbs as a pattern of case.
std::string path_pattern(const VerbHelp& program, Shell shell) {
  std::vector<std::string> paths;
  for (const VerbHelp* verb : all_verbs(program)) {
    if (!verb->path.empty()) paths.push_back(quoted(path_of(*verb), shell));
  }
  return fmt::format("{}", fmt::join(paths, "|"));
}

std::string bash_script(const VerbHelp& program) {
  std::string words;
  for (const VerbHelp* verb : all_verbs(program)) {
    std::vector<std::string> verbs;
    for (const VerbHelp& sub : verb->verbs) verbs.push_back(sub.path.back());
    words += fmt::format("    {}) verbs={} options={} ;;\n", quoted(path_of(*verb), Shell::bash),
                         quoted(fmt::format("{}", fmt::join(verbs, " ")), Shell::bash),
                         quoted(fmt::format("{}", fmt::join(names_of(*verb), " ")), Shell::bash));
  }
  return fmt::format(
      R"sh(# Completions of inferometer for bash: inferometer completions bash > ~/.local/share/bash-completion/completions/inferometer
_inferometer() {{
  local word path='' longer verbs='' options='' choices='' i
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    longer=${{path:+$path }}$word
    case $longer in
      {0}) path=$longer ;;
    esac
  done
  case "$path $before" in
{1}  esac
  case $path in
{2}  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  elif [ -n "$choices" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
  elif [ -n "$verbs" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}}
complete -o filenames -F _inferometer inferometer
)sh",
      path_pattern(program, Shell::bash), choice_cases(program, Shell::bash), words);
}

/// "name:what it does" for _describe; a colon in the name is none of ours.
std::string described(const std::string& name, const std::string& description) {
  return quoted(name + ":" + description, Shell::zsh);
}

std::string zsh_script(const VerbHelp& program) {
  std::string words;
  for (const VerbHelp* verb : all_verbs(program)) {
    std::vector<std::string> verbs;
    for (const VerbHelp& sub : verb->verbs) verbs.push_back(described(sub.path.back(), sub.description));
    std::vector<std::string> options;
    for (const OptionHelp& option : verb->options) {
      for (const std::string& name : option.names) options.push_back(described(name, option.description));
    }
    words += fmt::format("    {})\n      verbs=({})\n      options=({}) ;;\n", quoted(path_of(*verb), Shell::zsh),
                         fmt::join(verbs, " "), fmt::join(options, " "));
  }
  return fmt::format(R"sh(#compdef inferometer
# Completions of inferometer for zsh: inferometer completions zsh > "${{fpath[1]}}/_inferometer"
_inferometer() {{
  local verb='' longer choices='' i
  local -a verbs options
  for ((i = 2; i < CURRENT; i++)); do
    longer=${{verb:+$verb }}${{words[i]}}
    case $longer in
      {0}) verb=$longer ;;
    esac
  done
  case "$verb ${{words[CURRENT-1]}}" in
{1}  esac
  case $verb in
{2}  esac
  if [[ ${{words[CURRENT]}} == -* ]]; then
    _describe -o option options
  elif [[ -n $choices ]]; then
    compadd -- ${{=choices}}
  elif (( ${{#verbs}} )); then
    _describe verb verbs
  else
    _files
  fi
}}
_inferometer "$@"
)sh",
                     path_pattern(program, Shell::zsh), choice_cases(program, Shell::zsh), words);
}

std::string fish_option(const std::string& condition, const OptionHelp& option) {
  const std::vector<std::string> choices = choices_of(option);
  if (option.names.empty() && choices.empty()) return {};  // a file, which is completed anyway
  std::string line = fmt::format("complete -c inferometer -n {}", quoted(condition, Shell::fish));
  for (const std::string& name : option.names) {
    const bool is_long = name.starts_with("--");
    line += fmt::format(" {} {}", is_long ? "-l" : "-s", name.substr(is_long ? 2 : 1));
  }
  if (!choices.empty()) {
    line += fmt::format(" -x -a {}", quoted(fmt::format("{}", fmt::join(choices, " ")), Shell::fish));
  } else if (!option.value.empty()) {
    line += " -r";
  }
  return line + fmt::format(" -d {}\n", quoted(option.description, Shell::fish));
}

std::string fish_script(const VerbHelp& program) {
  std::string lines =
      "# Completions of inferometer for fish: inferometer completions fish > ~/.config/fish/completions/inferometer.fish\n"
      "# Whether the words before the cursor begin with exactly these verbs.\n"
      "function __inferometer_at\n"
      "    set -l words (commandline -opc)[2..-1]\n"
      "    set -l verbs (string match -v -- '-*' $words)\n"
      "    set -l n (count $argv)\n"
      "    if test $n -eq 0\n"
      "        test (count $verbs) -eq 0\n"
      "    else\n"
      "        test (count $verbs) -ge $n; and test \"$verbs[1..$n]\" = \"$argv\"\n"
      "    end\n"
      "end\n";
  for (const VerbHelp* verb : all_verbs(program)) {
    const std::string at = verb->path.empty() ? "__inferometer_at" : "__inferometer_at " + path_of(*verb);
    if (!verb->verbs.empty()) {
      std::vector<std::string> names;
      for (const VerbHelp& sub : verb->verbs) names.push_back(sub.path.back());
      const std::string none =
          verb->path.empty() ? at : fmt::format("{}; and not __fish_seen_subcommand_from {}", at, fmt::join(names, " "));
      for (const VerbHelp& sub : verb->verbs) {
        lines += fmt::format("complete -c inferometer -n {} -f -a {} -d {}\n", quoted(none, Shell::fish), sub.path.back(),
                             quoted(sub.description, Shell::fish));
      }
    }
    for (const OptionHelp& option : verb->options) lines += fish_option(at, option);
  }
  return lines;
}

}  // namespace

std::string completion_script(const VerbHelp& program, Shell shell) {
  switch (shell) {
    case Shell::bash:
      return bash_script(program);
    case Shell::zsh:
      return zsh_script(program);
    case Shell::fish:
      return fish_script(program);
  }
  return {};
}

}  // namespace ifm
