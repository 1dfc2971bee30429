#include "inferometer/hub/convert.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/base/rng.h"
#include "inferometer/base/test_folder.h"
#include "inferometer/format/checkpoint.h"
#include "inferometer/format/gguf_writer.h"
#include "inferometer/hub/config_json.h"
#include "inferometer/hub/gguf_names.h"
#include "inferometer/hub/repack.h"
#include "inferometer/hub/synth.h"
#include "inferometer/hub/test_weights.h"
#include "inferometer/text/model_text.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const Say kSilent = [](std::string_view) {};

class Convert : public ::testing::Test {
 protected:
  fs::path tiny_gguf(DType type) {
    const fs::path file = root_ / (std::string(info(type).name) + ".gguf");
    synthesize("tiny-llama", {.format = SynthFormat::gguf, .type = std::string(info(type).name)}, file, kSilent);
    return file;
  }
  /// The tiny model again, with one tensor's bytes or type changed by `change`.
  fs::path changed_gguf(const fs::path& from, const std::function<void(TensorToWrite&)>& change) {
    const GgufFile file = GgufFile::open(from);
    std::vector<GgufEntry> entries;
    using Type = GgufEntry::Type;
    for (const auto& [key, value] : file.metadata()) {
      Type type = Type::u32;
      if (std::holds_alternative<double>(value)) type = Type::f32;
      if (std::holds_alternative<bool>(value)) type = Type::boolean;
      if (std::holds_alternative<std::string>(value)) type = Type::text;
      if (std::holds_alternative<std::vector<std::string>>(value)) type = Type::texts;
      if (std::holds_alternative<std::vector<int64_t>>(value)) type = Type::i32s;
      entries.push_back({key, type, value});
    }
    std::vector<TensorToWrite> tensors;
    for (const TensorView& tensor : file.tensors()) {
      tensors.push_back({tensor.name, tensor.dtype, tensor.shape,
                         [&tensor] { return std::vector<std::byte>(tensor.bytes.begin(), tensor.bytes.end()); }});
      change(tensors.back());
    }
    const fs::path to = root_ / "changed.gguf";
    write_gguf(to, entries, tensors);
    return to;
  }
  [[nodiscard]] std::string error_of(const fs::path& gguf, const fs::path& folder, ErrorKind kind) const {
    try {
      convert_to_mlx(gguf, folder, kSilent);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.message();
      EXPECT_EQ(error.message().find('\n'), std::string::npos);
      return error.message();
    }
    ADD_FAILURE() << "converted";
    return "";
  }
  test::TempFolder folder_;
  fs::path root_ = folder_.path();
};

class ConvertEveryType : public Convert, public ::testing::WithParamInterface<DType> {};

TEST_P(ConvertEveryType, DequantizesBitForBitToWhatTheGgufDoes) {
  const fs::path file = tiny_gguf(GetParam());
  convert_to_mlx(file, root_ / "mlx", kSilent);
  expect_same_weights(Checkpoint::open(file), Checkpoint::open(root_ / "mlx"));
}

INSTANTIATE_TEST_SUITE_P(Types, ConvertEveryType, ::testing::Values(DType::q4_0, DType::q4_1, DType::q8_0),
                         [](const auto& instance) { return std::string(::ifm::info(instance.param).name); });

TEST_F(Convert, RandomBlocksOfAnyScaleKeepEveryBit) {
  const fs::path file = changed_gguf(tiny_gguf(DType::q4_1), [](TensorToWrite& tensor) {
    if (tensor.name != "blk.1.attn_q.weight" && tensor.name != "blk.0.ffn_down.weight") return;
    const std::size_t bytes = tensor.produce().size();
    tensor.produce = [bytes] {
      Rng rng(5);
      std::vector<std::byte> random(bytes);
      for (std::byte& byte : random) byte = static_cast<std::byte>(rng());
      for (std::size_t block = 0; block < bytes; block += 20) {
        random[block + 1] &= std::byte{0xBB};  // no infinity and no NaN in scale or minimum
        random[block + 3] &= std::byte{0xBB};
      }
      return random;
    };
  });
  convert_to_mlx(file, root_ / "mlx", kSilent);
  expect_same_weights(Checkpoint::open(file), Checkpoint::open(root_ / "mlx"));
}

