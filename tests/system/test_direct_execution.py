# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks run in the controller's process where nothing speaks against it, and mean there what they mean in a module."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from simulator import Deployment, Fault, Simulator
from system.harness import environment, play
from tooling import environments, stubs
from tooling.paths import COPY


@pytest.fixture(name="deployment", scope="module")
def fixture_deployment() -> Iterator[Deployment]:
    with Simulator.start() as simulator:
        yield simulator.deployments[0]


@pytest.fixture(autouse=True)
def _fresh(deployment: Deployment) -> None:
    deployment.reset()


def test_every_module_has_its_stub() -> None:
    found = {path.stem: path.read_text() for path in COPY.glob("plugins/action/*.py")}
    assert all(found.pop(name) for name in stubs.WRITTEN_BY_HAND)
    assert found == stubs.expected(COPY)


def printed(folder: Path, deployment: Deployment, tasks: list[Any], *arguments: str, **keywords: Any) -> str:
    """Run tasks that have to succeed; return what ansible-playbook printed."""
    done = play(folder, tasks, environment(deployment), *arguments, **keywords)
    assert done.returncode == 0, done.stdout
    return done.stdout


def reasons(output: str) -> list[str]:
    """Why tasks were not run directly."""
    said = "runs as a module and not directly: "
    return [line.partition(said)[2] for line in output.splitlines() if said in line]


READ = {"emqx.cloud.auth_user_info": {"username": "alice"}}


def test_a_task_is_direct_unless_something_speaks_against_it(tmp_path: Path, deployment: Deployment) -> None:
    tasks = [
        {**READ, "name": "direct"},
        {**READ, "vars": {"emqx_direct_execution": "{{ not true }}"}},
        {**READ, "become": True, "become_user": "{{ lookup('ansible.builtin.pipe', 'id -un') }}"},
        {**READ, "vars": {"ansible_become": True, "ansible_become_method": "ansible.builtin.su"}},
        {**READ, "async": 30, "poll": 1, "vars": {"ansible_async_dir": str(tmp_path / "async")}},
    ]
    if os.getuid():
        del tasks[2:4]  # nobody but root becomes somebody without a password
    output = printed(tmp_path, deployment, tasks, "-v")
    become = [] if os.getuid() else ["it becomes another user."] * 2
    assert reasons(output) == ["emqx_direct_execution is false.", *become, "it is asynchronous."]


def test_a_task_is_direct_where_its_python_is_the_one_that_runs_it(tmp_path: Path, deployment: Deployment) -> None:
    other = environments.python_of("lint")
    pythons = {"auto_silent": [], sys.executable: [], str(other): [f"its Python is {other}."], "no-such-python": None}
    for python, expected in pythons.items():
        arguments = ("-v", "-e", f"ansible_python_interpreter={python}")
        output = play(tmp_path, [READ], environment(deployment), *arguments).stdout
        assert reasons(output) == (["its Python is no-such-python."] if expected is None else expected)


def test_the_python_of_the_configuration_counts_where_no_variable_names_one(
    tmp_path: Path, deployment: Deployment
) -> None:
    hosts = {"near": {"ansible_connection": "local"}}
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    other = str(environments.python_of("lint"))
    for python, expected in ((other, [f"its Python is {other}."]), (sys.executable, []), ("auto_silent", [])):
        variables = {**environment(deployment), "ANSIBLE_PYTHON_INTERPRETER": python}
        arguments = ("-v", "-i", str(inventory))
        output = play(tmp_path, [READ], variables, *arguments, hosts="near", interpreter=None).stdout
        assert reasons(output) == expected


def test_a_task_of_a_remote_host_is_direct_where_it_is_delegated_to_the_controller(
    tmp_path: Path, deployment: Deployment
) -> None:
    # Nobody listens there: what doesn't stay on the controller fails.
    remote = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": {"far": remote, "near": local}}}))
    arguments = ("-v", "-i", str(inventory), "-e", "ansible_python_interpreter=auto")
    for delegate in ("near", "{{ 'ne' ~ 'ar' }}"):
        task = {**READ, "delegate_to": delegate}
        done = play(tmp_path, [task], environment(deployment), *arguments, hosts="far", connection="ssh")
        assert done.returncode == 0 and reasons(done.stdout) == [], done.stdout
    done = play(tmp_path, [READ], environment(deployment), *arguments, hosts="far", connection="ssh")
    assert done.returncode == 4 and reasons(done.stdout) == ["its connection is ssh."]


