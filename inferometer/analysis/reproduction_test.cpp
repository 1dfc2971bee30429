#include "inferometer/analysis/reproduction.h"

#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/analysis/simulated_runs.h"

namespace ifm {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Made {
  double decode_factor = 1;
  double noise = 0.01;
  int repeats = 12;
  uint64_t seed = 1;
  double high_temperature_factor = 1;
};

/// A session whose machine is known, with canaries and ids.
RecordedSession made(const Made& as) {
  simulated::Noise noise(as.seed, as.noise);
  const auto times = [&](const Run& run) {
    const double luck = noise.factor() * (run.temperature > 0.5 ? as.high_temperature_factor : 1);
    return simulated::Times{.ttft_s = 0.1 * luck, .gap_s = 0.01 * luck * as.decode_factor};
  };
  simulated::Data data = simulated::simulate({.temperatures = {0.0, 0.7}, .repeats = as.repeats, .times = times});
  for (Run& run : data.runs) run.ids_hash = run.temperature == 0 ? "greedy" : "drawn " + std::to_string(run.repeat);
  RecordedSession recorded{std::move(data.session), std::move(data.runs), {}};
  recorded.session.id = static_cast<int64_t>(as.seed);
  recorded.session.plan.hash = "plan";
  recorded.session.environment.cpu = "a processor";
  recorded.session.models = {
      {.engine = "embedded", .model = "smollm2-135m", .hash = "sha256:0", .isa = "avx2", .accuracy = "fast"}};
  for (int block = 0; block < as.repeats; ++block)
    recorded.blocks.push_back(
        {.block = block, .first_order = 18 * block, .canary_compute_ns = 5'000'000, .canary_read_ns = 2'000'000});
  return recorded;
}

const Claim* find(const Reproduction& found, const std::string& id, const std::string& of = "") {
  for (const Claim& claim : found.claims) {
    if (claim.id == id && claim.of.find(of) != std::string::npos) return &claim;
  }
  return nullptr;
}

std::vector<std::string> failed(const Reproduction& found) {
  std::vector<std::string> ids;
  for (const Claim& claim : found.claims) {
    if (claim.held == Held::no) ids.push_back(claim.id);
  }
  return ids;
}

TEST(Reproduction, OfTheSameThingHolds) {
  const Reproduction found = check_reproduction(made({.seed = 1}), made({.seed = 2}));
  EXPECT_THAT(failed(found), IsEmpty());
  EXPECT_EQ(found.verdict, Held::yes);
  EXPECT_TRUE(found.same_machine);
  EXPECT_THAT(found.differs, IsEmpty());
  const Claim* ids = find(found, "token_ids");
  ASSERT_NE(ids, nullptr);
  EXPECT_EQ(ids->then, 18 * 12);
  EXPECT_EQ(ids->now, 18 * 12);
  for (const char* id : {"token_counts", "failed_runs", "ttft_s", "tpot_s", "latency_s", "length_shape"})
    EXPECT_NE(find(found, id), nullptr) << id;
  EXPECT_EQ(find(found, "decode_share"), nullptr) << "on the same machine times are asked, not shares";
}

TEST(Reproduction, NamesWhatHasBecomeSlower) {
  const Reproduction found = check_reproduction(made({.seed = 1}), made({.decode_factor = 1.05, .seed = 2}));
  EXPECT_EQ(found.verdict, Held::no);
  EXPECT_EQ(find(found, "tpot_s")->held, Held::no);
  EXPECT_NEAR(std::expm1(*find(found, "tpot_s")->change), 0.05, 0.01);
  EXPECT_EQ(find(found, "ttft_s")->held, Held::yes) << "the first token came as before";
  EXPECT_EQ(find(found, "token_ids")->held, Held::yes);
}

// The shape hardly moves here: the shorter answers decode, too.
TEST(Reproduction, HoldsTimesAndShapesAgainstTheToleranceThatIsAsked) {
  const RecordedSession then = made({.noise = 0.003, .seed = 1});
  const RecordedSession now = made({.decode_factor = 1.04, .noise = 0.003, .seed = 2});
  const auto held = [&](std::optional<double> tolerance, const char* id) {
    return find(check_reproduction(then, now, tolerance), id)->held;
  };
  EXPECT_EQ(held(std::nullopt, "tpot_s"), Held::no);
  EXPECT_EQ(held(0.1, "tpot_s"), Held::yes);
  EXPECT_EQ(held(std::nullopt, "length_shape"), Held::yes);
  EXPECT_EQ(held(0.001, "length_shape"), Held::no);
}

TEST(Reproduction, OfNoisySessionsSaysWhatItCouldNotHaveSeen) {
  const Reproduction found =
      check_reproduction(made({.noise = 0.7, .repeats = 3, .seed = 1}), made({.noise = 0.7, .repeats = 3, .seed = 2}));
  EXPECT_EQ(found.verdict, Held::undecided);
  EXPECT_EQ(find(found, "tpot_s")->held, Held::undecided);
}

TEST(Reproduction, FindsOtherTokens) {
  const RecordedSession then = made({});
  RecordedSession now = made({.seed = 2});
  now.runs[5].ids_hash = "another";
  const Reproduction found = check_reproduction(then, now);
  EXPECT_THAT(failed(found), Contains("token_ids"));
  EXPECT_EQ(find(found, "token_ids")->now, 18 * 12 - 1);
  now.session.models[0].isa = "neon";
  const Reproduction elsewhere = check_reproduction(then, now);
  EXPECT_EQ(find(elsewhere, "token_ids")->held, Held::not_asked);
  EXPECT_THAT(find(elsewhere, "token_ids")->why, HasSubstr("instruction set avx2 then, neon now"));
  EXPECT_THAT(elsewhere.differs, ElementsAre(HasSubstr("instruction set: avx2 then, neon now")));
}

TEST(Reproduction, AsksOtherEnginesForGreedyTokensOnly) {
  RecordedSession then = made({});
  then.session.plan.engines[0].kind = "llama_cpp";
  RecordedSession now = then;
  for (ifm::Run& run : now.runs) {
    if (run.temperature > 0) run.ids_hash = "drawn otherwise";
  }
  const Claim claim = *find(check_reproduction(then, now), "token_ids");
  EXPECT_EQ(claim.held, Held::yes);
  EXPECT_EQ(claim.then, 9 * 12);
}

TEST(Reproduction, FindsCountsFailuresAndAnswersThatChange) {
  const RecordedSession then = made({});
  RecordedSession now = made({.seed = 2});
  now.runs[0].output_tokens = 3;
  now.runs[1].status = RunStatus::failed;
  now.runs[2 + 18].ids_hash = "another";
  now.runs[2 + 18].temperature = 0;
  const Reproduction found = check_reproduction(then, now);
  EXPECT_THAT(failed(found), Contains("token_counts"));
  EXPECT_THAT(failed(found), Contains("failed_runs"));
  EXPECT_THAT(failed(found), Contains("same_greedy_answers"));
  EXPECT_THAT(failed(check_reproduction(now, then)), testing::Not(Contains("failed_runs")))
      << "what failed then may fail no more";
}

TEST(Reproduction, FindsAnEffectOfTemperatureThatWasNotThere) {
  const RecordedSession then = made({.noise = 0.003});
  const Reproduction found = check_reproduction(then, made({.noise = 0.003, .seed = 2, .high_temperature_factor = 1.06}));
  ASSERT_NE(find(found, "temperature_effect"), nullptr);
  EXPECT_EQ(find(found, "temperature_effect")->held, Held::no);
  EXPECT_EQ(find(check_reproduction(then, made({.noise = 0.003, .seed = 3})), "temperature_effect")->held, Held::yes);
}

TEST(Reproduction, ElsewhereAsksForSharesAndShapes) {
  const RecordedSession then = made({});
  RecordedSession now = made({.decode_factor = 1.0, .seed = 2});
  now.session.environment.cpu = "another processor";
  for (ifm::Run& run : now.runs) simulated::play(run, {.ttft_s = 0.3, .gap_s = 0.03});
  const Reproduction found = check_reproduction(then, now);
  EXPECT_FALSE(found.same_machine);
  EXPECT_THAT(found.differs, Contains(HasSubstr("processor a processor and another processor")));
  EXPECT_EQ(find(found, "tpot_s"), nullptr);
  EXPECT_EQ(find(found, "length_shape", "64 over 256")->held, Held::yes);
  for (ifm::Run& run : now.runs) simulated::play(run, {.ttft_s = 3, .gap_s = 0.03});
  EXPECT_EQ(find(check_reproduction(then, now), "length_shape", "64 over 256")->held, Held::no);
}

TEST(Reproduction, SaysNothingOfOtherWeightsOrAnotherPlan) {
  const RecordedSession then = made({});
  RecordedSession now = made({.seed = 2});
  now.session.models[0].hash = "sha256:1";
  now.session.plan.hash = "another";
  const Reproduction found = check_reproduction(then, now);
  EXPECT_THAT(found.impossible,
              ElementsAre(HasSubstr("another plan"), HasSubstr("smollm2-135m: other weights (sha256:0 then, sha256:1 now)")));
  EXPECT_THAT(found.claims, IsEmpty());
}

}  // namespace
}  // namespace ifm
