# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Export, converge and drift by name, on both generations: nothing changes, nothing is evaluated, nothing leaks."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from simulator import Deployment, Simulator
from system.harness import connection, done, needs
from tooling import environments
from tooling.paths import COPY

SECRETS = ("hush-password", "hush-header", "hush-url", "hush-jwt")
NAMES = [
    "null", "0x1", "1e3", "~", "2024-01-01", "a: b #c", " blank ", "a\u2028b\x85c", "\U0001f600", "ü/+#", "it's \"\\",
]


class Fleet(NamedTuple):
    """Deployments as hosts of an inventory, each with its model beside it.

    :ivar planted: the file that an evaluated name would make.
    """

    folder: Path
    core: str
    deployments: dict[str, Deployment]
    planted: Path

    def run(self, playbook: str, *words: str, **extra: Any) -> str:
        """Run a playbook of the collection, which has to end with the code ``code``; return all that it printed."""
        code = extra.pop("code", 0)
        program = environments.VENVS / self.core / "bin" / "ansible-playbook"
        ended = subprocess.run(
            [program, "-i", "inventory.yml", f"emqx.cloud.{playbook}", "-e", json.dumps(extra), *words],
            cwd=self.folder, env={**environments.variables(self.core), "EMQX_RETRIES": "0"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )
        assert ended.returncode == code, ended.stdout
        hidden = (*SECRETS, *(deployment.app_secret for deployment in self.deployments.values()))
        assert not [secret for secret in hidden if secret in ended.stdout]
        assert not self.planted.exists()
        return ended.stdout

    def drift(self, code: int = 0, **extra: Any) -> dict[str, Any]:
        """The report of the differences."""
        self.run("drift", "-vvv", code=code, drift_hosts="all", **extra)
        report: dict[str, Any] = json.loads((self.folder / "drift.json").read_text(encoding="utf-8"))
        return report


@pytest.fixture(params=["main", "core216"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fleet]:
    """A v4 and a v5 deployment with a bit of everything."""
    needs(request.param)
    with Simulator.start("v4", tls=True) as v4, Simulator.start("v5", tls=True) as v5:
        deployments = {"plant-4": v4.deployments[0], "plant-5": v5.deployments[0]}
        found = Fleet(tmp_path, request.param, deployments, tmp_path / "planted")
        trap = f"{{{{ lookup('pipe', 'touch {found.planted}') }}}}"
        for generation, deployment in zip(("v4", "v5"), deployments.values()):
            fill(deployment, generation, trap)
        hosts = {name: {f"emqx_{key}": value for key, value in connection(deployment).items()}
                 for name, deployment in deployments.items()}  # fmt: skip
        (tmp_path / "inventory.yml").write_text(json.dumps({"all": {"hosts": hosts}}))
        (tmp_path / "host_vars").mkdir()
        yield found


def fill(deployment: Deployment, generation: str, trap: str) -> None:
    names = [*NAMES, trap]
    done("auth_users", deployment, users=[{"username": name, "password": SECRETS[0]} for name in names])
    rules = [
        {"topic": f"a/{trap}", "action": "publish", "permission": "allow"},
        {"topic": "#", "action": "all", "permission": "deny"},
    ]
    subjects = [*({"username": name, "rules": rules} for name in names), {"everyone": True, "rules": rules[1:]}]
    done("acls", deployment, subjects=[*subjects, {"clientid": trap, "rules": rules}])
    entries = [{"clientid": trap, "reason": trap}, {"peerhost": "10.0.0.1"}, {"username": "soon", "until": "2h"}]
    done("banned", deployment, entries=entries)
    actions = [{"function": "console"}, {"function": "republish", "args": {"topic": "o", "payload": trap}}]
    done("rule", deployment, id="r", sql=f"SELECT *, '{trap}' as x\nFROM \"t/#\"", actions=actions, description=trap)
    secret = {"headers": {"authorization": "Bearer hush-header", trap: "told"}}
    if generation == "v4":
        done("topic_metrics", deployment, topics=["t/1", trap], enable=True)
        config = {"url": "https://user:hush-url@hooks.example.com"}
        hook = {"name": "hook", "type": "web_hook", "config": config, "description": trap}
        done("resource", deployment, **hook, secret_config=secret)
        return
    done("topic_metrics", deployment, topics=["t/1", trap])
    done("connector", deployment, type="http", name="hook", config={"url": "http://u:hush-url@127.0.0.1:9/"},
         secret_config=secret)  # fmt: skip
    body = {"method": "post", "path": "/in", "body": trap}
    done("action", deployment, type="http", name="post", connector="hook", config={"parameters": body})
    jwt = {"mechanism": "jwt", "config": {"use_jwks": False, "algorithm": "hmac-based"}, "position": "front"}
    done("authenticator", deployment, **jwt, secret_config={"secret": "hush-jwt"})
    for topic, payload, encoding in (
        ("json", '{"a": 1,  "b": [1.0]}', "plain"), ("trap", trap, "plain"), ("bytes", "/wAK", "base64"),
        ("lines", "a\nb \r\n", "plain"), ("list", "[1,  2]", "plain"), ("true", "True", "plain"),
    ):
        done("retained_message", deployment, topic=topic, payload=payload, payload_encoding=encoding)


def changes(fleet: Fleet) -> list[str]:
    """The calls since the last look that were to change something."""
    made = [call for each in fleet.deployments.values() for call in each.requests if call.method != "GET"]
    for deployment in fleet.deployments.values():
        deployment.forget_requests()
    return [f"{call.method} {call.path}" for call in made]


def test_there_and_back_and_what_has_drifted(fleet: Fleet) -> None:
    models = {name: fleet.folder / "host_vars" / f"{name}.yml" for name in fleet.deployments}
    to = {"export_hosts": "all", "export_file": "host_vars/{{ inventory_hostname }}.yml"}
    changes(fleet)
    fleet.run("export", "-vvv", **to)
    written = {name: path.read_bytes() for name, path in models.items()}
    assert not [secret for secret in SECRETS for text in written.values() if secret.encode() in text]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in models.values())

    # Read and converged by others it changes nothing, and written again it is the same.
    fleet.run("fleet", "-vvv")
    assert changes(fleet) == []
    fleet.run("export", **to)
    assert {name: path.read_bytes() for name, path in models.items()} == written
    clean = fleet.drift()
    assert (clean["status"], [each["status"] for each in clean["deployments"]]) == ("clean", ["clean", "clean"])

    # One has drifted, in four ways, and the other has not.
    plant = fleet.deployments["plant-5"]
    done("auth_user", plant, username="null", state="absent")
    done("acl", plant, everyone=True, rules=[{"topic": "#", "action": "all", "permission": "allow"}], state="exact")
    done("rule", plant, id="r", enabled=False)
    done("auth_user", plant, username="intruder", password=SECRETS[0])
    changes(fleet)
    drifted = fleet.drift(code=2, converge_exact=["users"], drift_fail=True)
    assert changes(fleet) == []
    assert (drifted["status"], [each["status"] for each in drifted["deployments"]]) == ("drift", ["clean", "drift"])
    named = [(each["section"], each["name"], each["action"]) for each in drifted["deployments"][1]["differences"]]
    assert sorted(named) == [
        ("acl", "everyone", "update"), ("rules", "r", "update"), ("users", "username intruder", "delete"),
        ("users", "username null", "create"),
    ]

    # Who can't be asked is an error, the others are told, and statistics say all of it.
    inventory = yaml.safe_load((fleet.folder / "inventory.yml").read_text())
    inventory["all"]["hosts"]["plant-4"]["emqx_api_url"] = "https://127.0.0.1:9/api/v4"
    (fleet.folder / "inventory.yml").write_text(json.dumps(inventory))
    printed = fleet.run("drift", code=2, drift_hosts="all", drift_file="reports.json")
    report = json.loads((fleet.folder / "reports.json").read_text(encoding="utf-8"))
    assert (report["status"], [each["status"] for each in report["deployments"]]) == ("error", ["error", "drift"])
    assert "the connection is refused" in report["deployments"][0]["reason"]
    assert printed.count("users username null: missing on the deployment") == 1


def test_nothing_is_written_where_nothing_was_read_or_another_would_be_lost(tmp_path: Path) -> None:
    kept = tmp_path / "model.yml"
    kept.write_text("as before")
    program = environments.VENVS / "main" / "bin" / "ansible-playbook"
    with Simulator.start("v5") as simulator:
        deployment = simulator.deployments[0]
        hosts = {name: {f"emqx_{key}": value for key, value in connection(deployment).items()} for name in "ab"}
        hosts["a"]["emqx_api_url"] = deployment.api_url.replace("/api/v5", "/elsewhere/api/v5")
        (tmp_path / "inventory.yml").write_text(json.dumps({"all": {"hosts": hosts}}))
        for hosts_named, sentence in (("a", "Nothing could be read of the"), ("all", "the same for several hosts")):
            extra = f"export_file=model.yml export_hosts={hosts_named}"
            ended = subprocess.run(
                [program, "-i", "inventory.yml", "emqx.cloud.export", "-e", extra],
                cwd=tmp_path, env=environments.variables("main"), capture_output=True, text=True, check=False,
            )
            assert ended.returncode == 2 and sentence in ended.stdout + ended.stderr, ended.stdout + ended.stderr
    assert kept.read_text() == "as before"


def test_ten_thousand_users_are_written_in_seconds(tmp_path: Path) -> None:
    with Simulator.start("v5", tls=True) as simulator:
        deployment = simulator.deployments[0]
        deployment.add_users(f"device-{number:05}" for number in range(10_000))
        program = environments.VENVS / "main" / "bin" / "ansible-playbook"
        variables = {f"EMQX_{key.upper()}": value for key, value in connection(deployment).items()}
        deployment.forget_requests()
        only = json.dumps({"export_file": "model.yml", "export_sections": ["users"]})
        subprocess.run(
            [program, "emqx.cloud.export", "-e", only], cwd=tmp_path, check=True, timeout=180, capture_output=True,
            env={**environments.variables("main"), **variables},
        )
        assert len(deployment.requests) <= 3
        lines = (tmp_path / "model.yml").read_text(encoding="utf-8").splitlines()
        assert sum(line.startswith("  - {username: device-") for line in lines) == 10_000


def test_the_examples_of_the_filters_and_of_the_role_run(tmp_path: Path) -> None:
    tasks: list[dict[str, Any]] = []
    for name in ("to_model", "drift_report", "drift_lines"):
        text = (COPY / "plugins" / "filter" / f"{name}.py").read_text(encoding="utf-8")
        tasks += yaml.safe_load(text.partition('EXAMPLES = r"""')[2].partition('"""')[0])
    readme = (COPY / "roles" / "export" / "README.md").read_text(encoding="utf-8")
    [example] = yaml.safe_load(readme.partition("```yaml\n")[2].partition("```")[0])
    with Simulator.start("v5", tls=True) as simulator:
        deployment = simulator.deployments[0]
        extra = {f"emqx_{key}": value for key, value in connection(deployment).items()}
        playbook = [{**example, "tasks": tasks, "environment": {"EMQX_CA_PATH": str(deployment.ca_path)}}]
        (tmp_path / "playbook.yml").write_text(json.dumps(playbook))
        ended = subprocess.run(
            [environments.VENVS / "main" / "bin" / "ansible-playbook", "playbook.yml", "-e", json.dumps(extra)],
            cwd=tmp_path, env=environments.variables("main"), capture_output=True, text=True, check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert (tmp_path / "plant-7.yml").exists()
