// Times each product of a kernel set alone, beside the limits of one thread. Prints one line per packing, shape and number of
// tokens.

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "bench/layouts.h"
#include "inferometer/base/aligned_buffer.h"
#include "inferometer/base/error.h"
#include "inferometer/kernel/kernels.h"
#include "inferometer/kernel/limits.h"
#include "inferometer/kernel/test_matrix.h"

namespace ifm {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

/// Time that this thread has run, in ns: other programs on the same processor do not count.
int64_t cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

/// The lower quartile of as many calls as fit into about `budget_ns`, at least five; in ns. The shortest would be the call during
/// which a virtual machine's clock stood still.
double typical_ns(int64_t budget_ns, const std::function<void()>& body) {
  body();
  std::vector<int64_t> calls;
  const int64_t begin = cpu_ns();
  while (calls.size() < 5 || cpu_ns() - begin < budget_ns) {
    const int64_t start = cpu_ns();
    body();
    calls.push_back(cpu_ns() - start);
  }
  const auto quartile = calls.begin() + static_cast<std::ptrdiff_t>(calls.size() / 4);
  std::ranges::nth_element(calls, quartile);
  return static_cast<double>(*quartile);
}

struct Options {
  std::string isa;
  std::vector<std::string> layouts{"mlx4-g64"};
  std::vector<int64_t> rows{2048};
  std::vector<int64_t> cols{2048};
  std::vector<int64_t> tokens{1, 8, 32, 128, 512};
  std::string accuracy = "fast";
  int64_t prefill_from = 4;
  double seconds = 0.2;
};

struct Limits {
  double int8_gmac_per_s;
  double read_gb_per_s;
};

void time_product(const Options& options, const Layout& layout, const TestMatrix& matrix, int64_t n, const Limits& limits) {
  const WeightMatrix& w = matrix.view;
  const Phase phase = n < options.prefill_from ? Phase::decode : Phase::prefill;
  const Accuracy accuracy = options.accuracy == "exact" ? Accuracy::exact : Accuracy::fast;
  const Product& tested = product(kernels_for(options.isa), accuracy, phase, w.packing);
  const std::vector<float> x = make_test_activations(n * w.cols, w.cols, 4, 1);
  AlignedBuffer<std::byte> rounded(tested.rounding == nullptr ? 64 : tested.rounding->bytes(n, w.cols));
  AlignedBuffer<std::byte> scratch(matmul_scratch_bytes(n, w.cols));
  AlignedBuffer<float> out(n * w.rows);
  const Activations activations{.n = n, .k = w.cols, .f32 = x.data(), .rounded = rounded.data()};
  const auto budget = static_cast<int64_t>(options.seconds * kSecond);
  double rounding_ns = 0;
  if (tested.rounding != nullptr)
    rounding_ns = typical_ns(budget / 4, [&] { tested.rounding->round(x.data(), n, w.cols, 0, n, rounded.data()); });
  const double ns = typical_ns(budget, [&] {
    for (int64_t row = 0; row < w.rows; row += n == 1 ? w.rows : kMatmulRows) {
      MatmulTask task{.weights = &w, .x = &activations, .out = out.data(), .out_stride = w.rows};
      task.row_begin = row;
      task.row_end = n == 1 ? w.rows : std::min(w.rows, row + kMatmulRows);
      task.scratch = scratch.data();
      for (task.token_begin = 0; task.token_begin < n; task.token_begin = task.token_end) {
        task.token_end = task.token_begin + std::min(n - task.token_begin, tested.tokens);
        tested.multiply(task);
      }
    }
  });
  const double gmac = static_cast<double>(w.rows * w.cols * n) / ns;
  const double gb = static_cast<double>(bytes_of(w)) / ns;
  fmt::print(
      "{:<10} {:>6} x {:<6} n {:>4}  {:>8.1f} GMAC/s {:5.2f} of int8 peak  {:>6.1f} GB/s {:5.2f} of read  rounding {:.2f} "
      "ns/value\n",
      layout.name, w.rows, w.cols, n, gmac, gmac / limits.int8_gmac_per_s, gb, gb / limits.read_gb_per_s,
      rounding_ns / static_cast<double>(n * w.cols));
  std::fflush(stdout);
}

void run(const Options& options) {
  const Limits limits{measure_int8_peak(1, kSecond / 2, kernels_for(options.isa).isa).gmac_per_s,
                      measure_read_gb_per_s(1, 256 << 20, kSecond)};
  fmt::print("limits of one thread: int8 {:.1f} GMAC/s, read {:.1f} GB/s; set {}, {}\n", limits.int8_gmac_per_s,
             limits.read_gb_per_s, kernels_for(options.isa).isa, options.accuracy);
  for (const Layout& layout : chosen_layouts(options.layouts)) {
    for (const int64_t cols : options.cols) {
      for (const int64_t rows : options.rows) {
        const TestMatrix matrix = make_test_matrix(layout.packing, rows, cols, layout.group, layout.scale_dtype, 1);
        for (const int64_t n : options.tokens) time_product(options, layout, matrix, n, limits);
      }
    }
  }
}

}  // namespace
}  // namespace ifm

int main(int argc, char** argv) {
  ifm::Options options;
  CLI::App app("Times the products of one kernel set on one thread, beside the limits of that thread");
  app.add_option("--isa", options.isa, "kernel set (default: the best here)");
  app.add_option("-w,--weights", options.layouts, "layouts of the weights: " + ifm::layout_names())->delimiter(',');
  app.add_option("-m,--rows", options.rows, "rows of the weights")->delimiter(',');
  app.add_option("-k,--cols", options.cols, "columns of the weights")->delimiter(',');
  app.add_option("-n,--tokens", options.tokens, "tokens at a time")->delimiter(',');
  app.add_option("--prefill-from", options.prefill_from, "from this many tokens on, time prefill's product instead of decode's");
  app.add_option("--accuracy", options.accuracy, "fast or exact")->check(CLI::IsMember({"fast", "exact"}));
  app.add_option("--seconds", options.seconds, "time for each line");
  CLI11_PARSE(app, argc, argv);
  try {
    ifm::run(options);
  } catch (const ifm::Error& error) {
    fmt::print(stderr, "kernel-bench: {}\n", error.message());
    return 2;
  }
  return 0;
}
