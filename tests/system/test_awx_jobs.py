# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as AWX runs them: by ansible-runner, from the project that is shipped, with what credentials inject."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from jinja2.sandbox import ImmutableSandboxedEnvironment

from demo import PASSWORD, connected
from simulator import Deployment, Simulator
from system.awx_guide import EXTENSIONS, plays
from tooling import environments


class Job(NamedTuple):
    """A job that has ended: its exit status, what it printed, its artifacts for a workflow, and where it ran."""

    status: int
    printed: str
    artifacts: dict[str, Any]
    folder: Path

    def results(self, module: str) -> list[dict[str, Any]]:
        """The results of a module's tasks, as the events tell them."""
        events = [json.loads(path.read_text()) for path in self.folder.glob("artifacts/job/job_events/*.json")]
        ended = [each for each in events if each["event"].startswith(("runner_on_ok", "runner_on_failed"))]
        ended.sort(key=lambda event: event["counter"])
        return [each["event_data"]["res"] for each in ended if each["event_data"]["task_action"] == module]


class _Unsafe(str):
    """A text that AWX marks as no template."""


class _Dumper(yaml.SafeDumper):
    """Writes extra variables as AWX does."""


_Dumper.add_representer(_Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style="'"))


def _marked(value: Any) -> Any:
    """Mark what somebody answered in a survey or at a prompt: AWX marks every text, names too."""
    if isinstance(value, Mapping):
        return {_marked(name): _marked(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_marked(each) for each in value]
    return _Unsafe(value) if isinstance(value, str) else value


def injected(kind: str, inputs: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment that a credential of a type gives a job, as AWX makes it of the type's injectors."""
    injectors = yaml.safe_load((EXTENSIONS / f"credential_types/{kind}_injectors.yml").read_text())
    engine = ImmutableSandboxedEnvironment()
    # What is left empty isn't defined.
    names: dict[str, Any] = {name: value for name, value in inputs.items() if value}
    files: dict[str, str] = {}
    for label, template in injectors.get("file", {}).items():
        path = folder / f"injected-{kind}-{label}"
        path.write_text(engine.from_string(template).render(**names))
        files[label.partition(".")[2]] = str(path)
    names["tower"] = {"filename": files}
    return {name: engine.from_string(template).render(**names) for name, template in injectors["env"].items()}


def deployment_inputs(deployment: Deployment) -> dict[str, str]:
    """What somebody types into a credential of the type "EMQX deployment"."""
    inputs = {"api_url": deployment.api_url, "app_id": deployment.app_id, "app_secret": deployment.app_secret}
    return {**inputs, "ca_certificate": deployment.ca_path.read_text() if deployment.ca_path else ""}


def run(
    folder: Path,
    playbook: str,
    environment: Mapping[str, str],
    survey: Mapping[str, Any] | None = None,
    inventory: Mapping[str, Any] | None = None,
    interpreter: str | None = sys.executable,
    vault_password: Path | None = None,
) -> Job:
    """Run a playbook of the project with ansible-runner, in a process of its own."""
    if not (folder / "project").exists():
        shutil.copytree(EXTENSIONS / "project", folder / "project")
    for name in ("env", "inventory"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "inventory" / "hosts").write_text(json.dumps(inventory or {"all": {"hosts": {"plant-7": None}}}))
    (folder / "env" / "envvars").write_text(json.dumps({**environment, "JOB_ID": "7", "MAX_EVENT_RES": "700000"}))
    (folder / "env" / "settings").write_text(json.dumps({"job_timeout": 120, "fact_cache_type": "jsonfile"}))
    # As the job template's verbosity 1.
    arguments = ["-v", *(["-e", f"ansible_python_interpreter={interpreter}"] if interpreter else [])]
    arguments += ["--vault-password-file", str(vault_password)] if vault_password else []
    awx = {"awx_job_id": 7, "tower_job_id": 7, "awx_job_launch_type": "manual"}
    extra = yaml.dump(_marked({**awx, **(survey or {})}), Dumper=_Dumper)
    (folder / "env" / "extravars").write_text(extra)
    (folder / "env" / "cmdline").write_text(" ".join(arguments))
    shutil.rmtree(folder / "artifacts", ignore_errors=True)
    done = subprocess.run(
        ["ansible-runner", "run", folder, "-p", playbook, "--ident", "job"],
        env=environments.variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    events = [json.loads(path.read_text()) for path in folder.glob("artifacts/job/job_events/*.json")]
    stats = [each["event_data"] for each in events if each["event"] == "playbook_on_stats"]
    artifacts = stats[0].get("artifact_data", {}) if stats else {}
    return Job(done.returncode, done.stdout, artifacts, folder)


def keeps_secret(job: Job, *secrets: str) -> None:
    """Check all artifacts of a job but `command`: that is ansible-runner's own, and AWX masks it before it keeps it."""
    for path in job.folder.glob("artifacts/**/*"):
        if path.is_file() and path.name != "command":
            content = path.read_text(errors="replace")
            for secret in secrets:
                assert secret not in content, path
    assert not [secret for secret in secrets if secret in job.printed]


def secrets_of(user: str, secret: str) -> list[str]:
    """A secret, and what a Basic header makes of it."""
    return [secret, base64.b64encode(f"{user}:{secret}".encode()).decode()]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator.start(tls=True) as started:
        yield started


@pytest.fixture
def deployment(simulator: Simulator) -> Deployment:
    return simulator.deployments[0]


@contextlib.contextmanager
def online(deployment: Deployment, *names: str) -> Iterator[None]:
    """Keep real MQTT clients connected."""
    with contextlib.ExitStack() as stack:
        for name in names:
            deployment.add_user(name, PASSWORD)
            stack.enter_context(connected(deployment, name))
        yield


def test_a_kick_job(deployment: Deployment, tmp_path: Path) -> None:
    """With a credential and a survey; without the survey's yes nobody is kicked, and the job doesn't wait for one."""
    environment = injected("deployment", deployment_inputs(deployment), tmp_path)
    survey = yaml.safe_load((EXTENSIONS / "surveys" / "kick.yml").read_text())["spec"]
    answers = {each["variable"]: each["default"] for each in survey} | {"kick_like_clientid": "gateway-"}
    unanswered = {name: answer for name, answer in answers.items() if name != "kick_confirm"}
    with online(deployment, "gateway-1", "gateway-2", "sensor-1"):
        for given in (answers, unanswered):
            job = run(tmp_path, "kick.yml", environment, given)
            assert job.status == 0, job.printed
            assert "Nobody was kicked." in job.printed
            assert job.artifacts == {"kick_count_found": 2, "kick_count_kicked": 0}
        job = run(tmp_path, "kick.yml", environment, {**answers, "kick_confirm": "yes"})
        assert job.status == 0, job.printed
        assert deployment.client_ids() == ["sensor-1"]
    assert job.artifacts == {"kick_count_found": 2, "kick_count_kicked": 2}
    keeps_secret(job, *secrets_of(deployment.app_id, deployment.app_secret), PASSWORD)


def test_jobs_that_check_and_apply(deployment: Deployment, tmp_path: Path) -> None:
    """From the inventory, the model and the vault of the project; what the model marks as no template is none."""
    project = tmp_path / "project"
    shutil.copytree(EXTENSIONS / "project", project)
    hosts = (project / "inventory" / "hosts.yml").read_text()
    inventory = yaml.safe_load(hosts.replace("https://plant-7.example.com:8443/api/v5", deployment.api_url))
    inventory["emqx"]["hosts"]["plant-7"]["emqx_ca_path"] = str(deployment.ca_path)
    evidence = tmp_path / "evaluated"
    planted = "{{ lookup('pipe', 'touch " + str(evidence) + "') }}"
    with (project / "models" / "plant-7.yml").open("a") as model:
        model.write(f'converge_bans:\n  - clientid: !unsafe "{planted}"\n')
    secrets = {
        "vault_emqx_app_id": deployment.app_id,
        "vault_emqx_app_secret": deployment.app_secret,
        "vault_converge_secrets": {"usernames": {"sensor-1": "pw-of-sensor-1", "sensor-2": "pw-of-sensor-2"}},
    }
    vault, password = project / "models" / "plant-7.vault.yml", tmp_path / "vault-password"
    vault.write_text(json.dumps(secrets))
    password.write_text("password of the vault")
    encrypt = ["ansible-vault", "encrypt", "--vault-password-file", password, vault]
    subprocess.run(encrypt, env=environments.variables(), capture_output=True, check=True)
    for playbook, status in (("drift", "drift"), ("converge", None), ("drift", "clean")):
        survey = yaml.safe_load((EXTENSIONS / "surveys" / f"{playbook}.yml").read_text())["spec"]
        answers = {each["variable"]: each["default"] for each in survey}
        job = run(tmp_path, f"{playbook}.yml", {}, answers, inventory, vault_password=password)
        assert job.status == 0, job.printed
        assert job.artifacts.get("drift_status") == status
        keeps_secret(job, *secrets_of(deployment.app_id, deployment.app_secret), "pw-of-sensor")
    deployment.remove_user("sensor-2")
    job = run(tmp_path, "drift.yml", {}, {"drift_fail": "yes"}, inventory, vault_password=password)
    assert job.status == 2, job.printed
    assert job.artifacts == {"drift_status": "drift", "drift_deployments": {"plant-7": "drift"}}
    assert deployment.user_names() == ["sensor-1"]
    assert deployment.check_password("sensor-1", "pw-of-sensor-1")
    assert deployment.bans() == [("clientid", planted)]
    assert not evidence.exists()


def test_credentials_reach_modules_wherever_a_task_runs(simulator: Simulator, tmp_path: Path) -> None:
    """On a host that is delegated to, the environment of the controller isn't there: it has to be handed over."""
    deployment, platform = simulator.deployments[0], simulator.platform
    account = {
        "platform_url": platform.platform_url,
        "platform_key": platform.platform_key,
        "platform_secret": platform.platform_secret,
    }
    environment = {
        **injected("deployment", deployment_inputs(deployment), tmp_path),
        **injected("platform", account, tmp_path),
    }
    elsewhere = tmp_path / "python-of-another-host"
    unset = " ".join(f"-u {name}" for name in environment)
    elsewhere.write_text(f'#!/bin/sh\nexec env {unset} {sys.executable} "$@"\n')
    elsewhere.chmod(0o755)
    inventory = {
        "all": {
            "hosts": {
                "plant-7": {"ansible_connection": "ssh", "ansible_host": "192.0.2.1"},
                "bastion": {"ansible_connection": "local", "ansible_python_interpreter": str(elsewhere)},
            }
        }
    }
    examples = [play for example in plays() for play in yaml.safe_load(example)]
    task = {"emqx.cloud.broker_info": {"gather": ["nodes"]}, "delegate_to": "bastion", "ignore_errors": True}
    account_task = {"emqx.cloud.api": {"api": "platform", "path": "deployments", "paginate": True}}
    local = {"delegate_to": "localhost", "vars": {"emqx_direct_execution": False}}
    examples += [
        {"hosts": "plant-7", "gather_facts": False, "tasks": [{**account_task, **local}]},
        {"hosts": "plant-7", "gather_facts": False, "tasks": [task]},
    ]
    shutil.copytree(EXTENSIONS / "project", tmp_path / "project")
    (tmp_path / "project" / "delegation.yml").write_text(json.dumps(examples))
    job = run(tmp_path, "delegation.yml", environment, inventory=inventory, interpreter=None)
    assert job.status == 0, job.printed
    direct, handed_over, forgotten = job.results("emqx.cloud.broker_info")
    assert "nodes" in handed_over
    assert "missing required arguments: api_url, app_id, app_secret" in forgotten["msg"]
    (listed,) = job.results("emqx.cloud.api")
    assert len(listed["rows"]) == 1
    # The first ran in Ansible's own process, the others in one of their own.
    reasons = re.findall("runs as a module and not directly: (.*)", job.printed)
    assert [reason.split()[0] for reason in reasons] == ["its", "emqx_direct_execution", "its"]
    assert job.artifacts == {"nodes": len(direct["nodes"])}
    keeps_secret(
        job,
        *secrets_of(deployment.app_id, deployment.app_secret),
        *secrets_of(platform.platform_key, platform.platform_secret),
    )


def test_a_credential_without_a_certificate_trusts_what_the_system_trusts(tmp_path: Path) -> None:
    with Simulator.start() as simulator:
        deployment = simulator.deployments[0]
        assert not deployment.ca_path
        environment = injected("deployment", deployment_inputs(deployment), tmp_path)
        assert environment["EMQX_CA_PATH"] == ""
        job = run(tmp_path, "kick.yml", environment, {"kick_username": "nobody"})
        assert job.status == 0, job.printed
        assert "No client was found" in job.printed
