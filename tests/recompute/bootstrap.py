"""The bootstrap over runs of docs/method.md, to its last draw: xoshiro256** seeded by SplitMix64 (Blackman and Vigna 2021), histograms with 512
buckets an octave, BCa (Efron 1987)."""
import math

import numpy as np
from scipy import stats as st

MASK = (1 << 64) - 1
RESAMPLES, SEED = 999, 1


class Xoshiro:
    def __init__(self, seed):
        self.s = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & MASK
            z = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & MASK
            z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
            self.s.append(z ^ (z >> 31))

    def next(self):
        rotl = lambda x, k: ((x << k) | (x >> (64 - k))) & MASK
        s = self.s
        result = (rotl((s[1] * 5) & MASK, 7) * 9) & MASK
        t = (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 45)
        return result

    def below(self, n):
        threshold = ((1 << 64) - n) % n
        while (r := self.next()) < threshold:
            pass
        return r % n


def bucket_of(value):
    shift = max(0, value.bit_length() - 10)
    return (shift << 9) + (value >> shift)


def lowest_of(bucket):
    octave = bucket >> 9
    return bucket if octave < 2 else (bucket - ((octave - 1) << 9)) << (octave - 1)


class Histogram:
    """Of whole numbers of ns."""

    def __init__(self, values):
        self.min, self.max, self.count = min(values), max(values), len(values)
        self.counts = {}
        for value in values:
            self.counts[bucket_of(value)] = self.counts.get(bucket_of(value), 0) + 1

    def middle(self, bucket):
        low, high = max(lowest_of(bucket), self.min), min(lowest_of(bucket + 1) - 1, self.max)
        return low + (high - low) / 2

    def buckets(self):
        return [(self.middle(b), n) for b, n in sorted(self.counts.items())]

    def order_statistic(self, rank):
        if rank in (0, self.count - 1):
            return float(self.min if rank == 0 else self.max)
        below = 0
        for bucket, n in sorted(self.counts.items()):
            below += n
            if below > rank:
                return self.middle(bucket)
        raise AssertionError("no such rank")

    def quantile(self, p):
        position = p * (self.count - 1)
        rank, weight = math.floor(position), position - math.floor(position)
        low = self.order_statistic(rank)
        return low + weight * (self.order_statistic(rank + 1) - low) if weight > 0 else low


def bca(n, statistic):
    """95 % interval of a statistic of units, which it takes by number."""
    rng = Xoshiro(SEED)
    estimate = statistic(range(n))
    drawn = np.array([statistic([rng.below(n) for _ in range(n)]) for _ in range(RESAMPLES)])
    below = float(np.sum(drawn < estimate) + 0.5 * np.sum(drawn == estimate)) / RESAMPLES
    bias = st.norm.ppf(min(max(below, 0.5 / RESAMPLES), 1 - 0.5 / RESAMPLES))
    left_out = np.array([statistic([j for j in range(n) if j != i]) for i in range(n)])
    d = left_out.mean() - left_out
    a = float(np.sum(d**3) / (6 * np.sum(d**2) ** 1.5)) if np.sum(d**2) > 0 else 0.0
    ends = [st.norm.cdf(bias + z / (1 - a * z)) for z in bias + st.norm.ppf([0.025, 0.975])]
    return tuple(float(v) for v in np.quantile(drawn, ends))


def mean_of(runs):
    """A statistic of runs (lists of gaps) by number: the mean of all their gaps."""
    sums, counts = np.array([float(sum(r)) for r in runs]), np.array([float(len(r)) for r in runs])
    return lambda chosen: float(sums[list(chosen)].sum() / counts[list(chosen)].sum())


def quantile_of(runs, p):
    histograms = [Histogram(r) for r in runs]
    values = np.array(sorted({value for h in histograms for value, _ in h.buckets()}))
    place = {value: i for i, value in enumerate(values)}
    table = np.zeros((len(runs), len(values)))
    for row, histogram in zip(table, histograms):
        for value, n in histogram.buckets():
            row[place[value]] = n

    def statistic(chosen):
        counts = table[list(chosen)].sum(axis=0)
        return float(values[np.searchsorted(np.cumsum(counts), math.floor(p * (counts.sum() - 1)), side="right")])

    return statistic
