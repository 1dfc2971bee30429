#!/usr/bin/env python3
"""Holds our parsers against others' on changed inputs, of which most are broken.

  differential.py --judge PROGRAM [--count N] [--seed N] [safetensors|gguf|plan|template ...]

safetensors: PyPI safetensors (the reference, in Rust): ours accepts no file that it rejects, and those that only ours refuses are of the kinds
  that EXPLAINED lists.
gguf: PyPI gguf's reader, which checks little: ours accepts no file that it cannot read (but for names that are not UTF-8).
plan: ruamel.yaml (YAML 1.2): where ours reads a number or true and false, the scalar is that there, too; a text is the scalar as it stands.
template: jinja2 as Hugging Face transformers sets it up: the same text, or an error of ours; never another text.

Prints what was compared; exit code 1 for the first disagreement, which is written to --keep FOLDER.
"""
import argparse
import collections
import datetime
import io
import json
import math
import pathlib
import random
import re
import signal
import struct
import subprocess
import sys
import tempfile

# Why ours refuses what the reference reads, by words of our message.
EXPLAINED = {
    "does not begin with '{'": "the reference skips white space in front of the header; the format has none there",
    "stands twice": "the reference takes the last of several",
    "twice": "the reference takes the last of several",
    "unknown field": "the reference ignores fields of a tensor that the format does not have",
    "is not supported": "element types that nothing here computes with",
    "more than 64": "a rank that no tensor has",
    "overflow": "a dimension beyond 2^63 beside one of 0, whose product the reference takes from the left",
}


