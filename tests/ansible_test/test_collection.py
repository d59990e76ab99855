# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as Galaxy and Ansible see it: what is shipped, and what its metadata says."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest
import yaml

from tooling import environments
from tooling.paths import COPY, output_of

MODULES = {path.stem for path in COPY.glob("plugins/modules/*.py") if not path.stem.startswith("_")}
GROUPS = yaml.safe_load((COPY / "meta/runtime.yml").read_text())["action_groups"]
FOREIGN = {".build", ".ci", "tests", "Makefile", "pyproject.toml"}


@pytest.fixture(name="built", scope="module")
def fixture_built(tmp_path_factory: pytest.TempPathFactory) -> tarfile.TarFile:
    """The artefact, built from a copy that holds what a checkout collects."""
    folder = tmp_path_factory.mktemp("built")
    checkout = shutil.copytree(COPY, folder / "checkout", ignore=shutil.ignore_patterns("__pycache__"))
    (checkout / ".build").mkdir()
    (checkout / ".build" / "left-over").touch()
    galaxy = environments.VENVS / "main" / "bin" / "ansible-galaxy"
    command = [galaxy, "collection", "build", checkout, "--output-path", folder]
    output_of(command, env=environments.variables())
    return tarfile.open(next(folder.glob("emqx-cloud-*.tar.gz")))


def test_version() -> None:
    """The version is a semantic one, and the artefact carries it."""
    metadata = yaml.safe_load((COPY / "galaxy.yml").read_text())
    assert [metadata["namespace"], metadata["name"]] == ["emqx", "cloud"]
    assert metadata["version"].split("-")[0].count(".") == 2


def test_artefact_holds_every_plugin(built: tarfile.TarFile) -> None:
    """What users run is in it."""
    plugins = {str(path.relative_to(COPY)) for path in COPY.glob("plugins/**/*.py")}
    assert plugins
    assert plugins | {"meta/runtime.yml", "requirements.txt", "LICENSE"} <= set(built.getnames())


def test_artefact_holds_nothing_foreign(built: tarfile.TarFile) -> None:
    """What only contributors need is not."""
    assert not {Path(name).parts[0] for name in built.getnames()} & FOREIGN


def test_action_groups_name_modules() -> None:
    """Every name in a group is a module, in alphabetical order and once."""
    for members in GROUPS.values():
        assert members == sorted(set(members))
        assert set(members) <= MODULES


def test_every_module_is_in_a_group() -> None:
    """A module outside the groups would not take its connection from `module_defaults`."""
    assert set().union(*GROUPS.values()) == MODULES


def test_documentation_names_the_groups() -> None:
    """The `action_group` attribute of a module says what `meta/runtime.yml` does."""
    ansible_doc = environments.VENVS / "main" / "bin" / "ansible-doc"
    names = [f"emqx.cloud.{module}" for module in sorted(MODULES)]
    documented = json.loads(output_of([ansible_doc, "--json", *names], env=environments.variables()))
    for name in names:
        attribute = documented[name]["doc"]["attributes"]["action_group"]
        groups = [f"emqx.cloud.{group}" for group in GROUPS if name.rpartition(".")[2] in GROUPS[group]]
        assert sorted(attribute["membership"]) == groups, name
