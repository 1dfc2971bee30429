#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "inferometer/base/error.h"
#include "inferometer/base/token_id.h"

namespace ifm::test {

/// Reads little-endian columns from a golden file. @throws Error when the file ends early.
class GoldenReader {
 public:
  GoldenReader(const std::filesystem::path& path, const std::string& magic) : path_(path) {
    std::ifstream file(path, std::ios::binary);
    data_.assign(std::istreambuf_iterator<char>(file), {});
    if (data_.compare(0, magic.size(), magic) != 0) {
      fail(ErrorKind::invalid_data, "{}: not this golden (expected {} in front)", path.string(), magic);
    }
    at_ = magic.size();
  }
  template <typename T>
  std::vector<T> column(std::size_t count) {
    std::vector<T> out(count);
    if (data_.size() - at_ < count * sizeof(T)) fail(ErrorKind::invalid_data, "{}: ends early", path_.string());
    std::memcpy(out.data(), data_.data() + at_, count * sizeof(T));
    at_ += count * sizeof(T);
    return out;
  }
  [[nodiscard]] bool at_end() const { return at_ == data_.size(); }

 private:
  std::filesystem::path path_;
  std::string data_;
  std::size_t at_ = 0;
};

/// A reference's next-token distributions over a text, each as its k likeliest tokens and what is left; see
/// tools/peers/topk_golden.py, which writes the file.
struct TopkGolden {
  uint32_t vocab = 0;
  uint32_t k = 0;
  std::vector<uint32_t> windows;    ///< lengths; each starts from an empty cache
  std::vector<TokenId> ids;         ///< (positions)
  std::vector<uint16_t> targets;    ///< (positions) the token that follows in the text
  std::vector<float> target_lp;     ///< (positions) the reference's ln p of it
  std::vector<uint16_t> top_ids;    ///< (positions, k) by falling probability
  std::vector<uint16_t> top_steps;  ///< (positions, k) -ln p in steps of 1/2048

  static TopkGolden open(const std::filesystem::path& path) {
    GoldenReader reader(path, "IFMTOPK1");
    TopkGolden golden;
    const auto head = reader.column<uint32_t>(3);
    golden.vocab = head[0];
    golden.k = head[1];
    golden.windows = reader.column<uint32_t>(head[2]);
    const std::size_t n = std::accumulate(golden.windows.begin(), golden.windows.end(), std::size_t{0});
    const auto ids = reader.column<uint16_t>(n);
    golden.ids.assign(ids.begin(), ids.end());
    golden.targets = reader.column<uint16_t>(n);
    golden.target_lp = reader.column<float>(n);
    golden.top_ids = reader.column<uint16_t>(n * golden.k);
    golden.top_steps = reader.column<uint16_t>(n * golden.k);
    if (!reader.at_end()) fail(ErrorKind::invalid_data, "{}: bytes after its end", path.string());
    return golden;
  }
};

/// ln of the sum of exp of the logits.
inline double log_sum_exp(std::span<const float> logits) {
  float top = logits[0];
  for (const float z : logits) top = z > top ? z : top;
  double sum = 0;
  for (const float z : logits) sum += std::exp(static_cast<double>(z) - static_cast<double>(top));
  return static_cast<double>(top) + std::log(sum);
}

/// Sums how far a candidate's logits are from a golden.
class Agreement {
 public:
  explicit Agreement(const TopkGolden& golden) : golden_(golden) {}

  /// logits: (vocab) of the golden's position `position`.
  void add(std::size_t position, std::span<const float> logits) {
    const double total = log_sum_exp(logits);
    kl_ += coarse_kl(position, logits, total);
    ln_p_ += static_cast<double>(logits[golden_.targets[position]]) - total;
    reference_ln_p_ += static_cast<double>(golden_.target_lp[position]);
    std::size_t top = 0;
    for (std::size_t i = 1; i < logits.size(); ++i) top = logits[i] > logits[top] ? i : top;
    same_top_ += top == golden_.top_ids[position * golden_.k] ? 1 : 0;
    ++positions_;
  }

  /// Of other positions of the same golden.
  void add(const Agreement& other) {
    kl_ += other.kl_;
    ln_p_ += other.ln_p_;
    reference_ln_p_ += other.reference_ln_p_;
    same_top_ += other.same_top_;
    positions_ += other.positions_;
  }

  [[nodiscard]] int64_t positions() const { return positions_; }
  /// Mean KL(golden || candidate) over the top-k tokens and the rest as one: a lower bound of the full KL. Nats.
  [[nodiscard]] double kl() const { return kl_ / static_cast<double>(positions_); }
  [[nodiscard]] double same_top() const { return static_cast<double>(same_top_) / static_cast<double>(positions_); }
  /// Candidate's ln of the perplexity less the reference's.
  [[nodiscard]] double ln_ppl_difference() const { return (reference_ln_p_ - ln_p_) / static_cast<double>(positions_); }

 private:
  [[nodiscard]] double coarse_kl(std::size_t position, std::span<const float> logits, double total) const {
    constexpr double kStep = 1.0 / 2048;
    constexpr double kLeast = 1e-9;  // of the rest: what rounding of the k parts leaves
    double p_sum = 0, q_sum = 0, kl = 0;
    for (std::size_t i = position * golden_.k; i < (position + 1) * golden_.k; ++i) {
      const double ln_p = -kStep * golden_.top_steps[i];
      const double ln_q = static_cast<double>(logits[golden_.top_ids[i]]) - total;
      kl += std::exp(ln_p) * (ln_p - ln_q);
      p_sum += std::exp(ln_p);
      q_sum += std::exp(ln_q);
    }
    const double p_rest = std::fmax(1 - p_sum, kLeast), q_rest = std::fmax(1 - q_sum, kLeast);
    kl += p_rest * std::log(p_rest / q_rest);
    const double mass = p_sum + p_rest;  // 1, but for rounding
    return kl / mass - std::log(mass);
  }

  const TopkGolden& golden_;
  double kl_ = 0, ln_p_ = 0, reference_ln_p_ = 0;
  int64_t same_top_ = 0, positions_ = 0;
};

}  // namespace ifm::test
