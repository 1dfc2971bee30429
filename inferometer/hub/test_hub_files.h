#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/base/sha1.h"
#include "inferometer/base/sha256.h"
#include "inferometer/base/test_folder.h"
#include "inferometer/hub/hub_listing.h"

namespace ifm {

inline std::string content_of_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void put_file(const std::filesystem::path& file, const std::string& content) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << content;
}

/// A file as the Hub would list it: large ones by SHA-256, others by git's SHA-1.
inline HubFile listed(const std::string& path, const std::string& content, bool large = true) {
  const std::string head = "blob " + std::to_string(content.size()) + std::string(1, '\0');
  return {path, static_cast<int64_t>(content.size()), large ? sha256_of(content) : Sha1().update(head + content).hex_digest()};
}

/// An empty folder for the test that runs, and no variable of the user's that could reach it.
class HubFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"INFEROMETER_HOME", "XDG_CACHE_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "HF_TOKEN",
                             "HF_TOKEN_PATH", "HF_ENDPOINT", "HF_HUB_OFFLINE", "LLAMA_CACHE", "OLLAMA_MODELS", "SSL_CERT_FILE"})
      ::unsetenv(name);
    ::setenv("HOME", root_.c_str(), 1);
  }

  /// The message of what `body` throws, which must be of that kind and one line.
  template <typename Body>
  static std::string message_of(ErrorKind kind, const Body& body) {
    try {
      body();
    } catch (const Error& error) {
      EXPECT_EQ(to_string(error.kind()), std::string(to_string(kind))) << error.message();
      EXPECT_EQ(error.message().find('\n'), std::string::npos);
      return error.message();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }
  test::TempFolder folder_;
  std::filesystem::path root_ = folder_.path();
};

}  // namespace ifm
