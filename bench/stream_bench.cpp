// Times decode products of weights that come from memory, all threads, alternated with plain reads of the same bytes. Prints one
// line per packing and shape: medians over the rounds.

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
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

class Stream {
 public:
  Stream(const Options& options, std::span<const std::byte> memory)
      : options_(options), memory_(memory), pool_(options.threads) {}

  void time(const Layout& layout, int64_t cols) {
    const TestMatrix small = make_test_matrix(layout.packing, kGrain, cols, layout.group, layout.scale_dtype, 1);
    const std::vector<WeightMatrix> all = matrices_in(memory_, small.view, options_.rows);
    if (all.empty())
      fail(ErrorKind::usage, "stream-bench: {} MB hold no matrix of {} x {}", memory_.size() / 1'000'000, options_.rows, cols);
    const Product& tested = product(kernels_for(options_.isa), Accuracy::fast, Phase::decode, layout.packing);
    const int64_t n = options_.tokens;
    const std::vector<float> x = make_test_activations(n * cols, cols, 4, 1);
    AlignedBuffer<std::byte> rounded(tested.rounding == nullptr ? 64 : tested.rounding->bytes(n, cols));
    if (tested.rounding != nullptr) tested.rounding->round(x.data(), n, cols, 0, n, rounded.data());
    AlignedBuffer<float> out(n * options_.rows);
    const Activations activations{.n = n, .k = cols, .f32 = x.data(), .rounded = rounded.data()};
    const auto pass = [&](int64_t grain) {
      return [&, grain](const WeightMatrix& w) {
        const auto body = [&](int, int64_t begin, int64_t end) {
          MatmulTask task{.weights = &w, .x = &activations, .out = out.data(), .out_stride = w.rows};
          task.row_begin = begin;
          task.row_end = end;
          task.token_end = n;
          tested.multiply(task);
        };
        if (grain == 0)
          pool_.for_parts(w.rows, 2, body);
        else
          pool_.for_shrinking(w.rows, grain, body);
      };
    };
    int64_t bytes = 0;
    for (const WeightMatrix& w : all) bytes += bytes_of(w);
    const auto gb_per_s = [&](const std::function<void(const WeightMatrix&)>& one) {
      const int64_t begin = clock_.now_ns();
      for (const WeightMatrix& w : all) one(w);
      return static_cast<double>(bytes) / static_cast<double>(clock_.now_ns() - begin);
    };
    const auto read = [&](const WeightMatrix& w) {
      const std::span<const std::byte> of(w.data, static_cast<std::size_t>(w.row_bytes * w.rows));
      pool_.for_parts(static_cast<int64_t>(of.size()) / kPage, 1, [&](int, int64_t begin, int64_t end) {
        read_once(of.subspan(static_cast<std::size_t>(begin * kPage), static_cast<std::size_t>((end - begin) * kPage)));
      });
      if (w.scales != nullptr) {
        const int64_t scale_bytes = (bytes_of(w) - static_cast<int64_t>(of.size())) / 2;
        for (const std::byte* from : {w.scales, w.biases})
          pool_.for_parts(scale_bytes / kPage, 1, [&](int, int64_t begin, int64_t end) {
            read_once({from + begin * kPage, static_cast<std::size_t>((end - begin) * kPage)});
          });
      }
    };
    std::vector<double> reads, parts, shrinking, share_parts, share_shrinking;
    for (int i = 0; i <= options_.rounds; ++i) {
      const double before = gb_per_s(read);
      const double a = gb_per_s(pass(0));
      const double between = gb_per_s(read);
      const double b = gb_per_s(pass(kGrain));
      const double after = gb_per_s(read);
      if (i == 0) continue;
      reads.push_back(between);
      parts.push_back(a);
      shrinking.push_back(b);
      share_parts.push_back(a / std::max(before, between));
      share_shrinking.push_back(b / std::max(between, after));
    }
    fmt::print(
        "{:<10} {:>6} x {:<6} n {:>2} read {:5.1f} GB/s  parts {:5.1f} GB/s {:.2f} [{:.2f}-{:.2f}]  shrinking {:5.1f} GB/s "
        "{:.2f} [{:.2f}-{:.2f}]\n",
        layout.name, options_.rows, cols, n, median(reads), median(parts), median(share_parts), std::ranges::min(share_parts),
        std::ranges::max(share_parts), median(shrinking), median(share_shrinking), std::ranges::min(share_shrinking),
        std::ranges::max(share_shrinking));
    std::fflush(stdout);
  }

 private:
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
