#include "inferometer/analysis/token_gaps.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "inferometer/analysis/effects.h"
#include "inferometer/analysis/groups.h"
#include "inferometer/analysis/metrics.h"
#include "inferometer/stats/confidence.h"
#include "inferometer/stats/order_ranks.h"

namespace ifm {
namespace {

constexpr size_t kMostClusters = 128;
constexpr int kResamples = 999;
constexpr uint64_t kSeed = 1;
constexpr double kNs = 1e-9;

using Clusters = std::vector<stats::Histogram>;

/// The clusters' buckets side by side, so that a resample costs no more than the buckets that are not empty.
class PooledBuckets {
 public:
  explicit PooledBuckets(const Clusters& clusters) {
    std::map<double, size_t> index;
    for (const stats::Histogram& cluster : clusters)
      for (const auto& [value, count] : cluster.buckets()) index.try_emplace(value, 0);
    for (auto& [value, place] : index) {
      place = values_.size();
      values_.push_back(value);
    }
    for (const stats::Histogram& cluster : clusters) {
      clusters_.emplace_back();
      for (const auto& [value, count] : cluster.buckets()) clusters_.back().emplace_back(index.at(value), count);
    }
  }

  /// The value under which the share p of these clusters' values lies.
  double quantile(std::span<const size_t> clusters, double p) {
    counts_.assign(values_.size(), 0);
    uint64_t all = 0;
    for (const size_t cluster : clusters) {
      for (const auto& [place, count] : clusters_[cluster]) {
        counts_[place] += count;
        all += count;
      }
    }
    const auto rank = static_cast<uint64_t>(p * static_cast<double>(all - 1));
    uint64_t below = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      below += counts_[i];
      if (below > rank) return values_[i];
    }
    return values_.back();
  }

 private:
  std::vector<double> values_;
  std::vector<std::vector<std::pair<size_t, uint64_t>>> clusters_;
  std::vector<uint64_t> counts_;
};

double mean_of(const Clusters& clusters, std::span<const size_t> chosen) {
  double sum = 0, count = 0;
  for (const size_t i : chosen) {
    sum += static_cast<double>(clusters[i].sum());
    count += static_cast<double>(clusters[i].count());
  }
  return sum / count;
}

/// An interval of clusters made honest for neighbours that are alike, in seconds.
std::optional<Interval> printed(const stats::StatisticOfClusters& statistic, size_t clusters, double centre,
                                const stats::TimeStructure& time) {
  const auto found = stats::cluster_bootstrap_interval(clusters, statistic, kSeed, kResamples);
  if (!found) return std::nullopt;
  const Interval of_ns =
      stats::stretched({std::min(found->interval.low, centre), std::max(found->interval.high, centre)}, centre, time);
  return Interval{of_ns.low * kNs, of_ns.high * kNs};
}

void set_intervals(TokenGaps& gaps, const stats::Histogram& pooled, const Clusters& clusters,
                   const std::vector<stats::TimedValue>& means) {
  const auto time = stats::time_structure(means);
  gaps.no_interval = !time                                     ? NoInterval::few_in_session
                     : time->drifts                            ? NoInterval::drift
                     : clusters.size() < stats::kLeastClusters ? NoInterval::few_in_group
                                                               : NoInterval::none;
  if (gaps.no_interval != NoInterval::none) return;
  const auto mean = [&](std::span<const size_t> chosen) { return mean_of(clusters, chosen); };
  gaps.mean_ci95 = printed(mean, clusters.size(), gaps.mean_s / kNs, *time);
  PooledBuckets buckets(clusters);
  // Gaps of one run are alike: a percentile needs as many runs as one of runs does.
  const auto interval = [&](double p) -> std::optional<Interval> {
    if (!stats::quantile_ranks(gaps.runs, p)) return std::nullopt;
    const auto of = [&buckets, p](std::span<const size_t> chosen) { return buckets.quantile(chosen, p); };
    return printed(of, clusters.size(), *pooled.quantile(p), *time);
  };
  gaps.p50_ci95 = interval(0.5);
  gaps.p90_ci95 = interval(0.9);
  gaps.p99_ci95 = interval(0.99);
  if (gaps.p90_ci95) gaps.p90_s = *pooled.quantile(0.9) * kNs;
  if (gaps.p99_ci95) gaps.p99_s = *pooled.quantile(0.99) * kNs;
}

}  // namespace

