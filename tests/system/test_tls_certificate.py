# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module tls_certificate on the simulated platform, and at an MQTT port that shows what was installed."""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
import trustme

from simulator import Deployment, Fault, Simulator
from system.harness import done, environment, one_sentence, play, refused, run

CA = trustme.CA()
DEVICES = trustme.CA(organization_name="devices")
END = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=90)
NAME = "localhost"


def issued(end: datetime = END, ca: trustme.CA = CA) -> dict[str, str]:
    """A certificate with its chain and key, as options."""
    leaf = ca.issue_cert(NAME, not_after=end)
    chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    return {"cert": chain.decode(), "key": leaf.private_key_pem.bytes().decode()}


FIRST, SECOND = issued(), issued()
LATER = issued(END + timedelta(seconds=1))
TWO_WAY = {**FIRST, "type": "two-way", "cacert": DEVICES.cert_pem.bytes().decode()}


@pytest.fixture(name="simulator")
def fixture_simulator() -> Iterator[Simulator]:
    with Simulator.start(allow_anonymous=True) as simulator:
        yield simulator


def calls(simulator: Simulator) -> list[str]:
    """The calls of the platform so far, without what is the same in all paths."""
    found = [f"{call.method} {call.path.rpartition('/')[2]}" for call in simulator.platform.requests]
    simulator.platform.forget_requests()
    return found


def test_it_is_installed_kept_replaced_and_removed(simulator: Simulator) -> None:
    """One GET, and one change at the most; what check mode predicts is what is then done."""
    id = simulator.deployments[0].id
    simulator.platform.set(certificate_seconds=3600)
    expire = END.strftime("%Y-%m-%dT%H:%M:%SZ")
    for given, change, before, after in (
        (FIRST, "POST tls", None, ("one-way", expire)),
        (FIRST, None, ("one-way", expire), ("one-way", expire)),
        (SECOND, None, ("one-way", expire), ("one-way", expire)),  # the API can't tell these two apart
        ({**SECOND, "force": True}, "PUT tls", ("one-way", expire), ("one-way", expire)),
        (LATER, "PUT tls", ("one-way", expire), ("one-way", expire[:-3] + f"{int(expire[-3:-1]) + 1:02}Z")),
        (TWO_WAY, "PUT tls", None, ("two-way", expire)),
        ({"state": "absent"}, "DELETE tls", ("two-way", expire), None),
        ({"state": "absent"}, None, None, None),
    ):
        predicted = done("tls_certificate", simulator.platform, check=True, deployment=id, **given)
        seen = calls(simulator)
        made = done("tls_certificate", simulator.platform, deployment=id, **given)
        assert {**predicted, "requests": made["requests"]} == made
        assert calls(simulator) == [*seen, *([change] if change else [])] and "GET tls" in seen
        assert made["changed"] is (change is not None)
        for when, expected in (("before", before), ("after", after)):
            shown = made["diff"][when]["certificates"]
            if change and expected and int(expire[-3:-1]) < 59:
                assert [(each["type"], each["expire"]) for each in shown] == [expected]
        if after is None:
            assert made["certificate"] is None
        else:
            assert made["certificate"]["subject"] and made["certificate"]["sans"] == [NAME]
        for secret in ("PRIVATE KEY", "BEGIN CERT"):
            assert secret not in json.dumps(made)
    assert simulator.platform.certificate(id) is None


@pytest.mark.parametrize(
    "form",
    [
        lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        lambda moment: moment.astimezone(timezone(timedelta(hours=8))).isoformat(),
        lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S"),
        lambda moment: moment.strftime("%b %d %H:%M:%S %Y GMT"),
        lambda moment: int(moment.timestamp()),
        lambda moment: str(int(moment.timestamp() * 1000)),
    ],
)
def test_the_expiry_in_whatever_form_it_comes(simulator: Simulator, form: Callable[[datetime], Any]) -> None:
    simulator.platform.tell_expiry(form)
    id = simulator.deployments[0].id
    done("tls_certificate", simulator.platform, deployment=id, **FIRST, wait=True, wait_timeout=5)
    again = done("tls_certificate", simulator.platform, deployment=id, **FIRST, wait=True)
    assert (again["changed"], again["compared_by"], again["requests"]) == (False, "expire", 1)
    assert again["certificate"]["expire"] == again["certificate"]["not_after"]
    assert done("tls_certificate", simulator.platform, check=True, deployment=id, **LATER)["changed"]


