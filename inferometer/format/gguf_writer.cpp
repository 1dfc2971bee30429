#include "inferometer/format/gguf_writer.h"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "inferometer/base/check.h"
#include "inferometer/format/atomic_file.h"
#include "inferometer/format/ggml_type.h"
#include "inferometer/format/gguf_value.h"

namespace ifm {
namespace {

constexpr uint64_t kAlignment = 32;

// The bytes of the header while it grows.
class Bytes {
 public:
  template <typename T>
  void put(T value) {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void put_string(std::string_view text) {
    put(uint64_t{text.size()});
    bytes_ += text;
  }
  template <typename T, typename Values>
  void put_array(GgufType type, const Values& values) {
    put(GgufType::array);
    put(type);
    put(uint64_t{values.size()});
    for (const auto& value : values) put(static_cast<T>(value));
  }
  [[nodiscard]] std::span<const std::byte> view() const { return std::as_bytes(std::span(bytes_)); }

 private:
  std::string bytes_;
};

template <typename T>
const T& get(const GgufEntry& entry) {
  const T* value = std::get_if<T>(&entry.value);
  IFM_CHECK(value != nullptr);
  return *value;
}

template <typename T>
T integer(const GgufEntry& entry) {
  if (const auto* value = std::get_if<uint64_t>(&entry.value)) {
    IFM_CHECK(std::in_range<T>(*value));
    return static_cast<T>(*value);
  }
  const auto value = get<int64_t>(entry);
  IFM_CHECK(std::in_range<T>(value));
  return static_cast<T>(value);
}

void put_value(Bytes& out, const GgufEntry& entry) {
  switch (entry.type) {
    case GgufEntry::Type::u32:
      out.put(GgufType::u32);
      return out.put(integer<uint32_t>(entry));
    case GgufEntry::Type::i32:
      out.put(GgufType::i32);
      return out.put(integer<int32_t>(entry));
    case GgufEntry::Type::f32:
      out.put(GgufType::f32);
      return out.put(static_cast<float>(get<double>(entry)));
    case GgufEntry::Type::boolean:
      out.put(GgufType::boolean);
      return out.put(uint8_t{get<bool>(entry)});
    case GgufEntry::Type::text:
      out.put(GgufType::string);
      return out.put_string(get<std::string>(entry));
    case GgufEntry::Type::i32s:
      for (const int64_t value : get<std::vector<int64_t>>(entry)) IFM_CHECK(std::in_range<int32_t>(value));
      return out.put_array<int32_t>(GgufType::i32, get<std::vector<int64_t>>(entry));
    case GgufEntry::Type::f32s:
      return out.put_array<float>(GgufType::f32, get<std::vector<double>>(entry));
    case GgufEntry::Type::texts: {
      const auto& texts = get<std::vector<std::string>>(entry);
      out.put(GgufType::array);
      out.put(GgufType::string);
      out.put(uint64_t{texts.size()});
      for (const std::string& text : texts) out.put_string(text);
      return;
    }
  }
}

uint64_t byte_size(const TensorToWrite& tensor) {
  const DTypeInfo& type = info(tensor.dtype);
  IFM_CHECK(!tensor.shape.empty() && tensor.shape.size() <= 4 && tensor.shape.back() % type.block_elements == 0);
  uint64_t elements = 1;
  for (const int64_t size : tensor.shape) {
    IFM_CHECK(size >= 0);
    elements *= static_cast<uint64_t>(size);
  }
  return elements / static_cast<uint64_t>(type.block_elements) * static_cast<uint64_t>(type.block_bytes);
}

std::size_t padding(uint64_t size) { return static_cast<std::size_t>((kAlignment - size % kAlignment) % kAlignment); }

Bytes header(std::span<const GgufEntry> metadata, std::span<const TensorToWrite> tensors) {
  Bytes out;
  for (const char c : std::string_view("GGUF")) out.put(c);
  out.put(uint32_t{3});
  out.put(uint64_t{tensors.size()});
  out.put(uint64_t{metadata.size()});
  std::set<std::string_view> names;
  for (const GgufEntry& entry : metadata) {
    IFM_CHECK(names.insert(entry.key).second && entry.key != "general.alignment");
    out.put_string(entry.key);
    put_value(out, entry);
  }
  names.clear();
  uint64_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    IFM_CHECK(names.insert(tensor.name).second);
    const std::optional<uint32_t> type = ggml_type_id(tensor.dtype);
    IFM_CHECK(type.has_value());
    out.put_string(tensor.name);
    out.put(static_cast<uint32_t>(tensor.shape.size()));
    for (std::size_t i = tensor.shape.size(); i > 0; --i) out.put(static_cast<uint64_t>(tensor.shape[i - 1]));
    out.put(*type);
    out.put(offset);
    const uint64_t size = byte_size(tensor);
    offset += size + padding(size);
  }
  return out;
}

}  // namespace

void write_gguf(const std::filesystem::path& file, std::span<const GgufEntry> metadata, std::span<const TensorToWrite> tensors) {
  const Bytes head = header(metadata, tensors);
  AtomicFile out(file);
  out.write(head.view());
  out.write_zeros(padding(head.view().size()));
  for (const TensorToWrite& tensor : tensors) {
    const std::vector<std::byte> bytes = tensor.produce();
    IFM_CHECK(bytes.size() == byte_size(tensor));
    out.write(bytes);
    out.write_zeros(padding(bytes.size()));
  }
  out.commit();
}

}  // namespace ifm
