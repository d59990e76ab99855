# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What guide_awx.rst says: the playbook `emqx.cloud.awx_setup`, with the real modules of `awx.awx` against a small
controller, and the execution environment.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from awx_controller import TOKEN, Controller
from system.awx_guide import EXTENSIONS, blocks, commands, plays
from tooling import environments
from tooling.paths import BUILD, COLLECTIONS, COPY

CARRIER = "ansible==11.13.0"
"""A Python package that brings the collection `awx.awx` along; later ones no longer do."""
SECRET = "S3CRET-of-the-deployment"
WORKFLOW = "EMQX check, approve, apply"


# One process fetches it, not two at once.
AWX_AWX = pytest.mark.xdist_group("awx.awx")


@pytest.fixture(scope="module")
def collections() -> Path:
    """The folder that holds the collection `awx.awx`: fetched once, and kept."""
    kept = BUILD / "awx" / CARRIER
    if kept.exists():
        return kept
    fetched = kept.with_name(f"{CARRIER}.{os.getpid()}")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-q", "--no-deps"]
    done = subprocess.run(
        [*pip, "--only-binary", ":all:", "--dest", fetched, CARRIER], capture_output=True, text=True, check=False
    )
    if done.returncode:
        shutil.rmtree(fetched, ignore_errors=True)
        pytest.skip(f"not run: {CARRIER}, which brings awx.awx, can't be had from an index: {done.stderr[-300:]}")
    (wheel,) = fetched.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        wanted = [name for name in archive.namelist() if name.startswith("ansible_collections/awx/awx/")]
        archive.extractall(fetched, wanted)
    wheel.unlink()
    if not kept.exists():
        fetched.rename(kept)
    return kept


