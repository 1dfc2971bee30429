#!/usr/bin/env python3
"""Makes tests/golden/format/{ggml_blocks,mlx_affine}.json: quantized bytes and what other software reads out of them.

Needs the PyPI packages gguf, mlx and numpy; their versions are recorded in the files.
Usage: python3 tools/make_gguf_goldens.py [output folder]
"""

import importlib.metadata
import json
import pathlib
import sys

import gguf
import mlx.core as mx
import numpy as np

SEED = 20240711
F16_FIELDS = {"Q4_0": [0], "Q4_1": [0, 2], "Q8_0": [0], "Q6_K": [208], "Q5_0": [0], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2]}
PLAIN_TYPES = ("F16", "BF16")


def hex_of(array):
    return np.ascontiguousarray(array).tobytes().hex()


def ggml_case(name, rng):
    """Random bytes with finite scales of both signs, subnormal ones too: any bit pattern is a valid block."""
    kind = gguf.GGMLQuantizationType[name]
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = 2 if elements == 256 else 8
    data = rng.integers(0, 256, (blocks, size), dtype=np.uint8)
    for at in F16_FIELDS[name]:
        scales = (rng.standard_normal(blocks) * 0.05).astype(np.float16)
        scales[0] = np.float16(5.9604645e-08) * 37
        data[:, at:at + 2] = scales.view(np.uint8).reshape(blocks, 2)
    values = gguf.quants.dequantize(data.reshape(-1), kind).astype(np.float32)
    return {"type": name, "elements": int(values.size), "data": hex_of(data), "f32": hex_of(values)}


def plain_case(name, rng):
    kind = gguf.GGMLQuantizationType[name]
    values = (rng.standard_normal(64) * 10.0 ** rng.integers(-6, 4, 64)).astype(np.float32)
    data = gguf.quants.quantize(values, kind)
    back = gguf.quants.dequantize(data, kind).astype(np.float32)
    return {"type": name, "elements": 64, "source": hex_of(values), "data": hex_of(data), "f32": hex_of(back)}


def affine_case(bits, group, rng):
    values = mx.array((rng.standard_normal((2, 2 * group)) * 0.1).astype(np.float32))
    packed, scales, biases = mx.quantize(values, group_size=group, bits=bits)
    back = mx.dequantize(packed, scales, biases, group_size=group, bits=bits)
    return {"bits": bits, "group": group, "rows": 2, "cols": 2 * group, "data": hex_of(np.array(packed)),
            "scales": hex_of(np.array(scales)), "biases": hex_of(np.array(biases)), "f32": hex_of(np.array(back))}


def write(path, package, cases):
    document = {"made_by": "tools/make_gguf_goldens.py", "tool": package, "version": importlib.metadata.version(package),
                "numpy": np.__version__, "seed": SEED, "cases": cases}
    path.write_text(json.dumps(document, indent=1) + "\n")
    print(path, path.stat().st_size, "bytes")


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "format"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    write(folder / "ggml_blocks.json", "gguf",
          [ggml_case(name, rng) for name in F16_FIELDS] + [plain_case(name, rng) for name in PLAIN_TYPES])
    mx.set_default_device(mx.cpu)
    write(folder / "mlx_affine.json", "mlx", [affine_case(bits, group, rng) for bits in (4, 8) for group in (32, 64, 128)])


if __name__ == "__main__":
    main()
