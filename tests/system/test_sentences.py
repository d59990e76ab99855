# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user reads when something is wrong, from a real playbook: one clear sentence each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator import Fault, Simulator
from system.harness import environment, failure_of, play, run

LOOK: dict[str, Any] = {"emqx.cloud.auth_user": {"username": "alice", "password": "pa55-of-alice"}}


def said(folder: Path, variables: dict[str, str], task: dict[str, Any] | None = None, *arguments: str) -> str:
    """The sentence that one task fails with."""
    done = play(folder, [task or LOOK], variables, *arguments)
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stdout
    return failure_of(done.stdout)


@pytest.mark.parametrize("generation", ["v4", "v5"])
def test_wrong_credentials(tmp_path: Path, generation: str) -> None:
    with Simulator.start(generation=generation, tls=True) as simulator:
        variables = {**environment(simulator.deployments[0]), "EMQX_APP_SECRET": "wrong-secret-7c1d"}
        sentence = said(tmp_path, variables)
        assert "the credentials are refused: check app_id and app_secret (HTTP 401" in sentence
        assert "wrong-secret-7c1d" not in sentence
        assert len(simulator.deployments[0].requests) == 1


@pytest.mark.parametrize(
    ("tls", "sentence"),
    [
        ("expired", "has expired"),
        ("wrong-host", "is for another host name; check api_url"),
        ("self-signed", "is signed by an unknown authority; set ca_path to its CA certificate"),
    ],
)
def test_a_certificate_that_is_not_in_order(tmp_path: Path, tls: str, sentence: str) -> None:
    with Simulator.start(tls=tls) as simulator:
        variables = environment(simulator.deployments[0])
        if tls == "self-signed":
            del variables["EMQX_CA_PATH"]
        assert sentence in said(tmp_path, variables)
        assert simulator.deployments[0].requests == []
        result = run("auth_user_info", simulator.deployments[0], validate_certs=False)
        assert result.get("failed") is None


def test_an_unknown_authority(tmp_path: Path) -> None:
    with Simulator.start(tls=True) as simulator:
        variables = environment(simulator.deployments[0])
        del variables["EMQX_CA_PATH"]
        assert "is signed by an unknown authority" in said(tmp_path, variables)


def test_a_host_that_is_not_there(tmp_path: Path) -> None:
    variables = {"EMQX_APP_ID": "id", "EMQX_APP_SECRET": "secret", "EMQX_RETRIES": "0"}
    unknown = {**variables, "EMQX_API_URL": "https://nowhere.invalid:8443/api/v5"}
    assert "the host name of api_url can't be resolved" in said(tmp_path, unknown)
    closed = {**variables, "EMQX_API_URL": "https://127.0.0.1:9/api/v5"}
    assert "the connection is refused; check host and port of api_url" in said(tmp_path, closed)


def test_a_v5_option_on_a_v4_deployment(tmp_path: Path) -> None:
    with Simulator.start(generation="v4", tls=True) as simulator:
        task = {"emqx.cloud.auth_user": {"username": "alice", "password": "pa55-of-alice", "is_superuser": True}}
        sentence = said(tmp_path, environment(simulator.deployments[0]), task)
        assert sentence == (
            "is_superuser is given for the username 'alice', but needs a v5 deployment: v4 knows no superusers."
        )


