# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long lists come from files: the same task as with the list itself, directly and as a module."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator import Deployment, Simulator
from system.harness import environment, play

USERS = [{"username": f"dev-{number}", "password": f"s3cret-of-{number}"} for number in range(3)]
CSV = "username,password\n" + "".join(f"{user['username']},{user['password']}\n" for user in USERS)
DIRECT = {"direct": True, "module": False}


@pytest.fixture(name="deployment", scope="module")
def fixture_deployment() -> Iterator[Deployment]:
    with Simulator.start() as simulator:
        yield simulator.deployments[0]


@pytest.fixture(autouse=True)
def _fresh(deployment: Deployment) -> None:
    deployment.reset()


@pytest.fixture(name="folder")
def fixture_folder(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    return tmp_path


def task(src: Any, **options: Any) -> dict[str, Any]:
    return {"emqx.cloud.auth_users": {"src": str(src), **options}}


@pytest.mark.parametrize("direct", DIRECT.values(), ids=DIRECT)
def test_the_users_of_a_file_may_connect(folder: Path, deployment: Deployment, direct: bool) -> None:
    (folder / "files" / "devices.csv").write_text(CSV)
    (folder / "beside.json").write_text(json.dumps(USERS))
    tasks = [
        {**task("devices.csv"), "register": "first"},
        {**task("{{ playbook_dir }}/beside.json"), "register": "second", "retries": 1, "until": "second is success"},
        {**task("~/absent.csv", users=USERS[:1]), "ignore_errors": True, "register": "both"},
        {"ansible.builtin.assert": {"that": [
            "first.counts.created == 3", "second.counts.unchanged == 3", "not second.changed", "both is failed",
            "both.msg == 'parameters are mutually exclusive: users|src'",
        ]}},
    ]
    done = play(folder, tasks, environment(deployment), "-vvv", vars={"emqx_direct_execution": direct})
    assert done.returncode == 0, done.stdout
    assert all(deployment.check_password(user["username"], user["password"]) for user in USERS)
    assert "s3cret" not in done.stdout


@pytest.mark.parametrize("direct", DIRECT.values(), ids=DIRECT)
def test_rules_and_bans_come_from_files_too(folder: Path, deployment: Deployment, direct: bool) -> None:
    rules = [{"topic": "t", "action": "all", "permission": "deny"}]
    (folder / "rules.json").write_text(json.dumps([{"username": "dev-1", "rules": rules}]))
    (folder / "bans.csv").write_text("clientid,peerhost,reason\nstolen-1,,theft\n,192.0.2.1,\n")
    tasks = [
        {"emqx.cloud.acls": {"src": "rules.json"}, "register": "acls"},
        {"emqx.cloud.banned": {"src": "bans.csv"}, "register": "bans"},
        {"ansible.builtin.assert": {"that": [
            "acls.counts.created == 1", "bans.banned | map(attribute='reason') | list == ['theft', '']",
        ]}},
    ]
    done = play(folder, tasks, environment(deployment), vars={"emqx_direct_execution": direct})
    assert done.returncode == 0, done.stdout


def test_a_file_may_be_encrypted(folder: Path, deployment: Deployment) -> None:
    vaulted = folder / "files" / "devices.csv"
    vaulted.write_text(CSV)
    keys = []
    for name in ("one", "two"):
        (folder / name).write_text(f"the-vault-password-{name}")
        keys += ["--vault-id", f"{name}@{folder / name}"]
    encrypt = ["ansible-vault", "encrypt", *keys, "--encrypt-vault-id", "two", str(vaulted)]
    subprocess.run(encrypt, check=True, capture_output=True)
    assert "s3cret" not in vaulted.read_text()
    done = play(folder, [task("devices.csv")], environment(deployment), *keys)
    assert done.returncode == 0, done.stdout
    assert deployment.check_password("dev-2", "s3cret-of-2")
    assert vaulted.read_text().startswith("$ANSIBLE_VAULT")
    without_the_key = play(folder, [task("devices.csv")], environment(deployment), "-vvv")
    assert without_the_key.returncode == 2 and "vault" in without_the_key.stdout


@pytest.mark.parametrize("direct", DIRECT.values(), ids=DIRECT)
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("username,password\na,s3cret,more\n", "src has 3 fields in line 2, and 2 columns."),
        ("username,pasword\na,s3cret\n", "src should name username, clientid, password, is_superuser in "),
        ('[{"username": "a", "pasword": "s3cret"}]', "src has, in item 0, something else than username, clientid, "),
        ("username,password\n.,s3cret\n", "'.' can't be used as users[0].username: "),
        ("[5]", "src should be a list of objects, and item 0 of it is none."),
    ],
)
def test_what_is_wrong_in_a_file_is_one_sentence_and_no_request(
    folder: Path, deployment: Deployment, text: str, sentence: str, direct: bool
) -> None:
    (folder / "devices").write_text(text)
    deployment.forget_requests()
    done = play(folder, [task("devices")], environment(deployment), "-vvvv", vars={"emqx_direct_execution": direct})
    assert f'"msg": "{sentence}' in done.stdout
    assert "s3cret" not in done.stdout and deployment.requests == []


def test_a_file_that_is_not_there(folder: Path, deployment: Deployment) -> None:
    done = play(folder, [task("missing.csv")], environment(deployment))
    assert done.returncode == 2 and "Traceback" not in done.stdout
    assert "missing.csv" in done.stdout


def test_either_the_list_or_the_file_has_to_be_there(folder: Path, deployment: Deployment) -> None:
    for module, option in (("auth_users", "users"), ("acls", "subjects")):
        for given in ({"kind": ["username"]}, {option: None}):
            done = play(folder, [{f"emqx.cloud.{module}": given}], environment(deployment))
            assert f"one of the following is required: {option}, src" in done.stdout


@pytest.mark.parametrize("src", ["", ["devices.csv"], 5, "."])
def test_what_is_no_path_is_refused(folder: Path, deployment: Deployment, src: Any) -> None:
    done = play(folder, [{"emqx.cloud.auth_users": {"src": src}}], environment(deployment))
    assert done.returncode == 2 and "Traceback" not in done.stdout
    assert "src has to be the path of a file, and is none." in done.stdout
