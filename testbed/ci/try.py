"""Tries the ready files for CI: validates them with the official schemas, then runs the shell text of their steps in a
clone of a repository that has the clinic in it, once for a change that the rules allow and once for one that they do
not. What a runner does itself (checkout, uploads) is left out and named.

usage: try.py ALLOD   (from the root of the repository; needs check-jsonschema, pre-commit and PyYAML)
"""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import yaml

ALLOD = pathlib.Path(sys.argv[1]).resolve()
HERE = pathlib.Path.cwd()
CI = HERE / "examples/ci"
BIN = pathlib.Path(sys.executable).parent
BUCKET = 'resource "aws_s3_bucket" "more" {\n  bucket = "records-more"\n  tags   = { data-class = "patient" }\n}\n'
SCHEMAS = {"github-actions.yml": "vendor.github-workflows", "gitlab-ci.yml": "vendor.gitlab-ci"}
passed = 0


def ensure(holds, said):
    global passed
    if not holds:
        sys.exit(f"ci: {said}")
    passed += 1


def run(command, folder, env=None, **more):
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, **more)


def git(folder, *arguments):
    done = run(["git", "-c", "user.name=try", "-c", "user.email=try@example.org", *arguments], folder)
    ensure(done.returncode == 0, f"git {arguments[0]}: {done.stderr}")
    return done.stdout.strip()


def clone(work, is_allowed):
    """A clone with a branch `change` on top of origin/main."""
    origin, folder = work / "origin", work / f"clone-{is_allowed}"
    if not origin.exists():
        shutil.copytree(HERE / "examples/clinic", origin)
        git(work, "init", "-q", "-b", "main", str(origin))
        git(origin, "add", "-A")
        git(origin, "commit", "-q", "-m", "the clinic")
    git(work, "clone", "-q", str(origin), str(folder))
    git(folder, "checkout", "-q", "-b", "change")
    if is_allowed:
        (folder / "README.md").write_text("A clinic.\n")
    else:
        main = folder / "infra/backup/main.tf"
        main.write_text(main.read_text() + "\n" + BUCKET)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "a change")
    return folder


def environment(work, folder):
    home = work / "home"
    home.mkdir(exist_ok=True)
    env = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
    variables = {
        "ALLOD_URL": ALLOD.as_uri(),
        "ALLOD_SHA256": hashlib.sha256(ALLOD.read_bytes()).hexdigest(),
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": git(folder, "rev-parse", "origin/main"),
        "RUNNER_TEMP": str(work / "runner"),
        "GITHUB_PATH": str(work / "path"),
        "HOME": str(home),
    }
    return env | variables


def expression(text, env):
    known = {"vars.ALLOD_URL": env["ALLOD_URL"], "vars.ALLOD_SHA256": env["ALLOD_SHA256"], "github.base_ref": "main"}

    def value(found):
        name = found.group(1)
        ensure(name in known, f"no value is known for ${{{{ {name} }}}}")
        return known[name]

    return re.sub(r"\$\{\{\s*(\S+)\s*\}\}", value, text)


def actions(name, folder, work):
    """The steps of a pull request, until one fails. Returns the output of the last."""
    env, last, ran = environment(work, folder), None, None
    pathlib.Path(env["GITHUB_PATH"]).write_text("")
    for step in yaml.safe_load((CI / name).read_text())["jobs"]["check"]["steps"]:
        if "run" not in step:
            continue
        own = {key: expression(text, env) for key, text in step.get("env", {}).items()}
        ensure("${{" not in step["run"], f"{name}: an expression in shell text")
        added = pathlib.Path(env["GITHUB_PATH"]).read_text().split()
        path = os.pathsep.join([*added, env["PATH"]])
        # The shell of a runner: https://docs.github.com/en/actions/reference/workflow-syntax-for-github-actions
        last = run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], folder, env | own | {"PATH": path})
        ran = step.get("name")
        if last.returncode:
            break
    return ran, last


