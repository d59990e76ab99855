# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be true before a release: `make release-check`.

The artefact is what Galaxy would take, it works where nothing else is installed, the fragments become a changelog, and
ansible-test has nothing to say on any supported ansible-core. What came of the last is written to
`docs/compatibility.md`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from . import ansible_test, copies, environments, interpreters, simulators
from .environments import VENVS, variables
from .paths import BUILD, COPY, INSIDE, NAME, NAMESPACE, ROOT, ToolError, output_of, say

FOLDER = BUILD / "release"
TABLE = Path("docs/compatibility.md")

# Ten thousand at once, MQTT clients that are online, and what is described as configuration.
TARGETS = ("auth_users", "client", "rule")
GENERATIONS = ("v4", "v5")

_IMPORTER_CONFIG = """[galaxy-importer]
check_changelog = True
offline_ansible_lint = True
run_ansible_doc = True
run_ansible_lint = True
run_ansible_test = False
run_flake8 = False
"""

_HEAD = """# Compatibility

`make release-check` writes this file. ansible-test's sanity tests pass without a line of their findings ignored; units
are the unit tests; integration are the targets {targets},
run by ansible-test against the simulator of both generations of the API. Each ansible-core is tested on the oldest and
the newest Python that it supports and that the machine of the test had. Modules run on Python 3.8 and later, which
`make test` checks.

| ansible-core | Python | sanity | units | integration |
| --- | --- | --- | --- | --- |
"""


class Row(NamedTuple):
    """What came of one ansible-core on one Python; each of the last three is a word such as `passed`."""

    core: str
    python: str
    sanity: str
    units: str
    integration: str

    @property
    def passed(self) -> bool:
        return {self.sanity, self.units, self.integration} == {"passed"}


def run(*only: str) -> int:
    """Check everything and write the table; or only what is named: `changelog`, `importer`, `install`, `2.19-py3.13`.

    :returns: the exit code, 0 if all of it passed.
    """
    steps: dict[str, Callable[[], None]] = {"changelog": changelog, "importer": importer, "install": install}
    unknown = [name for name in only if name not in steps and name not in environments.RELEASE]
    if unknown:
        raise ToolError(f"nothing to check is called {', '.join(unknown)}")
    failed = []
    for name, step in steps.items():
        if not only or name in only:
            try:
                step()
            except ToolError as error:
                failed.append(name)
                print(error, file=sys.stderr)
    cells = [name for name in only if name in environments.RELEASE and name not in steps] if only else _cells()
    if cells:
        rows = matrix(cells)
        text = table(rows)
        print(text)
        failed += [f"{row.core}-py{row.python}" for row in rows if not row.passed]
        if not only:
            (ROOT / TABLE).write_text(text, encoding="utf-8")
            say(f"written: {TABLE}")
    say(f"failed: {', '.join(failed)}" if failed else "everything passed")
    return int(bool(failed))


def changelog() -> None:
    """The fragments become a changelog, which names every module."""
    environments.prepare("lint")
    copy = copies.sync(FOLDER / "changelog" / INSIDE)
    version = _metadata()["version"].partition("-")[0]
    for words in (("lint",), ("release", "--version", version), ("lint-changelog-yaml", "changelogs/changelog.yaml")):
        output_of([VENVS / "lint/bin/antsibull-changelog", *words], cwd=copy, env=variables("lint"))
    text = (copy / "CHANGELOG.rst").read_text(encoding="utf-8")
    modules = {path.stem for path in (copy / "plugins/modules").glob("*.py")} - {"__init__"}
    missing = sorted(name for name in modules if f"{NAMESPACE}.{NAME}.{name} " not in text)
    if missing or f"v{version}" not in text:
        raise ToolError(f"the changelog of {version} lacks {', '.join(missing) or 'its own heading'}:\n{text}")
    say(f"changelog: a release {version} names {len(modules)} modules")


def importer() -> None:
    """Galaxy's importer takes the artefact and warns of nothing."""
    environments.prepare("importer")
    folder = _empty(FOLDER / "importer")
    (folder / "galaxy-importer.cfg").write_text(_IMPORTER_CONFIG)
    environment = {**variables("importer"), "GALAXY_IMPORTER_CONFIG": str(folder / "galaxy-importer.cfg")}
    # The artefact of a version that is out, as Galaxy gets it: it refuses others.
    artefact = build(folder, released=True)
    python = VENVS / "importer/bin/python"
    printed = output_of([python, "-m", "galaxy_importer.main", artefact], cwd=folder, env=environment)
    complaints = [line for line in printed.splitlines() if line.startswith(("WARNING", "ERROR", "CRITICAL"))]
    if complaints or not (folder / "importer_result.json").exists():
        raise ToolError("galaxy-importer complains:\n" + ("\n".join(complaints) or printed))
    say(f"importer: Galaxy would take {artefact.name}")


