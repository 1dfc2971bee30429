// Our logits of SmolLM2 against those of llama.cpp and mlx-lm on the same weights. The goldens, with tool, version and hashes:
// tests/golden/parity/smollm2.json, made by tools/peers/make_parity_goldens.py.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <boost/math/distributions/students_t.hpp>
#include <nlohmann/json.hpp>

#include "inferometer/engine/engine.h"
#include "inferometer/measure/verify_text.h"
#include "tests/model/test_models.h"
#include "tests/model/topk_golden.h"

namespace ifm::test {
namespace {

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TopkGolden llama_cpp_golden() { return TopkGolden::open(golden_folder() / "smollm2_llama_cpp.bin"); }

void report(const Agreement& agreement) {
  testing::Test::RecordProperty("positions", std::to_string(agreement.positions()));
  testing::Test::RecordProperty("kl", std::to_string(agreement.kl()));
  testing::Test::RecordProperty("same_top", std::to_string(agreement.same_top()));
  std::printf("%lld positions: KL %.3g nats, same top token %.4f, ln PPL %+.3g\n", static_cast<long long>(agreement.positions()),
              agreement.kl(), agreement.same_top(), agreement.ln_ppl_difference());
}

/// One agreement for each window.
using Windows = std::vector<Agreement>;

Agreement whole(const TopkGolden& golden, const Windows& windows) {
  Agreement sum(golden);
  for (const Agreement& window : windows) sum.add(window);
  return sum;
}

/// llama.cpp on the quantized file against its own float32, by window and by the same measure: the distance that our fast path
/// must not exceed.
std::vector<double> llama_cpp_quantized_kl() {
  const auto note = nlohmann::json::parse(read_text(golden_folder() / "smollm2.json"));
  return note.at("llama_cpp_quantized").at("coarse_kl_by_window").get<std::vector<double>>();
}

struct Ratio {
  double value;
  double upper;  ///< end of the one-sided 95 % interval
};

/// Ratio of the sums of paired values, with the interval of its linearization (Cochran, Sampling Techniques, 6.4).
Ratio ratio_of_sums(const std::vector<double>& ours, const std::vector<double>& theirs) {
  const auto n = static_cast<double>(ours.size());
  const double sum = std::accumulate(theirs.begin(), theirs.end(), 0.0);
  const double ratio = std::accumulate(ours.begin(), ours.end(), 0.0) / sum;
  double squares = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) squares += std::pow(ours[i] - ratio * theirs[i], 2);
  const double error = std::sqrt(n / (n - 1) * squares) / sum;
  return {ratio, ratio + boost::math::quantile(boost::math::students_t(n - 1), 0.95) * error};
}

/// Positions of one window depend on each other, so windows are paired, not positions.
void expect_no_further_than_llama_cpp(const TopkGolden& golden, const Windows& windows) {
  report(whole(golden, windows));
  const std::vector<double> by_window = llama_cpp_quantized_kl();
  std::vector<double> ours, theirs;
  for (std::size_t w = 0; w < windows.size(); ++w) {
    ours.push_back(windows[w].kl() * golden.windows[w]);
    theirs.push_back(by_window.at(w) * golden.windows[w]);
  }
  const Ratio ratio = ratio_of_sums(ours, theirs);
  std::printf("of llama.cpp's KL %.3f, at most %.3f (95 %%, %zu windows)\n", ratio.value, ratio.upper, windows.size());
  testing::Test::RecordProperty("ratio_upper", std::to_string(ratio.upper));
  EXPECT_LE(ratio.upper, 1.05);
}

/// Scores the first `windows` windows of the golden, each from an empty cache.
Windows score(const TopkGolden& golden, Evaluator& evaluator, std::size_t windows) {
  Windows all(windows, Agreement(golden));
  std::size_t begin = 0;
  for (std::size_t w = 0; w < windows; ++w) {
    evaluator.reset();
    evaluator.score(std::span(golden.ids).subspan(begin, golden.windows[w]),
                    [&](int i, std::span<const float> logits) { all[w].add(begin + static_cast<std::size_t>(i), logits); });
    begin += golden.windows[w];
  }
  return all;
}

/// As score(), but one decode step per position.
Windows score_by_steps(const TopkGolden& golden, Evaluator& evaluator, std::size_t windows) {
  Windows all(windows, Agreement(golden));
  std::size_t position = 0;
  for (std::size_t w = 0; w < windows; ++w) {
    evaluator.reset();
    for (const std::size_t end = position + golden.windows[w]; position < end; ++position) {
      evaluator.step(golden.ids[position]);
      all[w].add(position, evaluator.logits());
    }
  }
  return all;
}

/// So tight that int8 activations (near 1e-3) cannot pass for exact ones. The golden's own rounding is near 1e-6 of KL, the f16
/// cache adds less.
void expect_exact(const TopkGolden& golden, const Windows& windows) {
  const Agreement agreement = whole(golden, windows);
  report(agreement);
  EXPECT_LE(agreement.kl(), 1e-5);
  EXPECT_GE(agreement.same_top(), 0.995);
  EXPECT_LE(std::abs(agreement.ln_ppl_difference()), 0.002);
}

TEST(ParityGolden, CoversTenThousandPositions) {
  const TopkGolden golden = llama_cpp_golden();
  EXPECT_GE(golden.ids.size(), 10000u);
  EXPECT_GE(TopkGolden::open(golden_folder() / "smollm2_mlx.bin").ids.size(), 300u);
}

TEST(ParityGolden, MeasureSeesAWrongDistribution) {
  // Logits that restate the golden have no distance to it; a temperature of 1.1 has one that the exact path's bound refuses.
  const TopkGolden golden = llama_cpp_golden();
  Agreement same(golden), warmer(golden);
  for (std::size_t position = 0; position < 512; ++position) {
    double rest = 1;
    std::vector<double> lp(golden.k);
    for (std::size_t i = 0; i < golden.k; ++i) rest -= std::exp(lp[i] = -golden.top_steps[position * golden.k + i] / 2048.0);
    std::vector<float> logits(golden.vocab, static_cast<float>(std::log(std::fmax(rest, 1e-9) / (golden.vocab - golden.k))));
    for (std::size_t i = 0; i < golden.k; ++i) logits[golden.top_ids[position * golden.k + i]] = static_cast<float>(lp[i]);
    same.add(position, logits);
    for (float& z : logits) z /= 1.1F;
    warmer.add(position, logits);
  }
  EXPECT_NEAR(same.kl(), 0, 1e-6);
  EXPECT_EQ(same.same_top(), 1.0);
  EXPECT_GT(warmer.kl(), 1e-3);
}

TEST(Parity, TokenizerGivesLlamaCppsIds) {
  const TopkGolden golden = llama_cpp_golden();
  for (const char* name : {kFolderModel, kGgufModel}) {
    const LoadedModel loaded(model_path(name), options_with(Accuracy::fast));
    Request request;
    request.form = PromptForm::raw;
    request.messages = {{"user", std::string(verify_text())}};
    std::vector<TokenId> ids = loaded.model->encode(request);
    ASSERT_GE(ids.size(), golden.ids.size());
    ids.resize(golden.ids.size());
    EXPECT_EQ(ids, golden.ids) << name;
  }
}

TEST(Parity, ExactIsLlamaCppOnFloat32Weights) {
  const TopkGolden golden = llama_cpp_golden();
  const LoadedModel loaded(model_path(kFolderModel), options_with(Accuracy::exact));
  expect_exact(golden, score(golden, loaded.evaluator(), golden.windows.size()));
}

TEST(Parity, ExactOnGgufIsLlamaCppOnFloat32Weights) {
  const TopkGolden golden = llama_cpp_golden();
  const LoadedModel loaded(model_path(kGgufModel), options_with(Accuracy::exact));
  expect_exact(golden, score(golden, loaded.evaluator(), 3));
}

TEST(Parity, ExactIsMlxWithFloat32Activations) {
  const TopkGolden golden = TopkGolden::open(golden_folder() / "smollm2_mlx.bin");
  const LoadedModel loaded(model_path(kFolderModel), options_with(Accuracy::exact));
  expect_exact(golden, score(golden, loaded.evaluator(), golden.windows.size()));
}

TEST(Parity, ExactDecodeIsLlamaCppOnFloat32Weights) {
  const TopkGolden golden = llama_cpp_golden();
  const LoadedModel loaded(model_path(kFolderModel), options_with(Accuracy::exact));
  expect_exact(golden, score_by_steps(golden, loaded.evaluator(), 1));
}

TEST(Parity, FastIsNoFurtherThanLlamaCppOnTheQuantizedFile) {
  const TopkGolden golden = llama_cpp_golden();
  const LoadedModel loaded(model_path(kFolderModel), options_with(Accuracy::fast));
  expect_no_further_than_llama_cpp(golden, score(golden, loaded.evaluator(), golden.windows.size()));
}

TEST(Parity, FastOnGgufIsNoFurtherThanLlamaCpp) {
  const TopkGolden golden = llama_cpp_golden();
  const LoadedModel loaded(model_path(kGgufModel), options_with(Accuracy::fast));
  expect_no_further_than_llama_cpp(golden, score(golden, loaded.evaluator(), 6));
}

TEST(Parity, FastDecodeIsNoFurtherThanLlamaCpp) {
  const TopkGolden golden = llama_cpp_golden();
  const LoadedModel loaded(model_path(kFolderModel), options_with(Accuracy::fast));
  expect_no_further_than_llama_cpp(golden, score_by_steps(golden, loaded.evaluator(), 8));
}

TEST(Parity, FastDecodeOnGgufIsNoFurtherThanLlamaCpp) {
  const TopkGolden golden = llama_cpp_golden();
  const LoadedModel loaded(model_path(kGgufModel), options_with(Accuracy::fast));
  expect_no_further_than_llama_cpp(golden, score_by_steps(golden, loaded.evaluator(), 8));
}

}  // namespace
}  // namespace ifm::test
