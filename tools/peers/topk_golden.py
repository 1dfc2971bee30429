"""The compact golden of a reference's next-token distributions, and distances of distributions.

File (little endian): magic "IFMTOPK1", u32 vocab, u32 k, u32 windows, u32 length of each window, then columns over all
positions n: u16 id (n), u16 target (n), f32 ln p of the target (n), u16 top ids by falling ln p (n, k), u16 -ln p of
them in steps of 1/2048 (n, k). What is left of the mass is the last bucket.
"""
import struct

import numpy as np

MAGIC = b"IFMTOPK1"
STEP = 1.0 / 2048


def log_softmax(logits):
    """Natural log-probabilities in float64."""
    x = logits.astype(np.float64)
    x -= x.max(axis=-1, keepdims=True)
    x -= np.log(np.exp(x).sum(axis=-1, keepdims=True))
    return x


def full_kl(p, q):
    """KL(p || q) of each position, nats; p, q: log-probabilities (n, vocab)."""
    return (np.exp(p) * (p - q)).sum(axis=-1)


def top(p, k):
    """(ids, ln p) of the k largest of each position, falling; ties by id."""
    part = np.argpartition(-p, k, axis=-1)[:, :k]
    order = np.lexsort((part, -np.take_along_axis(p, part, -1)), axis=-1)
    ids = np.take_along_axis(part, order, -1)
    return ids, np.take_along_axis(p, ids, -1)


def quantized(top_lp):
    """ln p as the file keeps it."""
    return np.minimum(np.rint(-top_lp / STEP), 65535).astype(np.uint16)


def coarse_kl(top_ids, top_steps, q):
    """KL over the k buckets and the rest: a lower bound of the full KL (data-processing inequality)."""
    p = np.exp(-top_steps.astype(np.float64) * STEP)
    p_rest = np.maximum(1.0 - p.sum(axis=-1), 1e-9)
    total = p.sum(axis=-1) + p_rest
    q_top = np.take_along_axis(q, top_ids.astype(np.int64), -1)
    q_rest = np.maximum(1.0 - np.exp(q_top).sum(axis=-1), 1e-9)
    p /= total[:, None]
    p_rest /= total
    return (p * (np.log(p) - q_top)).sum(axis=-1) + p_rest * (np.log(p_rest) - np.log(q_rest))


def write(path, vocab, windows, ids, targets, target_lp, top_ids, top_steps):
    with open(path, "wb") as file:
        file.write(MAGIC + struct.pack(f"<{3 + len(windows)}I", vocab, top_ids.shape[1], len(windows), *windows))
        for column, dtype in ((ids, "<u2"), (targets, "<u2"), (target_lp, "<f4"), (top_ids, "<u2"), (top_steps, "<u2")):
            file.write(np.ascontiguousarray(column, dtype).tobytes())


def read(path):
    """The file as a dict of arrays."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:8] != MAGIC:
        raise SystemExit(f"{path}: not a top-k golden (expected {MAGIC!r})")
    vocab, k, count = struct.unpack_from("<3I", data, 8)
    windows = list(struct.unpack_from(f"<{count}I", data, 20))
    at, n, out = 20 + 4 * count, sum(windows), {"vocab": vocab, "windows": windows}
    for name, dtype, width in (("ids", "<u2", 1), ("targets", "<u2", 1), ("target_lp", "<f4", 1), ("top_ids", "<u2", k),
                               ("top_steps", "<u2", k)):
        column = np.frombuffer(data, dtype, n * width, at)
        at += column.nbytes
        out[name] = column.reshape(n, width) if width > 1 else column
    return out
