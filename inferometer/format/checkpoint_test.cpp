#include "inferometer/format/checkpoint.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "inferometer/format/gguf_writer.h"
#include "inferometer/format/test_files.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::expect_error;
using test::TempFolder;
using test::tensor;

constexpr int64_t kHidden = 256;
constexpr int64_t kInner = 512;
constexpr int64_t kVocab = 6;
struct Linear {
  const char* name;
  const char* gguf_name;
  int64_t rows;
  int64_t cols;
};
// 2 heads and 1 KV head of 128.
constexpr Linear kLinears[] = {
    {"self_attn.q_proj", "attn_q", 256, kHidden},   {"self_attn.k_proj", "attn_k", 128, kHidden},
    {"self_attn.v_proj", "attn_v", 128, kHidden},   {"self_attn.o_proj", "attn_output", kHidden, 256},
    {"mlp.gate_proj", "ffn_gate", kInner, kHidden}, {"mlp.up_proj", "ffn_up", kInner, kHidden},
    {"mlp.down_proj", "ffn_down", kHidden, kInner},
};
constexpr int64_t kMatrixElements = 256 * 256 + 2 * 128 * 256 + 256 * 256 + 3 * 256 * 512;

// One layer as an MLX folder: 4-bit groups of 64, the embedding 8-bit in groups of 32.
class MlxFolder : public testing::Test {
 protected:
  void SetUp() override {
    config = json::parse(R"({"model_type":"llama","hidden_size":256,"num_hidden_layers":1,"num_attention_heads":2,
      "num_key_value_heads":1,"intermediate_size":512,"vocab_size":6,"rms_norm_eps":1e-5,"tie_word_embeddings":true,
      "quantization":{"group_size":64,"bits":4,"model.embed_tokens":{"group_size":32,"bits":8}}})");
    tensors.push_back(tensor("odd", DType::u8, {1}));  // makes everything after it unaligned
    affine("model.embed_tokens", kVocab, kHidden, 8, 32);
    for (const Linear& linear : kLinears) affine(std::string("model.layers.0.") + linear.name, linear.rows, linear.cols, 4, 64);
    for (const char* name : {"model.norm", "model.layers.0.input_layernorm", "model.layers.0.post_attention_layernorm"}) {
      tensors.push_back(tensor(std::string(name) + ".weight", DType::bf16, {kHidden}, 7));
    }
  }
  void affine(const std::string& name, int64_t rows, int64_t cols, int bits, int64_t group) {
    tensors.push_back(tensor(name + ".weight", DType::u32, {rows, cols * bits / 32}));
    tensors.push_back(tensor(name + ".scales", DType::f16, {rows, cols / group}));
    tensors.push_back(tensor(name + ".biases", DType::f16, {rows, cols / group}));
  }
  TensorToWrite& at(const std::string& name) {
    return *std::find_if(tensors.begin(), tensors.end(), [&](const TensorToWrite& t) { return t.name == name; });
  }
  void remove(const std::string& name) {
    std::erase_if(tensors, [&](const TensorToWrite& t) { return t.name == name; });
  }
  void replace(const TensorToWrite& tensor) { at(tensor.name) = tensor; }
  Checkpoint open() {
    (void)folder.write("config.json", config.dump());
    write_safetensors(folder.path() / "model.safetensors", tensors, {});
    return Checkpoint::open(folder.path());
  }
  void expect_refused(const char* part, ErrorKind kind = ErrorKind::invalid_data) {
    expect_error([this] { (void)open(); }, kind, part, part);
  }
  TempFolder folder;
  json config;
  std::vector<TensorToWrite> tensors;
};