TEST_F(Convert, MixedTypesBecomeOverridesAndPlainTensorsStay) {
  const fs::path file = changed_gguf(tiny_gguf(DType::q4_1), [](TensorToWrite& tensor) {
    if (tensor.name == "token_embd.weight") {
      tensor.dtype = DType::q8_0;
      tensor.produce = [] {
        std::vector<std::byte> bytes(512 * 256 / 32 * 34);
        Rng rng(6);
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = i % 34 == 1 ? std::byte{0x21} : static_cast<std::byte>(rng());
        return bytes;
      };
    }
    if (tensor.name == "blk.2.attn_k.weight") {
      tensor.dtype = DType::f16;
      tensor.produce = [] {
        std::vector<std::byte> bytes(64 * 256 * 2);
        Rng rng(7);
        for (std::byte& byte : bytes) byte = static_cast<std::byte>(rng() & 0x3F);
        return bytes;
      };
    }
  });
  convert_to_mlx(file, root_ / "mlx", kSilent);
  const Checkpoint mlx = Checkpoint::open(root_ / "mlx");
  expect_same_weights(Checkpoint::open(file), mlx);
  EXPECT_EQ(mlx.config().affine->bits, 4);
  EXPECT_EQ(mlx.config().affine_overrides.at("model.embed_tokens")->bits, 8);
  EXPECT_FALSE(mlx.config().affine_overrides.at("model.layers.2.self_attn.k_proj").has_value());
}

TEST_F(Convert, KeepsTheConfiguration) {
  const fs::path file = tiny_gguf(DType::q4_0);
  convert_to_mlx(file, root_ / "mlx", kSilent);
  synthesize("tiny-llama", {}, root_ / "original", kSilent);
  const ModelConfig found = Checkpoint::open(root_ / "mlx").config();
  const ModelConfig expected = Checkpoint::open(root_ / "original").config();
  EXPECT_EQ(found.hidden, expected.hidden);
  EXPECT_EQ(found.layers, expected.layers);
  EXPECT_EQ(found.heads, expected.heads);
  EXPECT_EQ(found.kv_heads, expected.kv_heads);
  EXPECT_EQ(found.head_dim, expected.head_dim);
  EXPECT_EQ(found.intermediate, expected.intermediate);
  EXPECT_EQ(found.vocab, expected.vocab);
  EXPECT_EQ(found.context, expected.context);
  EXPECT_EQ(found.norm_eps, expected.norm_eps);
  EXPECT_EQ(found.tied_head, expected.tied_head);
  EXPECT_EQ(found.bos, expected.bos);
  EXPECT_EQ(found.rope.theta, expected.rope.theta);
  EXPECT_FALSE(found.rope.interleaved);
  ASSERT_TRUE(found.rope.llama3.has_value());  // found again from rope_freqs
  EXPECT_EQ(found.rope.llama3->factor, 8);
  EXPECT_EQ(found.rope.llama3->original_context, 256);
}

TEST_F(Convert, KeepsTheTokenizerAndTheTemplate) {
  const fs::path file = tiny_gguf(DType::q4_0);
  convert_to_mlx(file, root_ / "mlx", kSilent);
  const ModelText ours = ModelText::open(Checkpoint::open(root_ / "mlx"));
  const ModelText theirs = ModelText::open(Checkpoint::open(file));
  EXPECT_EQ(ours.tokenizer.vocab_size(), theirs.tokenizer.vocab_size());
  EXPECT_EQ(ours.chat_template_source, theirs.chat_template_source);
  EXPECT_EQ(ours.bos_token, "<|begin_of_text|>");
  EXPECT_EQ(ours.eos_token, "<|eot_id|>");
  for (const std::string text : {"Hello, world 2024!", " naïve  日本\n\n", "<|eot_id|>x", "it's THE end"}) {
    EXPECT_EQ(ours.encode_raw(text), theirs.encode_raw(text)) << text;
    EXPECT_EQ(ours.tokenizer.decode(ours.tokenizer.encode(text)), text);
  }
  const std::vector<ChatMessage> chat{{"user", "Hi"}};
  EXPECT_EQ(ours.encode_chat(chat), theirs.encode_chat(chat));
  EXPECT_TRUE(ours.tokenizer.is_special(511));
}

TEST_F(Convert, NamesATensorThatWouldLoseSomething) {
  const fs::path file = changed_gguf(tiny_gguf(DType::q4_0), [](TensorToWrite& tensor) {
    if (tensor.name != "token_embd.weight") return;
    tensor.dtype = DType::q6_k;
    tensor.produce = [] { return std::vector<std::byte>(512 * 256 / 256 * 210); };
  });
  const std::string message = error_of(file, root_ / "mlx", ErrorKind::unsupported);
  EXPECT_THAT(message, HasSubstr("token_embd.weight is q6_k"));
  EXPECT_FALSE(fs::exists(root_ / "mlx"));
}