def test_defaults_of_modules_and_groups_reach_their_own_only(tmp_path: Path, deployment: Deployment) -> None:
    deployment.add_users(["alice", "bob"])
    deployment.add_client("dev")
    defaults = {
        "group/emqx.cloud.deployment": {"retries": 1, "timeout": 11},
        "group/emqx.cloud.platform": {"platform_key": "of-the-platform"},
        "emqx.cloud.auth_user_info": {"like": "ali"},
        "emqx.cloud.client_info": {"like_clientid": "de", "timeout": 12},
    }
    tasks = [
        {"emqx.cloud.auth_user_info": {}, "register": "users"},
        {"emqx.cloud.client_info": {"fields": ["clientid"]}, "register": "clients"},
        {"emqx.cloud.topic_info": {}, "register": "topics"},
        # What the platform's group gives would be refused by any other module, as `like` would be.
        {"emqx.cloud.api": {"method": "GET", "path": "nodes"}, "register": "nodes"},
        {"ansible.builtin.assert": {"that": [
            "users.users | map(attribute='username') == ['alice']",
            "clients.clients == [{'clientid': 'dev'}]",
            "topics.topics == []",
            "nodes.status == 200",
        ]}},
    ]  # fmt: skip
    assert reasons(printed(tmp_path, deployment, tasks, "-v", module_defaults=defaults)) == []


def test_the_environment_of_a_task_is_that_of_the_task_alone(tmp_path: Path, deployment: Deployment) -> None:
    wrong = {**READ, "environment": {"EMQX_APP_SECRET": "wrong-one"}, "register": "wrong", "failed_when": False}
    elsewhere = {"emqx.cloud.auth_user_info": {"username": "alice", "api_url": "https://emqx.invalid/api/v5"}}
    proxy = {"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": ""}
    proxied = {**elsewhere, "environment": proxy, "register": "proxied"}
    tasks = [
        wrong,
        {**READ, "register": "right"},
        {**proxied, "failed_when": False},
        # The items of a loop share a process.
        {**READ, "loop": ["{{ right_secret }}", "wrong-one", "{{ right_secret }}"], "register": "looped",
         "environment": {"EMQX_APP_SECRET": "{{ item }}"}, "failed_when": False},
        {"ansible.builtin.assert": {"that": [
            "wrong.error.status == 401",
            "right.count == 0",
            "'proxy' in proxied.msg",
            "looped.results | map(attribute='error', default={}) | map(attribute='status', default=0) == [0, 401, 0]",
        ]}},
    ]  # fmt: skip
    variables = {"right_secret": deployment.app_secret, "retries": 0}
    output = printed(
        tmp_path, deployment, tasks, "-vvvv", vars=variables, environment={"EMQX_RETRIES": "0"}
    )
    assert "proxied" not in reasons(output)


def test_the_items_of_a_loop_share_connections_and_count_their_own_requests(
    tmp_path: Path, deployment: Deployment
) -> None:
    names = [f"user-{number}" for number in range(20)]
    tasks = [
        {"emqx.cloud.auth_user": {"username": "{{ item }}", "password": "x"}, "loop": names, "register": "made"},
        {"ansible.builtin.assert": {"that": ["made.results | map(attribute='requests') | unique | list == [3]"]}},
    ]
    printed(tmp_path, deployment, tasks)
    assert deployment.user_names() == names
    assert len({request.connection for request in deployment.requests}) == 1


def test_a_task_that_takes_too_long_ends_and_tells_what_it_did(tmp_path: Path, deployment: Deployment) -> None:
    deployment.add_users(2000)
    deployment.faults.add(Fault("slow", seconds=0.05, method="DELETE"))
    names = [{"username": name} for name in deployment.user_names()]
    task = {
        "emqx.cloud.auth_users": {"users": names, "state": "absent", "result_limit": 3000},
        "timeout": 2, "register": "result", "failed_when": False,
    }  # fmt: skip
    write = {"ansible.builtin.copy": {"content": "{{ result | to_json }}", "dest": str(tmp_path / "result.json")}}
    printed(tmp_path, deployment, [task, write])
    result = json.loads((tmp_path / "result.json").read_text())
    left = deployment.user_names()
    assert 0 < len(left) < 2000
    assert result["msg"].startswith("The task was ended after its timeout of 2 s. ")
    assert result["changed"] and result["counts"]["deleted"] == len(result["applied"]) == 2000 - len(left)
    assert {item["item"]["username"] for item in result["failures"]} == set(left)
    assert len([request for request in deployment.requests if request.method == "DELETE"]) == 2000 - len(left)


def test_a_bulk_that_takes_too_long_sends_no_further_batch_and_tells_what_it_knows(
    tmp_path: Path, deployment: Deployment
) -> None:
    deployment.faults.add(Fault("slow", seconds=0.6, method="POST"))
    names = [{"username": f"user-{number:03}", "password": "of-the-device"} for number in range(200)]
    task = {
        # A row is 69 bytes, so a batch has ten of them.
        "emqx.cloud.auth_users": {"users": names, "batch_bytes": 720, "result_limit": 300},
        "timeout": 2, "register": "result", "failed_when": False,
    }  # fmt: skip
    write = {"ansible.builtin.copy": {"content": "{{ result | to_json }}", "dest": str(tmp_path / "result.json")}}
    printed(tmp_path, deployment, [task, write])
    result = json.loads((tmp_path / "result.json").read_text())
    there, made = deployment.user_names(), [item["item"]["username"] for item in result["applied"]]
    assert 0 < len(made) < 200 and result["counts"]["created"] == len(made)
    assert result["msg"].startswith("The task was ended after its timeout of 2 s. ")
    # One batch was under way: it may have been carried out, and is told as what isn't known.
    assert set(made) <= set(there) and len(there) <= len(made) + 10
    assert {item["item"]["username"] for item in result["failures"]} == {row["username"] for row in names} - set(made)


