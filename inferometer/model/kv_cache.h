#pragma once

#include <cstdint>
#include <vector>

#include "inferometer/base/reserved_memory.h"
#include "inferometer/format/model_config.h"
#include "inferometer/kernel/kernels.h"

namespace ifm {

/// Positions of a page: what attention takes at a time.
inline constexpr int64_t kPageTokens = kAttentionKeys;

/// Pages that hold `positions` positions.
[[nodiscard]] constexpr int64_t pages_for(int64_t positions) { return (positions + kPageTokens - 1) / kPageTokens; }

/// Keys and values (f16) of all layers, in pages of kPageTokens positions that sequences take, share and give back. A page
/// becomes real memory when it is first written, and stays so for the next taker. Not thread-safe.
class KvPool {
 public:
  /// pages > 0. @throws Error resource when the memory cannot be had.
  KvPool(const ModelConfig& config, int64_t pages);
  KvPool(const KvPool&) = delete;
  KvPool& operator=(const KvPool&) = delete;

  [[nodiscard]] int64_t pages() const { return static_cast<int64_t>(users_.size()); }
  [[nodiscard]] int64_t free_pages() const { return static_cast<int64_t>(free_.size()); }
  [[nodiscard]] int64_t page_bytes() const { return page_bytes_; }

 private:
  friend class KvSequence;
  [[nodiscard]] int32_t take();
  void share(int32_t page) { ++users_[static_cast<std::size_t>(page)]; }
  void give_back(int32_t page);
  [[nodiscard]] bool is_shared(int32_t page) const { return users_[static_cast<std::size_t>(page)] > 1; }
  [[nodiscard]] std::byte* data(int32_t page) { return memory_.data() + page * page_bytes_; }

  int64_t head_dim_;
  int64_t kv_heads_;
  int64_t head_bytes_;  // of one layer and head in a page: keys (head_dim, kPageTokens), then values (kPageTokens, head_dim)
  int64_t page_bytes_;
  std::vector<int32_t> users_;  // sequences per page
  std::vector<int32_t> free_;   // the next one last
  ReservedMemory memory_;
};

/// One sequence's positions in a pool. Forks share whatever neither of them writes. Movable; the pool must outlive it.
class KvSequence {
 public:
  /// capacity > 0: the most positions it may hold; takes no page yet.
  KvSequence(KvPool& pool, int64_t capacity);
  KvSequence(KvSequence&& other) noexcept;
  KvSequence& operator=(KvSequence&& other) noexcept;
  KvSequence(const KvSequence&) = delete;
  KvSequence& operator=(const KvSequence&) = delete;
  ~KvSequence();

  [[nodiscard]] int64_t capacity() const { return capacity_; }
  /// Positions that hold a token.
  [[nodiscard]] int64_t size() const { return size_; }
  /// Forgets the positions from `size` on (0 <= size <= size()) and gives back pages that are not needed any more.
  void truncate(int64_t size);
  /// Another sequence with the same positions. Copies no key or value: a page is copied when one of its users writes to it.
  [[nodiscard]] KvSequence fork() const;

  /// Makes the positions [size(), size() + count) writable: takes pages, copies a shared one. size() + count <= capacity().
  /// @throws Error resource when the pool has too few free pages; the sequence is then as before.
  void reserve(int64_t count);
  /// Counts `count` more positions as held: they were reserved, and written in every layer.
  void advance(int64_t count);
  /// Fetches what write() will touch: a line for each number of a key.
  void prefetch(int64_t layer, int64_t head, int64_t position) const;
  /// Writes a reserved position; key and value: (head_dim) f16.
  void write(int64_t layer, int64_t head, int64_t position, const uint16_t* key, const uint16_t* value);
  /// What attention reads; valid until the sequence changes its pages.
  [[nodiscard]] KvPages pages(int64_t layer, int64_t head) const;

 private:
  [[nodiscard]] int64_t head_offset(int64_t layer, int64_t head) const {
    return (layer * pool_->kv_heads_ + head) * pool_->head_bytes_;
  }
  void give_back_from(std::size_t page);

  KvPool* pool_;
  int64_t capacity_;
  int64_t size_ = 0;
  std::vector<int32_t> table_;  // page of each kPageTokens positions
};

/// Bytes of one position over all layers.
[[nodiscard]] int64_t cache_bytes_per_position(const ModelConfig& config);

}  // namespace ifm