TEST_F(MlxFolder, GivesMatricesVectorsAndSums) {
  const Checkpoint checkpoint = open();
  const WeightMatrix up = checkpoint.matrix("model.layers.0.mlp.up_proj", kInner, kHidden);
  EXPECT_EQ(up.packing, Packing::affine4);
  EXPECT_EQ(up.group, 64);
  EXPECT_EQ(up.scale_dtype, DType::f16);
  EXPECT_EQ(up.row_bytes, 128);
  EXPECT_EQ(up.data, checkpoint.safetensors()->find("model.layers.0.mlp.up_proj.weight")->bytes.data());
  EXPECT_EQ(up.scales, checkpoint.safetensors()->find("model.layers.0.mlp.up_proj.scales")->bytes.data());
  EXPECT_EQ(up.biases, checkpoint.safetensors()->find("model.layers.0.mlp.up_proj.biases")->bytes.data());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(up.data) % 2, 1U);
  const WeightMatrix embedding = checkpoint.matrix("model.embed_tokens", kVocab, kHidden);
  EXPECT_EQ(embedding.packing, Packing::affine8);
  EXPECT_EQ(embedding.group, 32);
  const auto norm = checkpoint.vector("model.norm", kHidden);
  EXPECT_EQ(norm[1], bf16_to_f32(0x1611));  // bytes (7 + 2 * 5) & 63 and (7 + 3 * 5) & 63
  EXPECT_EQ(checkpoint.parameters(), kVocab * kHidden + kMatrixElements + 3 * kHidden);
  int64_t bytes = 0;
  for (const TensorToWrite& written : tensors) bytes += static_cast<int64_t>(written.produce().size());
  EXPECT_EQ(checkpoint.tensor_bytes(), bytes);
  EXPECT_EQ(checkpoint.quantization(), "4-bit affine, group 64 + 8-bit affine, group 32");
  EXPECT_THAT(checkpoint.weight_files(), testing::ElementsAre(folder.path() / "model.safetensors"));
  EXPECT_EQ(checkpoint.path(), folder.path());
  EXPECT_EQ(checkpoint.gguf(), nullptr);
  EXPECT_TRUE(checkpoint.has("model.norm"));
  EXPECT_FALSE(checkpoint.has("lm_head"));
  expect_error([&] { (void)checkpoint.matrix("lm_head", kVocab, kHidden); }, ErrorKind::invalid_data,
               "weights of \"lm_head\" are missing", "absent");
  expect_error([&] { (void)checkpoint.vector("model.norm", 8); }, ErrorKind::invalid_data, "[256] (expected [8])", "size");
}

TEST_F(MlxFolder, ViewsSurviveAMove) {
  Checkpoint first = open();
  const std::byte* before = first.matrix("model.embed_tokens", kVocab, kHidden).data;
  const std::optional<Checkpoint> second = std::move(first);
  EXPECT_EQ(second->matrix("model.embed_tokens", kVocab, kHidden).data, before);
}

TEST_F(MlxFolder, TakesPlainTensorsBesideQuantizedOnes) {
  remove("model.layers.0.mlp.up_proj.scales");
  remove("model.layers.0.mlp.up_proj.biases");
  replace(tensor("model.layers.0.mlp.up_proj.weight", DType::bf16, {kInner, kHidden}));
  const Checkpoint checkpoint = open();
  EXPECT_EQ(checkpoint.matrix("model.layers.0.mlp.up_proj", kInner, kHidden).packing, Packing::bf16);
  EXPECT_EQ(checkpoint.parameters(), kVocab * kHidden + kMatrixElements + 3 * kHidden);
}

TEST_F(MlxFolder, Fault18BrokenQuantizationIsRefused) {
  const std::string up = "model.layers.0.mlp.up_proj";
  const auto good = tensors;
  const auto again = [&] { tensors = good; };
  remove(up + ".biases");
  expect_refused("tensor \"model.layers.0.mlp.up_proj.weight\" has no biases");
  again();
  remove(up + ".scales");
  expect_refused("has no scales");
  again();
  remove(up + ".scales");
  remove(up + ".biases");
  expect_refused("is packed as u32, but its scales are missing");
  again();
  replace(tensor(up + ".weight", DType::u32, {kInner, kHidden / 4}));
  expect_refused("4 bits: tensor \"model.layers.0.mlp.up_proj.weight\" has shape [512, 64] (expected [512, 32])");
}