def install() -> None:
    """Where nothing is installed but ansible-core and the artefact with what it asks for, the demo runs."""
    environments.prepare("main")
    folder = _empty(FOLDER / "install")
    python = interpreters.find((environments.version_of("main"),))
    if python is None:
        raise ToolError("the Python of the main environment is gone")
    artefact = build(folder)
    venv, collections = folder / "venv", folder / "collections"
    output_of([python.path, "-m", "venv", venv])
    pip: list[str | Path] = [venv / "bin/python", "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    output_of([*pip, "ansible-core"])
    environment = {
        **variables("main"),
        "PATH": os.pathsep.join([str(venv / "bin"), os.environ.get("PATH", os.defpath)]),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
    }
    del environment["PYTHONPATH"]
    galaxy = venv / "bin/ansible-galaxy"
    words = ["collection", "install", "--offline", "-p", str(collections)]
    output_of([galaxy, *words, artefact], cwd=folder, env=environment)
    output_of([galaxy, "collection", "verify", "--offline", f"{NAMESPACE}.{NAME}"], cwd=folder, env=environment)
    output_of([*pip, "-r", collections / INSIDE / "requirements.txt"])
    # The simulator and its clients are the tests' and stay outside; ansible-playbook is that of the empty environment.
    for generation in GENERATIONS:
        demo = {**environment, "PYTHONPATH": str(COPY / "tests"), "EMQX_API_VERSION": generation}
        copies.sync()
        output_of([VENVS / "main/bin/python", COPY / "tests/demo.py"], cwd=folder, env=demo)
    say(f"install: {artefact.name} installs where nothing else is, and the demo runs from there")


def matrix(cells: list[str]) -> list[Row]:
    """Run ansible-test in each of these environments, two at a time."""
    environments.prepare("main", *cells)
    copies.sync()
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(_cell, cells))


def table(rows: list[Row]) -> str:
    """The text of docs/compatibility.md."""
    words = [f"`{name}`" for name in TARGETS]
    head = _HEAD.format(targets=", ".join(words[:-1]) + " and " + words[-1])
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def build(folder: Path, released: bool = False) -> Path:
    """Build the artefact from a fresh copy of this checkout.

    :param released: with the version and the changelog that the release is going to have.
    :returns: the path of the artefact, in the folder.
    """
    environments.prepare("main", "lint")
    copy = copies.sync(folder / "checkout" / INSIDE)
    version = _metadata()["version"]
    final = version.partition("-")[0]
    if released and version != final:
        galaxy = copy / "galaxy.yml"
        galaxy.write_text(galaxy.read_text().replace(f"version: {version}", f"version: {final}"))
        output_of([VENVS / "lint/bin/antsibull-changelog", "release"], cwd=copy, env=variables("lint"))
    words = ["collection", "build", "--output-path", str(folder)]
    output_of([VENVS / "main/bin/ansible-galaxy", *words, copy], env=variables("main"))
    return next(folder.glob("*.tar.gz"))


def _cells() -> list[str]:
    """Each ansible-core, on the oldest and the newest of its Pythons that this machine has."""
    cells = []
    for core, pythons in environments.CORES.items():
        there = [python for python in pythons if interpreters.find((python,))]
        if not there:
            say(f"no Python {' or '.join(pythons)} on this machine: going on without ansible-core {core}")
        cells += [f"{core}-py{python}" for python in dict.fromkeys([*there[:1], *there[-1:]])]
    return cells


def _cell(name: str) -> Row:
    core, python = name.split("-py")
    return Row(
        core,
        python,
        _word(name, "sanity", ansible_test.run(name, "sanity")),
        _word(name, "units", ansible_test.run(name, "units", "--num-workers", "1")),
        _integration(name),
    )


def _integration(name: str) -> str:
    for generation in GENERATIONS:
        ready, python = FOLDER / f"{name}-{generation}.json", VENVS / "main/bin/python"
        words = ("--generation", generation, "--tls")
        with simulators.started(python, COPY / "tests", ready, variables("main"), *words) as (facts, _process):
            (deployment,) = facts["deployments"]
            config = {
                **{f"emqx_{key}": deployment[key] for key in ("api_url", "app_id", "app_secret")},
                "emqx_ca_path": facts["ca_path"],
                "emqx_mqtt": f"{deployment['mqtt_host']}:{deployment['mqtt_port']}",
                "emqx_simulator": deployment["control_url"],
            }
            # JSON is YAML.
            done = ansible_test.run(name, "integration", *TARGETS, integration_config=json.dumps(config))
        if done.returncode:
            return _word(name, f"integration-{generation}", done)
    return "passed"


def _word(name: str, what: str, done: subprocess.CompletedProcess[str]) -> str:
    """`passed`; or `failed`, and then what was printed is kept."""
    if not done.returncode:
        say(f"{name}: {what} passed")
        return "passed"
    output = FOLDER / f"{name}-{what}.txt"
    output.write_text(done.stdout, encoding="utf-8")
    say(f"{name}: {what} failed, see {output.relative_to(ROOT)}")
    return "failed"


def _metadata() -> dict[str, str]:
    """The plain `key: value` lines of galaxy.yml."""
    lines = (ROOT / "galaxy.yml").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(": ") for line in lines if line[:1].isalpha())
    return {key: value for key, separator, value in pairs if separator}


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