TokenGapCollector::Pool& TokenGapCollector::pool_of(const Run& run) {
  const auto at = std::ranges::find_if(pools_, [&](const Pool& pool) {
    return pool.levels.mode == run.mode && pool.levels.engine == run.engine && pool.levels.model == run.model;
  });
  if (at != pools_.end()) return *at;
  Pool& pool = pools_.emplace_back();
  pool.levels.mode = run.mode;
  pool.levels.engine = run.engine;
  pool.levels.model = run.model;
  return pool;
}

void TokenGapCollector::add(const Run& run) {
  if (!is_timed(run)) return;
  const TokenStamps events = token_events(run.stamps);
  if (events.offset_ns.size() < 2) return;
  Pool& pool = pool_of(run);
  make_room(pool);
  stats::Histogram& cluster = pool.clusters.back();
  for (size_t i = 1; i < events.offset_ns.size(); ++i)
    cluster.add(static_cast<uint64_t>(std::max<int64_t>(0, events.offset_ns[i] - events.offset_ns[i - 1])));
  pool.one_token_events = pool.one_token_events && std::ranges::all_of(events.tokens, [](int tokens) { return tokens == 1; });
  ++pool.runs;
  ++pool.in_last;
  const double mean_ns =
      static_cast<double>(events.offset_ns.back() - events.offset_ns.front()) / static_cast<double>(events.offset_ns.size() - 1);
  pool.means.push_back({mean_ns, run.cell, static_cast<double>(run.start_ns) / kNsPerHour});
}

/// The last cluster has room for one more run.
void TokenGapCollector::make_room(Pool& pool) {
  if (!pool.clusters.empty() && pool.in_last < pool.runs_of_cluster) return;
  if (pool.clusters.size() == kMostClusters) merge_neighbours(pool);
  pool.clusters.emplace_back();
  pool.in_last = 0;
}

/// Twice as many runs in a cluster.
void TokenGapCollector::merge_neighbours(Pool& pool) {
  const size_t pairs = pool.clusters.size() / 2;
  for (size_t i = 0; i < pairs; ++i) {
    if (i > 0) pool.clusters[i] = std::move(pool.clusters[2 * i]);
    pool.clusters[i].merge(pool.clusters[2 * i + 1]);
  }
  if (pool.clusters.size() % 2 == 1 && pairs > 0) pool.clusters[pairs] = std::move(pool.clusters.back());
  pool.clusters.resize(pairs + pool.clusters.size() % 2);
  pool.runs_of_cluster *= 2;
}

void TokenGapCollector::append(TokenGapCollector&& later) {
  for (Pool& other : later.pools_) {
    Pool& pool = pool_of(other.levels);
    while (pool.runs_of_cluster < other.runs_of_cluster) merge_neighbours(pool);
    while (other.runs_of_cluster < pool.runs_of_cluster) merge_neighbours(other);
    pool.one_token_events = pool.one_token_events && other.one_token_events;
    pool.runs += other.runs;
    std::ranges::move(other.clusters, std::back_inserter(pool.clusters));
    pool.means.insert(pool.means.end(), other.means.begin(), other.means.end());
    while (pool.clusters.size() > kMostClusters) merge_neighbours(pool);
    pool.in_last = pool.runs_of_cluster;  // what comes next begins a cluster of its own
  }
  later.pools_.clear();
}

std::vector<TokenGaps> TokenGapCollector::finish() const {
  std::vector<const Run*> levels;
  for (const Pool& pool : pools_) levels.push_back(&pool.levels);
  const bool modes = several_modes(levels);
  std::vector<TokenGaps> all;
  for (const Pool& pool : pools_) {
    stats::Histogram pooled;
    for (const stats::Histogram& cluster : pool.clusters) pooled.merge(cluster);
    TokenGaps gaps{.series = series_label(pool.levels, modes),
                   .one_token_events = pool.one_token_events,
                   .runs = pool.runs,
                   .gaps = static_cast<int64_t>(pooled.count()),
                   .mean_s = *pooled.mean() * kNs,
                   .p50_s = *pooled.quantile(0.5) * kNs,
                   .max_s = static_cast<double>(*pooled.maximum()) * kNs};
    set_intervals(gaps, pooled, pool.clusters, pool.means);
    all.push_back(std::move(gaps));
  }
  return all;
}

void fill_token_gaps(Study& study) {
  TokenGapCollector collector;
  for (const Run& run : study.runs) collector.add(run);
  study.token_gaps = collector.finish();
}

}  // namespace ifm
