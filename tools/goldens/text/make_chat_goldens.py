#!/usr/bin/env python3
"""Writes tests/golden/text/chat.json: what the Python package jinja2 makes of chat templates.

jinja2 is set up as Hugging Face transformers does it (ImmutableSandboxedEnvironment, trim_blocks, lstrip_blocks, loop controls,
its tojson, raise_exception, strftime_now with a fixed day). "templates": the real ones of tests/golden/text/templates on many
conversations. "snippets": one construct each, all on the same conversation; expected null means that jinja2 raises an error.

    pip install jinja2==3.1.6
    make_chat_goldens.py tests/golden/text
"""
import datetime
import json
import pathlib
import random
import sys

import jinja2
import jinja2.ext
import jinja2.sandbox

DAY = datetime.datetime(2024, 7, 26)
TOKENS = {
    "llama-3.2-instruct": ("<|begin_of_text|>", "<|eot_id|>"),
    "smollm2-instruct": ("<|im_start|>", "<|im_end|>"),
    "qwen-2.5-instruct": ("", "<|im_end|>"),
}


def environment():
    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    env = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = DAY.strftime
    return env


ENV = environment()


def render(source, messages, add_generation_prompt, bos, eos):
    variables = dict(messages=messages, tools=None, documents=None, add_generation_prompt=add_generation_prompt)
    variables["date_string"] = DAY.strftime("%d %b %Y")
    if bos:
        variables["bos_token"] = bos
    if eos:
        variables["eos_token"] = eos
    try:
        return ENV.from_string(source).render(**variables)
    except (jinja2.exceptions.TemplateError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None


def conversations():
    rng = random.Random(20240726)
    texts = [
        "Hello!", "What is the capital of France?", "", " ", "  leading and trailing  ", "two\nlines", "\n\nblank lines around\n\n",
        "tab\tand\r\nCRLF", "{{ not a template }} {% if x %}", "<|im_end|>", "<|eot_id|>", "quotes ' and \" and \\ back", "é ü ñ",
        "你好，世界", "🙂👨‍👩‍👧", "a" * 300, "\u00a0no-break space\u00a0", "\u3000wide\u3000", "1 + 1 = 2", "def f(x):\n    return x\n",
        "<html>&amp;</html>", "\x1cseparator\x1f", "null", "{}", "\u200bzero width\u200b", "\ufeffBOM",
    ]  # fmt: skip
    fixed = [
        [],
        [("user", "Hi")],
        [("system", "Be brief."), ("user", "Hi")],
        [("system", "")],
        [("user", "Hi"), ("assistant", "Hello!"), ("user", "Bye")],
        [("system", " s "), ("user", " u "), ("assistant", " a "), ("user", "v")],
        [("user", "a"), ("user", "b")],
        [("assistant", "I begin")],
        [("user", "x"), ("system", "late system"), ("user", "y")],
        [("user", "x"), ("tool", "42"), ("tool", "43"), ("assistant", "so")],
        [("tool", "first"), ("user", "x"), ("tool", "last")],
        [("user", "x"), ("ipython", "out")],
        [("", "no role")],
        [("narrator", "unknown role")],
    ]
    for conversation in fixed:
        yield conversation
    for _ in range(60):
        turns = []
        if rng.random() < 0.4:
            turns.append(("system", rng.choice(texts)))
        for i in range(rng.randrange(0, 6)):
            turns.append((("user", "assistant")[i % 2], rng.choice(texts) + rng.choice(["", rng.choice(texts)])))
        yield turns


SNIPPET_MESSAGES = [
    {"role": "system", "content": "  You are Ünïcode.\n"},
    {"role": "user", "content": "Hello, World! 你好"},
    {"role": "assistant", "content": "a-b-c"},
    {"role": "user", "content": ""},
]

SNIPPETS = pathlib.Path(__file__).with_name("snippets.txt")


def snippets():
    """The file's snippets are divided by lines of "----"; a snippet's last line end is not part of it."""
    text = SNIPPETS.read_text(encoding="utf-8")
    parts = text.split("\n----\n")
    parts[-1] = parts[-1].removesuffix("\n")
    # White space control depends on exact surroundings, so all of its combinations are made here.
    for left in ("", "-", "+"):
        for right in ("", "-", "+"):
            for before in ("a", "a ", "a\n", "a\n  ", "\n\n  ", "  "):
                for after in ("b", " b", "\nb", "\n\n  b", "\n"):
                    parts.append(before + "{%" + left + " if true " + right + "%}" + after + "{% endif %}!")
                    parts.append(before + "{#" + left + " c " + right + "#}" + after)
                    if right != "+":
                        parts.append(before + "{{" + left + " 'x' " + right + "}}" + after)
    return parts


def main():
    folder = pathlib.Path(sys.argv[1])
    cases = []
    for name, (bos, eos) in TOKENS.items():
        source = (folder / "templates" / (name + ".jinja")).read_text(encoding="utf-8")
        for conversation in conversations():
            messages = [{"role": role, "content": content} for role, content in conversation]
            for prompt in (True, False):
                expected = render(source, messages, prompt, bos, eos)
                cases.append({"template": name, "messages": conversation, "add_generation_prompt": prompt, "expected": expected})
    small = [{"source": s, "expected": render(s, SNIPPET_MESSAGES, True, "<s>", "</s>")} for s in snippets()]
    golden = {
        "tool": "jinja2 " + jinja2.__version__ + ", tools/goldens/text/make_chat_goldens.py",
        "tokens": TOKENS,
        "templates": cases,
        "snippet_messages": [[m["role"], m["content"]] for m in SNIPPET_MESSAGES],
        "snippets": small,
    }
    with open(folder / "chat.json", "w", encoding="utf-8") as out:
        json.dump(golden, out, ensure_ascii=True, separators=(",", ":"))
        out.write("\n")
    errors = sum(c["expected"] is None for c in small)
    print("%d conversations, %d snippets (%d of them errors)" % (len(cases), len(small), errors))


if __name__ == "__main__":
    main()
