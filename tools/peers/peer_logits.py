"""Logits of models as software that we did not write computes them: llama.cpp (libllama) and MLX.

Everything hands out float32 logits window by window: each window starts from an empty cache.
"""
import ctypes
import hashlib
import os

import numpy as np


def sha256_of(path):
    """SHA-256 of a file, as "sha256:<hex>"."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return "sha256:" + digest.hexdigest()


def split_windows(ids, windows):
    """Cuts ids into (inputs, targets) of the given lengths; the target of a position is the next id of the text."""
    if len(ids) < sum(windows) + 1:
        raise SystemExit(f"text: too short (expected {sum(windows) + 1} tokens, got {len(ids)})")
    out = []
    begin = 0
    for length in windows:
        out.append((ids[begin:begin + length], ids[begin + 1:begin + length + 1]))
        begin += length
    return out


def write_f32_gguf(source, target):
    """Writes a copy of a GGUF whose every tensor is float32, dequantized by the gguf package; the metadata stays."""
    import gguf

    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, str(reader.get_field("general.architecture").contents()))
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        value = field.contents()
        if name == "general.file_type":
            value = int(gguf.LlamaFileType.ALL_F32)
        sub_type = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, value, field.types[0], sub_type)
    for tensor in reader.tensors:
        data = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        shape = [int(n) for n in reversed(tensor.shape)]
        writer.add_tensor(tensor.name, np.ascontiguousarray(data.reshape(shape)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


_log_callback = None


def silence_llama_cpp():
    """Its log is not printed."""
    import llama_cpp

    global _log_callback  # libllama keeps the pointer
    _log_callback = _log_callback or llama_cpp.llama_log_callback(lambda level, text, data: None)
    llama_cpp.llama_log_set(_log_callback, ctypes.c_void_p(0))


def quantize_gguf(source, target, mixture):
    """Writes a quantized copy of an F32 GGUF as llama-quantize does. mixture: "Q4_K_M", the end of a LLAMA_FTYPE_MOSTLY_ name."""
    import llama_cpp

    silence_llama_cpp()
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{mixture}")
    if llama_cpp.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(params)) != 0:
        raise SystemExit(f"{target}: llama.cpp cannot write it")


class LlamaCpp:
    """A GGUF in libllama. exact=True: f32 cache and no flash attention; else the defaults of its users."""

    def __init__(self, path, context, exact, threads=0):
        import llama_cpp

        self.lib = llama_cpp
        silence_llama_cpp()
        llama_cpp.llama_backend_init()
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), llama_cpp.llama_model_default_params())
        if not self.model:
            raise SystemExit(f"{path}: llama.cpp cannot load it")
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = context
        params.n_batch = params.n_ubatch = 512
        params.n_threads = params.n_threads_batch = threads or os.cpu_count()
        if exact:
            params.type_k = params.type_v = llama_cpp.GGML_TYPE_F32
            params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self.context = llama_cpp.llama_init_from_model(self.model, params)
        self.vocab = llama_cpp.llama_model_get_vocab(self.model)
        self.vocab_size = llama_cpp.llama_vocab_n_tokens(self.vocab)

    def encode(self, text):
        """Ids of a text without any added special token."""
        data = text.encode()
        buffer = (self.lib.llama_token * (len(data) + 8))()
        count = self.lib.llama_tokenize(self.vocab, data, len(data), buffer, len(buffer), False, False)
        return list(buffer[:count])

    def score(self, ids, chunk=512):
        """(len(ids), vocab) f32 logits from an empty cache, evaluated in chunks."""
        lib = self.lib
        lib.llama_memory_clear(lib.llama_get_memory(self.context), True)
        batch = lib.llama_batch_init(chunk, 0, 1)
        out = np.empty((len(ids), self.vocab_size), np.float32)
        for begin in range(0, len(ids), chunk):
            part = ids[begin:begin + chunk]
            batch.n_tokens = len(part)
            for i, token in enumerate(part):
                batch.token[i] = int(token)
                batch.pos[i] = begin + i
                batch.n_seq_id[i] = 1
                batch.seq_id[i][0] = 0
                batch.logits[i] = 1
            if lib.llama_decode(self.context, batch) != 0:
                raise SystemExit("llama.cpp: decode failed")
            logits = lib.llama_get_logits(self.context)
            out[begin:begin + len(part)] = np.ctypeslib.as_array(logits, (len(part), self.vocab_size))
        lib.llama_batch_free(batch)
        return out

    @staticmethod
    def version():
        import llama_cpp

        return f"llama-cpp-python {llama_cpp.__version__}; {llama_cpp.llama_print_system_info().decode().strip(' |')}"


class Mlx:
    """An MLX folder in mlx-lm on the CPU, with float32 activations."""

    def __init__(self, folder):
        import json
        from pathlib import Path

        import mlx.core as mx
        from mlx.utils import tree_map
        from mlx_lm.utils import load_model

        mx.set_default_device(mx.cpu)
        self.mx = mx
        self.model, _ = load_model(Path(folder), lazy=True)
        self.model.update(tree_map(
            lambda x: x.astype(mx.float32) if mx.issubdtype(x.dtype, mx.floating) else x, self.model.parameters()))
        mx.eval(self.model.parameters())
        self.vocab_size = json.loads((Path(folder) / "config.json").read_text())["vocab_size"]

    def score(self, ids):
        """(len(ids), vocab) f32 logits from an empty cache."""
        logits = self.model(self.mx.array([list(map(int, ids))]))[0]
        return np.array(logits.astype(self.mx.float32))

    @staticmethod
    def version():
        from importlib.metadata import version

        return f"mlx {version('mlx')}, mlx-lm {version('mlx-lm')}, CPU, float32 activations"
