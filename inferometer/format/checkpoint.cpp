#include "inferometer/format/checkpoint.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "inferometer/base/error.h"
#include "inferometer/format/quote.h"
#include "inferometer/format/weight_view.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

const std::vector<TensorView>& tensors_of(const std::variant<Safetensors, GgufFile>& store) {
  return std::visit([](const auto& file) -> const std::vector<TensorView>& { return file.tensors(); }, store);
}

const TensorView* find_tensor(const std::variant<Safetensors, GgufFile>& store, std::string_view name) {
  return std::visit([&](const auto& file) { return file.find(name); }, store);
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// Takes every weight that the configuration promises, so that absence and wrong shapes show before anything runs.
void check_weights(const Checkpoint& checkpoint) {
  const ModelConfig& config = checkpoint.config();
  const int64_t q_rows = config.heads * config.head_dim;
  const int64_t kv_rows = config.kv_heads * config.head_dim;
  const auto matrix = [&](const std::string& name, int64_t rows, int64_t cols) { (void)checkpoint.matrix(name, rows, cols); };
  const auto vector = [&](const std::string& name) { (void)checkpoint.vector(name, config.hidden); };
  matrix("model.embed_tokens", config.vocab, config.hidden);
  for (int64_t i = 0; i < config.layers; ++i) {
    const std::string layer = fmt::format("model.layers.{}.", i);
    vector(layer + "input_layernorm");
    vector(layer + "post_attention_layernorm");
    matrix(layer + "self_attn.q_proj", q_rows, config.hidden);
    matrix(layer + "self_attn.k_proj", kv_rows, config.hidden);
    matrix(layer + "self_attn.v_proj", kv_rows, config.hidden);
    matrix(layer + "self_attn.o_proj", config.hidden, q_rows);
    matrix(layer + "mlp.gate_proj", config.intermediate, config.hidden);
    matrix(layer + "mlp.up_proj", config.intermediate, config.hidden);
    matrix(layer + "mlp.down_proj", config.hidden, config.intermediate);
  }
  vector("model.norm");
  if (!config.tied_head) matrix("lm_head", config.vocab, config.hidden);
}

bool is_weight_type(DType dtype) {
  switch (dtype) {
    case DType::i64:
    case DType::i32:
    case DType::i16:
    case DType::i8:
    case DType::u64:
    case DType::u32:
    case DType::u16:
    case DType::u8:
    case DType::boolean:
      return false;
    default:
      return true;
  }
}

}  // namespace

Checkpoint::Checkpoint(fs::path path, ModelConfig config, std::variant<Safetensors, GgufFile> store)
    : path_(std::move(path)), config_(std::move(config)), store_(std::move(store)) {}

Checkpoint Checkpoint::open(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) fail(ErrorKind::not_found, "{}: no such folder or file", path.string());
  std::optional<Checkpoint> checkpoint;
  if (fs::is_directory(status)) {
    if (!fs::exists(path / "config.json")) {
      fail(ErrorKind::not_found, "{}: no model in this folder (expected config.json, tokenizer.json and *.safetensors)",
           path.string());
    }
    ModelConfig config = read_config_json(path / "config.json");
    checkpoint = Checkpoint(path, std::move(config), Safetensors::open_folder(path));
  } else {
    GgufFile file = GgufFile::open(path);
    ModelConfig config = read_gguf_config(file);
    checkpoint = Checkpoint(path, std::move(config), std::move(file));
  }
  check_weights(*checkpoint);
  return std::move(*checkpoint);
}

bool Checkpoint::has(std::string_view name) const {
  const std::string stored = gguf() != nullptr ? gguf_weight_name(name) : std::string(name) + ".weight";
  return find_tensor(store_, stored) != nullptr;
}

