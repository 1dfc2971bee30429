#include "inferometer/hub/synth_tokenizer.h"

#include <array>
#include <cctype>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "inferometer/base/check.h"
#include "inferometer/base/rng.h"

namespace ifm {
namespace {

constexpr std::string_view kLetters = "etaoinshrdlucmfwypvbgkjqxz";  // the commonest first
constexpr std::size_t kLongestWord = 12;

// Llama 3's layout of a conversation, in our words: a system block that is always there, then the turns.
constexpr const char* kChatTemplate =
    "{{- bos_token }}\n"
    "{%- if not date_string is defined %}\n"
    "    {%- set date_string = \"26 Jul 2024\" %}\n"
    "{%- endif %}\n"
    "{%- if messages[0]['role'] == 'system' %}\n"
    "    {%- set system_message = messages[0]['content'] | trim %}\n"
    "    {%- set messages = messages[1:] %}\n"
    "{%- else %}\n"
    "    {%- set system_message = \"\" %}\n"
    "{%- endif %}\n"
    "{{- \"<|start_header_id|>system<|end_header_id|>\\n\\n\" }}\n"
    "{{- \"Cutting Knowledge Date: December 2023\\n\" }}\n"
    "{{- \"Today Date: \" + date_string + \"\\n\\n\" + system_message + \"<|eot_id|>\" }}\n"
    "{%- for message in messages %}\n"
    "    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}\n"
    "{%- endfor %}\n"
    "{%- if add_generation_prompt %}\n"
    "    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}\n"
    "{%- endif %}\n";

/// The bytes in the order of GPT-2's table: first those that print, then the rest.
std::vector<unsigned char> byte_order() {
  const auto prints = [](int b) { return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174; };
  std::vector<unsigned char> order;
  for (const bool first : {true, false}) {
    for (int b = 0; b < 256; ++b) {
      if (prints(b) == first) order.push_back(static_cast<unsigned char>(b));
    }
  }
  return order;
}

/// GPT-2's written form of each byte: itself where it prints, else the characters from U+0100 on.
std::array<std::string, 256> written_bytes() {
  std::array<std::string, 256> written;
  int next = 256;
  const std::vector<unsigned char> order = byte_order();
  for (std::size_t i = 0; i < order.size(); ++i) {
    const int code = i < 188 ? order[i] : next++;
    std::string text;
    if (code < 0x80) {
      text.push_back(static_cast<char>(code));
    } else {
      text.push_back(static_cast<char>(0xC0 | (code >> 6)));
      text.push_back(static_cast<char>(0x80 | (code & 0x3F)));
    }
    written[order[i]] = text;
  }
  return written;
}

/// Grows the ordinary tokens, as plain bytes.
class VocabularyBuilder {
 public:
  explicit VocabularyBuilder(int target) : target_(static_cast<std::size_t>(target)) {
    for (const unsigned char byte : byte_order()) add(std::string(1, static_cast<char>(byte)));
  }

  [[nodiscard]] bool full() const { return tokens_.size() == target_; }
  [[nodiscard]] const std::vector<std::string>& tokens() const { return tokens_; }
  /// Nothing happens when it is there already, or when there is no room.
  void add(const std::string& token) {
    if (!full() && ids_.emplace(token, tokens_.size()).second) tokens_.push_back(token);
  }
  /// Where a token can be cut into two tokens of lower rank; empty for bytes.
  [[nodiscard]] std::vector<std::size_t> cuts(std::size_t id) const {
    const std::string& token = tokens_[id];
    std::vector<std::size_t> result;
    for (std::size_t cut = 1; cut < token.size(); ++cut) {
      if (is_lower(token.substr(0, cut), id) && is_lower(token.substr(cut), id)) result.push_back(cut);
    }
    return result;
  }

