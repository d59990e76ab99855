# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual environments under `.build/venvs`, and the environment variables that commands run with."""

from __future__ import annotations

import ast
import configparser
import fcntl
import hashlib
import os
import shutil
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from . import interpreters
from .paths import BUILD, COLLECTIONS, ROOT, ToolError, output_of, say

VENVS = BUILD / "venvs"
HOMES = BUILD / "homes"


class Environment(NamedTuple):
    """What a virtual environment is made of."""

    pythons: tuple[str, ...]
    requirements: str
    purpose: str
    required: bool = False
    packages: tuple[str, ...] = ()
    """What is installed beside the requirements."""


# The newest ansible-core supports three Python versions at a time: the middle ones serve the longest.
_CONTROLLERS = ("3.12", "3.13", "3.14", "3.11", "3.10")

ENVIRONMENTS = {
    "main": Environment(_CONTROLLERS, "requirements.txt", "pytest and the newest ansible-core", required=True),
    "core216": Environment(("3.12", "3.11", "3.10"), "requirements-core216.txt", "ansible-core 2.16"),
    "python38": Environment(("3.8",), "requirements-python38.txt", "the oldest Python that modules run on"),
    "lint": Environment(_CONTROLLERS, "requirements-lint.txt", "linters"),
    "docs": Environment(_CONTROLLERS, "requirements-docs.txt", "the documentation"),
}
"""What `make test` needs."""

BENCH = {"bench": Environment(_CONTROLLERS, "requirements-bench.txt", "what benchmarks need", required=True)}

# The Pythons that each ansible-core runs on, as its own metadata says.
CORES = {
    "2.16": ("3.10", "3.11", "3.12"),
    "2.17": ("3.10", "3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.12", "3.13", "3.14"),
}
RELEASE = {
    "importer": Environment(_CONTROLLERS, "requirements-importer.txt", "what Galaxy checks a collection with"),
    **{
        f"{core}-py{python}": Environment(
            (python,), "requirements-cores.txt", f"ansible-core {core}", packages=(f"ansible-core=={core}.*",)
        )
        for core, pythons in CORES.items()
        for python in pythons
    },
}
"""What `make release-check` needs beside those."""

_KNOWN = {**ENVIRONMENTS, **BENCH, **RELEASE}


def python_of(name: str) -> Path | None:
    """The Python of a prepared environment; None where this machine has none for it."""
    path = VENVS / name / "bin" / "python"
    return path if path.exists() else None


def version_of(name: str) -> str:
    """The Python version of a prepared environment, such as 3.12."""
    return next((VENVS / name / "lib").glob("python3.*")).name[len("python") :]


def prepare(*names: str) -> None:
    """Make what is missing or outdated, two at a time: a 2-core machine has no use for more."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # somebody may run `make lint` beside `make test`
        work = [task for task in map(_task, names) if task]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(_make, work))


class _Task(NamedTuple):
    """One virtual environment that has to be made."""

    name: str
    interpreter: interpreters.Interpreter
    mark: str


def _task(name: str) -> _Task | None:
    """What there is to do for an environment; nothing, if it stands as wanted or this machine has no Python for it."""
    wanted = _KNOWN[name]
    interpreter = interpreters.find(wanted.pythons)
    if interpreter is None:
        missing = f"no Python {' or '.join(wanted.pythons)} on this machine"
        if wanted.required:
            raise ToolError(f"{missing}: install one of them")
        say(f"{missing}: going on without {wanted.purpose}")
        shutil.rmtree(VENVS / name, ignore_errors=True)
        return None
    stamp, mark = VENVS / name / ".stamp", _mark(name, interpreter)
    if stamp.exists() and stamp.read_text() == mark:
        return None
    interpreters.provide_venv(interpreter)
    return _Task(name, interpreter, mark)


def _mark(name: str, interpreter: interpreters.Interpreter) -> str:
    """What an environment was made of; a changed mark makes it anew."""
    return "\n".join([str(interpreter.path), _digest(_requirements(name)), *_KNOWN[name].packages, ""])


def _make(task: _Task) -> None:
    folder = VENVS / task.name
    say(f"making {folder.relative_to(ROOT)}: {_KNOWN[task.name].purpose}, on Python {task.interpreter.version}")
    shutil.rmtree(folder, ignore_errors=True)
    output_of([task.interpreter.path, "-m", "venv", folder])
    install = ["-m", "pip", "--disable-pip-version-check", "install", "-q", "-r"]
    output_of([folder / "bin" / "python", *install, _requirements(task.name), *_KNOWN[task.name].packages])
    (folder / ".stamp").write_text(task.mark)


def _requirements(name: str) -> Path:
    return ROOT / "tests" / _KNOWN[name].requirements


def _digest(requirements: Path) -> str:
    """A hash of a requirements file and of those it includes."""
    text = requirements.read_text()
    included = [line[3:].strip() for line in text.splitlines() if line.startswith("-r ")]
    parts = [text, *(_digest(requirements.parent / name) for name in included)]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def variables(name: str = "main", keep_connection: bool = False) -> dict[str, str]:
    """The environment that commands of a virtual environment run with.

    Nothing of the user's own set-up reaches them: no Ansible configuration, no home folder, and, unless it is asked
    for, no EMQX connection, so that a test run never touches somebody's deployment.
    """
    home = private_home(name)
    configuration = home / "ansible.cfg"
    configuration.touch()
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTHON", "PYTEST_")) and (keep_connection or not key.startswith("EMQX"))
    }
    return {
        **kept,
        "HOME": str(home),
        "PATH": os.pathsep.join([str(VENVS / name / "bin"), os.environ.get("PATH", os.defpath)]),
        "VIRTUAL_ENV": str(VENVS / name),
        "PYTHONPATH": str(COLLECTIONS),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_CONFIG": str(configuration),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
    }


def private_home(name: str) -> Path:
    """A home folder of our own, where pip finds the settings that it has here.

    ansible-test drops PIP_* and similar variables, so they are written into a configuration file.
    """
    home = HOMES / name
    target = home / ".config" / "pip" / "pip.conf"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        parser = configparser.RawConfigParser()
        parser["global"] = _pip_settings(name)
        with target.open("w") as file:
            parser.write(file)
    return home


def _pip_settings(name: str) -> dict[str, str]:
    """Where pip gets packages from, whichever file or variable says so; a variable wins, as it does in pip."""
    wanted = ("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "cert", "client-cert", "proxy")
    outside = {"proxy": urllib.request.getproxies().get("https"), "cert": os.environ.get("REQUESTS_CA_BUNDLE")}
    settings = {"quiet": "2", **{key: value for key, value in outside.items() if value}}
    listing = output_of([VENVS / name / "bin" / "python", "-m", "pip", "config", "list"]).splitlines()
    for line in sorted(listing, key=lambda line: line.startswith(":env:")):
        key, separator, value = line.partition("=")
        option = key.rpartition(".")[2]
        if separator and option in wanted:
            settings[option] = str(ast.literal_eval(value)).replace("\n", "\n\t")
    return settings
