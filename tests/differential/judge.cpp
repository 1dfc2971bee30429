// Says what our parsers make of inputs, so that a script can hold another implementation against them: judge
// safetensors|gguf|plan|template. Standard input: inputs, each after its length (u32). Standard output, for each: 'a' (accepted),
// 'r' (refused) or 'u' (refused as not supported), then the length (u32) and bytes of what was read: nothing for files, JSON for
// a plan, the text of a template.
#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "inferometer/base/error.h"
#include "inferometer/format/gguf_parser.h"
#include "inferometer/format/safetensors_header.h"
#include "inferometer/record/plan.h"
#include "inferometer/text/chat_template.h"

namespace {

using namespace ifm;
using Judge = std::function<std::string(std::string_view)>;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// One value of each type that a plan has: differential.py puts the same scalar where each of them stands.
std::string read_plan_values(std::string_view yaml) {
  const Plan plan = parse_plan(yaml, "plan.yaml", "/nonexistent");
  return nlohmann::json{
      {"name", plan.name}, {"seed", plan.seed}, {"ignore_eos", plan.ignore_eos}, {"temperature", plan.temperatures}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// The conversation that differential.py renders, too.
std::string render(std::string_view source) {
  const std::array<ChatMessage, 4> messages{
      {{"system", " Be brief. "}, {"user", "Hi {{ there }}"}, {"assistant", "Hello!\n"}, {"user", "Bye"}}};
  ChatTemplateOptions options;
  options.add_generation_prompt = true;
  options.bos_token = "<s>";
  options.eos_token = "</s>";
  return ChatTemplate(source).render(messages, options);
}

const std::map<std::string, Judge> kJudges{
    {"safetensors", [](std::string_view text) { return (void)parse_safetensors(bytes_of(text), "f"), std::string(); }},
    {"gguf", [](std::string_view text) { return (void)parse_gguf(bytes_of(text), "f"), std::string(); }},
    {"plan", read_plan_values},
    {"template", render}};

bool read_whole(char* into, std::size_t size) { return std::fread(into, 1, size, stdin) == size; }

void answer(char verdict, std::string_view bytes) {
  const auto size = static_cast<uint32_t>(bytes.size());
  std::fputc(verdict, stdout);
  std::fwrite(&size, sizeof size, 1, stdout);
  std::fwrite(bytes.data(), 1, bytes.size(), stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const auto judge = argc == 2 ? kJudges.find(argv[1]) : kJudges.end();
  if (judge == kJudges.end()) {
    std::fputs("usage: judge safetensors|gguf|plan|template\n", stderr);
    return 2;
  }
  uint32_t size = 0;
  std::string input;
  while (read_whole(reinterpret_cast<char*>(&size), sizeof size)) {
    input.resize(size);
    if (!read_whole(input.data(), size)) return 1;
    try {
      answer('a', judge->second(input));
    } catch (const Error& error) {
      answer(error.kind() == ErrorKind::unsupported ? 'u' : 'r', error.message());
    }
    std::fflush(stdout);
  }
  return 0;
}
