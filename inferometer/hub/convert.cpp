#include "inferometer/hub/convert.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "inferometer/base/error.h"
#include "inferometer/format/gguf.h"
#include "inferometer/format/model_config.h"
#include "inferometer/format/safetensors_writer.h"
#include "inferometer/hub/config_json.h"
#include "inferometer/hub/gguf_names.h"
#include "inferometer/hub/repack.h"
#include "inferometer/hub/staging.h"
#include "inferometer/hub/tokenizer_json.h"
#include "inferometer/hub/tokenizer_spec.h"

namespace ifm {
namespace fs = std::filesystem;
namespace {

/// A tensor of the GGUF and what it is called in the MLX folder.
struct Part {
  std::string name;
  const TensorView* tensor = nullptr;
  RowOrder order;
};

bool is_plain(DType dtype) { return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16; }

/// Every tensor, or an error that names the one that cannot come along unchanged.
std::vector<Part> parts_of(const GgufFile& file, const ModelConfig& config) {
  std::vector<Part> parts;
  for (const TensorView& tensor : file.tensors()) {
    if (tensor.name == "rope_freqs.weight") continue;  // becomes rope_scaling
    const auto name = hugging_face_name(tensor.name);
    if (!name)
      fail(ErrorKind::unsupported, "{}: tensor {} has no place in a Llama's MLX folder", file.path().string(), tensor.name);
    const bool matrix = tensor.shape.size() == 2;
    if (!is_plain(tensor.dtype) && !(matrix && affine_form(tensor.dtype))) {
      fail(ErrorKind::unsupported,
           "{}: tensor {} is {}, which MLX cannot hold without loss (expected q4_0, q4_1, q8_0, f16, bf16 or f32)",
           file.path().string(), tensor.name, info(tensor.dtype).name);
    }
    const bool permuted = config.rope.interleaved && has_permuted_rows(*name);
    if (permuted && (!matrix || tensor.shape[0] % config.head_dim != 0)) {
      fail(ErrorKind::invalid_data, "{}: tensor {} is not made of whole heads of {} rows", file.path().string(), tensor.name,
           config.head_dim);
    }
    parts.push_back({*name, &tensor, {permuted ? config.head_dim : 0}});
  }
  return parts;
}

/// The commonest quantization becomes the default, the others are written down layer by layer.
void set_quantization(ModelConfig& config, const std::vector<Part>& parts) {
  std::map<std::pair<int, int>, int> count;
  for (const Part& part : parts) {
    if (const auto form = affine_form(part.tensor->dtype)) ++count[{form->bits, form->group}];
  }
  config.affine.reset();
  config.affine_overrides.clear();
  if (count.empty()) return;
  const auto commonest = std::ranges::max_element(count, {}, [](const auto& entry) { return entry.second; });
  config.affine = AffineConfig{commonest->first.first, commonest->first.second};
  for (const Part& part : parts) {
    if (part.tensor->shape.size() != 2) continue;
    const auto form = affine_form(part.tensor->dtype);
    if (!form || form->bits != config.affine->bits || form->group != config.affine->group)
      config.affine_overrides[part.name] = form;
  }
}

void set_rope(ModelConfig& config, const fs::path& path) {
  config.rope.interleaved = false;
  if (config.rope.frequency_factors.empty()) return;
  config.rope.llama3 = llama3_scaling_of(config.rope.frequency_factors, config.rope.theta);
  if (!config.rope.llama3) {
    fail(ErrorKind::unsupported, "{}: rope_freqs.weight is no Llama 3 scaling, and config.json has no other form for it",
         path.string());
  }
}

std::vector<TensorToWrite> tensors_to_write(const std::vector<Part>& parts) {
  std::vector<TensorToWrite> result;
  for (const Part& part : parts) {
    const TensorView& tensor = *part.tensor;
    const RowOrder order = part.order;
    const auto form = affine_form(tensor.dtype);
    if (!form) {
      result.push_back(
          {part.name + ".weight", tensor.dtype, tensor.shape, [&tensor, order] { return plain_rows(tensor, order); }});
      continue;
    }
    const int64_t rows = tensor.shape[0];
    const int64_t cols = tensor.shape[1];
    result.push_back({part.name + ".weight", DType::u32, {rows, cols * form->bits / 32}, [&tensor, order] {
                        return affine_weights(tensor, order);
                      }});
    result.push_back({part.name + ".scales", DType::f16, {rows, cols / form->group}, [&tensor, order] {
                        return affine_scales(tensor, order);
                      }});
    result.push_back({part.name + ".biases", DType::f16, {rows, cols / form->group}, [&tensor, order] {
                        return affine_biases(tensor, order);
                      }});
  }
  std::ranges::sort(result, {}, &TensorToWrite::name);
  return result;
}

std::map<std::string, std::string> metadata_of(const GgufFile& file) {
  std::map<std::string, std::string> metadata{{"format", "mlx"}, {"source", file.path().filename().string()}};
  for (const auto& [ours, theirs] : {std::pair{"name", "general.name"}, std::pair{"license", "general.license"}}) {
    if (const std::string* text = file.text(theirs)) metadata[ours] = *text;
  }
  return metadata;
}

}  // namespace

void write_mlx_folder(const fs::path& gguf, const fs::path& folder, const Say& say) {
  const GgufFile file = GgufFile::open(gguf);
  ModelConfig config = read_gguf_config(file);
  TokenizerSpec tokenizer = read_tokenizer_spec(file);
  tokenizer.context = config.context;
  const std::vector<Part> parts = parts_of(file, config);
  set_quantization(config, parts);
  set_rope(config, gguf);
  say(fmt::format("converting {} tensors of {}", parts.size(), gguf.filename().string()));
  write_safetensors(folder / "model.safetensors", tensors_to_write(parts), metadata_of(file));
  write_text_file(folder / "tokenizer.json", tokenizer_json(tokenizer, MergeForm::strings));
  write_text_file(folder / "tokenizer_config.json", tokenizer_config_json(tokenizer));
  write_text_file(folder / "generation_config.json", generation_config_json(config, tokenizer.pad));
  write_text_file(folder / "config.json", config_json(config, "float16", tokenizer.pad));
}

void convert_to_mlx(const fs::path& gguf, const fs::path& folder, const Say& say) {
  StagedFolder staged(folder);
  write_mlx_folder(gguf, staged.path(), say);
  staged.commit();
}

}  // namespace ifm
