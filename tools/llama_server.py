"""Serves a GGUF file by llama.cpp's own server, from the PyPI package xllamacpp, until it is told to end.

usage: llama_server.py --model FILE.gguf --port PORT [--threads N] [--ctx N]
"""
import argparse
import signal
import threading

import xllamacpp


def main():
    parser = argparse.ArgumentParser(description="llama.cpp's server on 127.0.0.1")
    parser.add_argument("--model", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--threads", type=int, default=0, help="0: its own choice")
    parser.add_argument("--ctx", type=int, default=4096)
    options = parser.parse_args()
    params = xllamacpp.CommonParams()
    params.model.path = options.model
    params.hostnames = ["127.0.0.1"]
    params.port = options.port
    params.n_ctx = options.ctx
    params.n_parallel = 1
    if options.threads:
        params.cpuparams.n_threads = options.threads
        params.cpuparams_batch.n_threads = options.threads
    server = xllamacpp.Server(params)
    print("llama.cpp's server (xllamacpp) at", server.listening_address, flush=True)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


if __name__ == "__main__":
    main()
