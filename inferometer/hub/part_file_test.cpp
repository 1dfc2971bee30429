#include "inferometer/hub/part_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/hub/test_hub_files.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const std::string kContent = "the content of a file";

class Part : public HubFolderTest {
 protected:
  [[nodiscard]] fs::path path() const { return root_ / "x.incomplete"; }
  [[nodiscard]] fs::path whole() const { return root_ / "x"; }
};

TEST_F(Part, BothDigestsAreChecked) {
  for (const bool large : {true, false}) {
    const HubFile file = listed("x", kContent, large);
    PartFile part(path(), file, {});
    part.append(kContent.substr(0, 5));
    part.append(kContent.substr(5));
    EXPECT_TRUE(part.whole());
    part.finish(whole());
    EXPECT_EQ(content_of_file(whole()), kContent);
    EXPECT_FALSE(fs::exists(path()));
    fs::remove(whole());
  }
}

TEST_F(Part, WhatIsThereIsHashedAndGoneOnWith) {
  const HubFile file = listed("x", kContent);
  for (std::size_t size = 0; size <= kContent.size(); ++size) {
    put_file(path(), kContent.substr(0, size));
    PartFile part(path(), file, {});
    EXPECT_EQ(part.size(), static_cast<int64_t>(size));
    part.append(kContent.substr(size));
    part.finish(whole());
    EXPECT_EQ(content_of_file(whole()), kContent);
  }
}

TEST_F(Part, AnotherDigestRemovesItAndNamesBoth) {
  const HubFile file = listed("weights", kContent);
  PartFile part(path(), file, {});
  const std::string other(kContent.size(), '?');
  part.append(other);
  const std::string message = message_of(ErrorKind::invalid_data, [&] { part.finish(whole()); });
  EXPECT_THAT(message, HasSubstr("weights: SHA-256 is " + sha256_of(other) + " (expected " + file.digest + ")"));
  EXPECT_FALSE(fs::exists(path()));
  EXPECT_FALSE(fs::exists(whole()));
}

TEST_F(Part, MoreThanTheFileHasIsRefused) {
  const HubFile file = listed("x", kContent);
  {
    PartFile part(path(), file, {});
    part.append(kContent);
    EXPECT_THAT(message_of(ErrorKind::invalid_data, [&] { part.append("!"); }), HasSubstr("more than the 21 bytes"));
  }
  put_file(path(), kContent + "!");
  EXPECT_EQ(PartFile(path(), file, {}).size(), 0);
  EXPECT_EQ(fs::file_size(path()), 0U);
}

TEST_F(Part, RestartForgetsBytesAndHash) {
  const HubFile file = listed("x", kContent, false);
  PartFile part(path(), file, {});
  part.append("something else");
  part.restart();
  EXPECT_EQ(part.size(), 0);
  part.append(kContent);
  part.finish(whole());
  EXPECT_EQ(content_of_file(whole()), kContent);
}

TEST_F(Part, ALinkOrAFolderIsNotWrittenThrough) {
  const HubFile file = listed("x", kContent);
  put_file(root_ / "other", "precious");
  fs::create_symlink(root_ / "other", path());
  (void)message_of(ErrorKind::io, [&] { PartFile(path(), file, {}); });
  EXPECT_EQ(content_of_file(root_ / "other"), "precious");
  fs::remove(path());
  fs::create_directory(path());
  (void)message_of(ErrorKind::io, [&] { PartFile(path(), file, {}); });
}

}  // namespace
}  // namespace ifm
