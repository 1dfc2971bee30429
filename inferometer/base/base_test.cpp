#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "inferometer/base/clock.h"
#include "inferometer/base/error.h"
#include "inferometer/base/mapped_file.h"
#include "inferometer/base/rng.h"
#include "inferometer/base/sha256.h"
#include "inferometer/base/sha256_x86.h"

namespace ifm {
namespace {

// Expected digests: FIPS 180-4 examples (NIST CSRC "SHA256.pdf").
TEST(Sha256, MatchesFipsExamples) {
  EXPECT_EQ(sha256_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, DoesNotDependOnHowTheInputIsCut) {
  const std::string text(1000, 'a');
  for (std::size_t cut = 0; cut <= 130; ++cut) {
    EXPECT_EQ(Sha256().update(text.substr(0, cut)).update(text.substr(cut)).hex_digest(), sha256_of(text));
  }
}

TEST(Sha256, InstructionsGiveWhatTheDefinitionGives) {
  if (!sha256_x86::available()) GTEST_SKIP() << "no SHA instructions here";
  Rng rng(1);
  std::vector<uint8_t> data(std::size_t{64} * 20);
  for (uint8_t& byte : data) byte = static_cast<uint8_t>(rng());
  for (std::size_t blocks = 0; blocks <= 20; ++blocks) {
    std::array<uint32_t, 8> plain{1, 2, 3, 4, 5, 6, 7, 0x80000000};
    std::array<uint32_t, 8> fast = plain;
    sha256_compress(plain, data.data(), blocks);
    sha256_x86::compress(fast.data(), data.data(), blocks);
    EXPECT_EQ(fast, plain) << blocks;
  }
}

// Source: xoshiro256** reference seeded with SplitMix64(0); first SplitMix64 outputs as published by Vigna.
TEST(Rng, SplitMixMatchesPublishedValues) {
  uint64_t state = 1234567;
  EXPECT_EQ(splitmix64(state), 6457827717110365317ULL);
  EXPECT_EQ(splitmix64(state), 3203168211198807973ULL);
}

TEST(Rng, BelowIsUniform) {
  Rng rng(7);
  std::array<int, 6> seen{};
  for (int i = 0; i < 60000; ++i) ++seen[rng.below(6)];
  double chi2 = 0;
  for (const int n : seen) chi2 += (n - 10000.0) * (n - 10000.0) / 10000.0;
  EXPECT_LT(chi2, 20.5);  // chi-square, 5 degrees of freedom, p = 0.001
}

TEST(MappedFile, NamesAMissingFile) {
  try {
    MappedFile("/nonexistent/x");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_NE(error.message().find("/nonexistent/x"), std::string::npos);
  }
}

TEST(MappedFile, RefusesDirectoriesAndFifosWithoutBlocking) {
  EXPECT_THROW(MappedFile("/"), Error);
  const std::string fifo = ::testing::TempDir() + "/ifm_fifo";
  ::unlink(fifo.c_str());
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THROW(MappedFile{fifo}, Error);
  ::unlink(fifo.c_str());
}

TEST(MappedFile, Fault15AFileThatShrinksReadsAsZerosAndSaysSo) {
  const std::string path = ::testing::TempDir() + "/ifm_shrinks";
  std::ofstream(path) << std::string(1 << 20, 'x');
  MappedFile first(path);
  const MappedFile file = std::move(first);
  const std::string other_path = path + ".other";
  std::ofstream(other_path) << std::string(1 << 16, 'y');
  const MappedFile other(other_path);
  const auto at = [](const MappedFile& f, std::size_t i) { return static_cast<char>(*(&f.bytes()[0] + i)); };
  EXPECT_EQ(at(file, (1 << 20) - 1), 'x');
  EXPECT_TRUE(file.intact());
  std::filesystem::resize_file(path, 10'000);
  EXPECT_EQ(at(file, 0), 'x');
  EXPECT_TRUE(file.intact());
  EXPECT_EQ(at(file, (1 << 20) - 1), '\0');
  EXPECT_FALSE(file.intact());
  EXPECT_EQ(at(file, 500'000), '\0');
  EXPECT_EQ(at(file, 0), 'x');
  EXPECT_EQ(at(other, 100), 'y');
  EXPECT_TRUE(other.intact());
  std::filesystem::remove(path);
  std::filesystem::remove(other_path);
}

TEST(MappedFileDeathTest, ABusErrorElsewhereStillEndsTheProcess) {
  const std::string path = ::testing::TempDir() + "/ifm_bus";
  std::ofstream(path) << std::string(1 << 14, 'x');
  const MappedFile guarded(path);
  EXPECT_EXIT(::raise(SIGBUS), testing::KilledBySignal(SIGBUS), "");
  std::filesystem::remove(path);
}

// Not the wall clock, which somebody may set while a run is under way.
TEST(SteadyClock, Fault92IsTheStandardLibrarysSteadyClock) {
  const auto steady_ns = [] { return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count(); };
  SteadyClock clock;
  const int64_t before_ns = steady_ns();
  const int64_t now_ns = clock.now_ns();
  EXPECT_GE(now_ns, before_ns);
  ASSERT_LE(now_ns, steady_ns()) << "or the wait would not end";
  clock.wait_until(now_ns + 1'000'000);
  EXPECT_GE(steady_ns(), now_ns + 1'000'000);
}

TEST(VirtualClock, MovesOnlyWhenTold) {
  VirtualClock clock;
  EXPECT_EQ(clock.now_ns(), 0);
  clock.wait_until(5);
  clock.wait_until(3);
  EXPECT_EQ(clock.now_ns(), 5);
}

}  // namespace
}  // namespace ifm