def github(work):
    for is_allowed in (True, False):
        folder = work / f"clone-{is_allowed}"
        step, last = actions("github-actions.yml", folder, work)
        ensure(step == "Check the change", f"github: stopped at {step}: {last.stderr}")
        ensure((last.returncode == 0) == is_allowed, f"github: exit {last.returncode}: {last.stdout}{last.stderr}")
        ensure(("::error file=infra/backup/main.tf" in last.stdout) != is_allowed, f"github: {last.stdout}")
        sarif = json.loads((folder / "allod.sarif").read_text())
        ensure(sarif["version"] == "2.1.0" and sarif["runs"][0]["results"], "github: SARIF without results")


def forgejo(work):
    for is_allowed in (True, False):
        step, last = actions("forgejo-actions.yml", work / f"clone-{is_allowed}", work)
        ensure(step == "Check the change", f"forgejo: stopped at {step}: {last.stderr}")
        ensure((last.returncode == 0) == is_allowed, f"forgejo: exit {last.returncode}: {last.stdout}{last.stderr}")


def gitlab(work):
    job = yaml.safe_load((CI / "gitlab-ci.yml").read_text())["allod"]
    for is_allowed in (True, False):
        folder = work / f"clone-{is_allowed}"
        env = environment(work, folder)
        bin_folder = work / "gitlab-bin"
        bin_folder.mkdir(exist_ok=True)
        # Everything but the system's packages; into a folder of our own in the place of /usr/local/bin.
        lines = [line for line in job["before_script"] if not line.startswith("apt-get")] + job["script"]
        text = "set -eo pipefail\n" + "\n".join(lines).replace("/usr/local/bin", str(bin_folder))
        done = run(["bash", "-c", text], folder, env | {"PATH": f"{bin_folder}:{env['PATH']}"})
        ensure((done.returncode == 0) == is_allowed, f"gitlab: exit {done.returncode}: {done.stdout}{done.stderr}")
        quality = json.loads((folder / job["artifacts"]["reports"]["codequality"]).read_text())
        at_change = [one for one in quality if one["location"]["path"] == "infra/backup/main.tf"]
        ensure(bool(at_change) != is_allowed, f"gitlab: {len(at_change)} findings at the change")
        junit = xml.etree.ElementTree.parse(folder / job["artifacts"]["reports"]["junit"]).getroot()
        ensure((junit.find(".//failure") is not None) != is_allowed, "gitlab: JUnit says otherwise")


def pre_commit(work):
    """The hooks as a repository gets them: through git, from a repository that has .pre-commit-hooks.yaml."""
    hooks = work / "hooks"
    hooks.mkdir()
    shutil.copy(HERE / ".pre-commit-hooks.yaml", hooks)
    git(work, "init", "-q", "-b", "main", str(hooks))
    git(hooks, "add", "-A")
    git(hooks, "commit", "-q", "-m", "hooks")
    config = yaml.safe_load((CI / "pre-commit-config.yaml").read_text())
    config["repos"][0] |= {"repo": str(hooks), "rev": git(hooks, "rev-parse", "HEAD")}
    folder = work / "pre-commit"
    git(work, "clone", "-q", str(work / "origin"), str(folder))
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    env = environment(work, folder)
    tools = work / "tools"
    tools.mkdir()
    (tools / "allod").symlink_to(ALLOD)
    env["PATH"] = f"{tools}:{BIN}:{env['PATH']}"
    author = ["-c", "user.name=try", "-c", "user.email=try@example.org"]
    ensure(run(["pre-commit", "install"], folder, env).returncode == 0, "pre-commit: install")
    (folder / "README.md").write_text("A clinic.\n")
    git(folder, "add", "-A")
    done = run(["git", *author, "commit", "-m", "allowed"], folder, env)
    ensure(done.returncode == 0, f"pre-commit: an allowed commit: {done.stdout}{done.stderr}")
    main = folder / "infra/backup/main.tf"
    main.write_text(main.read_text() + "\n" + BUCKET)
    rules = folder / "rules/clinic.yaml"
    rules.write_text(rules.read_text().replace("data: patient\n", "data: [patient]\n", 1))
    git(folder, "add", "-A")
    done = run(["git", *author, "commit", "-m", "denied"], folder, env)
    said = done.stdout + done.stderr
    ensure(done.returncode == 1 and "aws-runs-the-website-only" in said, f"pre-commit: a denied commit: {said}")
    ensure(re.search(r"the cases of the rules\.+Passed", said), f"pre-commit: the second hook: {said}")


