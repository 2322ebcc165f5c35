"""Asks the rules of conftest's own examples about their files, and compares the findings with what conftest's acceptance
tests state and, where OPA is at hand, with OPA over the same inputs.

usage: compare.py EXAMPLE_BINARY CONFTEST_CHECKOUT [--opa FOLDER] [--hcl2json CHECKOUT] [--yaml FOLDER]...

EXAMPLE_BINARY is `cargo build -p allod-rego --example conftest`. FOLDER of --opa holds the Python package `opa_bindings`
(the wheel `opa-golib-python-bindings`, unpacked): OPA itself as a library. With it every rule is asked twice, and the
YAML files below the folders of --yaml are read by OPA's `yaml.unmarshal` too, which is the reader that conftest uses.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

# Policies, data, files, further arguments; what acceptance.bats states: findings by level (None: not stated) and texts.
CASES = [
    ("kubernetes", [], ["service.yaml"], [], {"Fail": 0, "Warn": 1}, ["Found service hello-kubernetes but services are not allowed"]),
    ("kubernetes", [], ["deployment.yaml"], ["--all-namespaces"], {"Fail": 4, "Warn": 0}, ["Containers must not run as root"]),
    ("kubernetes", [], ["deployment+service.yaml"], [], None, []),
    ("configfile", [], ["deployment.yaml"], ["--namespace", "conftest"], {"Fail": None}, ["Containers must not run as root"]),
    ("docker", [], ["Dockerfile"], [], {"Fail": 1}, ['unallowed image found ["openjdk:8-jdk-alpine"]']),
    ("docker", [], ["Dockerfile"], ["--all-namespaces"], {"Fail": 2}, [
        'unallowed image found ["openjdk:8-jdk-alpine"]',
        'unallowed commands found ["apk add --no-cache python3 python3-dev build-base && pip3 install awscli==1.18.1"]']),
    ("docker", [], ["Dockerfile"], ["--namespace", "c*"], {"Fail": 1}, ["unallowed commands found"]),
    ("hcl1", [], ["gke-show.json"], [], {"Fail": None}, [
        "Terraform plan will change prohibited resources in the following namespaces: google_iam, google_container"]),
    ("hcl1", [], ["gke.tf"], ["--namespace", "main.gke"], None, []),
    ("traefik", [], ["traefik.toml"], [], {"Fail": None}, ["Following ciphers are not allowed"]),
    ("hcl2", [], ["terraform.tf", "policy/unencrypted_azure_disk.tf"], [], {"Fail": 7}, [
        "ALB `my-alb-listener` is using HTTP rather than HTTPS"]),
    ("compose", [], ["docker-compose.yml"], [], {"Fail": 2, "Warn": 0}, ["No images tagged latest"]),
    ("compose", [], ["docker-compose-valid.yml"], [], {"Fail": 0, "Warn": 0}, []),
    ("data", ["exclusions"], ["service.yaml"], [], {"Fail": None}, ["Cannot expose port"]),
    ("exceptions", [], ["deployments.yaml"], [], {"Fail": 1, "Excepted": 1, "Warn": 0}, []),
    ("dotenv", [], ["sample.env"], [], {"Fail": 0}, []),
    ("cyclonedx", [], ["cyclonedx.json"], [], {"Fail": 0}, []),
    ("awssam", [], ["lambda.yaml"], [], None, []),
    ("kustomize", [], ["deployment.yaml", "service.yaml", "configMap.yaml"], [], None, []),
    ("report", [], ["../kubernetes/deployment.yaml"], [], None, []),
    ("kubernetes/combine", [], ["combine.yaml"], [], None, []),
    ("kubernetes/combine", [], ["deployment.yaml", "service.yaml"], ["--combine"], None, []),
    # A known difference: conftest finds one failure. The rule uses `name` in a comprehension above the line that
    # defines it there, which OPA takes and the evaluator here does not: refused with the line, and no pass.
    ("combine", [], ["team.yaml", "user1.yaml", "user2.yaml"], ["--combine"], "P040", ["used before definition"]),
    # Calls a function that no file defines: OPA refuses it too.
    ("serverless", [], ["serverless.yaml"], [], "P042", ["has_field"]),
    # Refused before anything is evaluated: both reach out.
    ("capabilities", [], ["../kubernetes/deployment.yaml"], [], "P042", ["opa.runtime", "http.send"]),
    ("builtin-errors", [], ["../kubernetes/deployment.yaml"], [], "P042", ["net.lookup_ip_addr"]),
]
FOLDERS = {"configfile": "test", "kubernetes/combine": ".", "capabilities": ".", "builtin-errors": "."}
NOT_READ = ["cue", "edn", "hocon", "ignore", "ini", "jenkins", "jsonnet", "nginx", "properties", "spdx", "textproto",
            "vcl", "xml"]

failures = 0


def note(good, text):
    global failures
    failures += not good
    print(("ok    " if good else "DIFF  ") + text)


def ask(binary, arguments):
    run = subprocess.run([binary, *arguments], capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(f"{arguments}: {run.stderr}")
    return json.loads(run.stdout)


class Opa:
    """OPA over the inputs that we made, rule by rule, as conftest's engine asks it."""

    def __init__(self, engine, error):
        self.engine, self.error = engine, error

    def compare(self, name, policies, data, answer):
        with self.engine() as opa:
            for path in policies:
                opa.add_policy(str(path), path.read_text())
            for path in data:
                # Data files of the examples have no folders.
                opa.add_data(opa_yaml(self.engine, path.read_text()))
            count = 0
            for result in answer["results"]:
                theirs = []
                for part in result["inputs"]:
                    for rule in answer["rules"]:
                        theirs += self.rule(opa, rule, part)
                ours = sorted((v["namespace"], v["rule"], v["level"], "" if v["level"] == "Excepted" else v["msg"])
                              for v in result["answer"])
                count += len(ours)
                note(ours == sorted(theirs), f"{name}: {result['path']}: OPA gives the same {len(ours)}"
                     + ("" if ours == sorted(theirs) else f"\n  ours {ours}\n  opa  {sorted(theirs)}"))
            return count

    def rule(self, opa, rule, part):
        namespace, name = rule["namespace"], rule["name"]
        short = name.split("_", 1)[1] if "_" in name else ""
        query = f"data.{namespace}.exception[_][_] == {json.dumps(short)}"
        if opa.eval_query(query, part):
            return [(namespace, name, "Excepted", "")]
        try:
            found = opa.eval_document(f"{namespace}.{name}", part)
        except self.error:
            return []
        level = "Warn" if name.startswith("warn") else "Fail"
        return [(namespace, name, level, one if isinstance(one, str) else one["msg"]) for one in found or []]


