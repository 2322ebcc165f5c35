"""Validates what `allod audit --format ...` writes, each format with its official schema or tool, and compares it with
the JSON of the same audit. Whatever is missing or wrong ends the run with a failure.

usage: validate.py ALLOD BUILD_FOLDER   (from the root of the repository; ./x formats calls it)
"""

import csv
import io
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import xml.etree.ElementTree

import jsonschema
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import trees

HERE = pathlib.Path(__file__).parent
ALLOD, BUILD = (pathlib.Path(one).resolve() for one in sys.argv[1:3])
FORMATS = ["cyclonedx", "mermaid", "dot", "csv", "github", "gitlab"]
passed = 0


def ensure(holds, said):
    global passed
    if not holds:
        sys.exit(f"formats: {said}")
    passed += 1


def rejects(validator, text, what):
    """A validator that takes everything is none."""
    try:
        validator(text)
    except Exception:
        ensure(True, what)
        return
    sys.exit(f"formats: the validator takes {what}")


def audit(root, form, folder=None):
    done = subprocess.run(
        [ALLOD, "audit", root, "--quiet", "--exit-zero", "--format", form], capture_output=True, cwd=folder
    )
    ensure(done.returncode == 0, f"{form} of {root}: exit code {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode("utf-8")


# CycloneDX: the schema as the CycloneDX project's own library ships it, with formats checked.


def valid_bom(text):
    found = JsonStrictValidator(SchemaVersion.V1_7).validate_str(text)
    if found is not None:
        raise ValueError(str(found)[:2000])


def at_pointer(document, pointer):
    for part in pointer.split("/")[1:]:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def check_cyclonedx(text, truth):
    valid_bom(text)
    bom = json.loads(text)
    parts = bom["components"] + bom["services"]
    refs = [part["bom-ref"] for part in parts]
    ensure(sorted(refs) == sorted(one["id"] for one in truth["components"]), "CycloneDX: all components, once")
    known = set(refs)
    by_id = {one["id"]: one for one in truth["components"]}
    for service in bom["services"]:
        operator = by_id[service["bom-ref"]]["operator"]
        ensure(service.get("provider", {}).get("name") == (operator or {}).get("name"), f"provider of {service['name']}")
        for data in service.get("data", []):
            sources = {urllib.parse.unquote(one[1:]) for one in data.get("source", [])}
            ensure(sources <= known, f"CycloneDX: data of {service['name']} comes from parts")
    links = {(one["from"], one["to"]) for one in truth["links"]}
    edges = {(one["ref"], to) for one in bom["dependencies"] for to in one["dependsOn"]}
    ensure(edges == links, "CycloneDX: dependencies are the links")
    for citation in bom["citations"]:
        for pointer in citation["pointers"]:
            ensure(at_pointer(bom, pointer), f"CycloneDX: {pointer} is there")
    claims = [c for one in truth["components"] for c in one["controllers"] if c["source"]]
    notes = " ".join(citation["note"] for citation in bom["citations"])
    ensure(all(claim["source"] in notes for claim in claims), "CycloneDX: every source is cited")
    powers = sum(one["name"].startswith("allod:power:") for part in parts for one in part["properties"])
    ensure(powers == len(truth["powers"]), "CycloneDX: every power is told")
    for part in bom["components"]:
        if "purl" in part:
            # The library encodes the colon, which the specification leaves as it is.
            ensure(PackageURL.from_string(part["purl"]).to_string().replace("%3A", ":") == part["purl"], part["purl"])
    unresolved = [one for one in bom["properties"] if one["name"] == "allod:unresolved"]
    ensure(len(unresolved) == len(truth["unresolved"]), "CycloneDX: nothing unresolved disappears")


# Mermaid: its own parser, with its own limits.


def parsed_mermaid(*texts):
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for at, text in enumerate(texts):
            paths.append(pathlib.Path(folder) / f"{at}.mmd")
            paths[-1].write_text(text, encoding="utf-8")
        done = subprocess.run(["node", HERE / "mermaid.mjs", BUILD, *paths], capture_output=True, text=True)
        if done.returncode != 0:
            raise ValueError(done.stderr[:2000])
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def one_line(name):
    plain = re.sub(r"[\n\r\t]", " ", name)
    plain = re.sub("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]", "\ufffd", plain)
    return plain if len(plain) <= 60 else plain[:59] + "…"


def check_mermaid(text, truth):
    [drawn] = parsed_mermaid(text)
    boxes = {box["id"]: box for box in drawn["boxes"]}
    components = truth["components"]
    pairs = {(one["from"], one["to"]) for one in truth["links"]}
    ensure("more" in boxes or len(boxes) == len(components), "Mermaid: a box for each component")
    at = {one["id"]: f"n{index}" for index, one in enumerate(components)}
    for index, one in enumerate(components):
        if box := boxes.get(f"n{index}"):
            # What Mermaid replaces when it draws; the word joiners that keep it from that are not seen.
            ensure(not re.search(r"\\n|\$\$|:fa-", box["text"]), f"Mermaid: nothing to be replaced in {box['text']!r}")
            name = re.split(r"<br/?>", box["text"])[0].replace("\u2060", "")
            ensure(name == one_line(one["name"]), f"Mermaid: {name!r} is {one['name']!r}")
            ensure(len(box["classes"]) == 1, f"Mermaid: one side for {name!r}")
    arrows = {(one["from"], one["to"]) for one in drawn["arrows"]}
    wanted = {(at[a], at[b]) for a, b in pairs}
    if "more" in boxes:
        left = re.fullmatch(r"not drawn: (\d+) parts, (\d+) links", boxes["more"]["text"])
        ensure(int(left[1]) == len(components) - len(boxes) + 1, "Mermaid: how many parts are missing")
        ensure(int(left[2]) == len(wanted) - len(arrows) and arrows < wanted, "Mermaid: how many links are missing")
        ensure("left out" in text, "Mermaid: the comment about the bound")
    else:
        ensure(arrows == wanted, "Mermaid: an arrow for each link")
    framed = sorted(box for frame in drawn["frames"] for box in frame["boxes"])
    ensure(framed == sorted(box for box in boxes if box != "more"), "Mermaid: every box in its layer")


# Graphviz: its own parser and layout.


def parsed_dot(text):
    # A backslash is doubled in an id, as nothing else would close the quote after it.
    done = subprocess.run(["dot", "-Tdot_json"], input=text, capture_output=True, text=True)
    if done.returncode != 0 or done.stderr.strip():
        raise ValueError(done.stderr[:2000])
    return json.loads(done.stdout)


def check_dot(text, truth):
    graph = parsed_dot(text)
    nodes = {one["_gvid"]: one for one in graph.get("objects", []) if "nodes" not in one and not one["name"].startswith("cluster_")}
    names = sorted(one["name"].replace("\\\\", "\\") for one in nodes.values())
    ensure(names == sorted(one["id"] for one in truth["components"]), "DOT: a node for each component")
    ensure(len(graph.get("edges", [])) == len({(one["from"], one["to"]) for one in truth["links"]}), "DOT: the edges")
    for one in nodes.values():
        ensure(one["fillcolor"] and one["label"], "DOT: colour and label")
    clustered = sum(len(one["nodes"]) for one in graph.get("objects", []) if one["name"].startswith("cluster_"))
    ensure(clustered == len(nodes), "DOT: every node in the cluster of its layer")


def drawn_dot(text, truth):
    """What a person sees: the first line in each box."""
    done = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise ValueError(done.stderr[:2000])
    svg = "{http://www.w3.org/2000/svg}"
    nodes = [one for one in xml.etree.ElementTree.fromstring(done.stdout).iter(f"{svg}g") if one.get("class") == "node"]
    first = [one.find(f".//{svg}text").text.replace("\xa0", " ") for one in nodes]
    ensure(sorted(first) == sorted(one_line(one["name"]) for one in truth["components"]), "DOT: every name as it is drawn")


# CSV: Python's reader, strict.


def rows(text):
    if not text.endswith("\r\n"):
        raise ValueError("the last record ends without CRLF")
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def check_csv(text, truth):
    table = rows(text)
    ensure(all(len(row) == len(table[0]) for row in table), "CSV: as many cells in each row as in the header")
    ensure(not any(cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") for row in table for cell in row if cell), "CSV: no formula")
    plain = lambda cell: cell[1:] if re.match("'[=+\\-@\t\r\n]", cell) else cell
    found = [(plain(row[0]), plain(row[1])) for row in table[1:]]
    ensure(found == [(one["id"], one["name"]) for one in truth["components"]], "CSV: a row for each component")


# GitHub: there is no schema and no tool; these are the rules of the runner (ActionCommand.cs, TryParseV2).


def command(line):
    found = re.fullmatch(r"::(error|warning|notice) (.*?)::(.*)", line)
    if not found:
        raise ValueError(f"no command: {line!r}")
    properties = {}
    for pair in found[2].split(","):
        key, value = pair.split("=", 1)
        for escape, char in [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")]:
            value = value.replace(escape, char)
        properties[key] = value
    message = found[3]
    for escape, char in [("%0D", "\r"), ("%0A", "\n"), ("%25", "%")]:
        message = message.replace(escape, char)
    return found[1], properties, message


def expected(truth):
    """Every remark of an audit: code and message."""
    return sorted((one["code"], one["message"]) for key in ("findings", "unresolved", "diagnostics") for one in truth[key])


def check_github(text, truth, root):
    # The runner reads lines as .NET does: at CR, LF or both.
    lines = [line for line in re.split(r"\r\n|\r|\n", text) if line]
    found = [command(line) for line in lines]
    ensure(sorted((one["title"].split(" ")[0], message) for _, one, message in found) == expected(truth), "GitHub: every remark")
    for _, properties, _ in found:
        ensure(set(properties) <= {"file", "line", "endLine", "title"}, f"GitHub: {properties}")
        if "file" in properties:
            ensure((HERE.parents[1] / properties["file"]).exists(), f"GitHub: {properties['file']!r} is a file")
            ensure(properties["file"].startswith(root), f"GitHub: {properties['file']!r} is seen from the repository")
    ranks = ["error", "warning", "notice"]
    ensure([ranks.index(one[0]) for one in found] == sorted(ranks.index(one[0]) for one in found), "GitHub: the gravest first")


# GitLab: the table of required properties in its documentation as a schema.

GITLAB = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "additionalProperties": False,
                "properties": {
                    "path": {"type": "string", "pattern": "^[^/]"},
                    "lines": {"type": "object", "required": ["begin"], "properties": {"begin": {"type": "integer", "minimum": 1}}},
                },
            },
        },
    },
}


