#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "inferometer/base/token_id.h"
#include "inferometer/text/utf8.h"

/// The strings and hashes of tools/goldens/text/make_tokenizer_goldens.py, for tests.
namespace ifm::test {

inline std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline std::string text_golden_folder() { return std::string(IFM_SOURCE_DIR) + "/tests/golden/text/"; }

/// Knuth's MMIX generator, the upper 31 bits of each state.
class Lcg {
 public:
  explicit Lcg(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL) {}
  uint64_t below(uint64_t n) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state_ >> 33) % n;
  }

 private:
  uint64_t state_;
};

/// Makes string number i from the words and spaces of a golden file.
class StringMaker {
 public:
  explicit StringMaker(const nlohmann::json& golden) : words_(golden["words"].get<std::vector<std::string>>()) {
    const std::string spaces = golden["spaces"];
    for (std::size_t i = 0; i < spaces.size(); i += spaces_.back().size())
      spaces_.push_back(spaces.substr(i, decode_utf8(spaces, i).size));
  }

  [[nodiscard]] std::string make(uint64_t i) const {
    constexpr uint64_t planes[][2] = {{0x20, 0x7F},      {0x80, 0x800},      {0x800, 0xD800},
                                      {0xE000, 0x10000}, {0x10000, 0x20000}, {0x20000, 0x110000}};
    Lcg rng(i);
    std::string out;
    for (uint64_t left = rng.below(24); left > 0; --left) {
      const uint64_t kind = rng.below(10);
      if (kind < 4) {
        out += words_[rng.below(words_.size())];
      } else if (kind < 6) {
        out += static_cast<char>(32 + rng.below(95));
      } else if (kind < 7) {
        out += spaces_[rng.below(spaces_.size())];
      } else {
        const auto& plane = planes[rng.below(6)];
        append_utf8(out, static_cast<char32_t>(plane[0] + rng.below(plane[1] - plane[0])));
      }
    }
    return out;
  }

 private:
  std::vector<std::string> words_;
  std::vector<std::string> spaces_;
};

/// FNV-1a over the ids as four bytes each, lowest first; as 16 hexadecimal digits.
inline std::string hash_of(const std::vector<TokenId>& ids) {
  uint64_t h = 0xCBF29CE484222325ULL;
  for (const TokenId id : ids) {
    for (int shift = 0; shift < 32; shift += 8) h = (h ^ ((static_cast<uint32_t>(id) >> shift) & 0xFF)) * 0x100000001B3ULL;
  }
  std::string hex;
  for (int shift = 60; shift >= 0; shift -= 4) hex += "0123456789abcdef"[(h >> shift) & 15];
  return hex;
}

/// Number of a golden file's strings that the tokenizer encodes otherwise; the first few are reported.
template <typename Tokenizer>
int count_mismatches(const nlohmann::json& golden, const Tokenizer& tokenizer) {
  const StringMaker strings(golden);
  const std::string hashes = golden["hashes"];
  int mismatches = 0;
  for (uint64_t i = 0; i < golden["count"].get<uint64_t>(); ++i) {
    const std::string text = strings.make(i);
    const std::vector<TokenId> ids = tokenizer.encode(text);
    const bool full = i < golden["ids"].size();
    const bool same = hash_of(ids) == hashes.substr(16 * i, 16) && (!full || golden["ids"][i].get<std::vector<TokenId>>() == ids);
    if (!same && ++mismatches <= 5) ADD_FAILURE() << "string " << i << ": " << text;
  }
  return mismatches;
}

}  // namespace ifm::test
