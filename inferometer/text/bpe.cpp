#include "inferometer/text/bpe.h"

#include <algorithm>
#include <bit>

namespace ifm {
namespace {

constexpr std::size_t kShortWord = 40;

bool comes_later(const BpeMerges::Scratch::Candidate& a, const BpeMerges::Scratch::Candidate& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
}

}  // namespace

void BpeMerges::reserve(std::size_t merges) {
  const std::size_t slots = std::bit_ceil(std::max<std::size_t>(16, merges + merges / 2));
  if (slots > slots_.size()) rehash(slots);
}

void BpeMerges::rehash(std::size_t slots) {
  std::vector<Slot> old(slots);
  old.swap(slots_);
  mask_ = slots - 1;
  for (const Slot& slot : old) {
    if (slot.key == kEmpty) continue;
    std::size_t i = slot_of(slot.key);
    while (slots_[i].key != kEmpty) i = (i + 1) & mask_;
    slots_[i] = slot;
  }
}

void BpeMerges::add(TokenId left, TokenId right, int32_t rank, TokenId merged) {
  if ((count_ + 1) * 4 > slots_.size() * 3) rehash(slots_.size() * 2);
  const uint64_t key = key_of(left, right);
  std::size_t i = slot_of(key);
  while (slots_[i].key != kEmpty && slots_[i].key != key) i = (i + 1) & mask_;
  if (slots_[i].key == kEmpty) ++count_;
  slots_[i] = {key, {rank, merged}};
}

BpeMerges::Merge BpeMerges::find(TokenId left, TokenId right) const {
  const uint64_t key = key_of(left, right);
  for (std::size_t i = slot_of(key); slots_[i].key != kEmpty; i = (i + 1) & mask_) {
    if (slots_[i].key == key) return slots_[i].merge;
  }
  return {kNoRank, -1};
}

void BpeMerges::encode_word(std::string_view bytes, Scratch& scratch, std::vector<TokenId>& out) const {
  scratch.ids.clear();
  for (const char c : bytes) {
    const TokenId id = byte_ids_[static_cast<uint8_t>(c)];
    if (id >= 0) scratch.ids.push_back(id);
  }
  if (scratch.ids.size() > 1) {
    if (scratch.ids.size() <= kShortWord) {
      merge_short(scratch);
    } else {
      merge_long(scratch);
    }
  }
  out.insert(out.end(), scratch.ids.begin(), scratch.ids.end());
}

void BpeMerges::merge_short(Scratch& scratch) const {
  std::vector<TokenId>& ids = scratch.ids;
  std::vector<int32_t>& ranks = scratch.ranks;  // of the pair (i, i + 1)
  ranks.resize(ids.size() - 1);
  for (std::size_t i = 0; i < ranks.size(); ++i) ranks[i] = find(ids[i], ids[i + 1]).rank;
  while (!ranks.empty()) {
    const auto best = std::min_element(ranks.begin(), ranks.end());
    if (*best == kNoRank) break;
    const auto i = static_cast<std::size_t>(best - ranks.begin());
    ids[i] = find(ids[i], ids[i + 1]).merged;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    ranks.erase(best);
    if (i < ranks.size()) ranks[i] = find(ids[i], ids[i + 1]).rank;
    if (i > 0) ranks[i - 1] = find(ids[i - 1], ids[i]).rank;
  }
}

void BpeMerges::push_candidate(Scratch& scratch, int32_t position) const {
  if (position < 0) return;
  const Scratch::Symbol& left = scratch.symbols[static_cast<std::size_t>(position)];
  if (left.next < 0) return;
  const Merge merge = find(left.id, scratch.symbols[static_cast<std::size_t>(left.next)].id);
  if (merge.rank == kNoRank) return;
  scratch.heap.push_back({merge.rank, position, merge.merged});
  std::push_heap(scratch.heap.begin(), scratch.heap.end(), comes_later);
}

void BpeMerges::merge_long(Scratch& scratch) const {
  constexpr TokenId gone = -1;
  const auto size = static_cast<int32_t>(scratch.ids.size());
  scratch.symbols.clear();
  scratch.heap.clear();
  for (int32_t i = 0; i < size; ++i)
    scratch.symbols.push_back({scratch.ids[static_cast<std::size_t>(i)], i - 1, i + 1 < size ? i + 1 : -1});
  for (int32_t i = 0; i < size; ++i) push_candidate(scratch, i);
  while (!scratch.heap.empty()) {
    std::pop_heap(scratch.heap.begin(), scratch.heap.end(), comes_later);
    const Scratch::Candidate candidate = scratch.heap.back();
    scratch.heap.pop_back();
    Scratch::Symbol& left = scratch.symbols[static_cast<std::size_t>(candidate.position)];
    if (left.id == gone || left.next < 0) continue;
    Scratch::Symbol& right = scratch.symbols[static_cast<std::size_t>(left.next)];
    const Merge now = find(left.id, right.id);
    if (now.rank != candidate.rank) continue;  // one of the two was merged since
    left.id = now.merged;
    right.id = gone;
    left.next = right.next;
    if (left.next >= 0) scratch.symbols[static_cast<std::size_t>(left.next)].previous = candidate.position;
    push_candidate(scratch, left.previous);
    push_candidate(scratch, candidate.position);
  }
  scratch.ids.clear();
  for (int32_t i = 0; i >= 0; i = scratch.symbols[static_cast<std::size_t>(i)].next) {
    scratch.ids.push_back(scratch.symbols[static_cast<std::size_t>(i)].id);
  }
}

}  // namespace ifm