def test_an_expiry_that_cant_be_read_never_sends_again_and_again(simulator: Simulator) -> None:
    simulator.platform.tell_expiry(lambda moment: "in spring")
    one = simulator.deployments[0]
    given = {"deployment": one.id, **FIRST}
    done("tls_certificate", simulator.platform, **given, wait=True, wait_timeout=5)
    assert "expire is no time" in refused("tls_certificate", simulator.platform, **given)
    by_port = done("tls_certificate", simulator.platform, **given, mqtt_host=NAME, mqtt_port=one.mqtts_port)
    assert (by_port["changed"], by_port["compared_by"]) == (False, "fingerprint")


# The port


def connects(one: Deployment, certificate: trustme.LeafCert | None = None) -> bool:
    """Whether an MQTT client gets in over TLS, and trusts what it meets."""
    context = ssl.create_default_context(cadata=CA.cert_pem.bytes().decode())
    if certificate:
        certificate.configure_cert(context)
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "device")
    client.tls_set_context(context)
    try:
        client.connect(NAME, one.mqtts_port)
        for _number in range(20):
            if client.loop(0.2) or client.is_connected():
                break
        return client.is_connected()
    except OSError:
        return False
    finally:
        client.disconnect()


def test_the_port_tells_what_the_api_does_not(simulator: Simulator) -> None:
    """A renewed certificate that expires in the same second, and that clients really meet it."""
    one = simulator.deployments[0]
    given = {"deployment": one.id, "mqtt_host": NAME, "mqtt_port": one.mqtts_port, "wait": True, "wait_timeout": 5}
    assert not connects(one)
    first = done("tls_certificate", simulator.platform, **given, **FIRST)
    assert first["compared_by"] is None and first["certificate"]["status"] == "running" and connects(one)
    calls(simulator)
    same = done("tls_certificate", simulator.platform, **given, **FIRST)
    assert (same["changed"], same["compared_by"], calls(simulator)) == (False, "fingerprint", ["GET tls"])
    second = done("tls_certificate", simulator.platform, **given, **SECOND)
    assert second["changed"] and second["compared_by"] == "fingerprint" and "warnings" not in second
    prints = [second["diff"][when]["certificates"][0]["fingerprint"] for when in ("before", "after")]
    assert prints == [each["certificate"]["fingerprint"] for each in (first, second)]
    # While one is on the way the port still shows the one before, which must not count.
    simulator.platform.set(certificate_seconds=3600)
    done("tls_certificate", simulator.platform, **{**given, "wait": False}, **LATER)
    again = done("tls_certificate", simulator.platform, **{**given, "wait": False}, **LATER)
    assert (again["changed"], again["compared_by"]) == (False, "expire")
    assert again["certificate"]["status"] == "pending"


def test_two_way(simulator: Simulator) -> None:
    """Clients need a certificate, and whoever asks for the fingerprint has none."""
    one = simulator.deployments[0]
    given = {**TWO_WAY, "deployment": one.id, "mqtt_host": NAME, "mqtt_port": one.mqtts_port}
    done("tls_certificate", simulator.platform, **given, wait=True, wait_timeout=5)
    again = done("tls_certificate", simulator.platform, **given)
    assert (again["changed"], again["compared_by"]) == (False, "fingerprint")
    assert connects(one, DEVICES.issue_cert("device")) and not connects(one)