class Judge:
    """Our side, of one kind of input."""

    def __init__(self, program, kind):
        self.child = subprocess.Popen([program, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def verdict(self, data):
        """("a", bytes that it read) or ("r" or "u", message)."""
        self.child.stdin.write(struct.pack("<I", len(data)) + data)
        self.child.stdin.flush()
        verdict, size = self.child.stdout.read(1).decode(), struct.unpack("<I", self.child.stdout.read(4))[0]
        return verdict, self.child.stdout.read(size)


class Disagreement(Exception):
    pass


# --- safetensors

EDGES = [0, 1, 2, 3, 4, 7, 8, 15, 16, 63, 64, 255, 2**31, 2**32 - 1, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 8, 2**64 - 1, 2**64, -1]
DTYPES = ["F32", "F16", "BF16", "U8", "I8", "BOOL", "F64", "I64", "U16", "F8_E4M3", "F8_E5M2", "F4", "C64", "f32", "X", ""]


def tensors(chance):
    """A small valid file's header, as an object, and its data."""
    header, at = {}, 0
    if chance.random() < 0.4:
        header["__metadata__"] = {"format": "mlx"}
    for i in range(chance.randrange(4)):
        shape = [chance.randrange(4) for _ in range(chance.randrange(4))]
        dtype, width = chance.choice([("F32", 4), ("F16", 2), ("BF16", 2), ("U8", 1), ("I64", 8), ("BOOL", 1), ("U32", 4)])
        size = math.prod(shape) * width
        header[f"t{i}"] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    return header, b"d" * at


def change_header(chance, text):
    for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
        numbers = list(re.finditer(r"-?\d+", text))
        way = chance.randrange(9)
        if way <= 2 and numbers:
            number = chance.choice(numbers)
            new = str(chance.choice([*EDGES, int(number[0]) + 1, int(number[0]) - 1]))
            if chance.random() < 0.1:
                new = chance.choice([new + ".0", new + "e0", f'"{new}"', "null", "true", f"[{new}]", "0" + new])
            text = text[: number.start()] + new + text[number.end() :]
        elif way == 3:
            text = re.sub(r'"dtype":"\w*"', lambda _: f'"dtype":"{chance.choice(DTYPES)}"', text, count=1)
        elif way == 4 and text:
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice(['"', "{", "}", "[", "]", ",", ":", " ", "\\", "\n", "\t", "\0", "x", "é", "\ufeff", "\\u0041"]) + text[at + chance.randrange(2) :]
        elif way == 5:
            begin, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
            text = text[:end] + text[begin:end] + text[end:]
        elif way == 6:
            begin, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
            text = text[:begin] + text[end:]
        elif way == 7:
            text = chance.choice([text + " " * chance.randrange(9), " " + text, text + "\n", text + "x", text + "\0"])
        else:
            text = text.replace('"shape"', chance.choice(['"shape"', '"Shape"', '"extra":1,"shape"', '"shape":[1],"shape"']), 1)
    return text


def safetensors_file(chance):
    header, data = tensors(chance)
    text = change_header(chance, json.dumps(header, separators=(",", ":"))).encode("utf-8", "surrogatepass")
    length = len(text)
    if chance.random() < 0.05:
        length = chance.choice([length + 1, max(0, length - 1), 2**64 - 1, 100_000_001, 0])
    if chance.random() < 0.1:
        data = data[: chance.randrange(len(data) + 1)] + b"x" * chance.randrange(3)
    whole = bytearray(struct.pack("<Q", length) + text + data)
    if chance.random() < 0.1 and whole:
        whole[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
    return bytes(whole)


def compare_safetensors(judge, chance, counts):
    import safetensors

    data = safetensors_file(chance)
    verdict, message = judge.verdict(data)
    try:
        safetensors.deserialize(data)
        theirs = True
    except Exception:  # noqa: BLE001 its error has no common base
        theirs = False
    if verdict == "a" and not theirs:
        raise Disagreement("ours accepts what the reference rejects", data)
    if verdict != "a" and theirs:
        text = message.decode()
        why = next((words for words in EXPLAINED if words in text), "unsupported" if verdict == "u" else None)
        if why is None:
            raise Disagreement(f"only ours refuses, for a reason that is not explained: {text}", data)
        counts[f"only ours refuses: {EXPLAINED.get(why, 'element types that nothing here computes with')}"] += 1
    counts["both accept" if verdict == "a" else "both refuse" if not theirs else "only ours refuses"] += 1


# --- GGUF


def gguf_text(text):
    return struct.pack("<Q", len(text)) + text


def gguf_file(chance):
    keys = [gguf_text(b"general.architecture") + struct.pack("<I", 8) + gguf_text(b"llama"),
            gguf_text(b"n") + struct.pack("<II", 4, 7),
            gguf_text(b"list") + struct.pack("<IIQ", 9, 8, 2) + gguf_text(b"a") + gguf_text(b"bc")]
    infos = [gguf_text(b"a") + struct.pack("<IQQIQ", 2, 8, 2, 0, 0), gguf_text(b"b") + struct.pack("<IQQIQ", 2, 32, 1, 8, 64)]
    chance.shuffle(keys)
    data = bytearray(b"GGUF" + struct.pack("<IQQ", chance.choice([2, 3]), len(infos), len(keys)) + b"".join(keys) + b"".join(infos))
    data += b"\0" * (-len(data) % 32)
    data += b"d" * 128
    for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
        way = chance.randrange(4)
        at = chance.randrange(len(data))
        if way == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif way == 1:
            data[at : at + 8] = struct.pack("<Q", chance.choice(EDGES) % 2**64)
        elif way == 2:
            data[at : at + 4] = struct.pack("<I", chance.choice([*range(44), 2**31, 2**32 - 1]))
        else:
            del data[at:]
            if not data:
                data = bytearray(b"G")
    return bytes(data)


def compare_gguf(judge, chance, counts):
    from gguf import GGUFReader

    data = gguf_file(chance)
    verdict, _ = judge.verdict(data)
    if verdict != "a":
        counts["ours refuses"] += 1  # what theirs would make of it says nothing: it checks little
        return
    with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
        file.write(data)
        file.flush()
        try:
            tensors_of = {tensor.name: tensor for tensor in GGUFReader(file.name).tensors}
        except UnicodeDecodeError:
            counts["ours reads names that are not UTF-8 as bytes (they are escaped wherever they are shown)"] += 1
            return
        except Exception as error:  # noqa: BLE001
            raise Disagreement(f"ours accepts what gguf's reader cannot read: {error!r}", data) from error
    counts[f"both read {len(tensors_of)} tensors"] += 1


# --- plans

SCALARS = ["7", "-7", "+7", "007", "0o17", "0x1F", "0b1", "1_000", "1:30", "1e3", "1.0", ".5", "5.", "-0", "+.inf", ".nan", "NaN", "inf",
           "true", "True", "TRUE", "tRUE", "yes", "no", "on", "off", "y", "n", "null", "~", "Null", "", "false", "'7'", '"7"', "'true'", "1e400", "1e-400",
           "0.30", "18446744073709551615", "18446744073709551616", "9007199254740993", "2024-01-01", "12e03", "0.", "a b", "a:b", "\u0663", "1 "]


def scalar(chance):
    text = chance.choice(SCALARS)
    for _ in range(chance.choice([0, 0, 1, 2])):
        at = chance.randrange(len(text) + 1)
        text = text[:at] + chance.choice("0123456789.-+eExo_:'\"naNtTrRuUfFlsy~ ") + text[at + chance.randrange(2) :]
    return text


def compare_plan(judge, chance, counts):
    from ruamel.yaml import YAML, YAMLError

    text = scalar(chance)
    field = chance.choice(["name", "seed", "ignore_eos", "temperature"])
    values = {"name": "x", "seed": "1", "ignore_eos": "true", "temperature": "0.5"} | {field: text}
    plan = ("version: 1\n" + f"name: {values['name']}\nseed: {values['seed']}\nignore_eos: {values['ignore_eos']}\n"
            "models: [m]\nprompts: [{id: p, text: t}]\nmax_tokens: [1]\n" + f"temperature:\n  - {values['temperature']}\n")
    verdict, read = judge.verdict(plan.encode())
    if verdict != "a":
        counts[f"{field}: ours refuses"] += 1
        return
    ours = json.loads(read)[field]
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.version = (1, 2)
        theirs = yaml.load(io.StringIO("%YAML 1.2\n---\n" + plan))[field]
    except (YAMLError, ValueError) as error:
        raise Disagreement(f"ours reads {field}: {text!r} as {ours!r}, YAML 1.2 not at all: {error}", plan.encode()) from error
    if field == "temperature":
        ours, theirs = ours[0], theirs[0]
    # A text stays what was written, whatever type it would have where none is asked for.
    alike = ours == text.strip().strip("'\"") or ours == theirs if field == "name" else type(theirs) in (int, float, bool) and ours == theirs
    if field != "name" and isinstance(theirs, bool) != isinstance(ours, bool):
        alike = False
    if not alike:
        raise Disagreement(f"ours reads {field}: {text!r} as {ours!r}, YAML 1.2 as {theirs!r}", plan.encode())
    counts[f"{field}: alike"] += 1


# --- templates

DAY = datetime.datetime(2024, 7, 26)
MESSAGES = [{"role": "system", "content": " Be brief. "}, {"role": "user", "content": "Hi {{ there }}"}, {"role": "assistant", "content": "Hello!\n"},
            {"role": "user", "content": "Bye"}]
PIECES = ["{{ bos_token }}", "{% for message in messages %}", "{% endfor %}", "{% if loop.first %}", "{% else %}", "{% elif x %}", "{% endif %}", "{{ message['content'] | trim }}",
          "{{ message.role }}", "{%- set n = 1 %}", "{{- x -}}", "{# note #}", " \n", "  ", "{{ messages | length }}", "{{ loop.index0 }}", "{{ 'a' ~ 1 }}", "{{ messages[-1]['role'] }}",
          "{{ messages[1:] | length }}", "{{ (1 + 2) * 3 // 2 % 4 }}", "{{ not x and y or z }}", "{{ x is defined }}", "{{ 'b' in 'abc' }}", "{{ none }}", "{{ true }}", "{{ 1.5 }}",
          "{{ message | tojson }}", "{% set ns = namespace(a=1) %}", "{% set ns.a = ns.a + 1 %}", "{{ ns.a }}", "{% break %}", "{{ raise_exception('x') }}", "{{ date_string }}"]
TOKENS = re.compile(r"\{\{-?|-?\}\}|\{%-?|-?%\}|\{#|#\}|\w+|'[^']*'|\s+|.", re.S)


def template(chance, sources):
    tokens = TOKENS.findall(chance.choice(sources)) if chance.random() < 0.5 else [chance.choice(PIECES) for _ in range(chance.randrange(1, 12))]
    for _ in range(chance.choice([0, 1, 1, 2, 3])):
        at = chance.randrange(len(tokens) + 1) if tokens else 0
        way = chance.randrange(4)
        if way == 0:
            tokens[at:at] = [chance.choice(PIECES)]
        elif way == 1:
            del tokens[at : at + chance.randrange(1, 3)]
        elif way == 2 and tokens:
            tokens[at : at + 1] = [chance.choice(tokens)]
        else:
            tokens[at:at] = [chance.choice(["-", "+", "'", "|", ".", "(", ")", "[", "]", " ", "\n", "0", "is", "not", "~", ",", ":", "==", "<", "in"])]
    return "".join(tokens)


def environment():
    import jinja2
    import jinja2.ext
    import jinja2.sandbox

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    env = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
    env.filters["tojson"] = lambda x, ensure_ascii=False, indent=None, separators=None, sort_keys=False: json.dumps(
        x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = DAY.strftime
    return env


class TooLong(Exception):
    pass


def compare_template(judge, chance, counts, state={}):  # noqa: B006 what is made once
    if not state:
        folder = pathlib.Path(__file__).resolve().parents[1] / "golden/text/templates"
        state["sources"] = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.jinja"))]
        state["env"] = environment()
        signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(TooLong()))
    source = template(chance, state["sources"])
    verdict, ours = judge.verdict(source.encode())
    if verdict != "a":
        counts["ours is an error"] += 1
        return
    signal.alarm(5)
    try:
        theirs = state["env"].from_string(source).render(messages=MESSAGES, tools=None, documents=None, add_generation_prompt=True, bos_token="<s>",
                                                         eos_token="</s>", date_string=DAY.strftime("%d %b %Y"))
    except Exception as error:  # noqa: BLE001 anything that jinja2 may throw
        raise Disagreement(f"ours renders {ours!r}, jinja2 fails: {error!r}", source.encode()) from error
    finally:
        signal.alarm(0)
    if theirs.encode() != ours:
        raise Disagreement(f"ours renders {ours!r}, jinja2 {theirs.encode()!r}", source.encode())
    counts["the same text"] += 1


KINDS = {"safetensors": compare_safetensors, "gguf": compare_gguf, "plan": compare_plan, "template": compare_template}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", required=True)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()))
    parser.add_argument("kinds", nargs="*", metavar="|".join(KINDS), help="default: each")
    args = parser.parse_args()
    failed = False
    if unknown := set(args.kinds) - set(KINDS):
        parser.error(f"unknown: {', '.join(unknown)} (expected {', '.join(KINDS)})")
    for kind in args.kinds or KINDS:
        judge, chance, counts = Judge(args.judge, kind), random.Random(args.seed), collections.Counter()
        try:
            for _ in range(args.count):
                KINDS[kind](judge, chance, counts)
        except Disagreement as found:
            failed = True
            what, data = found.args
            kept = args.keep / f"disagreement.{kind}"
            kept.write_bytes(data)
            print(f"{kind}: {what}\n  after {sum(counts.values())} inputs of seed {args.seed}; kept as {kept}", file=sys.stderr)
        print(f"{kind}: " + ", ".join(f"{n} {what}" for what, n in sorted(counts.items())), flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
