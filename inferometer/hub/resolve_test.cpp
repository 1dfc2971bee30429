#include "inferometer/hub/resolve.h"

#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/base/test_folder.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// A cache of its own for each test; no variable of the user's reaches it.
class Resolve : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"INFEROMETER_HOME", "XDG_CACHE_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME",
                             "LLAMA_CACHE", "OLLAMA_MODELS"})
      ::unsetenv(name);
    ::setenv("HOME", root_.c_str(), 1);
    options_.home = root_ / "cache";
  }
  static void touch(const fs::path& file, const std::string& text = "x") {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  [[nodiscard]] std::string error_of(const std::string& model, ErrorKind kind) const {
    try {
      (void)resolve_model(model, options_);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.message();
      EXPECT_EQ(error.message().find('\n'), std::string::npos);
      return error.message();
    }
    ADD_FAILURE() << model << " resolved";
    return "";
  }
  test::TempFolder folder_;
  fs::path root_ = folder_.path();
  HubOptions options_;
};

TEST_F(Resolve, TheCacheIsTheOptionThenTheVariableThenXdgThenHome) {
  EXPECT_EQ(cache_folder(options_), root_ / "cache");
  EXPECT_EQ(cache_folder({}), root_ / ".cache" / "inferometer");
  ::setenv("XDG_CACHE_HOME", "/xdg", 1);
  EXPECT_EQ(cache_folder({}), fs::path("/xdg/inferometer"));
  ::setenv("INFEROMETER_HOME", "/ours", 1);
  EXPECT_EQ(cache_folder({}), fs::path("/ours"));
}

TEST_F(Resolve, APlaceIsTakenAsItIs) {
  touch(root_ / "folder" / "config.json");
  touch(root_ / "x.gguf");
  EXPECT_EQ(resolve_model((root_ / "folder").string(), options_).path, root_ / "folder");
  EXPECT_EQ(resolve_model((root_ / "x.gguf").string(), options_).path, root_ / "x.gguf");
}

TEST_F(Resolve, AFolderWithOneGgufIsThatGguf) {
  touch(root_ / "folder" / "only.gguf");
  EXPECT_EQ(resolve_model((root_ / "folder").string(), options_).path, root_ / "folder" / "only.gguf");
}

TEST_F(Resolve, NamesComeFromTheCache) {
  touch(root_ / "cache" / "models" / "smollm2-135m" / "config.json");
  touch(root_ / "cache" / "models" / "smollm2-135m-gguf" / "a.gguf");
  touch(root_ / "cache" / "models" / ".half.partial-1" / "config.json");
  EXPECT_EQ(resolve_model("smollm2-135m", options_).path, root_ / "cache/models/smollm2-135m");
  EXPECT_EQ(resolve_model("smollm2-135m-gguf", options_).path, root_ / "cache/models/smollm2-135m-gguf/a.gguf");
  const auto models = cached_models(options_);
  ASSERT_EQ(models.size(), 2U);
  EXPECT_EQ(models[0].name, "smollm2-135m");
  EXPECT_EQ(models[1].name, "smollm2-135m-gguf");
}

TEST_F(Resolve, AKnownNameThatWasNotPulledGivesTheCommand) {
  EXPECT_THAT(error_of("smollm2-135m", ErrorKind::not_found), HasSubstr("inferometer models pull smollm2-135m"));
  EXPECT_THAT(error_of("smollm2-135m-gguf", ErrorKind::not_found), HasSubstr("inferometer models pull smollm2-135m`"));
}

TEST_F(Resolve, AnUnknownNameListsTheKnownOnes) {
  const std::string message = error_of("no-such-model", ErrorKind::not_found);
  EXPECT_THAT(message, HasSubstr("no-such-model"));
  EXPECT_THAT(message, HasSubstr("smollm2-135m"));
}

TEST_F(Resolve, AMissingFileIsNamed) {
  EXPECT_EQ(error_of("/nonexistent/x.gguf", ErrorKind::not_found), "/nonexistent/x.gguf: no such file or folder");
}

TEST_F(Resolve, AFileOfAnotherKindIsRefused) {
  touch(root_ / "x.txt");
  EXPECT_THAT(error_of((root_ / "x.txt").string(), ErrorKind::invalid_data), HasSubstr("expected a folder or a .gguf file"));
}

TEST_F(Resolve, HubNamesAreFoundInTheHuggingFaceCache) {
  const std::string name = "mlx-community/Llama-3.2-1B-Instruct-4bit";
  EXPECT_THAT(error_of(name, ErrorKind::not_found), HasSubstr("`inferometer models pull hf:" + name + "`"));
  EXPECT_THAT(error_of("hf:" + name + "@v1", ErrorKind::not_found), HasSubstr("models pull hf:" + name + "@v1`"));
  EXPECT_THAT(error_of("llama-3.2-1b", ErrorKind::not_found), HasSubstr("models pull hf:" + name + "`"));
  const fs::path folder = root_ / ".cache/huggingface/hub/models--mlx-community--Llama-3.2-1B-Instruct-4bit";
  const std::string commit(40, 'a');
  for (const std::string& snapshot : {commit, std::string("bbb")}) {
    touch(folder / "snapshots" / snapshot / "config.json");
    touch(folder / "snapshots" / snapshot / "model.safetensors");
  }
  EXPECT_EQ(resolve_model(name, options_).path, folder / "snapshots/bbb");
  touch(folder / "refs/main", commit + "\n");
  EXPECT_EQ(resolve_model("hf:" + name, options_).path, folder / "snapshots" / commit);
  EXPECT_EQ(resolve_model("llama-3.2-1b", options_).path, folder / "snapshots" / commit);
}

TEST_F(Resolve, AHubNameMustBeOne) {
  for (const char* bad : {"hf:noslash", "hf:../..", "hf:a/b/c"}) {
    EXPECT_THAT(error_of(bad, ErrorKind::usage), HasSubstr("expected hf:owner/name"));
  }
}

TEST_F(Resolve, AGgufIsKnownByItsFirstBytes) {
  touch(root_ / "blob", "GGUF");
  EXPECT_EQ(resolve_model((root_ / "blob").string(), options_).path, root_ / "blob");
}

TEST_F(Resolve, OllamasNamesAreItsOwn) {
  EXPECT_THAT(error_of("ollama:tiny:1b", ErrorKind::not_found), HasSubstr("ollama list"));
  const std::string digest(64, 'd');
  touch(root_ / ".ollama/models/manifests/registry.ollama.ai/library/tiny/1b",
        R"({"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:)" + digest + R"("}]})");
  touch(root_ / ".ollama/models/blobs" / ("sha256-" + digest), "GGUF");
  EXPECT_EQ(resolve_model("ollama:tiny:1b", options_).path, root_ / ".ollama/models/blobs" / ("sha256-" + digest));
}

}  // namespace
}  // namespace ifm
