#include "inferometer/text/tokenizer_parts.h"

#include <algorithm>
#include <array>

#include "inferometer/base/error.h"
#include "inferometer/format/quote.h"
#include "inferometer/text/byte_level.h"
#include "inferometer/text/utf8.h"

namespace ifm {
namespace {

/// A merge's result is looked up by its text; longer tokens are not made by merges of real vocabularies.
constexpr std::size_t kMaxTokenBytes = 4096;
constexpr std::size_t kMaxWordBytes = std::size_t{8} << 20;

}  // namespace

void TokenizerParts::add_token(int64_t id, std::string_view written, uint8_t flag) {
  if (id < 0 || id >= Vocabulary::kMaxSize) {
    fail(ErrorKind::invalid_data, "{}: token {} has an id out of range (expected 0 to {}, got {})", source, quote(written),
         Vocabulary::kMaxSize - 1, id);
  }
  if (written.size() > kMaxTokenBytes) {
    fail(ErrorKind::invalid_data, "{}: token {} is too long (expected at most {} bytes, got {})", source, id, kMaxTokenBytes,
         written.size());
  }
  const auto token = static_cast<TokenId>(id);
  if (!vocabulary.add(token, written)) {
    fail(ErrorKind::invalid_data, "{}: token {}, id {}: id or text is there twice", source, quote(written), id);
  }
  if (flags.size() <= static_cast<std::size_t>(id)) flags.resize(static_cast<std::size_t>(id) + 1);
  flags[static_cast<std::size_t>(id)] = flag;
}

void TokenizerParts::add_added_token(int64_t id, std::string_view content, bool special, bool normalized) {
  const TokenId known = vocabulary.find(content);
  if (known >= 0 && known != id) {
    fail(ErrorKind::invalid_data, "{}: added token {} has two ids (expected {} as in the vocabulary, got {})", source,
         quote(content), known, id);
  }
  if (known < 0) add_token(id, content, 0);
  if (special) flags[static_cast<std::size_t>(id)] |= kSpecial;
  if (content.empty()) return;
  if (normalized && normalize_nfc && is_valid_utf8(content)) {
    added_normalized.add(to_nfc(content), static_cast<TokenId>(id), special);
  } else {
    (normalized ? added_normalized : added).add(content, static_cast<TokenId>(id), special);
  }
}

void TokenizerParts::add_merge(std::string_view left, std::string_view right) {
  pending_.push_back({left, right});
  if (pending_.size() == kMergeBlock) flush_merges();
}

void TokenizerParts::flush_merges() {
  std::array<std::array<uint64_t, 3>, kMergeBlock> hashes;
  std::array<std::string, kMergeBlock> joined;
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    const PendingMerge& merge = pending_[i];
    joined[i].append(merge.left).append(merge.right);
    hashes[i] = {Vocabulary::hash(merge.left), Vocabulary::hash(merge.right), Vocabulary::hash(joined[i])};
    for (const uint64_t hash : hashes[i]) vocabulary.prefetch(hash);
  }
  std::array<std::array<TokenId, 3>, kMergeBlock> ids;
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    const PendingMerge& merge = pending_[i];
    ids[i] = {vocabulary.find(merge.left, hashes[i][0]), vocabulary.find(merge.right, hashes[i][1]),
              vocabulary.find(joined[i], hashes[i][2])};
    if (*std::min_element(ids[i].begin(), ids[i].end()) < 0) {
      fail(ErrorKind::invalid_data, "{}: merge {} ({} + {}) names a token that is not in the vocabulary", source,
           static_cast<std::size_t>(next_rank_) + i, quote(merge.left), quote(merge.right));
    }
    merges.prefetch(ids[i][0], ids[i][1]);
  }
  for (std::size_t i = 0; i < pending_.size(); ++i) merges.add(ids[i][0], ids[i][1], next_rank_++, ids[i][2]);
  pending_.clear();
}

std::string_view TokenizerParts::token_text(TokenId id, std::string& storage) const {
  const std::string_view written = vocabulary.written(id);
  if ((flags[static_cast<std::size_t>(id)] & kModel) == 0) return written;
  if (std::optional<std::string> decoded = bytes_of_written(written)) {
    storage = std::move(*decoded);
    return storage;
  }
  return written;  // as the reference's decoder: a token that is not in byte-level writing stands for itself
}

