# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find Python interpreters that really run."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .paths import ToolError, is_root, output_of, say

_PROBE = (
    "import sys, importlib.util as u; "
    "print('%d.%d' % sys.version_info[:2], bool(u.find_spec('ensurepip') and u.find_spec('venv')), sys.executable)"
)


class Interpreter(NamedTuple):
    """A Python that runs."""

    version: str
    path: Path
    makes_venvs: bool


@functools.cache
def find(versions: tuple[str, ...]) -> Interpreter | None:
    """The first of these versions that this machine has, one that can make virtual environments if there is any."""
    for version in versions:
        incomplete = None
        for found in map(_probe, _candidates(version)):
            if found and found.version == version:
                if found.makes_venvs:
                    return found
                incomplete = incomplete or found
        if incomplete:
            return incomplete
    return None


@functools.cache
def provide_venv(interpreter: Interpreter) -> None:
    """Debian splits `venv` off its Python packages: install it where that is possible, else say what to do."""
    if interpreter.makes_venvs:
        return
    package = f"python{interpreter.version}-venv"
    if not install_debian_package(package):
        raise ToolError(f"{interpreter.path} can't make virtual environments; install the package {package}")


def install_debian_package(package: str) -> bool:
    """Try to install a package of Debian's or Ubuntu's; False where that can't be done."""
    if not is_root() or not Path("/usr/bin/apt-get").exists():
        return False
    say(f"installing {package}")
    quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        output_of(["apt-get", "update", "-qq"], env=quietly)
        output_of(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package], env=quietly)
    except ToolError as error:
        say(str(error))
        return False
    return True


def _candidates(version: str) -> Iterator[Path]:
    """Every file that may be this version; on PATH first, then what pyenv has but doesn't activate."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    pyenv_roots = [folder.parent for folder in folders if folder.name == "shims"]
    if "PYENV_ROOT" in os.environ:
        pyenv_roots.append(Path(os.environ["PYENV_ROOT"]))
    paths = [folder / f"python{version}" for folder in folders]
    for root in pyenv_roots:
        paths += sorted(root.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)
    paths += [folder / "python3" for folder in folders]
    paths.append(Path(sys.executable))
    for path in dict.fromkeys(paths):
        if path.is_file() and os.access(path, os.X_OK):
            yield path


def _probe(path: Path) -> Interpreter | None:
    """Start it: a pyenv shim exists for versions that don't run."""
    try:
        done = subprocess.run(
            [path, "-c", _PROBE], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    version, makes_venvs, executable = done.stdout.strip().split(" ", 2)
    return Interpreter(version, Path(executable), makes_venvs == "True")
