#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "inferometer/base/test_fault_name.h"
#include "inferometer/format/gguf_writer.h"
#include "inferometer/format/model_config.h"
#include "inferometer/format/test_files.h"

namespace ifm {
namespace {

using nlohmann::json;
using test::expect_error;
using test::fault_name;
using test::TempFolder;
using test::tensor;

json good_config() {
  return json::parse(R"({"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":2048,"num_hidden_layers":16,
    "num_attention_heads":32,"num_key_value_heads":8,"head_dim":64,"intermediate_size":8192,"vocab_size":128256,
    "max_position_embeddings":131072,"rms_norm_eps":1e-05,"rope_theta":500000.0,"tie_word_embeddings":true,"bos_token_id":128000,
    "eos_token_id":[128009,128001,128008,128009],"hidden_act":"silu","attention_bias":false,"mlp_bias":false,
    "rope_scaling":{"factor":32.0,"high_freq_factor":4.0,"low_freq_factor":1.0,"original_max_position_embeddings":8192,
    "rope_type":"llama3"},"quantization":{"group_size":64,"bits":4}})");
}

ModelConfig read(const std::string& text, const std::string& generation = "") {
  const TempFolder folder;
  if (!generation.empty()) (void)folder.write("generation_config.json", generation);
  return read_config_json(folder.write("config.json", text));
}

// The good configuration after an RFC 7386 merge: null in the patch removes a field.
ModelConfig read_patched(const char* patch) {
  json config = good_config();
  config.merge_patch(json::parse(patch));
  return read(config.dump());
}

TEST(ConfigJson, ReadsLlama32) {  // the values of mlx-community/Llama-3.2-1B-Instruct-4bit
  const ModelConfig config = read(good_config().dump());
  EXPECT_EQ(config.architecture, "llama");
  EXPECT_EQ(config.hidden, 2048);
  EXPECT_EQ(config.layers, 16);
  EXPECT_EQ(config.heads, 32);
  EXPECT_EQ(config.kv_heads, 8);
  EXPECT_EQ(config.head_dim, 64);
  EXPECT_EQ(config.intermediate, 8192);
  EXPECT_EQ(config.vocab, 128256);
  EXPECT_EQ(config.context, 131072);
  EXPECT_EQ(config.norm_eps, 1e-5F);
  EXPECT_TRUE(config.tied_head);
  EXPECT_FALSE(config.rope.interleaved);
  EXPECT_EQ(config.rope.theta, 500000.0);
  ASSERT_TRUE(config.rope.llama3.has_value());
  EXPECT_EQ(config.rope.llama3->factor, 32.0);
  EXPECT_EQ(config.rope.llama3->low_freq_factor, 1.0);
  EXPECT_EQ(config.rope.llama3->high_freq_factor, 4.0);
  EXPECT_EQ(config.rope.llama3->original_context, 8192.0);
  EXPECT_EQ(config.bos, 128000);
  EXPECT_THAT(config.eos, testing::ElementsAre(128001, 128008, 128009));
  ASSERT_TRUE(config.affine.has_value());
  EXPECT_EQ(config.affine->bits, 4);
  EXPECT_EQ(config.affine->group, 64);
}

TEST(ConfigJson, FillsInWhatHuggingFaceLeavesOut) {  // defaults of transformers' LlamaConfig
  const ModelConfig config = read_patched(
      R"({"num_key_value_heads":null,"head_dim":null,"max_position_embeddings":null,"rms_norm_eps":null,"rope_theta":null,
      "tie_word_embeddings":null,"bos_token_id":null,"eos_token_id":null,"hidden_act":null,"rope_scaling":null,"quantization":null,
      "architectures":null})");
  EXPECT_EQ(config.kv_heads, 32);
  EXPECT_EQ(config.head_dim, 64);
  EXPECT_EQ(config.context, 2048);
  EXPECT_EQ(config.norm_eps, 1e-6F);
  EXPECT_EQ(config.rope.theta, 10000.0);
  EXPECT_FALSE(config.rope.llama3.has_value());
  EXPECT_FALSE(config.tied_head);
  EXPECT_FALSE(config.bos.has_value());
  EXPECT_TRUE(config.eos.empty());
  EXPECT_FALSE(config.affine.has_value());
}