def test_a_port_that_cant_be_asked(simulator: Simulator) -> None:
    one = simulator.deployments[0]
    done("tls_certificate", simulator.platform, deployment=one.id, **FIRST, wait=True, wait_timeout=5)
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as closed:
        free = closed.getsockname()[1]
        closed.close()
        for host, port in ((NAME, free), (NAME, silent.getsockname()[1]), (NAME, one.mqtt_port), ("a" * 70, 1)):
            given = {"deployment": one.id, "mqtt_host": host, "mqtt_port": port, "timeout": 1, **SECOND}
            result = done("tls_certificate", simulator.platform, **given)
            assert (result["changed"], result["compared_by"]) == (False, "expire")
            (warning,) = result["warnings"]
            assert f"{host}:{port} (mqtt_host and mqtt_port) can't be asked" in one_sentence(warning)


# Which deployment


def test_by_name_and_what_is_not_there(simulator: Simulator) -> None:
    one, platform = simulator.deployments[0], simulator.platform
    named = done("tls_certificate", platform, deployment_name=one.name, **FIRST)
    assert named["changed"] and calls(simulator) == ["GET deployments", "GET tls", "POST tls"]
    ids = [platform.add_deployment("twin") for _number in range(2)]
    said = refused("tls_certificate", platform, deployment_name="twin", **FIRST)
    assert said == f"2 deployments have the name 'twin': give the id of the one you mean ({', '.join(ids)})."
    # A deployment without a certificate and no deployment are the same 404.
    for given in (FIRST, {"state": "absent"}):
        for check in (False, True):
            result = run("tls_certificate", platform, check=check, deployment="nobody", **given)
            assert result["msg"] == "The account has no deployment with the id 'nobody'."


# Limits and failures


def test_the_limit_of_changes(simulator: Simulator) -> None:
    id, platform = simulator.deployments[0].id, simulator.platform
    for _number in range(6):
        done("tls_certificate", platform, deployment=id, **FIRST, force=True)
    for header in (False, True):
        platform.set(retry_after=header)
        calls(simulator)
        result = run("tls_certificate", platform, deployment=id, **LATER)
        assert result["failed"] and not result["changed"] and result["counts"]["failed"] == 1
        message = one_sentence(result["msg"])
        assert "a certificate may be changed 6 times in 60 minutes" in message
        moment = re.search(r"(20[-0-9]+T[:0-9]+)Z", message)
        assert moment, message
        left = datetime.fromisoformat(moment[1]).replace(tzinfo=timezone.utc) - datetime.now(timezone.utc)
        assert timedelta(minutes=58) < left <= timedelta(minutes=60)
        assert calls(simulator) == ["GET tls", "PUT tls"]
    assert not done("tls_certificate", platform, deployment=id, **FIRST)["changed"]
    platform.forget_limits()
    assert done("tls_certificate", platform, deployment=id, **LATER)["changed"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset", "carried_out": True}, {"kind": "slow", "seconds": 0.8}, {"kind": "status", "status": 502},
        {"kind": "status", "status": 503}, {"kind": "status", "status": 429, "retry_after": 1},
    ],
    ids=lambda fault: f"{fault['kind']}{fault.get('status', '')}",
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_change_is_never_repeated(simulator: Simulator, fault: dict[str, Any], method: str) -> None:
    id, platform = simulator.deployments[0].id, simulator.platform
    if method != "POST":
        done("tls_certificate", platform, deployment=id, **FIRST)
    calls(simulator)
    platform.faults.add(Fault(**fault, method=method))
    given = {"state": "absent"} if method == "DELETE" else LATER
    result = run("tls_certificate", platform, deployment=id, timeout=0.4, **given)
    assert result["failed"] and one_sentence(result["msg"])
    seen = [call for call in calls(simulator) if not call.startswith("GET")]
    # One that the client gave up may not be written down.
    assert seen == [f"{method} tls"] or (fault["kind"] == "slow" and not seen)
    if fault["kind"] != "status":
        assert "may have been carried out." in result["msg"]


