#include "inferometer/format/gguf_parser.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "inferometer/base/error.h"
#include "inferometer/format/ggml_type.h"
#include "inferometer/format/gguf_cursor.h"
#include "inferometer/format/gguf_value.h"
#include "inferometer/format/quote.h"

namespace ifm {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little-endian and used where they lie");

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr uint64_t kDefaultAlignment = 32;
constexpr uint64_t kMaxAlignment = 65536;
constexpr std::size_t kLeastKeyBytes = 8 + 4 + 1;         // empty key, type, one byte
constexpr std::size_t kLeastTensorBytes = 8 + 4 + 4 + 8;  // empty name, no dimensions, type, offset
constexpr std::size_t kMaxKeyBytes = 65535;
constexpr std::size_t kMaxEntries = 65536;  // keys, and tensors; real files have tens and thousands

// A tensor's entry in the header, before its place is known to lie in the file.
struct TensorEntry {
  std::string name;
  DType dtype = DType::f32;
  std::vector<int64_t> shape;  // outermost first
  uint64_t size = 0;
  uint64_t offset = 0;
};

int read_version(GgufCursor& cursor) {
  const auto magic = cursor.take<uint32_t>("GGUF magic");
  if (magic != kMagic)
    fail(ErrorKind::invalid_data, "{}: magic at byte 0 is 0x{:08x} (expected \"GGUF\")", cursor.subject(), magic);
  const auto version = cursor.take<uint32_t>("GGUF version");
  if (version != 0 && (version & 0xFFFFU) == 0) {
    fail(ErrorKind::invalid_data, "{}: GGUF version at byte 4 is byte-swapped (expected a little-endian file)", cursor.subject());
  }
  if (version != 2 && version != 3) {
    fail(ErrorKind::invalid_data, "{}: GGUF version at byte 4 is {} (expected 2 or 3)", cursor.subject(), version);
  }
  return static_cast<int>(version);
}

uint64_t checked_alignment(const GgufCursor& cursor, const GgufTypedValue& typed) {
  const auto* value = std::get_if<uint64_t>(&typed.value);
  if (typed.type != static_cast<uint32_t>(GgufType::u32) || value == nullptr) {
    fail(ErrorKind::invalid_data, "{}: general.alignment has value type {} (expected 4, u32)", cursor.subject(), typed.type);
  }
  if (!std::has_single_bit(*value) || *value > kMaxAlignment) {
    fail(ErrorKind::invalid_data, "{}: general.alignment is {} (expected a power of two up to {})", cursor.subject(), *value,
         kMaxAlignment);
  }
  return *value;
}

void check_count(std::size_t count, const char* what, const std::string& subject) {
  if (count > kMaxEntries) fail(ErrorKind::invalid_data, "{}: {} is {} (expected at most {})", subject, what, count, kMaxEntries);
}

// Fills the metadata and returns the alignment.
uint64_t read_metadata(GgufCursor& cursor, std::size_t count, GgufContent& content) {
  uint64_t alignment = kDefaultAlignment;
  for (std::size_t i = 0; i < count; ++i) {
    std::string key = cursor.take_string("metadata key");
    if (key.empty() || key.size() > kMaxKeyBytes) {
      fail(ErrorKind::invalid_data, "{}: metadata key {} has {} bytes (expected 1 to {})", cursor.subject(), i, key.size(),
           kMaxKeyBytes);
    }
    GgufTypedValue typed = read_gguf_value(cursor, key);
    if (key == "general.alignment") alignment = checked_alignment(cursor, typed);
    const auto [place, is_new] = content.metadata.try_emplace(std::move(key), std::move(typed.value));
    if (!is_new) fail(ErrorKind::invalid_data, "{}: metadata key {} stands twice", cursor.subject(), quote(place->first));
  }
  return alignment;
}

void check_not_split(const GgufContent& content, const std::string& subject) {
  const auto found = content.metadata.find("split.count");
  if (found == content.metadata.end()) return;
  const auto* count = std::get_if<uint64_t>(&found->second);
  if (count == nullptr) fail(ErrorKind::invalid_data, "{}: split.count is no unsigned integer", subject);
  if (*count > 1)
    fail(ErrorKind::unsupported, "{}: is one of {} parts of a split model, which is not supported (merge them)", subject, *count);
}

DType read_type(GgufCursor& cursor, const std::string& name) {
  const auto id = cursor.take<uint32_t>("tensor type");
  const GgmlType* type = ggml_type(id);
  if (type == nullptr) fail(ErrorKind::invalid_data, "{}: tensor {} has unknown type {}", cursor.subject(), quote(name), id);
  if (!type->dtype)
    fail(ErrorKind::unsupported,
         "{}: tensor {} has type {}, which is not supported (expected F32, F16, BF16, Q8_0, Q6_K, Q5_K, Q5_1, Q5_0, Q4_K, Q4_1 "
         "or Q4_0; llama.cpp knows more: --engine llama_cpp)",
         cursor.subject(), quote(name), type->name);
  return *type->dtype;
}

std::vector<int64_t> read_shape(GgufCursor& cursor, const std::string& name) {
  const auto rank = cursor.take<uint32_t>("tensor rank");
  if (rank > 4)
    fail(ErrorKind::invalid_data, "{}: tensor {} has {} dimensions (expected at most 4)", cursor.subject(), quote(name), rank);
  std::vector<int64_t> shape(rank);
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  uint64_t elements = 1;
  for (std::size_t i = rank; i > 0; --i) {
    const auto size = cursor.take<uint64_t>("tensor dimension");
    if (size > kMax || (size != 0 && elements > kMax / size)) {
      fail(ErrorKind::invalid_data, "{}: tensor {} has dimensions that overflow", cursor.subject(), quote(name));
    }
    if (size != 0) elements *= size;  // so that no order of multiplying can wrap, though the count may be zero
    shape[i - 1] = static_cast<int64_t>(size);
  }
  return shape;
}

// Bytes of a tensor whose element count is known to fit 63 bits.
uint64_t byte_size(const TensorEntry& entry, const std::string& subject) {
  const DTypeInfo& type = info(entry.dtype);
  const int64_t row = entry.shape.empty() ? 1 : entry.shape.back();
  if (row % type.block_elements != 0) {
    fail(ErrorKind::invalid_data, "{}: tensor {} has rows of {} (expected a multiple of {} for {})", subject, quote(entry.name),
         row, type.block_elements, type.name);
  }
  uint64_t elements = 1;
  for (const int64_t size : entry.shape) elements *= static_cast<uint64_t>(size);
  const uint64_t blocks = elements / static_cast<uint64_t>(type.block_elements);
  if (blocks > std::numeric_limits<uint64_t>::max() / 2 / static_cast<uint64_t>(type.block_bytes)) {
    fail(ErrorKind::invalid_data, "{}: tensor {} has a size that overflows", subject, quote(entry.name));
  }
  return blocks * static_cast<uint64_t>(type.block_bytes);
}

std::vector<TensorEntry> read_tensors(GgufCursor& cursor, std::size_t count) {
  std::vector<TensorEntry> entries;
  entries.reserve(count);
  std::unordered_set<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    TensorEntry entry;
    entry.name = cursor.take_string("tensor name");
    if (entry.name.empty()) fail(ErrorKind::invalid_data, "{}: tensor {} has no name", cursor.subject(), i);
    if (!names.insert(entry.name).second)
      fail(ErrorKind::invalid_data, "{}: tensor {} stands twice", cursor.subject(), quote(entry.name));
    entry.shape = read_shape(cursor, entry.name);
    entry.dtype = read_type(cursor, entry.name);
    entry.size = byte_size(entry, cursor.subject());
    entry.offset = cursor.take<uint64_t>("tensor offset");
    entries.push_back(std::move(entry));
  }
  return entries;
}