def opa_yaml(engine, text):
    with engine() as opa:
        return opa.eval_query("x := yaml.unmarshal(input)", text)[0]["x"]


def examples(binary, checkout, opa):
    root = checkout / "examples"
    total = 0
    for folder, data, files, further, stated, texts in CASES:
        name = " ".join([folder, *files, *further])
        base = root / folder
        policy = base / FOLDERS.get(folder, "policy")
        arguments = ["--policy", str(policy), *[word for one in data for word in ("--data", str(base / one))], *further,
                     *[str(base / one) for one in files]]
        answer = ask(binary, arguments)
        if isinstance(stated, str):
            codes = {one["code"] for one in answer["diagnostics"]}
            messages = " ".join(one["message"] for one in answer["diagnostics"])
            refused = all("error" in one["answer"] for one in answer["results"])
            note(codes == {stated} and refused and all(text in messages for text in texts), f"{name}: refused, {stated}")
            continue
        errors = answer["diagnostics"] + [one["answer"] for one in answer["results"] if "error" in one["answer"]]
        if errors:
            note(False, f"{name}: {errors}")
            continue
        found = [one for result in answer["results"] for one in result["answer"]]
        total += len(found)
        levels = {level: sum(one["level"] == level for one in found) for level in ("Fail", "Warn", "Excepted")}
        fits = all(levels[level] == count or (count is None and levels[level] > 0)
                   for level, count in (stated or {}).items())
        said = all(any(text in one["msg"] for one in found) for text in texts)
        expected = "not stated" if stated is None else ", ".join(f"{k} {'some' if v is None else v}" for k, v in stated.items())
        note(fits and said, f"{name}: expected {expected}; found {', '.join(f'{k} {v}' for k, v in levels.items())}")
        if opa:
            policies = [path for path in sorted(policy.rglob("*.rego")) if not path.name.endswith("_test.rego")]
            # The bindings evaluate the folder's policies together, as we do.
            opa.compare(name, policies, [path for one in data for path in sorted((base / one).rglob("*.yaml"))], answer)
    print(f"{total} findings in the examples; kinds of input that are not read: {', '.join(NOT_READ)}")


