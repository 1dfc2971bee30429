#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "inferometer/base/token_id.h"

namespace ifm {

/// Ids and written forms of a vocabulary: text in one arena, a flat hash table over it. Built once, then only read.
class Vocabulary {
 public:
  /// Largest id that a file may name, plus one: keeps a hostile file from making us allocate for its ids.
  static constexpr int64_t kMaxSize = int64_t{1} << 22;

  void reserve(std::size_t tokens, std::size_t text_bytes);
  /// False when the id or the written form is there already. 0 <= id < kMaxSize.
  [[nodiscard]] bool add(TokenId id, std::string_view written);
  /// The id, or -1.
  [[nodiscard]] TokenId find(std::string_view written) const { return find(written, hash(written)); }
  [[nodiscard]] TokenId find(std::string_view written, uint64_t hash) const;
  /// Written form; empty for a hole.
  [[nodiscard]] std::string_view written(TokenId id) const;
  [[nodiscard]] bool has(TokenId id) const;
  /// Largest id + 1.
  [[nodiscard]] int size() const { return static_cast<int>(tokens_.size()); }
  /// Number of tokens, holes not counted.
  [[nodiscard]] int count() const { return count_; }

  [[nodiscard]] static uint64_t hash(std::string_view text);
  /// Inlined always: GCC takes a function that only fetches for one without effect, and its calls away.
  [[gnu::always_inline]] void prefetch(uint64_t hash) const { __builtin_prefetch(&slots_[hash & mask_]); }

 private:
  /// Short texts stand in the slot themselves, so most lookups touch one cache line.
  struct Slot {
    uint64_t key = 0;  ///< the text of up to 8 bytes, else its hash
    TokenId id = -1;
    uint32_t size = 0;
  };
  struct Token {
    uint32_t offset = kHole;
    uint32_t size = 0;
  };
  static constexpr uint32_t kHole = ~uint32_t{0};

  void rehash(std::size_t slots);
  void place(const Slot& slot, uint64_t hash);
  [[nodiscard]] static uint64_t key_of(std::string_view text, uint64_t hash);

  std::string arena_;
  std::vector<Token> tokens_;
  std::vector<Slot> slots_{16};
  std::size_t mask_ = 15;
  int count_ = 0;
};

}  // namespace ifm
