#include "inferometer/hub/hub_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/hub/blob_lock.h"
#include "inferometer/hub/test_hub_files.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

const std::string kCommit(40, 'a');
const std::string kOther(40, 'b');

HubName name_of(const std::string& text) { return parse_hub_name(text).value(); }

class HubCacheFolder : public HubFolderTest {
 protected:
  void SetUp() override {
    HubFolderTest::SetUp();
    cache_.make_folders();
  }
  /// A file of the snapshot, and its blob.
  void fill(const std::string& commit, const std::string& file, const std::string& digest) const {
    put_file(cache_.blob(digest), "x");
    cache_.link(commit, file, digest);
  }
  [[nodiscard]] fs::path hub() const { return root_ / "hub"; }
  HubCache cache_{hub(), name_of("o/n")};
};

TEST_F(HubCacheFolder, FilesAreRelativeLinksToBlobs) {
  fill(kCommit, "config.json", "d1");
  fill(kCommit, "BF16/m.gguf", "d2");
  const fs::path snapshot = hub() / "models--o--n/snapshots" / kCommit;
  EXPECT_EQ(fs::read_symlink(snapshot / "config.json"), "../../blobs/d1");
  EXPECT_EQ(fs::read_symlink(snapshot / "BF16/m.gguf"), "../../../blobs/d2");
  EXPECT_EQ(content_of_file(snapshot / "BF16/m.gguf"), "x");
  EXPECT_EQ(cache_.lock("d1"), hub() / ".locks/models--o--n/d1.lock");
  EXPECT_EQ(cache_.part("d1"), hub() / "models--o--n/blobs/d1.incomplete");
}

TEST_F(HubCacheFolder, ALinkReplacesWhatWasThere) {
  fill(kCommit, "a", "d1");
  fill(kCommit, "a", "d2");
  fill(kCommit, "a", "d2");
  EXPECT_EQ(fs::read_symlink(cache_.snapshot(kCommit) / "a"), "../../blobs/d2");
  EXPECT_EQ(std::distance(fs::directory_iterator(cache_.snapshot(kCommit)), fs::directory_iterator()), 1);
}

TEST_F(HubCacheFolder, AReferenceIsTheCommitAlone) {
  cache_.write_reference("main", kCommit);
  EXPECT_EQ(content_of_file(hub() / "models--o--n/refs/main"), kCommit);
  EXPECT_EQ(cache_.read_reference("main"), kCommit);
  EXPECT_EQ(cache_.read_reference("v1"), std::nullopt);
  cache_.write_reference(kOther, kOther);
  EXPECT_FALSE(fs::exists(hub() / "models--o--n/refs" / kOther));
  put_file(hub() / "models--o--n/refs/bad", "../../../../../../../../etc/passwd/aaaaaaa");
  EXPECT_EQ(cache_.read_reference("bad"), std::nullopt);
}

TEST_F(HubCacheFolder, TheRevisionsSnapshotIsFound) {
  fill(kCommit, "config.json", "d1");
  fill(kCommit, "model.safetensors", "d2");
  fill(kOther, "config.json", "d1");
  fill(kOther, "model.safetensors", "d3");
  EXPECT_EQ(cache_.find(name_of("o/n")), cache_.snapshot(kOther));  // no note: the last by name
  cache_.write_reference("main", kCommit);
  EXPECT_EQ(cache_.find(name_of("o/n")), cache_.snapshot(kCommit));
  EXPECT_EQ(cache_.find(name_of("o/n@" + kOther)), cache_.snapshot(kOther));
  EXPECT_EQ(cache_.find(name_of("o/n@v1")), std::nullopt);
  cache_.write_reference("v1", kOther);
  EXPECT_EQ(cache_.find(name_of("o/n@v1")), cache_.snapshot(kOther));
}

TEST_F(HubCacheFolder, OnlyWhatIsWholeIsFound) {
  fill(kCommit, "config.json", "d1");
  cache_.write_reference("main", kCommit);
  EXPECT_EQ(cache_.find(name_of("o/n")), std::nullopt);
  cache_.link(kCommit, "model.safetensors", "missing");  // a link to nothing
  EXPECT_EQ(cache_.find(name_of("o/n")), std::nullopt);
  fill(kCommit, "model.safetensors.index.json", "d2");
  fill(kCommit, "model-00001-of-00002.safetensors", "d3");
  EXPECT_EQ(cache_.find(name_of("o/n")), std::nullopt);
  EXPECT_TRUE(hub_cache_names(hub()).empty());
  fill(kCommit, "model-00002-of-00002.safetensors", "d4");
  EXPECT_EQ(cache_.find(name_of("o/n")), cache_.snapshot(kCommit));
  ASSERT_EQ(hub_cache_names(hub()).size(), 1U);
  EXPECT_EQ(hub_cache_names(hub()).front().text(), "hf:o/n");
}

TEST_F(HubCacheFolder, AGgufIsTheOneThatWasAskedFor) {
  fill(kCommit, "m-Q8_0.gguf", "d1");
  EXPECT_EQ(cache_.find(name_of("o/n")), cache_.snapshot(kCommit) / "m-Q8_0.gguf");
  EXPECT_EQ(cache_.find(name_of("o/n:q8_0")), cache_.snapshot(kCommit) / "m-Q8_0.gguf");
  EXPECT_EQ(cache_.find(name_of("o/n:Q4_0")), std::nullopt);
  EXPECT_EQ(cache_.find(name_of("o/n/m-Q8_0.gguf")), cache_.snapshot(kCommit) / "m-Q8_0.gguf");
  EXPECT_EQ(cache_.find(name_of("o/n/other.gguf")), std::nullopt);
  fill(kCommit, "m-Q4_0.gguf", "d3");
  std::vector<std::string> names;
  for (const HubName& name : hub_cache_names(hub())) names.push_back(name.text());
  EXPECT_THAT(names, ElementsAre("hf:o/n", "hf:o/n/m-Q8_0.gguf"));  // of both, Q4_0 is the usual one
  fill(kCommit, "p-BF16-00001-of-00002.gguf", "d2");
  EXPECT_EQ(cache_.find(name_of("o/n:BF16")), std::nullopt);
}

TEST_F(HubCacheFolder, ALockIsWaitedForUntilTheStop) {
  StopSource stop;
  const BlobLock first(cache_.lock("d"), stop.get_token());
  EXPECT_TRUE(first.held());
  stop.request_stop();
  const BlobLock second(cache_.lock("d"), stop.get_token());
  EXPECT_FALSE(second.held());
}

}  // namespace
}  // namespace ifm