def shapes(binary, checkout):
    """The pairs of input and expectation in the tests of hcl2json."""
    text = (checkout / "convert" / "convert_test.go").read_text()
    for test in re.split(r"(?m)^func ", text):
        name = test.split("(", 1)[0]
        pair = re.search(r"input := `(.*?)`\s*\n.*?expected := `(.*?)`", test, re.S)
        if not pair or "Simplify" in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "a.tf"
            path.write_text(pair[1])
            answer = ask(binary, [str(path)])
        ours = answer["results"][0]["inputs"][0] if answer["results"] else answer["diagnostics"]
        theirs = json.loads(pair[2])
        note(ours == theirs, f"hcl2json {name}" + ("" if ours == theirs else f"\n  ours   {json.dumps(ours, sort_keys=True)}\n  theirs {json.dumps(theirs, sort_keys=True)}"))


SCALARS = ["yes", "No", "on", "y", "N", "0755", "08", "0o17", "0x1F", "-0x1F", "0b11", "1_000", "1__0", "+5", "--5", "1.", ".5",
           "1e3", "1e", "1.2.3", "2020-01-01", "2020-01-01T00:00:00Z", "1:30", "~", "null", "''", "'12'", "!!str 12",
           "!foo 12", "18446744073709551615", "-9223372036854775808", "99999999999999999999", "0", "-0", "00",
           "0_7", "+0755", "-0755", "1e400", "_1", "1_", "0x", "0b2", "TRUE", "tRUE", "=", "<<", "a#b", "a #b", "[1, 2,]", "{a: 1}", "\"a\\u0041\"",
           "|\n  x\n  y\n", ">-\n  x\n  y\n", "- 1", "1e-2", "-1.5E+3", "0.1", "100000000000000000000.5", "1.0", "-.5", "+.5", "0o8", "0X1f", "0B1", "0O7"]


def yaml_texts(binary, engine, folders):
    texts = {f"scalar `{one}`": f"a: {one}\n" for one in SCALARS} | {f"key `{one}`": f"? {one}\n: 1\n" for one in SCALARS}
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*.y*ml")):
            if path.suffix in (".yml", ".yaml") and path.is_file():
                try:
                    texts[str(path)] = path.read_text()
                except UnicodeDecodeError:
                    continue
    same = refused = 0
    with tempfile.TemporaryDirectory() as folder, engine() as opa:
        path = pathlib.Path(folder) / "a.yaml"
        for name, text in texts.items():
            if re.search(r"\r?\n---\r?\n", text) or text.startswith("%") or "\0" in text:
                continue
            path.write_text(text)
            answer = ask(binary, [str(path)])
            ours = answer["results"][0]["inputs"] if answer["results"] else None
            try:
                theirs = opa.eval_query("x := yaml.unmarshal(input)", text)[0]["x"]
                theirs = theirs if isinstance(theirs, list) else [theirs]
            except Exception:
                theirs = None
            # What only one of the two takes is told apart: to refuse is no silent pass.
            if ours is None and theirs is None:
                same += 1
            elif ours is None:
                refused += 1
                print(f"only OPA reads {name}: {[one['message'] for one in answer['diagnostics']][:1]}")
            elif theirs is None:
                print(f"only we read {name}: {json.dumps(ours)[:80]}")
            elif ours == theirs:
                same += 1
            else:
                note(False, f"YAML {name}\n  ours {json.dumps(ours)[:300]}\n  opa  {json.dumps(theirs)[:300]}")
    print(f"YAML: {same} texts read the same, {refused} read by OPA alone")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("checkout", type=pathlib.Path)
    parser.add_argument("--opa")
    parser.add_argument("--hcl2json", type=pathlib.Path)
    parser.add_argument("--yaml", action="append", default=[])
    arguments = parser.parse_args()
    opa = None
    if arguments.opa:
        sys.path.insert(0, arguments.opa)
        from opa_bindings.engine import OpaEngine, OpaUndefinedError

        opa = Opa(OpaEngine, OpaUndefinedError)
    examples(arguments.binary, arguments.checkout, opa)
    if arguments.hcl2json:
        shapes(arguments.binary, arguments.hcl2json)
    if opa:
        yaml_texts(arguments.binary, opa.engine, arguments.yaml)
    print(f"{failures} differences")
    sys.exit(failures > 0)


main()