def execute(command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command line as somebody would who has installed the collection; output and errors are one text."""
    home = folder / "home"
    if not home.exists():
        (home / ".ansible").mkdir(parents=True)
        (home / ".ansible" / "collections").symlink_to(COLLECTIONS)
    return subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={**environments.variables(), "HOME": str(home), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def setup(command: str, folder: Path, controller: Controller, collections: Path, status: int = 0) -> str:
    """Run the playbook; return what it printed."""
    done = execute(
        f"{command} -v --diff",
        folder,
        ANSIBLE_COLLECTIONS_PATH=f"{COLLECTIONS}:{collections}",
        ANSIBLE_PIPELINING="true",
        CONTROLLER_HOST=controller.url,
        CONTROLLER_OAUTH_TOKEN=TOKEN,
        EMQX_APP_SECRET=SECRET,
    )
    assert done.returncode == status, done.stdout
    assert SECRET not in done.stdout and TOKEN not in done.stdout
    assert "duplicate mapping key" not in done.stdout
    return done.stdout


@AWX_AWX
def test_the_first_run_sets_everything_up_and_the_second_changes_nothing(collections: Path, tmp_path: Path) -> None:
    """As the guide says it."""
    (variables,) = [block for block in blocks("yaml+jinja") if block.startswith("awx_setup_")]
    (tmp_path / "awx_setup.yml").write_text(variables)
    copy, command = commands()[:2]
    assert execute(copy, tmp_path).returncode == 0
    assert (tmp_path / "emqx-deployments" / "converge.yml").is_file()
    with Controller() as controller:
        assert "failed=0" in setup(command, tmp_path, controller, collections)
        _is_set_up(controller)
        controller.calls.clear()
        assert "changed=0 " in setup(command, tmp_path, controller, collections)
        assert controller.calls == []


def _is_set_up(controller: Controller) -> None:
    """Check what there is on the controller afterwards."""
    for kind in ("deployment", "platform"):
        made = controller.one("credential_types", f"EMQX {kind}")
        for part in ("inputs", "injectors"):  # as they stand in the files: no template in them was evaluated
            assert made[part] == yaml.safe_load((EXTENSIONS / f"credential_types/{kind}_{part}.yml").read_text())
    assert controller.inputs("EMQX deployment")["app_secret"] == SECRET
    project = controller.one("projects", "EMQX deployments")
    assert project["scm_url"] == "https://git.example.com/emqx-deployments.git"
    templates = {each["name"]: each for each in controller.all("job_templates")}
    assert set(templates) == {"EMQX converge", "EMQX drift", "EMQX kick"}
    for name, template in templates.items():
        assert (EXTENSIONS / "project" / template["playbook"]).is_file()
        assert template["project"] == project["id"]
        assert template["execution_environment"] == controller.one("execution_environments", "EMQX")["id"]
        assert template["survey_enabled"] is True and controller.survey(name)["spec"]
        assert controller.related("job_templates", name, "credentials") == ["EMQX deployment"]
    (source,) = controller.all("inventory_sources")
    assert (EXTENSIONS / "project" / source["source_path"]).is_file()
    (schedule,) = controller.all("schedules")
    assert schedule["unified_job_template"] == templates["EMQX drift"]["id"] and "FREQ=DAILY" in schedule["rrule"]
    assert schedule["extra_data"] == {"drift_fail": "no"}
    nodes = {each["identifier"]: each for each in controller.all("workflow_job_template_nodes")}
    assert {each["workflow_job_template"] for each in nodes.values()} == {
        controller.one("workflow_job_templates", WORKFLOW)["id"]
    }
    (approval,) = controller.all("workflow_approval_templates")
    assert {name: each["unified_job_template"] for name, each in nodes.items()} == {
        "check": templates["EMQX drift"]["id"], "approve": approval["id"], "apply": templates["EMQX converge"]["id"],
    }
    following = {
        name: [controller.related("workflow_job_template_nodes", name, f"{on}_nodes") for on in ("success", "failure")]
        for name in nodes
    }
    assert following == {"check": [["approve"], []], "approve": [["apply"], []], "apply": [[], []]}


@AWX_AWX
def test_the_address_of_the_project_has_to_be_named(collections: Path, tmp_path: Path) -> None:
    with Controller() as controller:
        command = "ansible-playbook -i localhost, emqx.cloud.awx_setup"
        printed = setup(command, tmp_path, controller, collections, status=2)
        assert "awx_setup_project_url is missing: the address of the repository" in printed
        assert controller.calls == []


def test_the_surveys_ask_for_variables_that_the_playbooks_read() -> None:
    for path in (EXTENSIONS / "surveys").glob("*.yml"):
        questions = yaml.safe_load(path.read_text())["spec"]
        assert questions
        readers = [COPY / "playbooks" / path.name, *(COPY / "roles" / "converge").glob("*/main.yml")]
        text = "".join(reader.read_text() for reader in readers if reader.exists())
        unread = [question["variable"] for question in questions if question["variable"] not in text]
        assert unread == [], path.name


def test_ansible_builder_accepts_the_execution_environment(tmp_path: Path) -> None:
    shutil.copytree(EXTENSIONS / "execution_environment", tmp_path, dirs_exist_ok=True)
    (command,) = commands()[2:]
    done = execute(f"{command} --output-filename Containerfile", tmp_path)
    assert done.returncode == 0, done.stdout
    context = tmp_path / "context"
    containerfile = (context / "Containerfile").read_text()
    assert "ansible-core>=2.16" in containerfile and "ansible-runner" in containerfile
    # The base image has no Python of its own.
    assert re.search('^ARG PYPKG="?python3"?$', containerfile, re.MULTILINE) and "install $PYPKG" in containerfile
    wanted = yaml.safe_load((context / "_build" / "requirements.yml").read_text())["collections"]
    assert [each["name"] for each in wanted] == ["emqx.cloud"]
    # And what it then finds in the collection, inside the image.
    done = execute(f"ansible-builder introspect {COLLECTIONS} --write-pip pip.txt", tmp_path)
    assert done.returncode == 0, done.stdout
    found = (tmp_path / "pip.txt").read_text()
    assert all(library in found for library in ("cryptography", "jmespath", "requests"))


def test_the_guide_shows_the_files_that_are_shipped() -> None:
    shipped = [
        "\n".join(line for line in path.read_text().splitlines() if line != "---" and not line.startswith("#")).strip()
        for path in EXTENSIONS.glob("**/*.yml")
    ]
    shown = [block for block in blocks("yaml+jinja") if block not in plays() and not block.startswith("awx_setup_")]
    assert len(shown) == 5
    assert [block for block in shown if block.strip() not in shipped] == []