TEST(ConfigJson, ReadsRopeParametersOfNewerTransformers) {
  const ModelConfig config = read_patched(R"({"rope_theta":null,"rope_scaling":null,"rope_parameters":{"rope_theta":250000,
    "rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":4096}})");
  EXPECT_EQ(config.rope.theta, 250000.0);
  EXPECT_EQ(config.rope.llama3.value().original_context, 4096.0);
  EXPECT_FALSE(read_patched(R"({"rope_scaling":null,"rope_parameters":{"rope_type":"default","rope_theta":1e4}})").rope.llama3);
  EXPECT_FALSE(read_patched(R"({"rope_scaling":{"type":"default","rope_type":null}})").rope.llama3);
}

TEST(ConfigJson, Fault25EosIsAnIdOrAListAndGenerationConfigAddsToIt) {
  EXPECT_THAT(read_patched(R"({"eos_token_id":7})").eos, testing::ElementsAre(7));
  EXPECT_THAT(read_patched(R"({"eos_token_id":[]})").eos, testing::IsEmpty());
  json config = good_config();
  config["eos_token_id"] = 9;
  EXPECT_THAT(read(config.dump(), R"({"eos_token_id":[7,9]})").eos, testing::ElementsAre(7, 9));
  EXPECT_THAT(read(config.dump(), R"({"temperature":0.6})").eos, testing::ElementsAre(9));
  expect_error([&] { (void)read(config.dump(), R"({"eos_token_id":"x"})"); }, ErrorKind::invalid_data,
               "generation_config.json: field \"eos_token_id\"", "generation");
  expect_error([&] { (void)read(config.dump(), R"({"eos_token_id":128256})"); }, ErrorKind::invalid_data, "EOS token is 128256",
               "range");
}

TEST(ConfigJson, ReadsQuantizationOfSingleLayers) {
  const ModelConfig config = read_patched(R"({"quantization":{"group_size":32,"bits":4,"mode":"affine",
    "model.embed_tokens":{"group_size":32,"bits":8},"lm_head":false,"model.layers.0.mlp.up_proj":true}})");
  EXPECT_EQ(config.affine_overrides.size(), 3U);
  EXPECT_EQ(config.affine_overrides.at("model.embed_tokens").value().bits, 8);
  EXPECT_FALSE(config.affine_overrides.at("lm_head").has_value());
  EXPECT_EQ(config.affine_overrides.at("model.layers.0.mlp.up_proj").value().bits, 4);
  EXPECT_EQ(read_patched(R"({"quantization":null,"quantization_config":{"group_size":128,"bits":8}})").affine.value().group, 128);
}

struct Fault {
  const char* label;  // number in docs/faults.md
  const char* patch;
  const char* message;
  ErrorKind kind = ErrorKind::invalid_data;
};

class ConfigJsonRefuses : public testing::TestWithParam<Fault> {};

TEST_P(ConfigJsonRefuses, SayingWhatIsWrong) {
  const Fault& fault = GetParam();
  expect_error([&] { (void)read_patched(fault.patch); }, fault.kind, fault.message, fault.label);
}

