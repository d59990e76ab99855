# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test without containers, on the newest ansible-core and on the oldest that is supported."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from . import copies
from .environments import VENVS, variables, version_of
from .interpreters import install_debian_package
from .paths import BUILD, INSIDE

CORES = ("main", "core216")

# ansible-test bootstraps pip with a script from a host that isn't a package registry. The pip that comes with Python
# does the same, so that nothing but a package registry is needed, here and everywhere.
_BOOTSTRAP = '''"""Stands in for get-pip.py."""
import ensurepip, pathlib, runpy, sys
folders = (pathlib.Path(ensurepip.__file__).parent / "_bundled", pathlib.Path("/usr/share/python-wheels"))
sys.path.insert(0, str(next(wheel for folder in folders for wheel in folder.glob("pip-*.whl"))))
words = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
sys.argv = ["pip", "install", "--no-compile", *words]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
'''


def run(
    core: str, command: str, *words: str, python: str | None = None, integration_config: str = ""
) -> subprocess.CompletedProcess[str]:
    """One run of ansible-test in the copy that belongs to this ansible-core; output and errors are one text."""
    copy = copies.sync_as_repository(BUILD / "ansible-test" / core / INSIDE)
    if integration_config:
        (copy / "tests" / "integration" / "integration_config.yml").write_text(integration_config)
    environment = variables(core)
    # It looks for other Pythons on PATH, and expects its requirements to be installed in them.
    folders = [VENVS / core / "bin", VENVS / "python38" / "bin"]
    environment["PATH"] = os.pathsep.join([*map(str, folders), environment["PATH"]])
    _provide_bootstrap(core, Path(environment["HOME"]))
    _provide_shellcheck(copy)
    program = VENVS / core / "bin" / "ansible-test"
    return subprocess.run(
        [program, command, "--local", "--python", python or version_of(core), "--color", "no", *words],
        cwd=copy,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _provide_shellcheck(copy: Path) -> None:
    """ansible-test skips its check of shell scripts where the program is missing."""
    if not shutil.which("shellcheck") and any(copy.glob("**/*.sh")):
        install_debian_package("shellcheck")


def _provide_bootstrap(core: str, home: Path) -> None:
    """Put the script where ansible-test would keep the download, under the names this version of it asks for."""
    source = next((VENVS / core / "lib").glob("python3*/site-packages/ansible_test/_internal/python_requirements.py"))
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in re.findall(r"\bpip='([\d.]+)'", source.read_text()):
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(_BOOTSTRAP)