def opentofu(work):
    """With a provider that is part of the program, so that nothing is fetched; with a plan of the clinic's bucket, too."""
    program = os.environ.get("TOFU") or shutil.which("tofu") or shutil.which("terraform")
    if not program:
        print("ci: neither tofu nor terraform is installed: the plan was not made", file=sys.stderr)
        return
    root = work / "root"
    root.mkdir()
    (root / "main.tf").write_text('resource "terraform_data" "one" {\n  input = "a"\n}\n')
    env = environment(work, work / "clone-True") | {"TOFU": program}
    env["PATH"] = f"{work / 'tools'}:{env['PATH']}"
    config = ["--config", str(work / "clinic/allod.yaml")]
    shutil.copytree(HERE / "examples/clinic/rules", work / "clinic/rules")
    (work / "clinic/allod.yaml").write_text(PLAN_WORDS)
    done = run([str(CI / "opentofu.sh"), str(root), *config], work, env)
    ensure(done.returncode == 0, f"opentofu: {done.stdout}{done.stderr}")
    ensure((root / "allowed.tfplan").exists(), "opentofu: the plan was not left")
    # The same steps with a plan that the rules deny: its JSON stands in for what the program shows.
    plan = json.loads((root / "plan.json").read_text())
    resource = {
        "address": "aws_s3_bucket.records",
        "mode": "managed",
        "type": "aws_s3_bucket",
        "name": "records",
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "values": {"bucket": "records", "region": "us-east-1", "tags": {"data-class": "patient"}},
    }
    plan["planned_values"]["root_module"]["resources"].append(resource)
    (work / "denied.json").write_text(json.dumps(plan))
    fake = work / "fake-tofu"
    fake.write_text(f'#!/bin/sh\ncase "$*" in\n*show*) cat {work}/denied.json ;;\n*) exec {program} "$@" ;;\nesac\n')
    fake.chmod(0o755)
    done = run([str(CI / "opentofu.sh"), str(root), *config], work, env | {"TOFU": str(fake)})
    ensure(done.returncode == 1 and "aws_s3_bucket.records" in done.stdout + done.stderr, f"opentofu: {done.stdout}{done.stderr}")
    ensure(not (root / "allowed.tfplan").exists(), "opentofu: a denied plan was left to be applied")


PLAN_WORDS = """version: 1
home: [EU]
data: { patient: { label: "data-class=patient" }, public: {} }
environments: { production: {} }
workloads: { records: { tier: sovereign-critical }, website: {} }
"""


def main():
    for name, schema in SCHEMAS.items():
        done = run([str(BIN / "check-jsonschema"), "--builtin-schema", schema, str(CI / name)], HERE)
        ensure(done.returncode == 0, f"{name}: {done.stdout}{done.stderr}")
    # Forgejo has no schema of its own; it runs the workflow syntax of GitHub.
    done = run([str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows", str(CI / "forgejo-actions.yml")], HERE)
    ensure(done.returncode == 0, f"forgejo-actions.yml: {done.stdout}{done.stderr}")
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        (work / "runner").mkdir()
        for is_allowed in (True, False):
            clone(work, is_allowed)
        for tried in (github, forgejo, gitlab, pre_commit, opentofu):
            tried(work)
    print(f"ci: {passed} checks passed")


main()
