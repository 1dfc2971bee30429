#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/input.h"
#include "inferometer/cli/output.h"
#include "inferometer/format/checkpoint.h"
#include "inferometer/hub/resolve.h"
#include "inferometer/text/model_text.h"

namespace ifm {
namespace {

struct TokenizeFlags {
  std::string model;
  bool json = false;
  bool plain = false;
};

int tokenize(const TokenizeFlags& flags) {
  const ResolvedModel place = resolve_model(flags.model, HubOptions{});
  const ModelText text = ModelText::open(Checkpoint::open(place.path));
  const SpecialText special = flags.plain ? SpecialText::plain : SpecialText::parse;
  std::string line;
  while (std::ferror(stdout) == 0 && read_line(stdin, "standard input", line)) {
    const std::vector<TokenId> ids = text.tokenizer.encode(line, special);
    const std::string out = flags.json ? Json(ids).dump() : fmt::format("{}", fmt::join(ids, " "));
    std::fwrite(out.data(), 1, out.size(), stdout);
    std::fputc('\n', stdout);
  }
  return exit_done;
}

}  // namespace

void add_tokenize(CLI::App& app, CliContext& context) {
  CLI::App* verb = add_verb(app, "tokenize", "One line of token ids for each line of standard input, without a begin token",
                            "  echo \"The capital of France\" | inferometer tokenize -m smollm2-135m\n"
                            "  inferometer tokenize -m smollm2-135m --json < prompts.txt");
  auto flags = std::make_shared<TokenizeFlags>();  // shared with the callback, which outlives this function
  verb->add_option("-m,--model", flags->model, "Folder, .gguf file or name of a pulled model; weights are not read")->required();
  verb->add_flag("--json", flags->json, "A JSON list of ids on each line");
  verb->add_flag("--plain", flags->plain, "Text that looks like a special token stays text");
  verb->callback([flags, &context] { context.action = [flags] { return tokenize(*flags); }; });
}

}  // namespace ifm
