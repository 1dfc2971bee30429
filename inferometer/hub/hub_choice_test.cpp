#include "inferometer/hub/hub_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

HubListing listing(const std::vector<std::string>& paths) {
  HubListing result;
  for (const std::string& path : paths) result.files.push_back({path, 1, std::string(40, 'a')});
  return result;
}

HubChoice chosen(const std::string& name, const std::vector<std::string>& paths) {
  return choose_files(parse_hub_name(name).value(), listing(paths));
}

std::vector<std::string> names(const HubChoice& choice) {
  std::vector<std::string> result;
  for (const HubFile& file : choice.files) result.push_back(file.path);
  return result;
}

std::string error_of(const std::string& name, const std::vector<std::string>& paths, ErrorKind kind) {
  try {
    (void)chosen(name, paths);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.message();
    return error.message();
  }
  return "chosen";
}

TEST(HubChoice, AFolderIsWhatRunsAndNothingElse) {
  const HubChoice choice = chosen(
      "o/n", {"README.md", "config.json", "consolidated.safetensors", "generation_config.json", "model.safetensors",
              "onnx/model.onnx", "original/model.safetensors", "pytorch_model.bin", "tokenizer.json", "tokenizer_config.json"});
  EXPECT_TRUE(choice.is_folder);
  EXPECT_THAT(names(choice), ElementsAre("config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
                                         "tokenizer_config.json"));
}

TEST(HubChoice, AnIndexMeansItsParts) {
  EXPECT_THAT(names(chosen("o/n", {"chat_template.jinja", "config.json", "model-00001-of-00002.safetensors",
                                   "model-00002-of-00002.safetensors", "model.safetensors", "model.safetensors.index.json"})),
              ElementsAre("chat_template.jinja", "config.json", "model-00001-of-00002.safetensors",
                          "model-00002-of-00002.safetensors", "model.safetensors.index.json"));
}

TEST(HubChoice, OneGgufIsTaken) {
  const HubChoice choice = chosen("o/n", {"README.md", "config.json", "m-Q2_K.gguf"});
  EXPECT_FALSE(choice.is_folder);
  EXPECT_THAT(names(choice), ElementsAre("m-Q2_K.gguf"));
  EXPECT_EQ(choice.note, "");
}

TEST(HubChoice, OfSeveralTheUsualOneIsTakenAndSaid) {
  const HubChoice choice = chosen("o/n", {"m-Q2_K.gguf", "m-Q4_K_M.gguf", "m-Q8_0.gguf", "mmproj-Q4_K_M.gguf"});
  EXPECT_THAT(names(choice), ElementsAre("m-Q4_K_M.gguf"));
  EXPECT_EQ(choice.note, "o/n: m-Q4_K_M.gguf of 4 GGUF files");
  EXPECT_THAT(error_of("o/n", {"a.gguf", "b.gguf"}, ErrorKind::not_found),
              HasSubstr("(choose one with hf:o/n/FILE or hf:o/n:QUANTIZATION; it has a.gguf, b.gguf)"));
}

TEST(HubChoice, AQuantizationIsAWordOfTheName) {
  const std::vector<std::string> files{"config.json", "m-Q4_0.gguf", "m-Q4_0_4_4.gguf", "m-q4_k_m.gguf", "model.safetensors"};
  EXPECT_THAT(names(chosen("o/n:q4_0", files)), ElementsAre("m-Q4_0.gguf"));
  EXPECT_THAT(names(chosen("o/n:Q4_K_M", files)), ElementsAre("m-q4_k_m.gguf"));
  EXPECT_THAT(names(chosen("o/n:4_4", files)), ElementsAre("m-Q4_0_4_4.gguf"));
  EXPECT_THAT(error_of("o/n:Q5_0", files, ErrorKind::not_found), HasSubstr("no GGUF file is called Q5_0 (it has m-Q4_0.gguf,"));
  EXPECT_THAT(error_of("o/n:Q4", files, ErrorKind::not_found), HasSubstr("more than one GGUF file is called Q4"));
  EXPECT_THAT(names(chosen("o/n/m-Q4_0.gguf", files)), ElementsAre("m-Q4_0.gguf"));
  EXPECT_THAT(error_of("o/n/x.gguf", files, ErrorKind::not_found), HasSubstr("has no x.gguf"));
}

TEST(HubChoice, PartsAreRefused) {
  const std::vector<std::string> files{"m-BF16-00001-of-00002.gguf", "m-BF16-00002-of-00002.gguf", "m-Q8_0.gguf"};
  EXPECT_THAT(error_of("o/n:BF16", files, ErrorKind::unsupported), HasSubstr("lies in 2 parts"));
  EXPECT_THAT(error_of("o/n/" + files[0], files, ErrorKind::unsupported), HasSubstr("one part of several"));
}

TEST(HubChoice, OtherRepositoriesAreRefused) {
  EXPECT_THAT(error_of("o/n", {"README.md", "pytorch_model.bin", "config.json"}, ErrorKind::unsupported),
              HasSubstr("no model that this build reads"));
  EXPECT_THAT(error_of("o/n:Q4_0", {"config.json", "model.safetensors"}, ErrorKind::not_found),
              HasSubstr("it has no .gguf file"));
}

}  // namespace
}  // namespace ifm