INSTANTIATE_TEST_SUITE_P(
    Faults, ConfigJsonRefuses,
    testing::ValuesIn(std::vector<Fault>{
        {"19 zero heads", R"({"num_attention_heads":0})", "number of attention heads is 0 (expected 1 to 1024)"},
        {"19 zero heads, no head_dim", R"({"num_attention_heads":0,"head_dim":null})", "0 attention heads do not divide"},
        {"19 zero hidden", R"({"hidden_size":0})", "hidden size is 0"},
        {"19 zero KV heads", R"({"num_key_value_heads":0})", "number of KV heads is 0"},
        {"19 no hidden", R"({"hidden_size":null})", "field \"hidden_size\" is missing"},
        {"19 negative", R"({"intermediate_size":-1})", "intermediate size is -1"},
        {"20 2^31 layers", R"({"num_hidden_layers":2147483648})", "number of layers is 2147483648 (expected 1 to 1000)"},
        {"20 2^64-1 layers", R"({"num_hidden_layers":18446744073709551615})", "expected less than 2^63"},
        {"20 vocabulary", R"({"vocab_size":4194305})", "vocabulary size is 4194305"},
        {"20 hidden", R"({"hidden_size":1048577})", "hidden size is 1048577"},
        {"20 context", R"({"max_position_embeddings":134217729})", "context length is 134217729"},
        {"21 KV heads", R"({"num_key_value_heads":5})", "5 KV heads do not divide 32 attention heads"},
        {"21 heads do not divide", R"({"hidden_size":2050,"head_dim":null})",
         "32 attention heads do not divide hidden_size 2050"},
        {"21 odd head_dim", R"({"head_dim":63})", "head dimension is 63 (expected even)"},
        {"22 BOS", R"({"bos_token_id":128256})", "BOS token is 128256 (expected 0 to 128255)"},
        {"23 theta 0", R"({"rope_theta":0})", "RoPE theta is 0"},
        {"23 theta negative", R"({"rope_theta":-1.5})", "RoPE theta is -1.5"},
        {"23 theta text", R"({"rope_theta":"1e4"})", "field \"rope_theta\" is string (expected a number)"},
        {"24 auto_map", R"({"auto_map":{"AutoModel":"x.Y"}})", "\"auto_map\" asks for code", ErrorKind::unsupported},
        {"24 model_file", R"({"model_file":"x.py"})", "\"model_file\" asks for code", ErrorKind::unsupported},
        {"25 EOS range", R"({"eos_token_id":[1,128256]})", "EOS token is 128256"},
        {"25 EOS negative", R"({"eos_token_id":-1})", "\"eos_token_id\" holds no token id"},
        {"25 EOS 2^32+1", R"({"eos_token_id":4294967297})", "\"eos_token_id\" holds no token id"},
        {"25 EOS float", R"({"eos_token_id":2.0})", "\"eos_token_id\" holds no token id"},
        {"float layers", R"({"num_hidden_layers":16.0})",
         "\"num_hidden_layers\" is a floating-point number (expected an integer)"},
        {"boolean layers", R"({"num_hidden_layers":true})", "\"num_hidden_layers\" is boolean (expected an integer)"},
        {"eps 0", R"({"rms_norm_eps":0})", "RMS norm epsilon is 0"},
        {"tie text", R"({"tie_word_embeddings":"true"})", "\"tie_word_embeddings\" is string (expected true or false)"},
        {"qwen2", R"({"model_type":"qwen2"})", "model_type \"qwen2\" is not supported", ErrorKind::unsupported},
        {"Qwen2ForCausalLM", R"({"model_type":null,"architectures":["Qwen2ForCausalLM"]})", "architecture \"Qwen2ForCausalLM\"",
         ErrorKind::unsupported},
        {"no architecture", R"({"model_type":null,"architectures":null})", "field \"model_type\" is missing"},
        {"two architectures", R"({"architectures":["LlamaForCausalLM","X"]})", "not a list of one string"},
        {"gelu", R"({"hidden_act":"gelu"})", "hidden_act \"gelu\" is not supported", ErrorKind::unsupported},
        {"attention_bias", R"({"attention_bias":true})", "attention_bias true", ErrorKind::unsupported},
        {"mlp_bias", R"({"mlp_bias":true})", "mlp_bias true", ErrorKind::unsupported},
        {"yarn", R"({"rope_scaling":{"rope_type":"yarn"}})", "RoPE type \"yarn\" is not supported", ErrorKind::unsupported},
        {"no factor", R"({"rope_scaling":{"factor":null}})", "rope_scaling: field \"factor\" is missing"},
        {"no rope_type", R"({"rope_scaling":{"rope_type":null}})", "field \"rope_type\" is missing"},
        {"factor 0", R"({"rope_scaling":{"factor":0}})", "RoPE scaling factor is 0"},
        {"factors reversed", R"({"rope_scaling":{"high_freq_factor":1.0}})", "expected above low_freq_factor"},
        {"partial rotary", R"({"partial_rotary_factor":0.5})", "partial_rotary_factor other than 1", ErrorKind::unsupported},
        {"18 bits 3", R"({"quantization":{"bits":3}})", "bits is 3 (expected 4 or 8)"},
        {"18 group 0", R"({"quantization":{"group_size":0}})", "group_size is 0 (expected 32, 64 or 128)"},
        {"18 no bits", R"({"quantization":{"bits":null}})", "field \"bits\" is missing"},
        {"18 layer's bits", R"({"quantization":{"lm_head":{"bits":16,"group_size":64}}})", "layer \"lm_head\": bits is 16"},
        {"mxfp4", R"({"quantization":{"mode":"mxfp4"}})", "mode \"mxfp4\" is not supported", ErrorKind::unsupported},
        {"gptq", R"({"quantization":null,"quantization_config":{"quant_method":"gptq","bits":4}})", "quant_method \"gptq\"",
         ErrorKind::unsupported},
    }),
    [](const auto& row) { return fault_name(row.param.label); });