def valid_gitlab(text):
    jsonschema.Draft202012Validator(GITLAB).validate(json.loads(text))


def check_gitlab(text, truth, root):
    ensure(not text.startswith("\ufeff"), "GitLab: no byte order mark")
    valid_gitlab(text)
    report = json.loads(text)
    ensure(sorted((one["check_name"], one["description"]) for one in report) == expected(truth), "GitLab: every remark")
    prints = [one["fingerprint"] for one in report]
    ensure(len(set(prints)) == len(prints), "GitLab: fingerprints differ")
    for one in report:
        path = one["location"]["path"]
        ensure((HERE.parents[1] / path).exists() and path.startswith(root), f"GitLab: {path!r} is a file")


def check_moved(folder):
    """Lines that move change no fingerprint."""
    before = json.loads(audit(folder, "gitlab"))
    for path in [*folder.rglob("*.tf"), *folder.rglob("*.yaml")]:
        path.write_text("# a new first line\n\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    after = json.loads(audit(folder, "gitlab"))
    key = lambda report: sorted((one["fingerprint"], one["check_name"]) for one in report)
    ensure(key(before) == key(after), "GitLab: fingerprints stay when lines move")
    lines = lambda report: sorted(one["location"]["lines"]["begin"] for one in report)
    ensure(lines(before) != lines(after), "the lines have moved")


def check_tree(name, root):
    truth = json.loads(audit(root, "json"))
    for form in FORMATS:
        text = audit(root, form)
        ensure(text == audit(root, form), f"{form} of {name}: the same bytes again")
        check = globals()[f"check_{form}"]
        try:
            check(text, truth, root) if form in ("github", "gitlab") else check(text, truth)
        except (ValueError, KeyError, jsonschema.ValidationError) as wrong:
            sys.exit(f"formats: {form} of {name}: {wrong!r}")
        if form == "dot" and name != "large":
            drawn_dot(text, truth)
        print(f"{form:<10} {name:<8} {len(text.encode()):>9} bytes: ok")
    return truth


def check_validators():
    rejects(valid_bom, '{"bomFormat":"CycloneDX","specVersion":"1.7","services":[{"no":"name"}]}', "a service without a name")
    rejects(valid_bom, '{"bomFormat":"CycloneDX","specVersion":"1.7","services":[{"name":"x","endpoints":["a b{"]}]}', "a bad IRI")
    rejects(parsed_mermaid, 'flowchart LR\n  a["x"]"]\n', "an open quote in Mermaid")
    rejects(parsed_mermaid, "flowchart LR\n" + "  a --> b\n" * 501, "more links than Mermaid draws")
    rejects(parsed_mermaid, "flowchart LR\n" + "%% x\n" * 11_000, "more text than Mermaid draws")
    rejects(parsed_dot, 'digraph { a [label="x"y"] }', "an open quote in DOT")
    rejects(rows, 'a,"b"c\r\n', "a quote inside a cell")
    rejects(rows, "a,b\n", "a record without CRLF")
    rejects(command, "::error file=a", "half a command")
    rejects(valid_gitlab, '[{"description":"x"}]', "a violation without a place")


def main():
    for tool in ("node", "dot"):
        ensure(shutil.which(tool), f"`{tool}` is missing: install nodejs and graphviz")
    check_validators()
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="trees-") as folder:
        made = trees.make(folder)
        check_tree("clinic", "examples/clinic")
        for name, path in made.items():
            truth = check_tree(name, str(path.relative_to(HERE.parents[1])))
            if name == "hostile":
                names = {one["name"] for one in truth["components"]}
                missing = [one for one in trees.HOSTILE if one not in names and len(one) < 200]
                ensure(not missing, f"the hostile names reach the audit: {missing}")
                check_moved(path)
    print(f"formats: {passed} comparisons hold")


main()