void TokenizerParts::finish() {
  if (vocabulary.count() == 0) fail(ErrorKind::invalid_data, "{}: the vocabulary is empty", source);
  flush_merges();
  const auto size = static_cast<std::size_t>(vocabulary.size());
  flags.resize(size);
  byte_ends.reserve(size);
  std::string storage;
  for (std::size_t id = 0; id < size; ++id) {
    bytes.append(token_text(static_cast<TokenId>(id), storage));
    byte_ends.push_back(static_cast<uint32_t>(bytes.size()));
  }
  BpeMerges::ByteIds ids{};
  for (std::size_t byte = 0; byte < ids.size(); ++byte) {
    const char c = static_cast<char>(byte);
    std::string written;
    append_written(written, {&c, 1});
    ids[byte] = model_id(written);
  }
  merges.set_byte_ids(ids);
}

bool TokenizerParts::has_all_bytes() const {
  for (int byte = 0; byte < 0xF5; ++byte) {
    if (byte == 0xC0 || byte == 0xC1) continue;
    const char c = static_cast<char>(byte);
    std::string written;
    append_written(written, {&c, 1});
    if (model_id(written) < 0) return false;
  }
  return true;
}

TokenId TokenizerParts::model_id(std::string_view written) const {
  const TokenId id = vocabulary.find(written);
  return id >= 0 && (flags[static_cast<std::size_t>(id)] & kModel) != 0 ? id : -1;
}

void TokenizerParts::encode_word(std::string_view word, BpeMerges::Scratch& scratch, std::vector<TokenId>& out) const {
  if (word.size() > kMaxWordBytes) {
    fail(ErrorKind::resource, "text: a single word is too long to tokenize (expected at most {} bytes, got {})", kMaxWordBytes,
         word.size());
  }
  if (whole_words_first && word.size() <= kMaxTokenBytes) {
    std::string written;
    append_written(written, word);
    const TokenId id = model_id(written);
    if (id >= 0) {
      out.push_back(id);
      return;
    }
  }
  merges.encode_word(word, scratch, out);
}

void TokenizerParts::encode_valid(std::string_view text, BpeMerges::Scratch& scratch, std::vector<TokenId>& out) const {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = next_word(pre_tokenizer, text, begin);
    encode_word(text.substr(begin, end - begin), scratch, out);
    begin = end;
  }
}

void TokenizerParts::encode_plain(std::string_view text, BpeMerges::Scratch& scratch, std::vector<TokenId>& out) const {
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    while (end < text.size()) {
      const Utf8Char c = decode_utf8(text, end);
      if (!c.valid) break;
      end += c.size;
    }
    encode_valid(text.substr(begin, end - begin), scratch, out);
    while (end < text.size()) {
      const Utf8Char c = decode_utf8(text, end);
      if (c.valid) break;
      // Ill-formed bytes: one token each, so that decoding gives them back.
      for (std::size_t i = 0; i < c.size; ++i) merges.encode_word(text.substr(end + i, 1), scratch, out);
      end += c.size;
    }
    begin = end;
  }
}

/// Normalizes the well-formed stretches only.
static std::string normalized(std::string_view text) {
  std::string out;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    Utf8Char c = decode_utf8(text, end);
    while (c.valid && end < text.size()) {
      end += c.size;
      if (end < text.size()) c = decode_utf8(text, end);
    }
    out += to_nfc(text.substr(begin, end - begin));
    const std::size_t bad = end < text.size() ? c.size : 0;
    out += text.substr(end, bad);
    begin = end + bad;
  }
  return out;
}

void TokenizerParts::encode_normalized(std::string_view text, SpecialText special, BpeMerges::Scratch& scratch,
                                       std::vector<TokenId>& out) const {
  std::string storage;
  if (normalize_nfc) {
    storage = normalized(text);
    text = storage;
  }
  for (std::size_t begin = 0; begin < text.size();) {
    const AddedTokens::Match match = added_normalized.find(text, begin, special);
    const std::size_t end = match.size > 0 ? match.begin : text.size();
    encode_plain(text.substr(begin, end - begin), scratch, out);
    if (match.size > 0) out.push_back(match.id);
    begin = end + match.size;
  }
}

}  // namespace ifm
