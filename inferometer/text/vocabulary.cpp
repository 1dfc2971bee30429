#include "inferometer/text/vocabulary.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "inferometer/base/check.h"

namespace ifm {
namespace {

uint64_t mix(uint64_t a, uint64_t b) {
  a = (a ^ b) * 0x9E3779B97F4A7C15ULL;
  return a ^ (a >> 32);
}

template <typename Word>
uint64_t load(const char* data) {
  Word word;
  std::memcpy(&word, data, sizeof(word));
  return word;
}

/// The bytes as one number; no two texts of the same size give the same.
uint64_t load_up_to_8(const char* data, std::size_t size) {
  if (size == 8) return load<uint64_t>(data);
  if (size >= 4) return load<uint32_t>(data) | (load<uint32_t>(data + size - 4) << 32);
  if (size >= 2) return load<uint16_t>(data) | (load<uint16_t>(data + size - 2) << 16);
  return size == 1 ? load<uint8_t>(data) : 0;
}

}  // namespace

uint64_t Vocabulary::hash(std::string_view text) {
  uint64_t h = text.size() * 0xD6E8FEB86659FD93ULL;
  const char* data = text.data();
  std::size_t left = text.size();
  for (; left >= 8; left -= 8, data += 8) h = mix(h, load_up_to_8(data, 8));
  if (left > 0) h = mix(h, load_up_to_8(data, left));
  return mix(h, h >> 29);
}

void Vocabulary::reserve(std::size_t tokens, std::size_t text_bytes) {
  arena_.reserve(text_bytes);
  tokens_.reserve(tokens);
  const std::size_t slots = std::bit_ceil(std::max<std::size_t>(16, tokens * 2));
  if (slots > slots_.size()) rehash(slots);
}

void Vocabulary::rehash(std::size_t slots) {
  std::vector<Slot> old(slots);
  old.swap(slots_);
  mask_ = slots - 1;
  for (const Slot& slot : old) {
    if (slot.id >= 0) place(slot, hash(written(slot.id)));
  }
}

void Vocabulary::place(const Slot& slot, uint64_t hash) {
  std::size_t i = hash & mask_;
  while (slots_[i].id >= 0) i = (i + 1) & mask_;
  slots_[i] = slot;
}

bool Vocabulary::add(TokenId id, std::string_view written) {
  IFM_CHECK(id >= 0 && id < kMaxSize);
  const uint64_t h = hash(written);
  if (has(id) || find(written, h) >= 0) return false;
  IFM_CHECK(arena_.size() + written.size() < kHole);
  const Token token{static_cast<uint32_t>(arena_.size()), static_cast<uint32_t>(written.size())};
  arena_.append(written);
  if (static_cast<std::size_t>(id) >= tokens_.size()) tokens_.resize(static_cast<std::size_t>(id) + 1);
  tokens_[static_cast<std::size_t>(id)] = token;
  if (static_cast<std::size_t>(++count_) * 2 > slots_.size()) rehash(slots_.size() * 2);
  place({key_of(written, h), id, token.size}, h);
  return true;
}

uint64_t Vocabulary::key_of(std::string_view text, uint64_t hash) {
  return text.size() <= 8 ? load_up_to_8(text.data(), text.size()) : hash;
}

TokenId Vocabulary::find(std::string_view written, uint64_t hash) const {
  const uint64_t key = key_of(written, hash);
  for (std::size_t i = hash & mask_; slots_[i].id >= 0; i = (i + 1) & mask_) {
    const Slot& slot = slots_[i];
    if (slot.key != key || slot.size != written.size()) continue;
    if (slot.size <= 8 || this->written(slot.id) == written) return slot.id;
  }
  return -1;
}

std::string_view Vocabulary::written(TokenId id) const {
  if (!has(id)) return {};
  const Token& token = tokens_[static_cast<std::size_t>(id)];
  return std::string_view(arena_).substr(token.offset, token.size);
}

bool Vocabulary::has(TokenId id) const {
  return id >= 0 && static_cast<std::size_t>(id) < tokens_.size() && tokens_[static_cast<std::size_t>(id)].offset != kHole;
}

}  // namespace ifm
