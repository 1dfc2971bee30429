#include "inferometer/hub/model_caches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/hub/ollama_store.h"
#include "inferometer/hub/test_hub_files.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

HubName name_of(const std::string& text) { return parse_hub_name(text).value(); }

class ModelCaches : public HubFolderTest {
 protected:
  /// Who keeps the model, and where below the test's folder.
  [[nodiscard]] std::string found(const std::string& name) const {
    const auto model = find_in_caches(name_of(name));
    return model ? model->keeper + ": " + model->path.lexically_relative(root_).string() : "";
  }
  void put_manifest(const std::string& place, const std::string& digest,
                    const std::string& type = "application/vnd.ollama.image.model") const {
    put_file(root_ / ".ollama/models/manifests" / place,
             R"({"layers":[{"mediaType":"application/vnd.ollama.image.license","digest":"sha256:0"},{"mediaType":")" + type +
                 R"(","digest":"sha256:)" + digest + R"("}]})");
  }
};

TEST_F(ModelCaches, LmStudioKeepsOwnerAndName) {
  put_file(root_ / ".cache/lm-studio/models/o/n/m-Q4_0.gguf", "x");
  EXPECT_EQ(found("o/n"), "LM Studio: .cache/lm-studio/models/o/n/m-Q4_0.gguf");
  put_file(root_ / ".lmstudio/models/o/n/m-Q8_0.gguf", "x");
  EXPECT_EQ(found("o/n:Q8_0"), "LM Studio: .lmstudio/models/o/n/m-Q8_0.gguf");
  EXPECT_EQ(found("o/n:Q4_0"), "LM Studio: .cache/lm-studio/models/o/n/m-Q4_0.gguf");
  EXPECT_EQ(found("o/n:Q2_K"), "");
  EXPECT_EQ(found("o/n@v1"), "");
  put_file(root_ / ".lmstudio/models/o/mlx/config.json", "x");
  EXPECT_EQ(found("o/mlx"), "");
  put_file(root_ / ".lmstudio/models/o/mlx/model.safetensors", "x");
  EXPECT_EQ(found("o/mlx"), "LM Studio: .lmstudio/models/o/mlx");
}

TEST_F(ModelCaches, LlamaCppKeepsFlatFiles) {
  put_file(root_ / ".cache/llama.cpp/o_n_m-Q4_0.gguf", "x");
  put_file(root_ / ".cache/llama.cpp/o_n_m-Q8_0.gguf.downloadInProgress", "x");
  put_file(root_ / ".cache/llama.cpp/o_n_BF16_m.gguf", "x");
  EXPECT_EQ(found("o/n:q4_0"), "llama.cpp: .cache/llama.cpp/o_n_m-Q4_0.gguf");
  EXPECT_EQ(found("o/n:Q8_0"), "");
  EXPECT_EQ(found("o/n/BF16/m.gguf"), "llama.cpp: .cache/llama.cpp/o_n_BF16_m.gguf");
  EXPECT_EQ(found("o/other"), "");
  ::setenv("LLAMA_CACHE", (root_ / "elsewhere").c_str(), 1);
  EXPECT_EQ(found("o/n:q4_0"), "");
}

TEST_F(ModelCaches, OllamaNamesBlobsInManifests) {
  const std::string digest(64, 'd');
  put_manifest("registry.ollama.ai/library/tiny/latest", digest);
  put_manifest("registry.ollama.ai/someone/tiny/1b", digest);
  put_manifest("hf.co/o/n/Q4_0", digest);
  EXPECT_EQ(find_in_ollama("tiny"), std::nullopt);  // no blob yet
  const fs::path blob = root_ / ".ollama/models/blobs" / ("sha256-" + digest);
  put_file(blob, "GGUF....");
  EXPECT_EQ(find_in_ollama("tiny"), blob);
  EXPECT_EQ(find_in_ollama("tiny:latest"), blob);
  EXPECT_EQ(find_in_ollama("tiny:1b"), std::nullopt);
  EXPECT_EQ(find_in_ollama("someone/tiny:1b"), blob);
  EXPECT_EQ(find_in_ollama("hf.co/o/n:Q4_0"), blob);
  EXPECT_EQ(found("o/n:Q4_0"), "Ollama: .ollama/models/blobs/sha256-" + digest);
  EXPECT_THAT(ollama_names(), ::testing::ElementsAre("hf.co/o/n:Q4_0", "tiny:latest", "someone/tiny:1b"));
}

TEST_F(ModelCaches, OddManifestsAndNamesMeanNothing) {
  const std::string digest(64, 'd');
  put_file(root_ / ".ollama/models/blobs" / ("sha256-" + digest), "GGUF");
  put_file(root_ / ".ollama/models/blobs/secret", "GGUF");
  put_manifest("registry.ollama.ai/library/escape/latest", "/../secret");
  put_manifest("registry.ollama.ai/library/short/latest", "dd");
  put_file(root_ / ".ollama/models/blobs/sha256-dd", "GGUF");
  put_manifest("registry.ollama.ai/library/adapter/latest", digest, "application/vnd.ollama.image.adapter");
  put_file(root_ / ".ollama/models/manifests/registry.ollama.ai/library/broken/latest", "{");
  put_file(root_ / ".ollama/models/manifests/registry.ollama.ai/library/list/latest", R"({"layers":[3,{"mediaType":3}]})");
  put_manifest("registry.ollama.ai/library/image/latest", std::string(64, 'e'));
  put_file(root_ / ".ollama/models/blobs" / ("sha256-" + std::string(64, 'e')), "no model");
  for (const char* name :
       {"escape", "short", "adapter", "broken", "list", "image", "", ":", "../x", "a/b/c/d/e", "..:..", "a/../../x:y"})
    EXPECT_EQ(find_in_ollama(name), std::nullopt) << name;
  EXPECT_TRUE(ollama_names().empty());
}

TEST_F(ModelCaches, AllAreListed) {
  EXPECT_TRUE(models_in_caches().empty());
  put_file(root_ / ".lmstudio/models/o/n/m-Q4_0.gguf", "x");
  put_file(root_ / ".lmstudio/models/o/two/a.gguf", "x");
  put_file(root_ / ".lmstudio/models/o/two/b.gguf", "x");
  put_file(root_ / ".cache/llama.cpp/o_n_m.gguf", "x");
  put_file(root_ / ".cache/huggingface/hub/models--o--n/snapshots/aaa/m.gguf", "x");
  put_file(root_ / ".cache/huggingface/hub/datasets--o--n/snapshots/aaa/m.gguf", "x");
  std::vector<std::string> lines;
  for (const FoundModel& model : models_in_caches()) lines.push_back(model.keeper + " " + model.name);
  EXPECT_THAT(lines, ::testing::ElementsAre("Hugging Face hf:o/n", "LM Studio hf:o/two/a.gguf", "LM Studio hf:o/two/b.gguf",
                                            "llama.cpp " + (root_ / ".cache/llama.cpp/o_n_m.gguf").string()));
}

}  // namespace
}  // namespace ifm