TEST_F(MlxFolder, Fault18WrongShapesAndTypesAreRefused) {
  const std::string up = "model.layers.0.mlp.up_proj";
  const auto good = tensors;
  const auto again = [&] { tensors = good; };
  replace(tensor(up + ".scales", DType::f16, {kInner, 8}));
  expect_refused("tensor \"model.layers.0.mlp.up_proj.scales\" has shape [512, 8] (expected [512, 4])");
  again();
  replace(tensor(up + ".biases", DType::f16, {4, kInner}));
  expect_refused("tensor \"model.layers.0.mlp.up_proj.biases\" has shape [4, 512] (expected [512, 4])");
  again();
  replace(tensor(up + ".biases", DType::bf16, {kInner, 4}));
  expect_refused("scales in f16 and biases in bf16");
  again();
  replace(tensor(up + ".scales", DType::u8, {kInner, 4}));
  replace(tensor(up + ".biases", DType::u8, {kInner, 4}));
  expect_refused("scales in u8 and biases in u8");
  again();
  replace(tensor(up + ".weight", DType::i32, {kInner, kHidden / 8}));
  expect_refused("dtype i32 (expected u32)");
  again();
  replace(tensor("model.norm.weight", DType::f64, {kHidden}));
  expect_refused("tensor \"model.norm.weight\" has type F64", ErrorKind::unsupported);
}

TEST_F(MlxFolder, Fault22And51WhatContradictsItsConfigurationIsRefused) {
  const json good = config;
  config["quantization"]["model.layers.0.mlp.up_proj"] = false;
  expect_refused("config.json says that it is not quantized");
  config = good;
  config.erase("quantization");
  expect_refused("config.json says that it is not quantized");
  config = good;
  config["quantization"]["bits"] = 8;
  expect_refused("8 bits: tensor \"model.layers.0.self_attn.q_proj.weight\" has shape [256, 32] (expected [256, 64])");
  config = good;
  config["tie_word_embeddings"] = false;
  expect_refused("weights of \"lm_head\" are missing");
  config = good;
  config["num_hidden_layers"] = 2;
  expect_refused("weights of \"model.layers.1.input_layernorm\" are missing");
  config = good;
  config["vocab_size"] = 7;
  expect_refused("\"model.embed_tokens.weight\" has shape [6, 64] (expected [7, 64])");
}

TEST_F(MlxFolder, Fault18GroupsThatDoNotDivideAreRefused) {
  config["hidden_size"] = 288;
  config["head_dim"] = 128;
  replace(tensor("model.embed_tokens.weight", DType::u32, {kVocab, 72}));
  replace(tensor("model.embed_tokens.scales", DType::f16, {kVocab, 9}));
  replace(tensor("model.embed_tokens.biases", DType::f16, {kVocab, 9}));
  replace(tensor("model.layers.0.input_layernorm.weight", DType::bf16, {288}));
  replace(tensor("model.layers.0.post_attention_layernorm.weight", DType::bf16, {288}));
  expect_refused("has 288 columns (expected a multiple of the group size 64)");
}

TEST_F(MlxFolder, SaysWhatIsNotThere) {
  expect_error([&] { (void)Checkpoint::open(folder.path() / "none"); }, ErrorKind::not_found, "no such folder or file", "absent");
  expect_error([&] { (void)Checkpoint::open(folder.path()); }, ErrorKind::not_found, "config.json", "no config.json");
  (void)folder.write("config.json", config.dump());
  expect_error([&] { (void)Checkpoint::open(folder.path()); }, ErrorKind::not_found, "no weights here", "no weights");
}

// The same model as GGUF; its matrices of `type`, or of types by name.
class GgufCheckpoint : public testing::Test {
 protected:
  void build(DType type) {
    using Type = GgufEntry::Type;
    metadata = {{"general.architecture", Type::text, std::string("llama")},
                {"llama.embedding_length", Type::u32, uint64_t{256}},
                {"llama.block_count", Type::u32, uint64_t{1}},
                {"llama.attention.head_count", Type::u32, uint64_t{2}},
                {"llama.attention.head_count_kv", Type::u32, uint64_t{1}},
                {"llama.feed_forward_length", Type::u32, uint64_t{512}},
                {"llama.context_length", Type::u32, uint64_t{128}},
                {"llama.attention.layer_norm_rms_epsilon", Type::f32, 1e-5}};
    tensors = {
        tensor("token_embd.weight", DType::q8_0, {kVocab, kHidden}), tensor("output_norm.weight", DType::f32, {kHidden}),
        tensor("blk.0.attn_norm.weight", DType::f32, {kHidden}),     tensor("blk.0.ffn_norm.weight", DType::f32, {kHidden}),
        tensor("rope_freqs.weight", DType::f32, {64}, 63),           tensor("counts", DType::i32, {4})};
    tensors[4].produce = [] {
      const std::vector<float> ones(64, 1.0F);
      const auto bytes = std::as_bytes(std::span(ones));
      return std::vector<std::byte>(bytes.begin(), bytes.end());
    };
    for (const Linear& linear : kLinears) {
      tensors.push_back(tensor(fmt::format("blk.0.{}.weight", linear.gguf_name), type, {linear.rows, linear.cols}));
    }
  }
  Checkpoint open() {
    write_gguf(folder.path() / "m.gguf", metadata, tensors);
    return Checkpoint::open(folder.path() / "m.gguf");
  }
  TempFolder folder;
  std::vector<GgufEntry> metadata;
  std::vector<TensorToWrite> tensors;
};