WeightMatrix Checkpoint::matrix(const std::string& name, int64_t rows, int64_t cols) const {
  const std::string subject = path_.string();
  if (const GgufFile* file = gguf()) {
    return plain_matrix(required_tensor(file->find(gguf_weight_name(name)), name, subject), rows, cols, subject);
  }
  const Safetensors& file = *safetensors();
  const TensorView& weight = required_tensor(file.find(name + ".weight"), name, subject);
  const AffineParts parts{weight, file.find(name + ".scales"), file.find(name + ".biases")};
  if (parts.scales == nullptr && parts.biases == nullptr) return plain_matrix(weight, rows, cols, subject);
  const auto override_found = config_.affine_overrides.find(name);
  const auto& affine = override_found != config_.affine_overrides.end() ? override_found->second : config_.affine;
  if (!affine)
    fail(ErrorKind::invalid_data, "{}: tensor {} has scales, but config.json says that it is not quantized", subject,
         quote(weight.name));
  return affine_matrix(parts, *affine, rows, cols, subject);
}

std::vector<float> Checkpoint::vector(const std::string& name, int64_t size) const {
  const std::string stored = gguf() != nullptr ? gguf_weight_name(name) : name + ".weight";
  const TensorView& tensor = required_tensor(find_tensor(store_, stored), name, path_.string());
  return vector_of(tensor, size, path_.string());
}

std::vector<fs::path> Checkpoint::weight_files() const {
  if (const Safetensors* file = safetensors()) return file->paths();
  return {path_};
}

std::vector<std::span<const std::byte>> Checkpoint::mappings() const {
  const GgufFile* file = gguf();
  return file != nullptr ? std::vector{file->mapping()} : safetensors()->mappings();
}

void Checkpoint::check_intact() const {
  const MappedFile* lost = std::visit([](const auto& store) { return store.lost(); }, store_);
  if (lost != nullptr)
    fail(ErrorKind::io, "{}: cannot be read any more: the file shrank while it was in use, or its disk failed",
         lost->path().string());
}

int64_t Checkpoint::tensor_bytes() const {
  int64_t bytes = 0;
  for (const TensorView& tensor : tensors_of(store_)) bytes += static_cast<int64_t>(tensor.bytes.size());
  return bytes;
}

std::vector<Checkpoint::Part> Checkpoint::parts() const {
  std::vector<Part> parts;
  for (const TensorView& tensor : tensors_of(store_)) {
    if (tensor.name == "rope_freqs.weight" || ends_with(tensor.name, "rotary_emb.inv_freq")) continue;
    const auto bytes = static_cast<int64_t>(tensor.bytes.size());
    int64_t elements = 1;
    for (const int64_t size : tensor.shape) elements *= size;
    if (is_weight_type(tensor.dtype)) {
      const std::string_view base = std::string_view(tensor.name).substr(0, tensor.name.rfind('.'));
      const bool of_affine = safetensors() != nullptr &&
                             (ends_with(tensor.name, ".scales") || ends_with(tensor.name, ".biases")) &&
                             safetensors()->find(std::string(base) + ".weight") != nullptr;
      if (!of_affine) parts.push_back({upper_name(tensor.dtype), elements, bytes, tensor.shape.size()});
    } else if (safetensors() != nullptr && tensor.dtype == DType::u32 && tensor.shape.size() == 2 && bytes > 0 &&
               ends_with(tensor.name, ".weight")) {
      const std::string name = tensor.name.substr(0, tensor.name.size() - 7);
      const auto found = config_.affine_overrides.find(name);
      const auto& affine = found != config_.affine_overrides.end() ? found->second : config_.affine;
      if (!affine || safetensors()->find(name + ".scales") == nullptr) continue;
      const WeightMatrix view = matrix(name, tensor.shape[0], tensor.shape[1] * 32 / affine->bits);
      parts.push_back({describe(view), view.rows * view.cols, bytes_of(view), 2});
    }
  }
  return parts;
}

int64_t Checkpoint::parameters() const {
  int64_t count = 0;
  for (const Part& part : parts()) count += part.elements;
  return count;
}

std::string Checkpoint::quantization() const {
  std::map<std::string, int64_t> bytes;
  for (const Part& part : parts()) {
    if (gguf() != nullptr || part.rank > 1) bytes[part.description] += part.bytes;  // a folder's norms are not worth a word
  }
  std::vector<std::pair<std::string, int64_t>> order(bytes.begin(), bytes.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text;
  for (const auto& [description, size] : order) text += (text.empty() ? "" : " + ") + description;
  return text;
}

}  // namespace ifm