TEST_F(Convert, RefusesAScaleWhoseBiasOverflows) {
  const fs::path file = changed_gguf(tiny_gguf(DType::q8_0), [](TensorToWrite& tensor) {
    if (tensor.name != "blk.0.ffn_up.weight") return;
    std::vector<std::byte> bytes = tensor.produce();
    bytes[0] = std::byte{0x00};
    bytes[1] = std::byte{0x60};  // f16 512: 128 * 512 = 65536 is past the largest f16
    tensor.produce = [bytes] { return bytes; };
  });
  EXPECT_THAT(error_of(file, root_ / "mlx", ErrorKind::unsupported), HasSubstr("blk.0.ffn_up.weight: scale 512 of block 0"));
  EXPECT_FALSE(fs::exists(root_ / "mlx"));
}

TEST_F(Convert, LeavesNothingBehindWhenItFails) {
  std::ofstream(root_ / "bad.gguf") << "GGUF";
  (void)error_of(root_ / "bad.gguf", root_ / "mlx", ErrorKind::invalid_data);
  int entries = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(root_)) ++entries;
  EXPECT_EQ(entries, 1);
}

TEST_F(Convert, RefusesAFolderThatHoldsSomething) {
  const fs::path file = tiny_gguf(DType::q4_0);
  fs::create_directories(root_ / "mlx");
  std::ofstream(root_ / "mlx" / "mine.txt") << "x";
  EXPECT_THAT(error_of(file, root_ / "mlx", ErrorKind::usage), HasSubstr("exists and is not empty"));
  EXPECT_THAT(error_of(file, file, ErrorKind::usage), HasSubstr("is not a folder"));
  fs::remove(root_ / "mlx" / "mine.txt");
  convert_to_mlx(file, root_ / "mlx", kSilent);
  EXPECT_TRUE(fs::exists(root_ / "mlx" / "config.json"));
}

// Expected values: mlx-lm 0.32.2, models/rope_utils.py initialize_rope with Llama-3.2-1B's settings, divided by 500000^(i/32).
TEST(Llama3Factors, AreThoseOfMlxLm) {
  const std::vector<float> factors = llama3_factors({32, 1, 4, 8192}, 500000, 64);
  ASSERT_EQ(factors.size(), 32U);
  EXPECT_EQ(factors[14], 1.0F);
  EXPECT_NEAR(factors[15], 1.651329, 2e-6);
  EXPECT_NEAR(factors[16], 3.292263, 2e-6);
  EXPECT_NEAR(factors[17], 9.666731, 4e-6);
  EXPECT_EQ(factors[18], 32.0F);
  EXPECT_EQ(factors.back(), 32.0F);
  const auto found = llama3_scaling_of(factors, 500000);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->factor, 32);
  EXPECT_EQ(found->original_context, 8192);
}

TEST(Llama3Factors, FactorsOfAnotherKindAreNotMistaken) {
  std::vector<float> factors = llama3_factors({32, 1, 4, 8192}, 500000, 64);
  factors[3] = 1.5F;
  EXPECT_FALSE(llama3_scaling_of(factors, 500000).has_value());
}

TEST(RowOrder, UndoesTheInterleavingOfEachHead) {
  const RowOrder order{4};
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < 8; ++row) rows.push_back(order.source(row));
  EXPECT_EQ(rows, (std::vector<int64_t>{0, 2, 1, 3, 4, 6, 5, 7}));
  EXPECT_EQ((RowOrder{0}.source(5)), 5);
}

TEST(GgufNames, GoThereAndBack) {
  for (const char* name : {"token_embd.weight", "output.weight", "blk.12.attn_output.weight", "blk.0.ffn_norm.weight"}) {
    const auto ours = hugging_face_name(name);
    ASSERT_TRUE(ours.has_value()) << name;
    EXPECT_EQ(gguf_name(*ours), name);
  }
  EXPECT_EQ(hugging_face_name("blk.3.attn_q.weight"), "model.layers.3.self_attn.q_proj");
  EXPECT_FALSE(hugging_face_name("blk.3.attn_q.bias").has_value());
  EXPECT_FALSE(hugging_face_name("blk.x.attn_q.weight").has_value());
}

}  // namespace
}  // namespace ifm
