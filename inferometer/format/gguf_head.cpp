#include "inferometer/format/gguf_head.h"

#include <cstring>
#include <limits>
#include <utility>

#include "inferometer/base/error.h"
#include "inferometer/format/gguf_cursor.h"
#include "inferometer/format/gguf_value.h"

namespace ifm {
namespace {

constexpr std::string_view kTokenizer = "tokenizer.";
constexpr std::size_t kLeastKeyBytes = 8 + 1 + 4 + 1;
constexpr std::size_t kLongestValue = std::size_t{1} << 16;  // of those before the tokenizer's

}  // namespace

GgufHead GgufHead::read(std::span<const std::byte> bytes, const std::string& subject) {
  if (bytes.size() < 4 || std::memcmp(bytes.data(), "GGUF", 4) != 0) {
    fail(ErrorKind::invalid_data, "{}: is no GGUF file (expected \"GGUF\" at its beginning)", subject);
  }
  const bool whole = bytes.size() < kBytes;
  GgufCursor cursor(bytes.subspan(4), subject);
  if (const auto version = cursor.take<uint32_t>("GGUF version"); version != 2 && version != 3) {
    fail(ErrorKind::invalid_data, "{}: GGUF version is {} (expected 2 or 3)", subject, version);
  }
  (void)cursor.take<uint64_t>("GGUF tensor count");
  const std::size_t count = cursor.take_count("GGUF metadata count", kLeastKeyBytes);
  GgufHead head;
  for (std::size_t i = 0; i < count && (whole || cursor.remaining() > kLongestValue); ++i) {
    std::string key = cursor.take_string("metadata key");
    if (key.starts_with(kTokenizer)) break;
    GgufValue value = read_gguf_value(cursor, key).value;
    head.metadata_.try_emplace(std::move(key), std::move(value));
  }
  return head;
}

std::string GgufHead::architecture() const {
  const auto found = metadata_.find("general.architecture");
  const auto* text = found == metadata_.end() ? nullptr : std::get_if<std::string>(&found->second);
  return text == nullptr ? "" : *text;
}

std::optional<int64_t> GgufHead::number(const std::string& key) const {
  constexpr int64_t kLargest = std::numeric_limits<int32_t>::max();
  const auto found = metadata_.find(architecture() + "." + key);
  if (found == metadata_.end()) return std::nullopt;
  if (const auto* value = std::get_if<uint64_t>(&found->second); value != nullptr && *value <= kLargest) {
    return static_cast<int64_t>(*value);
  }
  if (const auto* value = std::get_if<int64_t>(&found->second); value != nullptr && *value >= 0 && *value <= kLargest)
    return *value;
  return std::nullopt;
}

}  // namespace ifm
