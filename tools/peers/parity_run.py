"""One pass over the text: the reference, and how far every candidate is from it."""
import os

import numpy as np

import peer_logits
import topk_golden

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "..", "tests", "golden", "parity")
TEXT = os.path.join(HERE, "..", "..", "inferometer", "measure", "verify_text.txt")
WINDOWS = [512] * 18 + [2048]
TOP = 20
ROWS = 256  # positions at a time, so that float64 copies stay small


def read_text():
    with open(TEXT, encoding="utf-8", newline="") as file:
        return file.read()


class Golden:
    """A model's distributions over the first windows, as the columns of a top-k golden."""

    def __init__(self):
        self.parts = []
        self.windows = []

    def add(self, ids, targets, logits):
        self.windows.append(len(ids))
        for begin in range(0, len(ids), ROWS):
            rows = slice(begin, begin + ROWS)
            p = topk_golden.log_softmax(logits[rows])
            top_ids, top_lp = topk_golden.top(p, TOP)
            target_lp = np.take_along_axis(p, np.array(targets[rows])[:, None], -1)[:, 0]
            self.parts.append((ids[rows], targets[rows], target_lp, top_ids, topk_golden.quantized(top_lp)))

    def write(self, path, vocab):
        topk_golden.write(path, vocab, self.windows, *(np.concatenate(column) for column in zip(*self.parts)))


class Distance:
    """Sums the distances of one candidate to the reference, window by window."""

    def __init__(self):
        self.full, self.coarse, self.same, self.lp, self.reference_lp = [], [], [], [], []

    def add(self, reference, candidate, targets):
        coarse = []
        for begin in range(0, len(targets), ROWS):
            rows = slice(begin, begin + ROWS)
            p, q = topk_golden.log_softmax(reference[rows]), topk_golden.log_softmax(candidate[rows])
            top_ids, top_lp = topk_golden.top(p, TOP)
            coarse.append(topk_golden.coarse_kl(top_ids, topk_golden.quantized(top_lp), q))
            self.full.append(topk_golden.full_kl(p, q))
            self.same.append(top_ids[:, 0] == q.argmax(-1))
            column = np.array(targets[rows])[:, None]
            self.lp.append(np.take_along_axis(q, column, -1)[:, 0])
            self.reference_lp.append(np.take_along_axis(p, column, -1)[:, 0])
        self.coarse.append(np.concatenate(coarse))

    def figures(self):
        full, coarse = np.concatenate(self.full), np.concatenate(self.coarse)
        ln_ppl = -np.concatenate(self.lp).mean()
        return {"positions": len(full), "kl_mean": float(full.mean()), "kl_p999": float(np.quantile(full, 0.999)),
                "kl_max": float(full.max()), "coarse_kl_mean": float(coarse.mean()),
                "coarse_kl_by_window": [float(window.mean()) for window in self.coarse],
                "same_top": float(np.concatenate(self.same).mean()), "ln_ppl": float(ln_ppl),
                "ln_ppl_minus_reference": float(ln_ppl + np.concatenate(self.reference_lp).mean())}


class Run:
    """Scores the text with the reference and with every candidate: name → (object with score(ids), windows that it takes)."""

    def __init__(self, ids, reference, candidates, goldens=(), lengths=None):
        lengths = lengths or WINDOWS
        self.distances = {name: Distance() for name in candidates}
        self.goldens = {name: Golden() for name in goldens}  # "reference" or a candidate's name
        for number, (inputs, targets) in enumerate(peer_logits.split_windows(ids, lengths)):
            expected = reference.score(inputs)
            self._keep("reference", inputs, targets, expected)
            for name, (candidate, windows) in candidates.items():
                if number < windows:
                    logits = candidate.score(inputs)
                    self.distances[name].add(expected, logits, targets)
                    self._keep(name, inputs, targets, logits)
            print(f"window {number + 1} of {len(lengths)}", flush=True)

    def _keep(self, name, inputs, targets, logits):
        if name in self.goldens:
            self.goldens[name].add(inputs, targets, logits)
