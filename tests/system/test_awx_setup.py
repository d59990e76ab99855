# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook `emqx.cloud.awx_setup`, with the real modules of `awx.awx` against a small controller, and the definition
of the execution environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from awx_controller import TOKEN, Controller
from tooling import environments
from tooling.paths import BUILD, COLLECTIONS, COPY

CARRIER = "ansible==11.13.0"
"""A Python package that brings the collection `awx.awx` along; later ones no longer do."""
EXTENSIONS = COPY / "extensions" / "awx"
SECRET = "S3CRET-of-the-deployment"
WORKFLOW = "EMQX check, approve, apply"
SETTINGS = {
    "awx_setup_project_url": "https://git.example.com/emqx.git",
    "awx_setup_image": "registry.example.com/emqx-ee:1",
    "awx_setup_api_url": "https://plant-7.example.com:8443/api/v5",
    "awx_setup_app_id": "id-of-the-app",
    "awx_setup_app_secret": SECRET,
}


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


def setup(controller: Controller, collections: Path, status: int = 0, **settings: object) -> str:
    """Run the playbook; return what it printed."""
    variables = environments.variables()
    variables["ANSIBLE_COLLECTIONS_PATH"] = os.pathsep.join([str(COLLECTIONS), str(collections)])
    variables |= {"CONTROLLER_HOST": controller.url, "CONTROLLER_OAUTH_TOKEN": TOKEN}
    extra = yaml.safe_dump(settings, default_flow_style=True, width=10_000)
    done = subprocess.run(
        ["ansible-playbook", "-v", "--diff", "-i", "localhost,", "emqx.cloud.awx_setup", "-e", extra],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout
    assert SECRET not in done.stdout and TOKEN not in done.stdout
    assert "duplicate mapping key" not in done.stdout
    return done.stdout


def test_the_first_run_sets_everything_up_and_the_second_changes_nothing(collections: Path) -> None:
    with Controller() as controller:
        assert "failed=0" in setup(controller, collections, **SETTINGS)
        _is_set_up(controller)
        controller.calls.clear()
        printed = setup(controller, collections, **SETTINGS)
        assert "changed=0 " in printed
        assert controller.calls == []


def _is_set_up(controller: Controller) -> None:
    """Check what there is on the controller afterwards."""
    for kind in ("deployment", "platform"):
        made = controller.one("credential_types", f"EMQX {kind}")
        for part in ("inputs", "injectors"):  # as they stand in the files: no template in them was evaluated
            assert made[part] == yaml.safe_load((EXTENSIONS / f"credential_types/{kind}_{part}.yml").read_text())
    assert controller.inputs("EMQX deployment")["app_secret"] == SECRET
    project = controller.one("projects", "EMQX deployments")
    assert project["scm_url"] == SETTINGS["awx_setup_project_url"]
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


def test_the_address_of_the_project_has_to_be_named(collections: Path) -> None:
    with Controller() as controller:
        printed = setup(controller, collections, status=2)
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
    source, context = EXTENSIONS / "execution_environment", tmp_path / "context"
    command = ["ansible-builder", "create", "--output-filename", "Containerfile", "-c", context]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    containerfile = (context / "Containerfile").read_text()
    assert "ansible-core>=2.16" in containerfile and "ansible-runner" in containerfile
    wanted = yaml.safe_load((context / "_build" / "requirements.yml").read_text())["collections"]
    assert [each["name"] for each in wanted] == ["emqx.cloud"]
    # And what it then finds in the collection, inside the image.
    command = ["ansible-builder", "introspect", COLLECTIONS, "--write-pip", tmp_path / "pip.txt"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = (tmp_path / "pip.txt").read_text()
    assert "requests" in found and "jmespath" in found
