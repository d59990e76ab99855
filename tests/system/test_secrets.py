# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords and the App Secret appear nowhere, whatever is printed."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import quote

import pytest

from simulator import Fault, Simulator
from system.harness import environment, play

PASSWORDS = [f"Pa55/word+{index} ü" for index in range(12)]


@pytest.mark.parametrize("generation", ["v4", "v5"])
def test_nothing_secret_is_printed_at_the_highest_verbosity(tmp_path: Path, generation: str) -> None:
    with Simulator.start(generation=generation, tls=True) as simulator:
        deployment = simulator.deployments[0]
        users = [{"username": f"user-{index}", "password": password} for index, password in enumerate(PASSWORDS)]
        one = {"username": "user-0", "password": PASSWORDS[0]}
        body = {"username": "user-x"} if generation == "v4" else {"user_id": "user-x"}
        path = "auth_username" if generation == "v4" else "authentication/password_based%3Abuilt_in_database/users"
        post = {"method": "POST", "path": path}
        tasks = [
            {"emqx.cloud.auth_users": {"users": users}, "check_mode": True},
            {"emqx.cloud.auth_users": {"users": users}},
            {"emqx.cloud.auth_users": {"users": users, "update_password": "always"}},
            {"emqx.cloud.auth_user": {**one, "update_password": "always"}},
            {"emqx.cloud.auth_user_info": {}},
            {"emqx.cloud.api": {**post, "body": body, "secret_body": {"password": PASSWORDS[1]}}},
            # Each way to fail: bad input, a broken answer, and an answer that repeats what was sent.
            {"emqx.cloud.auth_users": {"users": [*users, {"username": "user-0", "password": "other"}]}},
            {"emqx.cloud.auth_user": {"username": "..", "password": PASSWORDS[0]}},
            {"emqx.cloud.auth_user": {"username": "echo", "password": PASSWORDS[2]}},
            {"emqx.cloud.auth_user": {**one, "app_secret": deployment.app_secret + "x"}},
        ]
        nth = 3 if generation == "v4" else 2  # v5 creates many users at another path
        echo = f"you sent {PASSWORDS[2]} as {deployment.app_secret}"
        answer = {"code": "BAD_REQUEST", "message": echo}
        deployment.faults.add(Fault("body", status=400, body=answer, path="/" + path, method="POST", nth=nth))
        tasks = [{**task, "failed_when": False} for task in tasks]
        variables = {**environment(deployment), "ANSIBLE_DEBUG": "false"}
        done = play(tmp_path, tasks, variables, "-vvvv", "--diff")
        assert done.returncode == 0, done.stdout
        assert "you sent ********" in done.stdout
        pairs = [f"{deployment.app_id}:{deployment.app_secret}", f"{deployment.app_id}:{deployment.app_secret}x"]
        secrets = [*PASSWORDS, deployment.app_secret, *(base64.b64encode(pair.encode()).decode() for pair in pairs)]
        for secret in secrets:
            for form in (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()):
                assert form not in done.stdout
        assert not [call for call in deployment.requests if "Pa55" in call.path + call.query]


def test_an_app_secret_in_a_result_is_masked_as_a_substring(tmp_path: Path) -> None:
    with Simulator.start(tls=True) as simulator:
        deployment = simulator.deployments[0]
        deployment.add_client("dev", username=f"uses-{deployment.app_secret}")
        done = play(tmp_path, [{"emqx.cloud.client_info": {}}], environment(deployment), "-vvv")
        assert done.returncode == 0, done.stdout
        assert deployment.app_secret not in done.stdout and "uses-********" in done.stdout
