// Expected values: FIPS 180-4's examples (NIST CSRC, SHA1.pdf), and git 2.39's `git hash-object` for the two blobs.
#include "inferometer/base/sha1.h"

#include <string>

#include <gtest/gtest.h>

namespace ifm {
namespace {

std::string sha1(std::string_view text) { return Sha1().update(text).hex_digest(); }

TEST(Sha1, MatchesThePublishedVectors) {
  EXPECT_EQ(sha1(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(sha1("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  EXPECT_EQ(sha1(std::string(1'000'000, 'a')), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

TEST(Sha1, GitNamesFilesByIt) {
  EXPECT_EQ(sha1(std::string("blob 0\0", 7)), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(sha1(std::string("blob 6\0hello\n", 13)), "ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST(Sha1, PiecesGiveTheSameAsTheWhole) {
  const std::string text(200, 'x');
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(Sha1().update(text.substr(0, cut)).update(text.substr(cut)).hex_digest(), sha1(text)) << cut;
  }
}

}  // namespace
}  // namespace ifm
