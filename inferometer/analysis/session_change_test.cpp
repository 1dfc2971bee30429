#include "inferometer/analysis/session_change.h"

#include <cmath>

#include <gtest/gtest.h>

#include "inferometer/base/rng.h"
#include "inferometer/stats/distribution.h"

namespace ifm {
namespace {

double normal(Rng& rng) { return stats::normal_quantile(std::max(1e-15, rng.uniform())); }

/// A session of 4 cells whose machine changes its speed from block to block.
struct World {
  double times = 1;       ///< what every value takes as often as the first session's
  double pace_sd = 0;     ///< between blocks
  double pace_shift = 0;  ///< of the whole session
  double follows = 1;     ///< of the pace
  double noise = 0.01;    ///< of a run
  int blocks = 20;
  double spell_sd = 0;  ///< of what the machine does to values, but not to its canary, for some `spell` blocks at a time
  int spell = 1;
  int spelled = 4;  ///< cells that it does this to
};

SessionTimes session_of(const World& world, Rng& rng) {
  SessionTimes times;
  double spell = world.spell_sd * normal(rng);
  for (int block = 0; block < world.blocks; ++block) {
    if (rng.uniform() < 1.0 / world.spell) spell = world.spell_sd * normal(rng);
    const double pace = world.pace_shift + world.pace_sd * normal(rng);
    times.paces[block] = 16 + pace;
    for (int cell = 0; cell < 4; ++cell)
      times.values.push_back(
          {cell + std::log(world.times) + world.follows * pace + (cell < world.spelled ? spell : 0) + world.noise * normal(rng),
           cell, block});
  }
  return times;
}

TEST(SessionChange, IsTheMeanOverCellsThatBothHave) {
  SessionTimes then{{{1.0, 0, 0}, {1.2, 0, 1}, {3.0, 1, 0}, {3.0, 1, 1}, {9.0, 7, 0}}, {}};
  SessionTimes now{{{2.0, 0, 0}, {2.2, 0, 1}, {3.5, 1, 0}, {3.7, 1, 1}}, {}};
  const auto change = session_change(then, now, 0.95);
  ASSERT_TRUE(change);
  EXPECT_NEAR(change->change, ((2.1 - 1.1) + (3.6 - 3.0)) / 2, 1e-12);
  EXPECT_LT(change->interval.low, change->change);
  EXPECT_EQ(change->pace_change, 0);
  EXPECT_EQ(change->following.high, 0) << "without canaries nothing is explained by them";
}

TEST(SessionChange, IsUnknownWithoutRepeatsOrACommonCell) {
  const SessionTimes once{{{1, 0, 0}, {2, 1, 0}}, {}};
  const SessionTimes twice{{{1, 0, 0}, {1.1, 0, 1}}, {}};
  EXPECT_FALSE(session_change(once, once, 0.95));
  EXPECT_FALSE(session_change(twice, {{{1, 3, 0}, {1, 3, 1}}, {}}, 0.95));
}

TEST(SessionChange, FollowsTheCanaryWhenValuesDo) {
  Rng rng(1);
  const SessionTimes then = session_of({.pace_sd = 0.1}, rng);
  const SessionTimes now = session_of({.times = 1.05, .pace_sd = 0.1, .pace_shift = 0.3}, rng);
  const auto change = session_change(then, now, 0.95);
  ASSERT_TRUE(change);
  EXPECT_NEAR(change->change, 0.35, 0.1);
  EXPECT_GT(change->following.low, 0.8);
  EXPECT_GT(change->interval.low, 0.02) << "5 % are the build's";
  EXPECT_LT(change->interval.high, 0.10) << "30 % are the machine's";
}

TEST(SessionChange, DoesNotFollowACanaryThatSaysNothing) {
  Rng rng(2);
  const SessionTimes then = session_of({.pace_sd = 0.1, .follows = 0}, rng);
  const SessionTimes now = session_of({.pace_sd = 0.1, .pace_shift = 0.1, .follows = 0}, rng);
  const auto change = session_change(then, now, 0.95);
  ASSERT_TRUE(change);
  EXPECT_LT(change->following.high, 0.1);
  EXPECT_LT(change->interval.low, 0);
  EXPECT_GT(change->interval.high, -0.005);
  EXPECT_LT(change->interval.high, 0.02);
}

TEST(SessionChange, WithFewBlocksHoldsAnythingThatTheCanaryCouldExplain) {
  Rng rng(3);
  const SessionTimes then = session_of({.blocks = 3}, rng);
  const SessionTimes now = session_of({.pace_shift = -0.2, .follows = 1, .blocks = 3}, rng);
  const auto change = session_change(then, now, 0.95);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->following.low, 0);
  EXPECT_EQ(change->following.high, 1);
  EXPECT_LT(change->interval.low, -0.19);
  EXPECT_GT(change->interval.high, -0.01);
}

/// How often the interval misses the build's own change, and how often it excludes none, over simulated pairs of sessions.
struct Rates {
  double misses = 0, finds = 0;
};
Rates rates_of(const World& then, const World& now, double tolerance, int times = 2000) {
  Rng rng(7);
  Rates rates;
  for (int i = 0; i < times; ++i) {
    const SessionTimes a = session_of(then, rng);
    const auto change = session_change(a, session_of(now, rng), 0.95);
    const double own = std::log(now.times / then.times);
    rates.misses += (own < change->interval.low || own > change->interval.high) / static_cast<double>(times);
    rates.finds += (change->interval.low > tolerance) / static_cast<double>(times);
  }
  return rates;
}

TEST(SessionChange, MissesTheTruthInFiveOfAHundred) {
  for (const double follows : {0.0, 0.5, 1.0}) {
    for (const double shift : {0.0, 0.2}) {
      const World then{.pace_sd = 0.08, .follows = follows, .noise = 0.1};
      World now = then;
      now.pace_shift = shift;
      EXPECT_LE(rates_of(then, now, 0).misses, 0.065) << follows << " " << shift;
    }
  }
}

/// Memory of some virtual machines has two speeds, each for seconds or minutes, which the canary does not show.
TEST(SessionChange, MissesTheTruthSeldomWhereTheMachineIsSlowForLong) {
  for (const int spell : {20, 60}) {
    const World world{.pace_sd = 0.02, .noise = 0.1, .blocks = 400, .spell_sd = 0.06, .spell = spell};
    EXPECT_LE(rates_of(world, world, 0, 400).misses, 0.085) << spell;
  }
}

TEST(RatioChange, IsWhatTheTwoLengthsDifferByMoreThanBefore) {
  const SessionTimes then{{{1.0, 0, 0}, {2.0, 1, 0}, {1.2, 0, 1}, {2.2, 1, 1}, {1.1, 0, 2}, {2.0, 1, 2}}, {}};
  const SessionTimes now{{{1.0, 0, 0}, {2.5, 1, 0}, {1.2, 0, 1}, {2.7, 1, 1}, {1.1, 0, 2}, {2.5, 1, 2}}, {}};
  const auto change = ratio_change(then, now, {1}, {0}, 0.95);
  ASSERT_TRUE(change);
  EXPECT_NEAR(change->change, 0.5, 1e-12);
  EXPECT_FALSE(ratio_change(then, now, {1}, {5}, 0.95)) << "nothing was measured there";
}

TEST(RatioChange, MissesTheTruthInFiveOfAHundredWhateverBlocksDo) {
  constexpr int kTimes = 2000;
  Rng rng(11);
  double misses = 0;
  double widest = 0;
  for (int i = 0; i < kTimes; ++i) {
    const World world{.pace_sd = 0.3, .noise = 0.02, .blocks = 3};
    const SessionTimes then = session_of(world, rng);
    const auto change = ratio_change(then, session_of(world, rng), {0, 1}, {2, 3}, 0.95);
    misses += (change->interval.low > 0 || change->interval.high < 0) / static_cast<double>(kTimes);
    widest = std::max(widest, change->interval.high - change->interval.low);
  }
  EXPECT_LE(misses, 0.065);
  EXPECT_GE(misses, 0.03);
  EXPECT_LT(widest, 0.2) << "a block's speed is not noise here";
}

/// Where memory is slow for minutes, answers that decode more wait more: their ratio is not the machine's speed alone.
TEST(RatioChange, MissesTheTruthSeldomWhereTheMachineIsSlowToSomeForLong) {
  constexpr int kTimes = 400;
  for (const int spell : {20, 60}) {
    Rng rng(13);
    double misses = 0;
    for (int i = 0; i < kTimes; ++i) {
      const World world{.noise = 0.1, .blocks = 400, .spell_sd = 0.06, .spell = spell, .spelled = 2};
      const SessionTimes then = session_of(world, rng);
      const auto change = ratio_change(then, session_of(world, rng), {0, 1}, {2, 3}, 0.95);
      misses += (change->interval.low > 0 || change->interval.high < 0) / static_cast<double>(kTimes);
    }
    EXPECT_LE(misses, 0.085) << spell;
  }
}

TEST(SessionChange, SeesFivePercentBeyondTwoOnAQuietMachine) {
  const World then{.pace_sd = 0.01, .noise = 0.02};
  World slower = then;
  slower.times = 1.05;
  EXPECT_GT(rates_of(then, slower, std::log(1.02)).finds, 0.9);
  EXPECT_LT(rates_of(then, then, std::log(1.02)).finds, 0.01);
}

}  // namespace
}  // namespace ifm