TEST(ConfigJson, Fault23ThetaThatIsNoNumberOfJsonIsRefused) {
  expect_error([] { (void)read(R"({"model_type":"llama","rope_theta":1e400})"); }, ErrorKind::invalid_data, "out of range",
               "23 theta 1e400");
  expect_error([] { (void)read(R"({"model_type":"llama","rope_theta":NaN})"); }, ErrorKind::invalid_data, "not valid JSON",
               "23 theta NaN");
}

TEST(ConfigJson, RejectsEveryTruncatedPrefix) {
  const std::string text = good_config().dump();
  for (std::size_t length = 0; length < text.size(); ++length) {
    expect_error([&] { (void)read(text.substr(0, length)); }, ErrorKind::invalid_data, "JSON is cut off after",
                 fmt::format("{} bytes", length));
  }
}

using Type = GgufEntry::Type;

std::vector<GgufEntry> good_metadata() {
  return {{"general.architecture", Type::text, std::string("llama")},
          {"llama.embedding_length", Type::u32, uint64_t{64}},
          {"llama.block_count", Type::u32, uint64_t{2}},
          {"llama.attention.head_count", Type::u32, uint64_t{4}},
          {"llama.attention.head_count_kv", Type::u32, uint64_t{2}},
          {"llama.feed_forward_length", Type::u32, uint64_t{128}},
          {"llama.context_length", Type::u32, uint64_t{512}},
          {"llama.attention.layer_norm_rms_epsilon", Type::f32, 1e-5},
          {"llama.rope.freq_base", Type::f32, 100000.0},
          {"llama.rope.dimension_count", Type::u32, uint64_t{16}},
          {"llama.vocab_size", Type::u32, uint64_t{8}},
          {"tokenizer.ggml.bos_token_id", Type::u32, uint64_t{1}},
          {"tokenizer.ggml.eos_token_id", Type::u32, uint64_t{3}},
          {"tokenizer.ggml.eot_token_id", Type::u32, uint64_t{2}}};
}

ModelConfig read_gguf(const std::vector<GgufEntry>& changes, const std::vector<std::string>& without = {},
                      const std::vector<TensorToWrite>& tensors = {tensor("token_embd.weight", DType::f16, {8, 64})}) {
  std::vector<GgufEntry> metadata = good_metadata();
  for (const GgufEntry& change : changes) {
    std::erase_if(metadata, [&](const GgufEntry& entry) { return entry.key == change.key; });
    metadata.push_back(change);
  }
  std::erase_if(metadata,
                [&](const GgufEntry& entry) { return std::find(without.begin(), without.end(), entry.key) != without.end(); });
  const TempFolder folder;
  write_gguf(folder.path() / "m.gguf", metadata, tensors);
  return read_gguf_config(GgufFile::open(folder.path() / "m.gguf"));
}

TEST(GgufConfig, ReadsEveryField) {
  const ModelConfig config = read_gguf({});
  EXPECT_EQ(config.hidden, 64);
  EXPECT_EQ(config.layers, 2);
  EXPECT_EQ(config.heads, 4);
  EXPECT_EQ(config.kv_heads, 2);
  EXPECT_EQ(config.head_dim, 16);
  EXPECT_EQ(config.intermediate, 128);
  EXPECT_EQ(config.vocab, 8);
  EXPECT_EQ(config.context, 512);
  EXPECT_EQ(config.norm_eps, 1e-5F);
  EXPECT_EQ(config.rope.theta, 100000.0);
  EXPECT_TRUE(config.rope.interleaved);
  EXPECT_TRUE(config.rope.frequency_factors.empty());
  EXPECT_TRUE(config.tied_head);
  EXPECT_EQ(config.bos, 1);
  EXPECT_THAT(config.eos, testing::ElementsAre(2, 3));
}

