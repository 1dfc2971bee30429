// The shape is what huggingface.co/api/models/{id}/revision/{rev}?blobs=true answers (2026).
#include "inferometer/hub/hub_listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/hub/test_hub_files.h"

namespace ifm {
namespace {

using ::testing::HasSubstr;

const std::string kCommit(40, 'a');
const std::string kBlob(40, 'b');
const std::string kSha256(64, 'c');

std::string listing(const std::string& siblings) {
  return R"({"id":"o/n","sha":")" + kCommit + R"(","siblings":[)" + siblings + "]}";
}
std::string small(const std::string& path, const std::string& size = "12") {
  return R"({"rfilename":")" + path + R"(","size":)" + size + R"(,"blobId":")" + kBlob + R"("})";
}
std::string large(const std::string& inner) {
  return R"({"rfilename":"m.gguf","size":9000000000,"blobId":")" + kBlob + R"(","lfs":)" + inner + "}";
}

std::string error_of(const std::string& text) {
  try {
    (void)parse_hub_listing(text, "o/n");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::invalid_data);
    EXPECT_EQ(error.message().find('\n'), std::string::npos);
    return error.message();
  }
  return "accepted";
}

TEST(HubListing, FilesComeSortedWithTheDigestThatNamesTheirBlob) {
  const HubListing read = parse_hub_listing(
      listing(large(R"({"sha256":")" + kSha256 + R"(","size":9000000000,"pointerSize":135})") + "," + small("a/config.json")),
      "o/n");
  EXPECT_EQ(read.commit, kCommit);
  ASSERT_EQ(read.files.size(), 2U);
  EXPECT_EQ(read.files[0].path, "a/config.json");
  EXPECT_EQ(read.files[0].bytes, 12);
  EXPECT_EQ(read.files[0].digest, kBlob);
  EXPECT_EQ(read.files[1].bytes, 9'000'000'000);
  EXPECT_EQ(read.files[1].digest, kSha256);
}

TEST(HubListing, NamesThatLeaveTheFolderAreRefused) {
  for (const char* path : {"../x", "/x", "a/../x", "a\\\\x", "a//x", "", "a\\u0000", "a\\nx"})
    EXPECT_THAT(error_of(listing(small(path))), HasSubstr("no path inside a folder")) << path;
}

TEST(HubListing, EachWrongFieldIsNamed) {
  EXPECT_THAT(error_of(R"({"sha":"../../x","siblings":[]})"), HasSubstr("sha is \"../../x\" (expected 40 hexadecimal digits)"));
  EXPECT_THAT(error_of(R"({"siblings":[]})"), HasSubstr("sha is missing"));
  EXPECT_THAT(error_of(R"({"sha":")" + kCommit + R"("})"), HasSubstr("siblings"));
  EXPECT_THAT(error_of(listing("3")), HasSubstr("expected an object"));
  EXPECT_THAT(error_of(listing(R"({"rfilename":3})")), HasSubstr("rfilename"));
  EXPECT_THAT(error_of(listing(R"({"rfilename":"x","blobId":")" + kBlob + "\"}")), HasSubstr("size"));
  EXPECT_THAT(error_of(listing(small("x", "-1"))), HasSubstr("size is -1"));
  EXPECT_THAT(error_of(listing(small("x", "9223372036854775807"))), HasSubstr("size is 9223372036854775807"));
  EXPECT_THAT(error_of(listing(R"({"rfilename":"x","size":1,"blobId":"../y"})")), HasSubstr("blobId is \"../y\""));
  EXPECT_THAT(error_of(listing(large(R"({"size":9000000000})"))), HasSubstr("sha256 is missing"));
  EXPECT_THAT(error_of(listing(large(R"({"sha256":")" + kSha256 + R"(","size":1})"))), HasSubstr("lfs: size is 1"));
  EXPECT_THAT(error_of(listing(small("x") + "," + small("x"))), HasSubstr("twice"));
  EXPECT_THAT(error_of("[]"), HasSubstr("expected an object"));
}

TEST(HubListing, EveryTruncatedPrefixIsRefused) {
  const std::string whole = listing(small("config.json"));
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_NE(error_of(whole.substr(0, size)), "accepted") << size;
  EXPECT_NE(error_of(whole + "x"), "accepted");
}

}  // namespace
}  // namespace ifm
