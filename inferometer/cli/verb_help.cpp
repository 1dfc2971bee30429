#include "inferometer/cli/verb_help.h"

namespace ifm {
namespace {

std::string value_of(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return {};
  // "TEXT:{csv,json}": the choices say more.
  const std::string type = option.get_type_name();
  const size_t choices = type.find('{');
  if (choices != std::string::npos) return type.substr(choices);
  const size_t colon = type.find(':');
  return colon == std::string::npos ? type : type.substr(0, colon);
}

OptionHelp option_help(const CLI::Option& option) {
  OptionHelp help{.names = {}, .positional = {}, .description = option.get_description(), .value = value_of(option)};
  for (const std::string& name : option.get_snames()) help.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) help.names.push_back("--" + name);
  if (help.names.empty()) help.positional = option.get_name(true);
  return help;
}

VerbHelp help_of(const CLI::App& app, const std::vector<std::string>& path) {
  VerbHelp verb{.path = path, .description = app.get_description(), .example = app.get_footer(), .options = {}, .verbs = {}};
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_group().empty()) verb.options.push_back(option_help(*option));
  }
  for (const CLI::App* sub : app.get_subcommands(nullptr)) {
    if (sub->get_group().empty()) continue;
    std::vector<std::string> deeper = path;
    deeper.push_back(sub->get_name());
    verb.verbs.push_back(help_of(*sub, deeper));
  }
  return verb;
}

}  // namespace

VerbHelp verb_help(const CLI::App& app) { return help_of(app, {}); }

std::vector<const VerbHelp*> all_verbs(const VerbHelp& program) {
  std::vector<const VerbHelp*> all{&program};
  for (const VerbHelp& verb : program.verbs) {
    for (const VerbHelp* deeper : all_verbs(verb)) all.push_back(deeper);
  }
  return all;
}

}  // namespace ifm