TEST_F(GgufCheckpoint, GivesEveryHeldTypeByHuggingFaceName) {
  const std::tuple<DType, Packing, const char*> types[] = {
      {DType::f32, Packing::f32, "F32"},    {DType::f16, Packing::f16, "F16"},    {DType::bf16, Packing::bf16, "BF16"},
      {DType::q4_0, Packing::q4_0, "Q4_0"}, {DType::q4_1, Packing::q4_1, "Q4_1"}, {DType::q8_0, Packing::q8_0, "Q8_0"},
      {DType::q6_k, Packing::q6_k, "Q6_K"}, {DType::q5_0, Packing::q5_0, "Q5_0"}, {DType::q5_1, Packing::q5_1, "Q5_1"},
      {DType::q4_k, Packing::q4_k, "Q4_K"}, {DType::q5_k, Packing::q5_k, "Q5_K"}};
  for (const auto& [dtype, packing, name] : types) {
    build(dtype);
    const Checkpoint checkpoint = open();
    for (const Linear& linear : kLinears) {
      const WeightMatrix matrix = checkpoint.matrix(std::string("model.layers.0.") + linear.name, linear.rows, linear.cols);
      EXPECT_EQ(matrix.packing, packing) << linear.name;
      EXPECT_EQ(matrix.data, checkpoint.gguf()->find(fmt::format("blk.0.{}.weight", linear.gguf_name))->bytes.data());
      EXPECT_EQ(bytes_of(matrix), linear.rows * linear.cols / info(dtype).block_elements * info(dtype).block_bytes);
    }
    EXPECT_EQ(checkpoint.parameters(), kVocab * kHidden + kMatrixElements + 3 * kHidden);
    EXPECT_EQ(checkpoint.quantization().substr(0, std::string(name).size()), name);
    EXPECT_TRUE(checkpoint.has("model.layers.0.mlp.down_proj"));
    EXPECT_FALSE(checkpoint.has("model.layers.1.mlp.down_proj"));
    EXPECT_FALSE(checkpoint.has("lm_head"));
    EXPECT_TRUE(checkpoint.config().tied_head);
    EXPECT_EQ(checkpoint.safetensors(), nullptr);
  }
}

TEST_F(GgufCheckpoint, ListsTypesByTheirBytes) {
  build(DType::q4_1);
  EXPECT_EQ(open().quantization(), "Q4_1 + F32 + Q8_0");
}

TEST_F(GgufCheckpoint, RefusesTypesThatItCannotComputeWith) {
  build(DType::q4_0);
  for (const DType type : {DType::q2_k, DType::q3_k, DType::f64, DType::i8}) {
    tensors.back() = tensor("blk.0.ffn_down.weight", type, {kHidden, kInner});
    expect_error([&] { (void)open(); }, ErrorKind::unsupported, "tensor \"blk.0.ffn_down.weight\" has type",
                 std::string(info(type).name));
  }
}

TEST_F(GgufCheckpoint, Fault51TensorsAreCounted) {
  build(DType::q4_0);
  tensors.pop_back();
  expect_error([&] { (void)open(); }, ErrorKind::invalid_data, "weights of \"model.layers.0.mlp.down_proj\" are missing",
               "missing");
  tensors.push_back(tensor("blk.0.ffn_down.weight", DType::q4_0, {kInner, kHidden}));
  expect_error([&] { (void)open(); }, ErrorKind::invalid_data, "has shape [512, 256] (expected [256, 512])", "shape");
}

}  // namespace
}  // namespace ifm
