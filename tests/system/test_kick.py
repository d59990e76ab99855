# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook `emqx.cloud.kick`, on real MQTT clients: at a terminal, and without one."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from pexpect.popen_spawn import PopenSpawn

from demo import PASSWORD, connected
from simulator import Deployment, Simulator
from system.harness import connection, environment, needs
from tooling import environments

QUESTION = "yes or no"
# A process of one thread forks a terminal; this one has the simulator's.
TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
NOBODY = "Nobody was kicked."


@pytest.fixture(params=["v4", "v5"])
def deployment(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """A deployment with three real clients, of which two are gateways."""
    with Simulator.start(request.param, tls=True) as simulator, contextlib.ExitStack() as stack:
        deployment = simulator.deployments[0]
        for name in ("gateway-1", "gateway-2", "sensor-1"):
            stack.enter_context(online(deployment, name))
        yield deployment


@contextlib.contextmanager
def online(deployment: Deployment, name: str) -> Iterator[None]:
    """Keep a real client connected, whose id and user name this is."""
    deployment.add_user(name, PASSWORD)
    with connected(deployment, name):
        yield


def command(core: str, *arguments: str) -> list[str]:
    """The command line, with variables of the playbook (`NAME=VALUE`) or options."""
    extra = [word for each in arguments for word in ([each] if each.startswith("-") else ["-e", each])]
    program = environments.VENVS / core / "bin" / "ansible-playbook"
    return [str(program), "-i", "localhost,", "emqx.cloud.kick", *extra]


def variables(deployment: Deployment, core: str) -> dict[str, str]:
    """The environment of the command."""
    return {**environments.variables(core), **environment(deployment), "ANSIBLE_LOCALHOST_WARNING": "false"}


def kick(deployment: Deployment, *arguments: str, core: str = "main", status: int = 0) -> str:
    """Run it where there is no terminal; return what it printed."""
    done = subprocess.run(
        command(core, *arguments),
        env=variables(deployment, core),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout
    return done.stdout


def at_a_terminal(deployment: Deployment, *arguments: str) -> PopenSpawn:
    """Run it at a terminal of its own, until it asks."""
    words = [sys.executable, "-c", TERMINAL, *command("main", *arguments)]
    terminal = PopenSpawn(words, env=variables(deployment, "main"), timeout=60, encoding="utf-8")
    terminal.expect_exact(QUESTION)
    return terminal


def answered(terminal: PopenSpawn, answer: str) -> str:
    """Answer; return what it printed to its end, which has to be a good one."""
    # Ansible drops what was typed before it listens, so an answer may be too early.
    for patience in (5, 5, 60):
        terminal.sendline(answer)
        if terminal.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=patience) == 0:
            break
    printed = str(terminal.before)
    assert terminal.wait() == 0, printed
    return printed


@pytest.mark.parametrize("deployment", ["v5"], indirect=True)
def test_without_a_terminal_nobody_is_kicked(deployment: Deployment) -> None:
    printed = kick(deployment, "kick_like_username=gateway-")
    assert "gateway-1" in printed and "gateway-2" in printed and "sensor-1" not in printed
    assert NOBODY in printed and "-e kick_confirm=true" in printed
    # And neither where somebody said no.
    assert NOBODY in kick(deployment, "kick_like_username=gateway-", "kick_confirm=no")
    assert deployment.count_clients() == 3
    assert {call.method for call in deployment.requests} == {"GET"}


def test_confirmed_it_kicks_those_that_were_found(deployment: Deployment) -> None:
    predicted = kick(deployment, "kick_like_clientid=gateway-", "kick_confirm=true", "--check")
    assert "Would be kicked: 2." in predicted and "changed=1 " in predicted
    # Unconfirmed, check mode predicts what a yes would do.
    assert "Would be kicked: 2." in kick(deployment, "kick_like_clientid=gateway-", "--check")
    assert deployment.count_clients() == 3
    printed = kick(deployment, "kick_like_clientid=gateway-", "kick_confirm=true")
    assert "Kicked: 2. Gone before: 0. Back at once: 0." in printed and "changed=1 " in printed
    assert deployment.client_ids() == ["sensor-1"]
    printed = kick(deployment, "kick_like_clientid=gateway-", "kick_confirm=true")
    assert "No client was found; nobody was kicked." in printed and "changed=0 " in printed


@pytest.mark.parametrize("deployment", ["v5"], indirect=True)
def test_a_yes_at_a_terminal_kicks_only_those_that_were_shown(deployment: Deployment) -> None:
    terminal = at_a_terminal(deployment, "kick_like_clientid=gateway-")
    assert "gateway-1" in terminal.before and "sensor-1" not in terminal.before
    with online(deployment, "gateway-3"):
        assert "Kicked: 2." in answered(terminal, "yes")
        assert sorted(deployment.client_ids()) == ["gateway-3", "sensor-1"]


@pytest.mark.parametrize("deployment", ["v5"], indirect=True)
@pytest.mark.parametrize("answer", ["", "yes please"])
def test_any_other_answer_kicks_nobody(deployment: Deployment, answer: str) -> None:
    terminal = at_a_terminal(deployment, "kick_username=gateway-1")
    assert NOBODY in answered(terminal, answer)
    assert deployment.count_clients() == 3


@pytest.mark.parametrize("deployment", ["v5"], indirect=True)
def test_somebody_has_to_be_meant(deployment: Deployment) -> None:
    everything = [[], ["kick_conn_state=connected", "kick_username=", "kick_clientid=", "kick_sessions=true"]]
    for arguments in everything:
        printed = kick(deployment, "kick_confirm=true", *arguments, status=2)
        assert "Nobody is meant: give a filter, such as kick_clientid" in printed
    assert deployment.requests == []


@pytest.mark.parametrize("deployment", ["v5"], indirect=True)
def test_falsehood_and_zero_are_filters(deployment: Deployment) -> None:
    """They aren't taken for a filter that isn't given, which would mean everybody."""
    for given in ('{"kick_clientid": 0}', '{"kick_clean_start": false}'):
        assert "No client was found; nobody was kicked." in kick(deployment, given, "kick_confirm=true")
    assert deployment.count_clients() == 3


@pytest.mark.parametrize("deployment", ["v5"], indirect=True)
def test_more_than_the_limit_are_not_kicked(deployment: Deployment) -> None:
    printed = kick(deployment, "kick_like_clientid=-", "kick_confirm=true", "kick_limit=2", status=2)
    assert "More than 2 clients were found: nobody is kicked." in printed
    assert deployment.count_clients() == 3
    assert "Kicked: 3." in kick(deployment, "kick_like_clientid=-", "kick_confirm=true", "kick_limit=3")


@pytest.mark.parametrize("deployment", ["v5"], indirect=True)
def test_kept_sessions_only_when_asked_for(deployment: Deployment) -> None:
    deployment.add_client("gateway-kept", connected=False)
    assert "Kicked: 2." in kick(deployment, "kick_like_clientid=gateway-", "kick_confirm=true")
    printed = kick(deployment, "kick_like_clientid=gateway-", "kick_confirm=true", "kick_sessions=true")
    assert "Kicked: 1." in printed
    assert deployment.client_ids() == ["sensor-1"]


def test_deployments_of_an_inventory(tmp_path: Path) -> None:
    """Each with the connection that its variables say, and not with that of the environment."""
    with Simulator.start(tls=True, count=3) as simulator:
        unmeant, *meant = simulator.deployments
        hosts = {}
        for number, each in enumerate(simulator.deployments):
            each.add_client("gateway-1")
            options = {f"emqx_{name}": value for name, value in connection(each).items()}
            hosts[f"plant-{number}"] = {**options, "ansible_connection": "ssh"}
        inventory = tmp_path / "hosts.json"
        inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
        arguments = [f"--inventory={inventory}", "--limit=plant-1,plant-2", "kick_hosts=all"]
        printed = kick(unmeant, *arguments, "kick_clientid=gateway-1", "kick_confirm=true")
        assert printed.count("Kicked: 1.") == 2
        assert [each.client_ids() for each in simulator.deployments] == [["gateway-1"], [], []]


@pytest.mark.parametrize("core", ["main", "core216"])
def test_what_devices_chose_is_data(deployment: Deployment, core: str, tmp_path: Path) -> None:
    """Ids with templates and commas are shown, kicked, and never evaluated; white space can't forge a line."""
    needs(core)
    evidence = tmp_path / "evaluated"
    names = ["gw-{{ lookup('pipe', 'touch " + str(evidence) + "') }}", "gw-a,gateway-1", "gw-\u2028forged", "gw-{% x"]
    with contextlib.ExitStack() as stack:
        for name in names:
            stack.enter_context(online(deployment, name))
        printed = kick(deployment, "kick_like_clientid=gw-", "kick_confirm=true", core=core)
        assert f"Kicked: {len(names)}." in printed
        assert names[0] in printed and "gw- forged" in printed
        assert sorted(deployment.client_ids()) == ["gateway-1", "gateway-2", "sensor-1"]
    assert not evidence.exists()