TEST(GgufConfig, FrequencyFactorsAndOwnHeadComeFromTensors) {
  const TensorToWrite factors = {"rope_freqs.weight", DType::f32, {8}, [] {
                                   const std::vector<float> values = {1, 1, 1, 2, 4, 8, 32, 32};
                                   const auto bytes = std::as_bytes(std::span(values));
                                   return std::vector<std::byte>(bytes.begin(), bytes.end());
                                 }};
  const ModelConfig config =
      read_gguf({}, {"llama.attention.head_count_kv", "llama.rope.freq_base"},
                {tensor("token_embd.weight", DType::f16, {8, 64}), tensor("output.weight", DType::f16, {8, 64}), factors});
  EXPECT_THAT(config.rope.frequency_factors, testing::ElementsAre(1, 1, 1, 2, 4, 8, 32, 32));
  EXPECT_FALSE(config.tied_head);
  EXPECT_EQ(config.kv_heads, 4);
  EXPECT_EQ(config.rope.theta, 10000.0);
}

struct GgufFault {
  const char* label;  // number in docs/faults.md
  GgufEntry change;
  const char* message;
  ErrorKind kind = ErrorKind::invalid_data;
};

class GgufConfigRefuses : public testing::TestWithParam<GgufFault> {};

TEST_P(GgufConfigRefuses, SayingWhatIsWrong) {
  const GgufFault& fault = GetParam();
  expect_error([&] { (void)read_gguf({fault.change}); }, fault.kind, fault.message, fault.label);
}

INSTANTIATE_TEST_SUITE_P(
    Faults, GgufConfigRefuses,
    testing::ValuesIn(std::vector<GgufFault>{
        {"19 heads", {"llama.attention.head_count", Type::u32, uint64_t{0}}, "0 attention heads do not divide"},
        {"21 KV heads", {"llama.attention.head_count_kv", Type::u32, uint64_t{3}}, "3 KV heads do not divide 4"},
        {"KV heads per layer", {"llama.attention.head_count_kv", Type::i32s, std::vector<int64_t>{2, 2}}, "expected an integer"},
        {"22 BOS", {"tokenizer.ggml.bos_token_id", Type::u32, uint64_t{8}}, "BOS token is 8 (expected 0 to 7)"},
        {"25 EOS",
         {"tokenizer.ggml.eos_token_id", Type::u32, uint64_t{4294967295}},
         "\"tokenizer.ggml.eos_token_id\" is 4294967295"},
        {"23 theta", {"llama.rope.freq_base", Type::f32, std::numeric_limits<double>::quiet_NaN()}, "RoPE theta is nan"},
        {"23 theta u32", {"llama.rope.freq_base", Type::u32, uint64_t{10000}}, "expected a floating-point number"},
        {"49 block_count", {"llama.block_count", Type::u32, uint64_t{1001}}, "number of layers is 1001 (expected 1 to 1000)"},
        {"vocabulary", {"llama.vocab_size", Type::u32, uint64_t{9}}, "llama.vocab_size is 9 (expected 8"},
        {"experts", {"llama.expert_count", Type::u32, uint64_t{8}}, "mixture of experts", ErrorKind::unsupported},
        {"value_length", {"llama.attention.value_length", Type::u32, uint64_t{8}}, "value_length 8", ErrorKind::unsupported},
        {"dimension_count", {"llama.rope.dimension_count", Type::u32, uint64_t{8}}, "dimension_count 8", ErrorKind::unsupported},
        {"scaling",
         {"llama.rope.scaling.type", Type::text, std::string("yarn")},
         "\"yarn\" is not supported",
         ErrorKind::unsupported},
        {"qwen2",
         {"general.architecture", Type::text, std::string("qwen2")},
         "architecture \"qwen2\" is not supported",
         ErrorKind::unsupported},
    }),
    [](const auto& row) { return fault_name(row.param.label); });

TEST(GgufConfig, RefusesWhatIsMissing) {
  for (const char* key : {"general.architecture", "llama.embedding_length", "llama.block_count", "llama.attention.head_count",
                          "llama.feed_forward_length", "llama.context_length", "llama.attention.layer_norm_rms_epsilon"}) {
    expect_error([&] { (void)read_gguf({}, {key}); }, ErrorKind::invalid_data, fmt::format("metadata key \"{}\" is missing", key),
                 key);
  }
  expect_error([&] { (void)read_gguf({}, {}, {}); }, ErrorKind::invalid_data, "\"token_embd.weight\" is missing", "no embedding");
  expect_error(
      [&] {
        (void)read_gguf({}, {}, {tensor("token_embd.weight", DType::f16, {8, 64}), tensor("rope_freqs.weight", DType::f32, {4})});
      },
      ErrorKind::invalid_data, "\"rope_freqs.weight\" is f32 [4] (expected f32 [8])", "factors");
}

}  // namespace
}  // namespace ifm
