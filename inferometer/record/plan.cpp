#include "inferometer/record/plan.h"

#include "inferometer/base/error.h"
#include "inferometer/base/mapped_file.h"
#include "inferometer/record/yaml_tree.h"

namespace ifm {

const char* to_string(Mode mode) { return mode == Mode::warm ? "warm" : "cold"; }
const char* to_string(PageCache cache) { return cache == PageCache::as_is ? "as_is" : "dropped"; }

Plan read_plan(const std::filesystem::path& file) {
  const MappedFile mapped(file);
  const std::string name = file.filename().string();
  if (mapped.bytes().size() > static_cast<std::size_t>(kMaxYamlBytes)) {
    fail(ErrorKind::usage, "{}: too large for a plan (expected at most {} bytes, got {})", name, kMaxYamlBytes,
         mapped.bytes().size());
  }
  std::string text(mapped.bytes().size(), '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(mapped.bytes()[i]);
  return parse_plan(text, name, file.parent_path());
}

std::vector<Cell> expand_cells(const Plan& plan) {
  std::vector<Cell> cells;
  for (const Mode mode : plan.modes) {
    for (std::size_t engine = 0; engine < plan.engines.size(); ++engine) {
      for (std::size_t model = 0; model < plan.models.size(); ++model) {
        for (std::size_t prompt = 0; prompt < plan.prompts.size(); ++prompt) {
          for (const int max_tokens : plan.max_tokens) {
            for (const double temperature : plan.temperatures) {
              cells.push_back({.index = static_cast<int>(cells.size()),
                               .mode = mode,
                               .engine = static_cast<int>(engine),
                               .model = static_cast<int>(model),
                               .prompt = static_cast<int>(prompt),
                               .max_tokens = max_tokens,
                               .temperature = temperature});
            }
          }
        }
      }
    }
  }
  return cells;
}

}  // namespace ifm
