#include "inferometer/model/kv_cache.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"

namespace ifm {
namespace {

int64_t checked_bytes(int64_t page_bytes, int64_t pages) {
  IFM_CHECK(pages > 0);
  if (pages > std::numeric_limits<int32_t>::max() || page_bytes > std::numeric_limits<int64_t>::max() / 2 / pages) {
    fail(ErrorKind::resource, "KV cache: {} pages of {} bytes are more than can be addressed", pages, page_bytes);
  }
  return page_bytes * pages;
}

}  // namespace

KvPool::KvPool(const ModelConfig& config, int64_t pages)
    : head_dim_(config.head_dim),
      kv_heads_(config.kv_heads),
      head_bytes_(2 * kPageTokens * config.head_dim * 2),
      page_bytes_(config.layers * config.kv_heads * head_bytes_),
      memory_(checked_bytes(page_bytes_, pages)) {
  users_.resize(static_cast<std::size_t>(pages), 0);
  free_.resize(static_cast<std::size_t>(pages));
  for (std::size_t i = 0; i < free_.size(); ++i) free_[i] = static_cast<int32_t>(free_.size() - 1 - i);
}

int32_t KvPool::take() {
  IFM_CHECK(!free_.empty());
  const int32_t page = free_.back();
  free_.pop_back();
  users_[static_cast<std::size_t>(page)] = 1;
  return page;
}

void KvPool::give_back(int32_t page) {
  if (--users_[static_cast<std::size_t>(page)] == 0) free_.push_back(page);
}

KvSequence::KvSequence(KvPool& pool, int64_t capacity) : pool_(&pool), capacity_(capacity) { IFM_CHECK(capacity > 0); }

KvSequence::KvSequence(KvSequence&& other) noexcept
    : pool_(other.pool_),
      capacity_(other.capacity_),
      size_(std::exchange(other.size_, 0)),
      table_(std::exchange(other.table_, {})) {}

KvSequence& KvSequence::operator=(KvSequence&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(capacity_, other.capacity_);
  std::swap(size_, other.size_);
  std::swap(table_, other.table_);
  return *this;
}

KvSequence::~KvSequence() { give_back_from(0); }

void KvSequence::give_back_from(std::size_t page) {
  while (table_.size() > page) {
    pool_->give_back(table_.back());
    table_.pop_back();
  }
}

void KvSequence::truncate(int64_t size) {
  IFM_CHECK(size >= 0 && size <= size_);
  size_ = size;
  give_back_from(static_cast<std::size_t>(pages_for(size)));
}

KvSequence KvSequence::fork() const {
  KvSequence other(*pool_, capacity_);
  other.size_ = size_;
  other.table_.assign(table_.begin(), table_.begin() + pages_for(size_));
  for (const int32_t page : other.table_) pool_->share(page);
  return other;
}

void KvSequence::reserve(int64_t count) {
  IFM_CHECK(count >= 0 && size_ + count <= capacity_);
  const auto needed = static_cast<std::size_t>(pages_for(size_ + count));
  // Only a partly filled page can be both shared and written.
  const auto first = static_cast<std::size_t>(size_ / kPageTokens);
  const bool copies = count > 0 && first < table_.size() && pool_->is_shared(table_[first]);
  const auto taken = static_cast<int64_t>(needed - std::min(needed, table_.size())) + (copies ? 1 : 0);
  if (taken > pool_->free_pages()) {
    fail(ErrorKind::resource, "KV cache: {} more pages of {} tokens are needed, {} of {} are free", taken, kPageTokens,
         pool_->free_pages(), pool_->pages());
  }
  if (copies) {
    const int32_t copy = pool_->take();
    std::memcpy(pool_->data(copy), pool_->data(table_[first]), static_cast<std::size_t>(pool_->page_bytes()));
    pool_->give_back(std::exchange(table_[first], copy));
  }
  while (table_.size() < needed) table_.push_back(pool_->take());
}

void KvSequence::advance(int64_t count) {
  IFM_CHECK(count >= 0 && static_cast<std::size_t>(pages_for(size_ + count)) <= table_.size());
  size_ += count;
}

void KvSequence::prefetch(int64_t layer, int64_t head, int64_t position) const {
  const int64_t d = pool_->head_dim_;
  const std::byte* at = pool_->data(table_[static_cast<std::size_t>(position / kPageTokens)]) + head_offset(layer, head);
  for (int64_t i = 0; i < d; ++i) __builtin_prefetch(at + 2 * (i * kPageTokens + position % kPageTokens), 1);
  __builtin_prefetch(at + 2 * d * (kPageTokens + position % kPageTokens), 1);
}

void KvSequence::write(int64_t layer, int64_t head, int64_t position, const uint16_t* key, const uint16_t* value) {
  const int64_t d = pool_->head_dim_;
  std::byte* at = pool_->data(table_[static_cast<std::size_t>(position / kPageTokens)]) + head_offset(layer, head);
  auto* keys = reinterpret_cast<uint16_t*>(at) + position % kPageTokens;
  for (int64_t i = 0; i < d; ++i) keys[i * kPageTokens] = key[i];
  std::memcpy(at + 2 * d * (kPageTokens + position % kPageTokens), value, static_cast<std::size_t>(2 * d));
}

KvPages KvSequence::pages(int64_t layer, int64_t head) const {
  return {.base = pool_->data(0) + head_offset(layer, head), .table = table_.data(), .page_bytes = pool_->page_bytes()};
}

int64_t cache_bytes_per_position(const ModelConfig& config) { return 2 * config.layers * config.kv_heads * config.head_dim * 2; }

}  // namespace ifm
