// Times decode products of weights that come from memory, all threads, alternated with plain reads of the same bytes. Prints one
// line per packing and shape: medians over the rounds.

#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "bench/layouts.h"
#include "inferometer/base/aligned_buffer.h"
#include "inferometer/base/clock.h"
#include "inferometer/base/error.h"
#include "inferometer/base/mapped_file.h"
#include "inferometer/kernel/kernels.h"
#include "inferometer/kernel/limits.h"
#include "inferometer/kernel/test_matrix.h"
#include "inferometer/kernel/thread_pool.h"

namespace ifm {
namespace {

constexpr int64_t kPage = 4096;
constexpr int64_t kWorkingSet = 700'000'000;
constexpr int64_t kGrain = 32;

struct Options {
  std::string isa;
  std::string accuracy = "fast";
  std::vector<std::string> layouts{"mlx4-g64"};
  int64_t rows = 8192;
  std::vector<int64_t> cols{2048, 8192};
  int64_t tokens = 1;
  int threads = 2;
  int rounds = 9;
  std::string file;
};

double median(std::vector<double> v) {
  std::ranges::sort(v);
  return v[v.size() / 2];
}

/// Matrices of one shape, one behind the other in `memory`: all weights, then all scales, then all biases.
std::vector<WeightMatrix> matrices_in(std::span<const std::byte> memory, const WeightMatrix& like, int64_t rows) {
  WeightMatrix w = like;
  w.rows = rows;
  const int64_t data_bytes = rows * w.row_bytes;
  const int64_t scale_bytes = w.scales == nullptr ? 0 : rows * (w.cols / w.group) * (w.scale_dtype == DType::f32 ? 4 : 2);
  const int64_t count = static_cast<int64_t>(memory.size()) / (data_bytes + 2 * scale_bytes);
  std::vector<WeightMatrix> all;
  for (int64_t i = 0; i < count; ++i) {
    w.data = memory.data() + i * data_bytes;
    if (scale_bytes > 0) {
      w.scales = memory.data() + count * data_bytes + i * scale_bytes;
      w.biases = memory.data() + count * (data_bytes + scale_bytes) + i * scale_bytes;
    }
    all.push_back(w);
  }
  return all;
}

/// One product, its inputs and outputs.
class Step {
 public:
  Step(const Product& product, int64_t rows, int64_t cols, int64_t tokens, int threads)
      : product_(product),
        tokens_(tokens),
        x_(make_test_activations(tokens * cols, cols, 4, 1)),
        rounded_(product.rounding == nullptr ? 64 : product.rounding->bytes(tokens, cols)),
        out_(tokens * rows) {
    if (product.rounding != nullptr) product.rounding->round(x_.data(), tokens, cols, 0, tokens, rounded_.data());
    for (int i = 0; i < threads; ++i) scratch_.emplace_back(matmul_scratch_bytes(tokens, cols));
    activations_ = {.n = tokens, .k = cols, .f32 = x_.data(), .rounded = rounded_.data()};
  }

  void multiply(ThreadPool& pool, const WeightMatrix& w) {
    pool.for_shrinking(w.rows, kGrain, [&](int thread, int64_t begin, int64_t end) {
      MatmulTask task{.weights = &w, .x = &activations_, .out = out_.data(), .out_stride = w.rows};
      task.row_begin = begin;
      task.row_end = end;
      task.token_end = tokens_;
      task.scratch = scratch_[static_cast<std::size_t>(thread)].data();
      product_.multiply(task);
    });
  }

 private:
  const Product& product_;
  int64_t tokens_;
  std::vector<float> x_;
  AlignedBuffer<std::byte> rounded_;
  std::vector<AlignedBuffer<std::byte>> scratch_;  // one per thread
  AlignedBuffer<float> out_;
  Activations activations_;
};

class Stream {
 public:
  Stream(const Options& options, std::span<const std::byte> memory)
      : options_(options), memory_(memory), pool_(options.threads) {}