def test_an_answer_that_repeats_the_key(simulator: Simulator, tmp_path: Path) -> None:
    id, platform = simulator.deployments[0].id, simulator.platform
    (tmp_path / "key").write_text(FIRST["key"])
    line = FIRST["key"].splitlines()[1]
    body = {"code": "BAD", "message": f"can't use {FIRST['key']} as a key"}
    platform.faults.add(Fault("body", status=422, body=body, method="POST"))
    given = {"deployment": id, "cert": FIRST["cert"], "key_path": str(tmp_path / "key")}
    result = run("tls_certificate", platform, **given)
    assert result["failed"] and "the properties of the request are wrong" in one_sentence(result["msg"])
    assert line not in json.dumps(result)


@pytest.mark.parametrize("body", [[], {}, {"tlsType": "one-way"}, {"tlsType": 1, "status": "running"}])
def test_an_answer_that_is_none(simulator: Simulator, body: Any) -> None:
    simulator.platform.faults.add(Fault("body", body=body, method="GET"))
    message = refused("tls_certificate", simulator.platform, deployment=simulator.deployments[0].id, **FIRST)
    assert "gave an answer that can't be used" in message


def test_waiting_in_vain(simulator: Simulator) -> None:
    id, platform = simulator.deployments[0].id, simulator.platform
    platform.set(certificate_seconds=3600)
    result = run("tls_certificate", platform, deployment=id, **FIRST, wait=True, wait_timeout=0.2)
    waited = f"it is still waited for the certificate of the deployment {id}, which is pending."
    assert result["msg"] == f"After 0.2 s (wait_timeout) {waited}"
    assert result["changed"] and result["certificate"]["status"] == "pending" and result["requests"] <= 24
    again = run("tls_certificate", platform, deployment=id, **FIRST, wait=True, wait_timeout=0.2)
    assert again["msg"].endswith(waited) and not again["changed"]


# From a playbook


def test_a_playbook_with_a_vaulted_key(simulator: Simulator, tmp_path: Path) -> None:
    """Nothing of a key is printed, and an expiry that comes near is warned of."""
    soon = issued(datetime.now(timezone.utc) + timedelta(days=5, hours=1))
    (tmp_path / "password").write_text("open-sesame\n")
    files = {"key": soon["key"], "vaulted.key": soon["key"], "cert": soon["cert"], "both": soon["cert"] + soon["key"]}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    vault = ["--vault-password-file", str(tmp_path / "password")]
    subprocess.run(["ansible-vault", "encrypt", *vault, str(tmp_path / "vaulted.key")], check=True, capture_output=True)
    text = "{{ lookup('ansible.builtin.unvault', '" + str(tmp_path / "vaulted.key") + "') | string }}"
    both = "{{ lookup('ansible.builtin.file', '" + str(tmp_path / "both") + "') }}"
    by_name = {"deployment_name": simulator.deployments[0].name}
    common = {**by_name, "cert_path": str(tmp_path / "cert")}
    tasks: list[dict[str, Any]] = [
        {"emqx.cloud.tls_certificate": {**common, "key": text}},
        {"emqx.cloud.tls_certificate": {**common, "key_path": str(tmp_path / "key"), "warn_days": 5}},
        {
            "emqx.cloud.tls_certificate": {**by_name, "cert": both, "key_path": str(tmp_path / "key"), "force": True},
            "vars": {"emqx_direct_execution": False},
        },
        {"emqx.cloud.tls_certificate": {**common, "key_path": str(tmp_path / "vaulted.key")}},
    ]
    played = play(tmp_path, tasks, environment(simulator.platform), "-vvv", "--diff", *vault)
    assert played.returncode == 2, played.stdout
    assert "lookup('ansible.builtin.unvault', FILE)" in played.stdout
    assert "[WARNING]" in played.stdout and "which is in 5.0 days" in played.stdout
    for line in soon["key"].splitlines()[1:-1]:
        assert line not in played.stdout
    assert [call for call in calls(simulator) if not call.startswith("GET")] == ["POST tls", "PUT tls"]
