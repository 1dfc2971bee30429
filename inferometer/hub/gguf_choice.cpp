#include "inferometer/hub/gguf_choice.h"

#include <algorithm>
#include <cctype>
#include <iterator>

namespace ifm {
namespace {

constexpr std::string_view kEnding = ".gguf";
constexpr std::string_view kUsual[] = {"Q4_K_M", "Q4_0", "Q4_K_S", "Q5_K_M", "Q8_0"};

std::string upper(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return result;
}

bool is_word_letter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Whether `word` stands in `text` with no letter, digit or underscore beside it.
bool holds_word(const std::string& text, const std::string& word) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_word_letter(text[at - 1])) && (end == text.size() || !is_word_letter(text[end]))) return true;
  }
  return false;
}

bool is_model(const std::string& file) {
  const std::string name = upper(file.substr(file.rfind('/') + 1));
  return file.ends_with(kEnding) && name.find("MMPROJ") == std::string::npos && name.find("IMATRIX") == std::string::npos;
}

}  // namespace

std::vector<std::string> gguf_models(const std::vector<std::string>& files) {
  std::vector<std::string> result;
  std::ranges::copy_if(files, std::back_inserter(result), is_model);
  return result;
}

std::vector<std::string> ggufs_with(const std::vector<std::string>& files, std::string_view quantization) {
  const std::string wanted = upper(quantization);
  const std::vector<std::string> models = gguf_models(files);
  std::vector<std::string> found;
  std::ranges::copy_if(models, std::back_inserter(found),
                       [&](const std::string& file) { return holds_word(upper(file), wanted); });
  if (!found.empty()) return found;
  std::ranges::copy_if(models, std::back_inserter(found),
                       [&](const std::string& file) { return upper(file).find(wanted) != std::string::npos; });
  return found;
}

GgufChoice choose_gguf(const std::vector<std::string>& files, std::string_view quantization) {
  if (!quantization.empty()) {
    const std::vector<std::string> found = ggufs_with(files, quantization);
    return {found.size() == 1 ? found.front() : "", false};
  }
  const std::vector<std::string> models = gguf_models(files);
  if (models.size() == 1) return {models.front(), false};
  for (const std::string_view usual : kUsual) {
    std::vector<std::string> found;
    std::ranges::copy_if(models, std::back_inserter(found),
                         [&](const std::string& file) { return holds_word(upper(file), std::string(usual)); });
    if (found.size() == 1) return {found.front(), true};
  }
  return {};
}

bool is_gguf_part(std::string_view file) {
  constexpr std::string_view kShape = "-00000-of-00000.gguf";
  if (file.size() < kShape.size()) return false;
  file = file.substr(file.size() - kShape.size());
  return std::ranges::equal(file, kShape, [](char c, char shape) {
    return shape == '0' ? std::isdigit(static_cast<unsigned char>(c)) != 0 : c == shape;
  });
}

}  // namespace ifm