  void time(const Layout& layout, int64_t cols) {
    const TestMatrix small = make_test_matrix(layout.packing, kGrain, cols, layout.group, layout.scale_dtype, 1);
    const std::vector<WeightMatrix> all = matrices_in(memory_, small.view, options_.rows);
    if (all.empty()) fail(ErrorKind::usage, "{} MB hold no matrix of {} x {}", memory_.size() / 1'000'000, options_.rows, cols);
    const Accuracy accuracy = options_.accuracy == "exact" ? Accuracy::exact : Accuracy::fast;
    Step step(product(kernels_for(options_.isa), accuracy, Phase::decode, layout.packing), options_.rows, cols, options_.tokens,
              options_.threads);
    const auto multiply = [&](const WeightMatrix& w) { step.multiply(pool_, w); };
    const auto read = [&](const WeightMatrix& w) { read_matrix(w); };
    std::vector<double> reads, products, shares;
    gb_per_s(all, multiply);
    for (int i = 0; i < options_.rounds; ++i) {
      const double before = gb_per_s(all, read);
      products.push_back(gb_per_s(all, multiply));
      const double after = gb_per_s(all, read);
      reads.push_back(std::max(before, after));
      shares.push_back(products.back() / reads.back());
    }
    fmt::print("{:<10} {:>6} x {:<6} n {:>2}  {:5.1f} GB/s of {:5.1f}  {:.2f} [{:.2f} to {:.2f}]\n", layout.name, options_.rows,
               cols, options_.tokens, median(products), median(reads), median(shares), std::ranges::min(shares),
               std::ranges::max(shares));
    std::fflush(stdout);
  }

 private:
  double gb_per_s(const std::vector<WeightMatrix>& all, const std::function<void(const WeightMatrix&)>& one) {
    int64_t bytes = 0;
    const int64_t begin = clock_.now_ns();
    for (const WeightMatrix& w : all) {
      one(w);
      bytes += bytes_of(w);
    }
    return static_cast<double>(bytes) / static_cast<double>(clock_.now_ns() - begin);
  }

  /// The same bytes as a product, each thread its half.
  void read_matrix(const WeightMatrix& w) {
    const int64_t data_bytes = w.row_bytes * w.rows;
    read_part(w.data, data_bytes);
    if (w.scales == nullptr) return;
    read_part(w.scales, (bytes_of(w) - data_bytes) / 2);
    read_part(w.biases, (bytes_of(w) - data_bytes) / 2);
  }
  void read_part(const std::byte* from, int64_t bytes) {
    pool_.for_parts(bytes, kPage, [&](int, int64_t begin, int64_t end) {
      read_once({from + begin, static_cast<std::size_t>(end - begin)});
    });
  }

  const Options& options_;
  std::span<const std::byte> memory_;
  ThreadPool pool_;
  SteadyClock clock_;
};

void run(const Options& options) {
  std::optional<MappedFile> file;
  std::optional<AlignedBuffer<std::byte>> memory;
  std::span<const std::byte> bytes;
  if (!options.file.empty()) {
    file.emplace(options.file);
    bytes = file->bytes().subspan(kPage);
  } else {
    memory.emplace(kWorkingSet);
    std::fill_n(memory->data(), kWorkingSet, std::byte{0x35});
    bytes = {memory->data(), static_cast<std::size_t>(kWorkingSet)};
  }
  Stream stream(options, bytes);
  for (const Layout& layout : chosen_layouts(options.layouts)) {
    for (const int64_t cols : options.cols) stream.time(layout, cols);
  }
}

}  // namespace
}  // namespace ifm

int main(int argc, char** argv) {
  ifm::Options options;
  CLI::App app("Times decode products whose weights come from memory, alternated with reads of the same bytes");
  app.add_option("--isa", options.isa, "kernel set (default: the best here)");
  app.add_option("--accuracy", options.accuracy, "fast or exact")->check(CLI::IsMember({"fast", "exact"}));
  app.add_option("-w,--weights", options.layouts, "layouts of the weights: " + ifm::layout_names())->delimiter(',');
  app.add_option("-m,--rows", options.rows, "rows of a matrix");
  app.add_option("-k,--cols", options.cols, "columns of the weights")->delimiter(',');
  app.add_option("-n,--tokens", options.tokens, "sequences decoded together");
  app.add_option("-t,--threads", options.threads, "threads");
  app.add_option("--rounds", options.rounds, "rounds");
  app.add_option("--file", options.file, "a large file to map and take for weights (default: private memory)");
  CLI11_PARSE(app, argc, argv);
  try {
    ifm::run(options);
  } catch (const ifm::Error& error) {
    fmt::print(stderr, "stream-bench: {}\n", error.message());
    return 2;
  }
  return 0;
}
