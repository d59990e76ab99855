# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guides show was run: their files are written, their commands run in order, and what they print compared.

A block `yaml+jinja` is a file, and its caption the name. In a block `console`, `$ ` begins a command, and the lines
below it are what it prints, among other things: in this order, and spaces don't count. A command fails exactly if the
guide shows that.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import playground
import pytest
import yaml

from simulator import Deployment, Fault, Simulator
from system.harness import environment, one_sentence, run
from tooling.paths import COPY

FOLDER = COPY / "docs" / "docsite" / "rst"
BLOCK = re.compile(r"(?m)^\.\. code-block:: (\S+)\n((?:   :.*\n)*)\n((?:   .*\n|\n)+)")
FAILURES = ("FAILED!", "[ERROR]", "failed=1")

# The deployments that the guides are about.
GUIDES: dict[str, dict[str, Any]] = {
    "guide_dedicated_v4": {"generation": "v4", "tls": True},
    "guide_dedicated_v5": {"generation": "v5", "tls": True},
    "guide_quickstart": {"generation": "v5", "tls": True},
    "guide_self_hosted": {"generation": "v5", "bare": True},
    "guide_serverless": {"generation": "v5", "tls": True, "serverless": True},
    "guide_uri": {"generation": "v5", "tls": True},
}


class Block(NamedTuple):
    """A code block of a guide."""

    language: str
    name: str
    text: str


class Command(NamedTuple):
    """A command and the lines that it prints among others."""

    words: str
    shown: list[str]

    @property
    def fails(self) -> bool:
        return any(mark in line for line in self.shown for mark in FAILURES)


def blocks(guide: str) -> Iterator[Block]:
    """The code blocks of a guide, without their indentation."""
    for match in BLOCK.finditer((FOLDER / f"{guide}.rst").read_text(encoding="utf-8") + "\n"):
        caption = re.search(r":caption: (\S+)", match[2])
        yield Block(match[1], caption[1] if caption else "", re.sub(r"(?m)^   ", "", match[3]).strip("\n") + "\n")


def commands(text: str) -> list[Command]:
    """What is typed in a console, and what is shown below each of it."""
    parts = re.split(r"(?m)^\$ ", text)
    assert parts[0] == "", "a console begins with a command"
    lines = [part.splitlines() for part in parts[1:]]
    return [Command(first, [line for line in rest if line.strip() not in ("", "...")]) for first, *rest in lines]


def compact(text: str) -> str:
    return " ".join(text.split())


class Shell:
    """A shell that keeps what is exported from one command to the next, as the reader's does."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        (folder / "ansible.cfg").write_text(playground.SETTINGS)
        self.folder, self.variables = folder, {**os.environ, **variables, "ANSIBLE_CONFIG": "ansible.cfg"}

    def run(self, words: str) -> tuple[int, str]:
        """Run a command; return its exit code and what it printed."""
        kept = self.folder / ".environment"
        done = subprocess.run(
            ["bash", "-c", f"{words}\nstatus=$?\nenv -0 > {kept}\nexit $status"],
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        pairs = (entry.partition("=") for entry in kept.read_text().split("\0") if entry)
        self.variables = {name: value for name, _equals, value in pairs}
        return done.returncode, done.stdout


def follow(guide: str, shell: Shell, here: Callable[[str], str]) -> None:
    """Do what a guide says.

    :param here: puts the addresses of this test in the place of those that a guide names.
    """
    for block in blocks(guide):
        if block.language == "yaml+jinja":
            assert block.name, "a file needs its name in a caption"
            (shell.folder / block.name).write_text(here(block.text), encoding="utf-8")
            continue
        assert block.language == "console", f"nobody runs {block.language}"
        for command in commands(block.text):
            status, printed = shell.run(here(command.words))
            assert bool(status) == command.fails, f"{command.words}\n{printed}"
            rest = compact(printed)
            for line in command.shown:
                before, found, rest = rest.partition(compact(line))
                assert found, f"{command.words} doesn't print, at this place: {line}\n{printed}"


@pytest.mark.parametrize("guide", GUIDES)
def test_what_a_guide_shows_was_run(guide: str, tmp_path: Path) -> None:
    with Simulator.start(**GUIDES[guide]) as simulator:
        (deployment,) = simulator.deployments
        for name in ("press-1", "press-2") if guide == "guide_serverless" else ():
            deployment.add_client(name)
        addresses = {
            "https://HOST:8443/api/v5": deployment.api_url,
            "https://HOST:8443/api": deployment.api_url,
            "http://127.0.0.1:18083/api/v5": deployment.api_url,
            "APP_ID=APP_ID EMQX_APP_SECRET=APP_SECRET": f"APP_ID={deployment.app_id} EMQX_APP_SECRET={deployment.app_secret}",
            "app_id: APP_ID": f"app_id: {deployment.app_id}",
            "app_secret: APP_SECRET": f"app_secret: {deployment.app_secret}",
        }
        # Guides that tell how to connect have no variables but the CA of the simulator.
        variables = environment(deployment)
        if guide != "guide_quickstart":
            variables = {name: value for name, value in variables.items() if name == "EMQX_CA_PATH"}

        def here(text: str) -> str:
            for shown, meant in addresses.items():
                text = text.replace(shown, meant)
            return text

        follow(guide, Shell(tmp_path, variables), here)