// size rounded up; the result cannot wrap because sizes stay below 2^63 and alignments are small.
uint64_t padded(uint64_t size, uint64_t alignment) { return (size + alignment - 1) / alignment * alignment; }

// Tensors must follow one another in the data, each at the next multiple of the alignment, and fill it.
void place_tensors(std::vector<TensorEntry> entries, std::span<const std::byte> file, std::size_t header_bytes,
                   uint64_t alignment, GgufContent& content, const std::string& subject) {
  const uint64_t start = padded(header_bytes, alignment);
  if (entries.empty()) {
    if (file.size() > start)
      fail(ErrorKind::invalid_data, "{}: {} bytes after the header (expected no data)", subject, file.size() - start);
    return;
  }
  if (start > file.size()) fail(ErrorKind::invalid_data, "{}: ends in the padding before the data at byte {}", subject, start);
  const std::span<const std::byte> data = file.subspan(static_cast<std::size_t>(start));
  uint64_t expected = 0;
  uint64_t end = 0;
  for (TensorEntry& entry : entries) {
    if (entry.offset != expected) {
      fail(ErrorKind::invalid_data, "{}: tensor {} has offset {} (expected {}, after the one before, aligned to {})", subject,
           quote(entry.name), entry.offset, expected, alignment);
    }
    if (expected > data.size() || entry.size > data.size() - expected) {
      fail(ErrorKind::invalid_data, "{}: tensor {} ends past the end of the file (expected {} data bytes, got {})", subject,
           quote(entry.name), expected + entry.size, data.size());
    }
    end = expected + entry.size;
    expected = padded(end, alignment);
    content.tensors.push_back({std::move(entry.name), entry.dtype, std::move(entry.shape),
                               data.subspan(static_cast<std::size_t>(entry.offset), static_cast<std::size_t>(entry.size))});
  }
  if (data.size() > expected) {
    fail(ErrorKind::invalid_data, "{}: {} bytes after the last tensor (expected at most padding to {})", subject,
         data.size() - end, alignment);
  }
}

}  // namespace

GgufContent parse_gguf(std::span<const std::byte> file, const std::string& subject) {
  GgufCursor cursor(file, subject);
  GgufContent content;
  content.version = read_version(cursor);
  const std::size_t tensor_count = cursor.take_count("GGUF tensor count", kLeastTensorBytes);
  const std::size_t key_count = cursor.take_count("GGUF metadata count", kLeastKeyBytes);
  check_count(tensor_count, "GGUF tensor count", subject);
  check_count(key_count, "GGUF metadata count", subject);
  const uint64_t alignment = read_metadata(cursor, key_count, content);
  check_not_split(content, subject);
  std::vector<TensorEntry> entries = read_tensors(cursor, tensor_count);
  place_tensors(std::move(entries), file, cursor.offset(), alignment, content, subject);
  return content;
}

}  // namespace ifm
