#include "inferometer/format/gguf.h"

#include <limits>
#include <utility>

#include "inferometer/base/error.h"
#include "inferometer/format/gguf_parser.h"
#include "inferometer/format/quote.h"

namespace ifm {
namespace {

using Metadata = std::map<std::string, GgufValue, std::less<>>;

[[noreturn]] void wrong_type(const GgufFile& file, std::string_view key, std::string_view expected) {
  fail(ErrorKind::invalid_data, "{}: metadata key {} has another type (expected {})", file.path().string(), quote(key), expected);
}

// The value as T; null when the key is absent.
template <typename T>
const T* typed(const GgufFile& file, std::string_view key, std::string_view expected) {
  const Metadata& metadata = file.metadata();
  const auto found = metadata.find(key);
  if (found == metadata.end()) return nullptr;
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr) wrong_type(file, key, expected);
  return value;
}

}  // namespace

GgufFile GgufFile::open(const std::filesystem::path& path) {
  GgufFile result{MappedFile(path)};
  GgufContent content = parse_gguf(result.file_.bytes(), path.string());
  result.version_ = content.version;
  result.metadata_ = std::move(content.metadata);
  result.tensors_ = std::move(content.tensors);
  for (std::size_t i = 0; i < result.tensors_.size(); ++i) result.index_.emplace(result.tensors_[i].name, i);
  return result;
}

const TensorView* GgufFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

std::optional<int64_t> GgufFile::integer(std::string_view key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) return std::nullopt;
  if (const auto* value = std::get_if<int64_t>(&found->second)) return *value;
  const auto* value = std::get_if<uint64_t>(&found->second);
  if (value == nullptr) wrong_type(*this, key, "an integer");
  if (*value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    fail(ErrorKind::invalid_data, "{}: metadata key {} is {} (expected less than 2^63)", path().string(), quote(key), *value);
  }
  return static_cast<int64_t>(*value);
}

std::optional<double> GgufFile::number(std::string_view key) const {
  const auto* value = typed<double>(*this, key, "a floating-point number");
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<bool> GgufFile::boolean(std::string_view key) const {
  const auto* value = typed<bool>(*this, key, "a boolean");
  return value == nullptr ? std::nullopt : std::optional(*value);
}

const std::string* GgufFile::text(std::string_view key) const { return typed<std::string>(*this, key, "a string"); }

const std::vector<std::string>* GgufFile::texts(std::string_view key) const {
  return typed<std::vector<std::string>>(*this, key, "an array of strings");
}

const std::vector<int64_t>* GgufFile::integers(std::string_view key) const {
  return typed<std::vector<int64_t>>(*this, key, "an array of integers");
}

const std::vector<double>* GgufFile::numbers(std::string_view key) const {
  return typed<std::vector<double>>(*this, key, "an array of floating-point numbers");
}

}  // namespace ifm
