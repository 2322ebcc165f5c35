"""The trees that are audited: what people have, names as hostile as files allow, next to nothing, and more than is drawn."""

import pathlib

HOSTILE = [
    'say "hi"',
    "it's",
    'end"]',
    "a --> b",
    "x[y](z){w}<v>|u|",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "-1+2",
    "+1",
    "tab\there",
    "two\nlines\r\nthree",
    "::error file=x::injected",
    "100%0A::warning::x",
    "%%{init: {'theme':'dark'}}%%",
    "%% comment",
    "#quot; &lt; &amp;#35;",
    "style x:#fff; classDef y:#000;",
    "back\\slash\\",
    "\\N \\G \\n",
    "`code` **bold** _it_ $$x$$",
    "$$x$$ fa:fa-user",
    "1. list",
    "- list",
    "a,b;c",
    "Zürich 日本語 🏥",
    "right\u202eleft",
    "end",
    "subgraph",
    "<script>alert(1)</script>",
    "{{template}}",
    "a" * 300,
]


def quoted(text):
    """A double-quoted YAML scalar."""
    out = []
    for one in text:
        if one in '"\\':
            out.append("\\" + one)
        elif ord(one) < 0x20 or one in "\u2028\u2029\u202e":
            out.append(f"\\u{ord(one):04x}")
        else:
            out.append(one)
    return '"' + "".join(out) + '"'


def hostile(folder):
    lines = ["services:"]
    for at, name in enumerate(HOSTILE):
        lines += [
            f"  {quoted(name)}:",
            f"    image: registry.example-{at}.com/a/b:1",
            "    environment:",
            f"      URL: https://api.mistral.ai/v{at}",
        ]
    (folder / "compose.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for at, name in enumerate(HOSTILE[:12]):
        inside = folder / name.replace("/", "_")[:80]
        inside.mkdir()
        (inside / "main.tf").write_text(
            f'provider "aws" {{\n  region = "us-east-1"\n}}\n\nresource "aws_s3_bucket" "b{at}" {{\n  bucket = "bucket-{at}"\n}}\n'
        )
    # A part that holds a broken file, for a diagnostic with a hostile path.
    (folder / "a,b: 100%.tf").write_text('resource "aws_s3_bucket" "x" {\n  bucket = \n')


def sparse(folder):
    (folder / "compose.yaml").write_text("services: {}\n")
    (folder / ".env").write_text("NAME=value\n")
    (folder / "notes.txt").write_text("nothing\n")


def large(folder):
    lines = ["services:"]
    for at in range(400):
        # As long in a box as names get: each of these characters becomes an entity code.
        name = f"service {at} " + "*&" * 30
        lines += [
            f"  {quoted(name)}:",
            f"    image: docker.io/owner/image-{at}:1",
            "    environment:",
            "      MODEL: https://api.mistral.ai/v1",
            "      LOGS: https://http-intake.logs.datadoghq.eu/x",
        ]
    (folder / "compose.yaml").write_text("\n".join(lines) + "\n")


TREES = {"hostile": hostile, "sparse": sparse, "large": large}


def make(folder):
    """Writes every tree under a folder that is empty; name to path."""
    made = {}
    for name, fill in TREES.items():
        made[name] = pathlib.Path(folder) / name
        made[name].mkdir(parents=True)
        fill(made[name])
    return made