def test_requests_is_missing(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    python = tmp_path / "bare" / "bin" / "python"
    variables = {"EMQX_API_URL": "https://localhost/api/v5", "EMQX_APP_ID": "id", "EMQX_APP_SECRET": "secret"}
    sentence = said(tmp_path, variables, None, "-e", f"ansible_python_interpreter={python}")
    assert sentence == f"The Python library requests is missing for {python}: pip install requests."
    query = {"emqx.cloud.auth_user_info": {"query": "[].username"}}
    sentence = said(tmp_path, variables, query, "-e", f"ansible_python_interpreter={python}")
    assert sentence == f"query needs the Python library jmespath for {python}: pip install jmespath."
    certificate = {"emqx.cloud.tls_certificate": {"deployment": "a", "cert": "a-cert", "key": "a-key"}}
    variables = {"EMQX_PLATFORM_URL": "https://localhost/public_api/v1", "EMQX_PLATFORM_KEY": "k"}
    variables["EMQX_PLATFORM_SECRET"] = "another-secret-7c1d"
    sentence = said(tmp_path, variables, certificate, "-e", f"ansible_python_interpreter={python}")
    missing = f"The Python library cryptography, of version 40 or later, is missing for {python}"
    assert sentence == f"{missing}: pip install cryptography."


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("https://id:s3cret-in-url@localhost/api/v5", "api_url holds credentials"),
        ("http://192.0.2.1/api/v5", "api_url is plain HTTP to 192.0.2.1"),
        ("https://localhost/public_api/v1", "that of the Platform API"),
        ("https://localhost/mqtt", "should end in /api/v5, /api or /api/v4"),
        ("localhost:8443/api/v5", "api_url is no valid URL"),
        ("https://localhost/api/v5?x=1", "api_url doesn't tell"),
        ("https://localhost:port/api/v5", "api_url is no valid URL"),
    ],
)
def test_an_address_that_cant_be_right(tmp_path: Path, url: str, sentence: str) -> None:
    variables = {"EMQX_API_URL": url, "EMQX_APP_ID": "id", "EMQX_APP_SECRET": "secret"}
    seen = said(tmp_path, variables)
    assert sentence in seen or ("?" in url and "query or a fragment" in seen)
    assert "s3cret" not in seen


@pytest.mark.parametrize("generation", ["v4", "v5"])
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Fault("status", status=429), "too many requests"),
        (Fault("status", status=429, retry_after=86_400), "It may be tried again in 86400 s"),
        (Fault("status", status=503), "the service is not available"),
        (Fault("body", status=502, body="<html>bad gateway</html>"), "the gateway got no valid answer"),
        (Fault("not_json"), "no"),
        (Fault("truncated"), "No answer from"),
        (Fault("reset"), "the connection was lost"),
        (Fault("slow", seconds=5), "the answer took longer than timeout (0.2 s) allows"),
        (Fault("body", body={"data": "nonsense", "code": 0}), "can't be used"),
        (Fault("body", body=[1, 2]), "v4 deployment sends"),
    ],
    ids=lambda value: value.kind + str(value.status or "") if isinstance(value, Fault) else "",
)
def test_an_answer_that_is_none(generation: str, fault: Fault, sentence: str) -> None:
    with Simulator.start(generation=generation) as simulator:
        deployment = simulator.deployments[0]
        deployment.faults.add(fault)
        result = run("client_info", deployment, retries=0, timeout=0.2)
        assert result["failed"] and not result["changed"]
        if generation == "v4" or "v4" not in sentence:
            assert sentence in result["msg"]
        assert "\n" not in result["msg"] and "Traceback" not in result["msg"]


@pytest.mark.parametrize("generation", ["v4", "v5"])
def test_a_connection_that_is_lost_half_way_tells_what_was_applied(generation: str) -> None:
    with Simulator.start(generation=generation) as simulator:
        deployment = simulator.deployments[0]
        names = [f"u{index:02}" for index in range(40)]
        deployment.add_users(["keep", *names])
        deployment.faults.add(Fault("status", status=401, method="DELETE", nth=10, times=1000))
        result = run("auth_users", deployment, users=[{"username": "keep"}], purge=True, max_connections=1)
        assert result["failed"] and result["changed"]
        assert result["counts"] == {"created": 0, "updated": 0, "deleted": 9, "unchanged": 1, "failed": 31}
        assert len(deployment.user_names()) == 32
        assert sorted(item["item"]["username"] for item in result["applied"] + result["failures"]) == names
        assert "31 of 40 changes failed" in result["msg"] and "check app_id and app_secret" in result["msg"]
        assert sum(1 for call in deployment.requests if call.method == "DELETE") == 10
