#include "inferometer/format/safetensors_header.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include "inferometer/base/error.h"
#include "inferometer/format/quote.h"

namespace ifm {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "files are little-endian and used where they lie");

constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr std::size_t kMaxRank = 64;
constexpr std::size_t kMaxTensors = 262'144;

struct Type {
  std::string_view name;
  int bits;
  std::optional<DType> dtype;  // none: known, not held
};

constexpr Type kTypes[] = {
    {"F64", 64, DType::f64},          {"F32", 32, DType::f32},
    {"F16", 16, DType::f16},          {"BF16", 16, DType::bf16},
    {"I64", 64, DType::i64},          {"I32", 32, DType::i32},
    {"I16", 16, DType::i16},          {"I8", 8, DType::i8},
    {"U64", 64, DType::u64},          {"U32", 32, DType::u32},
    {"U16", 16, DType::u16},          {"U8", 8, DType::u8},
    {"BOOL", 8, DType::boolean},      {"F8_E4M3", 8, std::nullopt},
    {"F8_E5M2", 8, std::nullopt},     {"F8_E8M0", 8, std::nullopt},
    {"F8_E4M3FNUZ", 8, std::nullopt}, {"F8_E5M2FNUZ", 8, std::nullopt},
    {"F6_E2M3", 6, std::nullopt},     {"F6_E3M2", 6, std::nullopt},
    {"F4", 4, std::nullopt},          {"C64", 64, std::nullopt},
};

// One tensor as its header entry has it.
struct Entry {
  std::string name;
  std::optional<std::string> dtype;
  std::optional<std::vector<uint64_t>> shape;
  std::optional<std::vector<uint64_t>> offsets;
};

// Builds the entries while nlohmann reads, so that a hostile header costs no more than its own size.
// The places of the grammar: { "name": { "dtype": "F32", "shape": [..], "data_offsets": [..] }, "__metadata__": { "k": "v" } }.
class HeaderHandler {
 public:
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;
  std::string problem;

  bool null() { return reject("null"); }
  bool boolean(bool) { return reject("a boolean"); }
  bool number_integer(int64_t) { return reject("a negative number"); }
  bool number_float(double, const std::string&) { return reject("a number that is no integer"); }
  bool binary(json::binary_t&) { return reject("binary"); }
  bool number_unsigned(uint64_t value) {
    if (place_ != Place::list) return reject("a number");
    if (list_->size() >= kMaxRank) return stop("has more than 64 numbers in " + quote(key_));
    list_->push_back(value);
    return true;
  }
  bool string(std::string& value) {
    if (place_ == Place::metadata) {
      metadata[key_] = value;
      return true;
    }
    if (place_ != Place::tensor || key_ != "dtype") return reject("a string");
    entries.back().dtype = value;
    return true;
  }
  bool key(std::string& value) {
    key_ = value;
    switch (place_) {
      case Place::top:
        name_ = value;
        if (!names_.insert(value).second) return stop("stands twice");
        return true;
      case Place::tensor:
        if (value != "dtype" && value != "shape" && value != "data_offsets") return stop("has an unknown field " + quote(value));
        if (!fields_.insert(value).second) return stop("has field " + quote(value) + " twice");
        return true;
      default:
        if (metadata.count(value) != 0) return stop("has key " + quote(value) + " twice");
        return true;
    }
  }
  bool start_object(std::size_t) {
    if (place_ == Place::outside) {
      place_ = Place::top;
    } else if (place_ == Place::top && name_ == "__metadata__") {
      place_ = Place::metadata;
    } else if (place_ == Place::top) {
      place_ = Place::tensor;
      fields_.clear();
      if (entries.size() >= kMaxTensors) return stop("is one too many (expected at most 262144)");
      entries.push_back({name_, {}, {}, {}});
    } else {
      return reject("an object");
    }
    return true;
  }
  bool end_object() {
    place_ = place_ == Place::top ? Place::outside : Place::top;
    return true;
  }
  bool start_array(std::size_t) {
    if (place_ != Place::tensor || key_ == "dtype") return reject("an array");
    auto& target = key_ == "shape" ? entries.back().shape : entries.back().offsets;
    list_ = &target.emplace();
    place_ = Place::list;
    return true;
  }
  bool end_array() {
    place_ = Place::tensor;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const json::exception&) {
    problem = fmt::format("header is not valid JSON at byte {}", position + 8);
    return false;
  }

 private:
  enum class Place { outside, top, tensor, list, metadata };

  bool reject(std::string_view what) {
    if (place_ == Place::outside) return stop(fmt::format("{} instead of the header's object", what));
    if (place_ == Place::top) return stop(fmt::format("{} instead of an object", what));
    return stop(fmt::format("field {} has {} (expected {})", quote(key_), what, expected()));
  }
  std::string_view expected() const {
    if (place_ == Place::metadata || key_ == "dtype") return "a string";
    return place_ == Place::list ? "integers from 0" : "an array of integers from 0";
  }
  bool stop(const std::string& what) {
    problem = name_ == "__metadata__" ? "__metadata__: " + what : fmt::format("tensor {}: {}", quote(name_), what);
    return false;
  }

  Place place_ = Place::outside;
  std::string name_;
  std::string key_;
  std::vector<uint64_t>* list_ = nullptr;
  std::unordered_set<std::string> names_;
  std::set<std::string> fields_;
};

[[noreturn]] void reject(const std::string& subject, const std::string& what) {
  throw Error(ErrorKind::invalid_data, subject + ": " + what);
}

