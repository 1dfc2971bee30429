#include "inferometer/hub/synth.h"

#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "inferometer/base/check.h"
#include "inferometer/base/error.h"
#include "inferometer/base/rng.h"
#include "inferometer/format/gguf_writer.h"
#include "inferometer/format/model_config.h"
#include "inferometer/format/safetensors_writer.h"
#include "inferometer/hub/config_json.h"
#include "inferometer/hub/gguf_mix.h"
#include "inferometer/hub/gguf_names.h"
#include "inferometer/hub/staging.h"
#include "inferometer/hub/synth_blocks.h"
#include "inferometer/hub/synth_tokenizer.h"
#include "inferometer/hub/synth_weights.h"
#include "inferometer/hub/tokenizer_json.h"

namespace ifm {
namespace fs = std::filesystem;
namespace {

/// Whether norms are all 1, or vary so that a test sees when they are left out.
enum class Norms { ones, varied };

struct Recipe {
  std::string_view name;
  int64_t hidden, layers, heads, kv_heads, head_dim, intermediate, context;
  RopeConfig::Llama3 scaling;
  SynthTokenizerSize tokenizer;
  Norms norms;
};

// Source of the first: config.json and tokenizer.json of mlx-community/Llama-3.2-1B-Instruct-4bit.
const std::array<Recipe, 2> kRecipes{{
    {"llama-3.2-1b", 2048, 16, 32, 8, 64, 8192, 131072, {32, 1, 4, 8192}, {128000, 256, 280147}, Norms::ones},
    {"tiny-llama", 256, 3, 8, 2, 32, 512, 2048, {8, 1, 4, 256}, {502, 10, 246}, Norms::varied},
}};

/// A matrix or (rows == 0) a norm of the model.
struct SynthTensor {
  std::string name;
  int64_t rows = 0;
  int64_t cols = 0;
  std::optional<int64_t> layer;
};

const GgufMix& find_mix(const std::string& name) {
  if (const GgufMix* mix = find_gguf_mix(name)) return *mix;
  std::vector<std::string_view> names;
  for (const GgufMix& mix : gguf_mixes()) names.push_back(mix.name);
  fail(ErrorKind::usage, "--type: {} is unknown (expected {})", name, fmt::join(names, ", "));
}

const Recipe& find_recipe(const std::string& name) {
  for (const Recipe& recipe : kRecipes) {
    if (recipe.name == name) return recipe;
  }
  fail(ErrorKind::usage, "{}: no such synthetic model (expected {})", name, fmt::join(synth_names(), " or "));
}

ModelConfig config_of(const Recipe& recipe, const TokenizerSpec& tokenizer) {
  ModelConfig config;
  config.architecture = "llama";
  config.hidden = recipe.hidden;
  config.layers = recipe.layers;
  config.heads = recipe.heads;
  config.kv_heads = recipe.kv_heads;
  config.head_dim = recipe.head_dim;
  config.intermediate = recipe.intermediate;
  config.vocab = static_cast<int64_t>(tokenizer.tokens.size());
  config.context = recipe.context;
  config.norm_eps = 1e-5F;
  config.tied_head = true;
  config.rope.theta = 500000;
  config.rope.llama3 = recipe.scaling;
  config.bos = tokenizer.bos;
  const TokenId first = recipe.tokenizer.tokens;
  config.eos = {first + 1, first + 8, first + 9};  // end of text, of message, of turn
  config.affine = AffineConfig{4, 64};
  return config;
}

std::vector<SynthTensor> tensors_of(const ModelConfig& config) {
  const int64_t q_rows = config.heads * config.head_dim;
  const int64_t kv_rows = config.kv_heads * config.head_dim;
  std::vector<SynthTensor> tensors{{"model.embed_tokens", config.vocab, config.hidden, {}}};
  for (int64_t i = 0; i < config.layers; ++i) {
    const std::string layer = fmt::format("model.layers.{}.", i);
    tensors.push_back({layer + "input_layernorm", 0, config.hidden, i});
    tensors.push_back({layer + "self_attn.q_proj", q_rows, config.hidden, i});
    tensors.push_back({layer + "self_attn.k_proj", kv_rows, config.hidden, i});
    tensors.push_back({layer + "self_attn.v_proj", kv_rows, config.hidden, i});
    tensors.push_back({layer + "self_attn.o_proj", config.hidden, q_rows, i});
    tensors.push_back({layer + "post_attention_layernorm", 0, config.hidden, i});
    tensors.push_back({layer + "mlp.gate_proj", config.intermediate, config.hidden, i});
    tensors.push_back({layer + "mlp.up_proj", config.intermediate, config.hidden, i});
    tensors.push_back({layer + "mlp.down_proj", config.hidden, config.intermediate, i});
  }
  tensors.push_back({"model.norm", 0, config.hidden, {}});
  return tensors;
}

/// sd 1/sqrt(k) keeps activations at the size of their inputs; the embedding, which is the head too, gives logits of sd 3.
SynthMatrix matrix_of(const SynthTensor& tensor, uint64_t seed) {
  const double gain = tensor.name == "model.embed_tokens" ? 3.0 : 1.0;
  return {seed, tensor.name, tensor.rows, tensor.cols, gain / std::sqrt(static_cast<double>(tensor.cols))};
}

std::vector<std::byte> bytes_of_floats(const std::vector<float>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

TensorToWrite norm_to_write(const SynthTensor& tensor, const std::string& name, Norms norms, uint64_t seed) {
  return {name, DType::f32, {tensor.cols}, [=] {
            std::vector<float> values(static_cast<std::size_t>(tensor.cols), 1.0F);
            Rng rng(seed);
            for (const char c : name) rng = Rng(rng() ^ static_cast<unsigned char>(c));
            if (norms == Norms::varied) {
              for (float& value : values) value = static_cast<float>(0.5 + rng.uniform());
            }
            return bytes_of_floats(values);
          }};
}

void write_mlx(const Recipe& recipe, const SynthOptions& options, const fs::path& folder, const TokenizerSpec& tokenizer) {
  const ModelConfig config = config_of(recipe, tokenizer);
  std::vector<TensorToWrite> out;
  for (const SynthTensor& tensor : tensors_of(config)) {
    if (tensor.rows == 0) {
      out.push_back(norm_to_write(tensor, tensor.name + ".weight", recipe.norms, options.seed));
      continue;
    }
    const SynthMatrix matrix = matrix_of(tensor, options.seed);
    const int64_t groups = tensor.cols / config.affine->group;
    out.push_back(
        {tensor.name + ".weight", DType::u32, {tensor.rows, tensor.cols / 8}, [matrix] { return synth_affine_weights(matrix); }});
    out.push_back(
        {tensor.name + ".scales", DType::bf16, {tensor.rows, groups}, [matrix] { return synth_affine_scales(matrix); }});
    out.push_back(
        {tensor.name + ".biases", DType::bf16, {tensor.rows, groups}, [matrix] { return synth_affine_biases(matrix); }});
  }
  StagedFolder staged(folder);
  write_safetensors(
      staged.path() / "model.safetensors", out,
      {{"format", "mlx"}, {"name", std::string(recipe.name)}, {"source", fmt::format("synthetic, seed {}", options.seed)}});
  write_text_file(staged.path() / "tokenizer.json", tokenizer_json(tokenizer, MergeForm::pairs));
  write_text_file(staged.path() / "tokenizer_config.json", tokenizer_config_json(tokenizer));
  write_text_file(staged.path() / "generation_config.json", generation_config_json(config, tokenizer.pad));
  write_text_file(staged.path() / "config.json", config_json(config, "bfloat16", tokenizer.pad));
  staged.commit();
}

std::vector<GgufEntry> gguf_metadata(const Recipe& recipe, const SynthOptions& options, const ModelConfig& config,
                                     const TokenizerSpec& tokenizer) {
  using Type = GgufEntry::Type;
  std::vector<GgufEntry> entries{
      {"general.architecture", Type::text, std::string("llama")},
      {"general.name", Type::text, fmt::format("{} synthetic, seed {}", recipe.name, options.seed)},
      {"general.file_type", Type::u32, find_mix(options.type).file_type},
      {"general.quantization_version", Type::u32, uint64_t{2}},
      {"llama.attention.layer_norm_rms_epsilon", Type::f32, static_cast<double>(config.norm_eps)},
      {"llama.rope.freq_base", Type::f32, config.rope.theta},
  };
  const std::array<std::pair<const char*, int64_t>, 10> numbers{{{"llama.block_count", config.layers},
                                                                 {"llama.context_length", config.context},
                                                                 {"llama.embedding_length", config.hidden},
                                                                 {"llama.feed_forward_length", config.intermediate},
                                                                 {"llama.attention.head_count", config.heads},
                                                                 {"llama.attention.head_count_kv", config.kv_heads},
                                                                 {"llama.attention.key_length", config.head_dim},
                                                                 {"llama.attention.value_length", config.head_dim},
                                                                 {"llama.rope.dimension_count", config.head_dim},
                                                                 {"llama.vocab_size", config.vocab}}};
  for (const auto& [key, value] : numbers) entries.push_back({key, Type::u32, static_cast<uint64_t>(value)});
  add_gguf_entries(tokenizer, entries);
  return entries;
}

void write_twin(const Recipe& recipe, const SynthOptions& options, const fs::path& file, const TokenizerSpec& tokenizer) {
  const ModelConfig config = config_of(recipe, tokenizer);
  const GgufMix& mix = find_mix(options.type);
  const std::vector<float> factors = llama3_factors(*config.rope.llama3, config.rope.theta, config.head_dim);
  std::vector<TensorToWrite> out{
      {"rope_freqs.weight", DType::f32, {static_cast<int64_t>(factors.size())}, [factors] { return bytes_of_floats(factors); }}};
  for (const SynthTensor& tensor : tensors_of(config)) {
    const auto name = gguf_name(tensor.name);
    IFM_CHECK(name.has_value());
    if (tensor.rows == 0) {
      TensorToWrite norm = norm_to_write(tensor, tensor.name + ".weight", recipe.norms, options.seed);
      norm.name = *name;
      out.push_back(std::move(norm));
      continue;
    }
    const int64_t head_dim = has_permuted_rows(tensor.name) ? config.head_dim : 0;
    const SynthMatrix matrix = matrix_of(tensor, options.seed);
    const DType type = type_of(mix, *name, tensor.layer, config.layers);
    out.push_back(
        {*name, type, {tensor.rows, tensor.cols}, [matrix, head_dim, type] { return synth_blocks(matrix, type, head_dim); }});
  }
  write_gguf(file, gguf_metadata(recipe, options, config, tokenizer), out);
}

}  // namespace

std::vector<std::string_view> synth_names() {
  std::vector<std::string_view> names;
  for (const Recipe& recipe : kRecipes) names.push_back(recipe.name);
  return names;
}

void synthesize(const std::string& name, const SynthOptions& options, const fs::path& path, const Say& say) {
  const Recipe& recipe = find_recipe(name);
  if (options.format == SynthFormat::gguf) {
    (void)find_mix(options.type);
    std::error_code error;
    if (fs::exists(fs::symlink_status(path, error))) fail(ErrorKind::usage, "{}: exists (expected a new file)", path.string());
    if (path.extension() != ".gguf")
      fail(ErrorKind::usage, "{}: is no name of a GGUF file (expected one that ends in .gguf)", path.string());
    error.clear();
    if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
    if (error) fail(ErrorKind::io, "{}: cannot be made ({})", path.parent_path().string(), error.message());
  } else {
    require_vacant_folder(path);
  }
  say(fmt::format("making the tokenizer: {} tokens, {} merges", recipe.tokenizer.tokens + recipe.tokenizer.specials,
                  recipe.tokenizer.merges));
  TokenizerSpec tokenizer = synth_tokenizer(recipe.tokenizer, options.seed);
  tokenizer.context = recipe.context;
  say(fmt::format("writing {}", path.string()));
  if (options.format == SynthFormat::mlx) return write_mlx(recipe, options, path, tokenizer);
  write_twin(recipe, options, path, tokenizer);
}

}  // namespace ifm