 private:
  [[nodiscard]] bool is_lower(const std::string& part, std::size_t id) const {
    const auto found = ids_.find(part);
    return found != ids_.end() && found->second < id;
  }
  std::size_t target_;
  std::vector<std::string> tokens_;
  std::unordered_map<std::string, std::size_t> ids_;
};

/// Everything up to three letters, digits and white space, so that any English text has tokens.
void add_short_tokens(VocabularyBuilder& vocabulary) {
  for (const char* space : {"  ", "\n\n", "    ", "        "}) vocabulary.add(space);
  for (const char a : kLetters) vocabulary.add({' ', a});
  for (const char a : kLetters) {
    for (const char b : kLetters) vocabulary.add({a, b});
  }
  for (const char a : kLetters) {
    for (const char b : kLetters) vocabulary.add({' ', a, b});
  }
  for (int n = 0; n < 100; ++n) vocabulary.add(fmt::format("{:02}", n));
  for (int n = 0; n < 1000; ++n) vocabulary.add(fmt::format("{:03}", n));
  for (const char a : kLetters) {
    const char capital = static_cast<char>(std::toupper(static_cast<unsigned char>(a)));
    vocabulary.add({' ', capital});
    for (const char b : kLetters) vocabulary.add({capital, b});
    for (const char b : kLetters) vocabulary.add({' ', capital, b});
  }
  for (const char a : kLetters) {
    for (const char b : kLetters) {
      for (const char c : kLetters) vocabulary.add({a, b, c});
      for (const char c : kLetters) vocabulary.add({' ', a, b, c});
    }
  }
}

bool is_word(std::string_view token) {
  if (token.starts_with(' ')) token.remove_prefix(1);
  if (token.size() < 2) return false;
  for (const char c : token) {
    if (c < 'A' || (c > 'Z' && c < 'a') || c > 'z') return false;
  }
  return true;
}

void add_long_words(VocabularyBuilder& vocabulary, Rng& rng) {
  std::vector<std::string> beginnings;
  for (const std::string& token : vocabulary.tokens()) {
    if (is_word(token)) beginnings.push_back(token);
  }
  while (!vocabulary.full()) {
    // Grown by a letter or two, most words can be cut in two or three places, as Llama 3's can.
    std::string word = beginnings[rng.below(beginnings.size())];
    for (uint64_t letters = rng.below(4) == 0 ? 2 : 1; letters > 0; --letters) word += kLetters[rng.below(kLetters.size())];
    if (word.size() > kLongestWord) continue;
    const std::size_t before = vocabulary.tokens().size();
    vocabulary.add(word);
    if (vocabulary.tokens().size() > before) beginnings.push_back(word);
  }
}

/// One way to make each token, and of the other ways as many, evenly chosen, as are wanted.
std::vector<std::string> choose_merges(const VocabularyBuilder& vocabulary, std::size_t wanted,
                                       const std::array<std::string, 256>& written, Rng& rng) {
  std::vector<std::pair<std::size_t, std::size_t>> ways;  // token, cut
  std::vector<bool> first;
  for (std::size_t id = 256; id < vocabulary.tokens().size(); ++id) {
    const std::vector<std::size_t> cuts = vocabulary.cuts(id);
    IFM_CHECK(!cuts.empty());
    for (const std::size_t cut : cuts) {
      first.push_back(ways.empty() || ways.back().first != id);
      ways.emplace_back(id, cut);
    }
  }
  const std::size_t needed = vocabulary.tokens().size() - 256;
  IFM_CHECK(wanted >= needed && wanted <= ways.size());
  std::size_t extra_wanted = wanted - needed;
  std::size_t extra_left = ways.size() - needed;
  std::vector<std::string> merges;
  merges.reserve(wanted);
  for (std::size_t i = 0; i < ways.size(); ++i) {
    if (!first[i] && rng.below(extra_left--) >= extra_wanted) continue;
    if (!first[i]) --extra_wanted;
    const std::string& token = vocabulary.tokens()[ways[i].first];
    std::string merge;
    for (std::size_t k = 0; k < token.size(); ++k) {
      if (k == ways[i].second) merge += ' ';
      merge += written[static_cast<unsigned char>(token[k])];
    }
    merges.push_back(std::move(merge));
  }
  return merges;
}

/// Llama 3's names of its special tokens, by their place behind the ordinary ones.
std::string special_name(int index) {
  switch (index) {
    case 0:
      return "<|begin_of_text|>";
    case 1:
      return "<|end_of_text|>";
    case 4:
      return "<|finetune_right_pad_id|>";
    case 6:
      return "<|start_header_id|>";
    case 7:
      return "<|end_header_id|>";
    case 8:
      return "<|eom_id|>";
    case 9:
      return "<|eot_id|>";
    case 10:
      return "<|python_tag|>";
    default:
      break;
  }
  const int before = index < 4 ? 2 : index == 5 ? 3 : 8;  // named tokens that stand before it
  return fmt::format("<|reserved_special_token_{}|>", index - before);
}

}  // namespace

TokenizerSpec synth_tokenizer(const SynthTokenizerSize& size, uint64_t seed) {
  IFM_CHECK(size.tokens > 256 && size.specials >= 10);
  Rng rng(seed);
  VocabularyBuilder vocabulary(size.tokens);
  add_short_tokens(vocabulary);
  if (!vocabulary.full()) add_long_words(vocabulary, rng);
  const std::array<std::string, 256> written = written_bytes();
  TokenizerSpec spec;
  spec.pre = PreTokenizer::llama3;
  spec.tokens.reserve(static_cast<std::size_t>(size.tokens + size.specials));
  for (const std::string& token : vocabulary.tokens()) {
    std::string text;
    for (const char c : token) text += written[static_cast<unsigned char>(c)];
    spec.tokens.push_back(std::move(text));
  }
  spec.kinds.assign(spec.tokens.size(), TokenKind::normal);
  for (int i = 0; i < size.specials; ++i) {
    spec.tokens.push_back(special_name(i));
    spec.kinds.push_back(TokenKind::control);
  }
  spec.merges = choose_merges(vocabulary, static_cast<std::size_t>(size.merges), written, rng);
  spec.bos = size.tokens;
  spec.eos = size.tokens + 9;
  spec.pad = size.tokens + 4;
  spec.add_bos = true;
  spec.chat_template = kChatTemplate;
  return spec;
}

}  // namespace ifm
