#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "inferometer/base/token_id.h"

namespace ifm {

/// The merge rules of a byte-level BPE and the algorithm that applies them to one word.
class BpeMerges {
 public:
  /// Ids of the 256 single bytes; -1 where the vocabulary has none (such a byte is dropped, as the reference does).
  using ByteIds = std::array<TokenId, 256>;

  /// Working memory of encode_word, kept between words. One per thread.
  struct Scratch {
    struct Symbol {
      TokenId id;
      int32_t previous;
      int32_t next;
    };
    struct Candidate {
      int32_t rank;
      int32_t position;
      TokenId merged;
    };
    std::vector<TokenId> ids;
    std::vector<int32_t> ranks;
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
  };

  void set_byte_ids(const ByteIds& ids) { byte_ids_ = ids; }
  void reserve(std::size_t merges);
  /// A rule; a later rule of the same pair replaces the earlier one, as in the reference.
  void add(TokenId left, TokenId right, int32_t rank, TokenId merged);
  /// Asks for the cache line that add() of this pair will need.
  /// Inlined always, as Vocabulary's.
  [[gnu::always_inline]] void prefetch(TokenId left, TokenId right) const {
    __builtin_prefetch(&slots_[slot_of(key_of(left, right))], 1);
  }
  /// Appends the ids of one word: the rule of lowest rank first, leftmost first among equals. O(n log n) for long words.
  void encode_word(std::string_view bytes, Scratch& scratch, std::vector<TokenId>& out) const;
  [[nodiscard]] std::size_t size() const { return count_; }

 private:
  struct Merge {
    int32_t rank;
    TokenId merged;
  };
  struct Slot {
    uint64_t key = kEmpty;
    Merge merge{kNoRank, -1};
  };
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  static constexpr int32_t kNoRank = INT32_MAX;

  static uint64_t key_of(TokenId left, TokenId right) {
    return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
  }
  [[nodiscard]] std::size_t slot_of(uint64_t key) const {
    const uint64_t h = key * 0x9E3779B97F4A7C15ULL;
    return (h ^ (h >> 32)) & mask_;
  }
  [[nodiscard]] Merge find(TokenId left, TokenId right) const;
  void rehash(std::size_t slots);
  void merge_short(Scratch& scratch) const;
  void merge_long(Scratch& scratch) const;
  void push_candidate(Scratch& scratch, int32_t position) const;

  ByteIds byte_ids_{};
  std::vector<Slot> slots_{16};
  std::size_t mask_ = 15;
  std::size_t count_ = 0;
};

}  // namespace ifm