// The header's text, checked for what the JSON parser would let pass.
std::string_view header_text(std::span<const std::byte> file, const std::string& subject) {
  if (file.size() < 8)
    reject(subject, fmt::format("safetensors header length is cut off (expected 8 bytes, got {})", file.size()));
  uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof length);
  if (length < 2 || length > kMaxHeaderBytes) {
    reject(subject, fmt::format("safetensors header length at byte 0 is {} (expected 2 to {})", length, kMaxHeaderBytes));
  }
  if (length > file.size() - 8) {
    reject(subject, fmt::format("safetensors header is cut off (expected {} bytes, got {})", length, file.size() - 8));
  }
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + 8, static_cast<std::size_t>(length));
  if (text.front() != '{') reject(subject, "safetensors header does not begin with '{' at byte 8");
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    reject(subject, fmt::format("NUL in the safetensors header at byte {}", nul + 8));
  }
  return text;
}

// Number of elements; nothing when it does not fit 63 bits. A zero anywhere counts only when no partial product wraps.
std::optional<uint64_t> element_count(const std::vector<uint64_t>& shape) {
  uint64_t count = 1;
  for (const uint64_t size : shape) {
    if (size > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
    if (size != 0 && count > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / size) return std::nullopt;
    count *= size;
  }
  return count;
}

DType checked_dtype(const Entry& entry, uint64_t elements, const std::string& subject) {
  const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const Type& t) { return t.name == *entry.dtype; });
  if (type == std::end(kTypes))
    reject(subject, fmt::format("tensor {}: unknown dtype {}", quote(entry.name), quote(*entry.dtype)));
  const auto bits = static_cast<uint64_t>(type->bits);
  if (elements > std::numeric_limits<uint64_t>::max() / bits) {
    reject(subject, fmt::format("tensor {}: {} elements of {} overflow", quote(entry.name), elements, type->name));
  }
  const uint64_t total_bits = elements * bits;
  if (total_bits % 8 != 0) {
    reject(subject, fmt::format("tensor {}: {} elements of {} do not fill whole bytes", quote(entry.name), elements, type->name));
  }
  const uint64_t size = (*entry.offsets)[1] - (*entry.offsets)[0];
  if (size != total_bits / 8) {
    reject(subject, fmt::format("tensor {}: data_offsets span {} bytes (expected {} for its shape and dtype {})",
                                quote(entry.name), size, total_bits / 8, type->name));
  }
  if (!type->dtype)
    fail(ErrorKind::unsupported, "{}: tensor {} has dtype {}, which is not supported", subject, quote(entry.name), type->name);
  return *type->dtype;
}

TensorView make_view(Entry& entry, std::span<const std::byte> data, const std::string& subject) {
  const std::string name = quote(entry.name);
  if (!entry.dtype) reject(subject, fmt::format("tensor {}: field \"dtype\" is missing", name));
  if (!entry.shape) reject(subject, fmt::format("tensor {}: field \"shape\" is missing", name));
  if (!entry.offsets) reject(subject, fmt::format("tensor {}: field \"data_offsets\" is missing", name));
  const auto& offsets = *entry.offsets;
  if (offsets.size() != 2 || offsets[0] > offsets[1]) {
    reject(subject,
           fmt::format("tensor {}: data_offsets [{}] (expected begin and end in order)", name, fmt::join(offsets, ", ")));
  }
  if (offsets[1] > data.size()) {
    reject(subject, fmt::format("tensor {}: ends past the end of the file (expected {} data bytes, got {})", name, offsets[1],
                                data.size()));
  }
  const auto elements = element_count(*entry.shape);
  if (!elements) reject(subject, fmt::format("tensor {}: shape [{}] overflows", name, fmt::join(*entry.shape, ", ")));
  TensorView view;
  view.dtype = checked_dtype(entry, *elements, subject);
  view.shape.assign(entry.shape->begin(), entry.shape->end());
  view.bytes = data.subspan(static_cast<std::size_t>(offsets[0]), static_cast<std::size_t>(offsets[1] - offsets[0]));
  view.name = std::move(entry.name);
  return view;
}

}  // namespace

SafetensorsContent parse_safetensors(std::span<const std::byte> file, const std::string& subject) {
  const std::string_view text = header_text(file, subject);
  HeaderHandler handler;
  if (!json::sax_parse(text.begin(), text.end(), &handler)) reject(subject, handler.problem);
  const auto data = file.subspan(8 + text.size());
  SafetensorsContent content;
  content.metadata = std::move(handler.metadata);
  content.tensors.reserve(handler.entries.size());
  for (Entry& entry : handler.entries) content.tensors.push_back(make_view(entry, data, subject));
  std::sort(content.tensors.begin(), content.tensors.end(), [](const TensorView& a, const TensorView& b) {
    const auto key = [](const TensorView& t) { return std::tuple(t.bytes.data(), t.bytes.size(), std::string_view(t.name)); };
    return key(a) < key(b);
  });
  const std::byte* expected = data.data();
  for (const TensorView& tensor : content.tensors) {
    if (tensor.bytes.data() != expected) {
      reject(subject, fmt::format("tensor {}: begins at data byte {} (expected {}, where the one before ends)",
                                  quote(tensor.name), tensor.bytes.data() - data.data(), expected - data.data()));
    }
    expected += tensor.bytes.size();
  }
  if (const auto used = static_cast<std::size_t>(expected - data.data()); used != data.size()) {
    reject(subject, fmt::format("{} bytes after the last tensor (expected none)", data.size() - used));
  }
  return content;
}

}  // namespace ifm