def test_what_was_vaulted_is_masked_and_what_is_masked_in_a_module_is_masked_here(
    tmp_path: Path, deployment: Deployment
) -> None:
    """An inline vaulted value is no text on ansible-core 2.16, and escapes `no_log` there if it is taken for one."""
    secret = "of-the-vault-4711"
    (tmp_path / "key").write_text("key-of-the-vault")
    for core in ("main", "core216"):
        if environments.python_of(core) is None:
            continue
        folder = environments.VENVS / core / "bin"
        variables = {**environments.variables(core), **environment(deployment), "ANSIBLE_NOCOLOR": "1"}
        vaulted = subprocess.run(
            [folder / "ansible-vault", "encrypt_string", "--vault-password-file", tmp_path / "key", secret],
            env=variables, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        playbook = tmp_path / f"{core}.yml"
        playbook.write_text(
            "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n"
            "    - emqx.cloud.auth_user:\n        username: vaulted\n        update_password: always\n"
            f"        password: {indented(vaulted)}\n"
            f"    - emqx.cloud.auth_user: {{username: 'uses {secret}', state: absent}}\n"
            "    - emqx.cloud.auth_user:\n        username: 'uses it'\n"
            f"        password: {indented(vaulted)}\n        app_id: 'in {secret}'\n      ignore_errors: true\n"
        )
        done = subprocess.run(
            [folder / "ansible-playbook", "-i", "localhost,", "-vvv", "--diff", "--vault-password-file",
             tmp_path / "key", playbook, "-e", f"ansible_python_interpreter={folder / 'python'}"],
            env=variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert reasons(done.stdout) == []
        assert deployment.check_password("vaulted", secret)
        results = done.stdout.replace(f"uses {secret}", "")  # the name is no secret, whatever it holds
        assert secret not in results


def indented(vaulted: str) -> str:
    """What encrypt_string prints, where a value stands in a playbook."""
    lines = [line.strip() for line in vaulted.splitlines() if line.strip()]
    return "\n          ".join([lines[0], *lines[1:]])


def test_a_play_over_many_hosts_keeps_them_apart(tmp_path: Path) -> None:
    with Simulator.start(count=6) as simulator:
        for strategy in ("linear", "free"):
            hosts = {
                deployment.name: {
                    "emqx_url": deployment.api_url, "emqx_id": deployment.app_id, "emqx_secret": deployment.app_secret,
                    "ansible_connection": "local", "ansible_python_interpreter": sys.executable,
                }
                for deployment in simulator.deployments
            }  # fmt: skip
            inventory = tmp_path / "hosts.json"
            inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
            options = {"api_url": "{{ emqx_url }}", "app_id": "{{ emqx_id }}", "app_secret": "{{ emqx_secret }}"}
            task = {
                "emqx.cloud.auth_user": {"username": "{{ inventory_hostname }}-{{ item }}", "password": "x"},
                "loop": [f"{strategy}-{number}" for number in range(3)],
            }
            output = play(
                tmp_path, [task], {}, "-i", str(inventory), "--limit", "all:!localhost", "-v", hosts="all",
                strategy=f"ansible.builtin.{strategy}", module_defaults={"group/emqx.cloud.deployment": options},
            )  # fmt: skip
            assert output.returncode == 0, output.stdout
            assert reasons(output.stdout) == []
        for deployment in simulator.deployments:
            assert deployment.user_names() == [
                f"{deployment.name}-{strategy}-{number}" for strategy in ("linear", "free") for number in range(3)
            ]


def test_what_is_wrong_is_said_as_a_module_says_it(tmp_path: Path, deployment: Deployment) -> None:
    wrong: list[Mapping[str, Any]] = [
        {"username": "a", "colour": "red"}, {}, {"username": "a", "clientid": "b"}, {"username": ".."},
        {"username": "a", "timeout": "soon"},
    ]  # fmt: skip
    for options in wrong:
        messages = []
        for way in (True, False):
            task = {"emqx.cloud.auth_user": options, "vars": {"emqx_direct_execution": way}}
            output = play(tmp_path, [task], environment(deployment)).stdout
            line = next(line for line in output.splitlines() if line.startswith("fatal:"))
            messages.append(json.loads(line.partition("=> ")[2])["msg"])
        assert messages[0] == messages[1]
