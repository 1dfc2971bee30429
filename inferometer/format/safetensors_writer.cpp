#include "inferometer/format/safetensors_writer.h"

#include <set>
#include <string_view>

#include <nlohmann/json.hpp>

#include "inferometer/base/check.h"
#include "inferometer/format/atomic_file.h"

namespace ifm {
namespace {

constexpr std::size_t kAlignment = 64;  // where the data begins: a cache line

std::string_view safetensors_name(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return "F64";
    case DType::f32:
      return "F32";
    case DType::f16:
      return "F16";
    case DType::bf16:
      return "BF16";
    case DType::i64:
      return "I64";
    case DType::i32:
      return "I32";
    case DType::i16:
      return "I16";
    case DType::i8:
      return "I8";
    case DType::u64:
      return "U64";
    case DType::u32:
      return "U32";
    case DType::u16:
      return "U16";
    case DType::u8:
      return "U8";
    case DType::boolean:
      return "BOOL";
    default:
      return "";
  }
}

uint64_t byte_size(const TensorToWrite& tensor) {
  uint64_t bytes = static_cast<uint64_t>(info(tensor.dtype).block_bytes);
  for (const int64_t size : tensor.shape) {
    IFM_CHECK(size >= 0);
    bytes *= static_cast<uint64_t>(size);
  }
  return bytes;
}

std::string header(std::span<const TensorToWrite> tensors, const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json document = nlohmann::ordered_json::object();
  if (!metadata.empty()) document["__metadata__"] = metadata;
  std::string text = document.dump();
  text.pop_back();
  std::set<std::string_view> names;
  uint64_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    IFM_CHECK(names.insert(tensor.name).second && tensor.name != "__metadata__");
    IFM_CHECK(!safetensors_name(tensor.dtype).empty());
    const uint64_t end = offset + byte_size(tensor);
    nlohmann::ordered_json entry;
    entry["dtype"] = safetensors_name(tensor.dtype);
    entry["shape"] = tensor.shape;
    entry["data_offsets"] = {offset, end};
    if (text.size() > 1) text += ',';
    text += nlohmann::ordered_json(tensor.name).dump() + ':' + entry.dump();
    offset = end;
  }
  text += '}';
  while ((8 + text.size()) % kAlignment != 0) text += ' ';
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& file, std::span<const TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string text = header(tensors, metadata);
  AtomicFile out(file);
  const uint64_t length = text.size();
  out.write(std::as_bytes(std::span(&length, 1)));
  out.write(std::as_bytes(std::span(text)));
  for (const TensorToWrite& tensor : tensors) {
    const std::vector<std::byte> bytes = tensor.produce();
    IFM_CHECK(bytes.size() == byte_size(tensor));
    out.write(bytes);
  }
  out.commit();
}

}  // namespace ifm
