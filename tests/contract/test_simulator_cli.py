# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m simulator`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

TESTS = Path(__file__).parent.parent
SECONDS = 30


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "simulator", "--ready-file", str(ready), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            end = time.monotonic() + SECONDS
            while not ready.exists():
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < end, "not ready"
                time.sleep(0.02)
            yield process, json.loads(ready.read_text(encoding="utf-8"))
        finally:
            if process.poll() is None:
                process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_until_it_is_told_to_end(tmp_path: Path, session: requests.Session, number: int) -> None:
    arguments = ("--generation", "v4", "--user", "alice:a:b", "--user", "bob:", "--deployments", "2")
    with running(tmp_path, *arguments) as (process, facts):
        one = facts["deployments"][1]
        auth = (one["app_id"], one["app_secret"])
        names = [row["username"] for row in session.get(one["api_url"] + "/auth_username", auth=auth).json()["data"]]
        assert sorted(names) == ["alice", "bob"]
        process.send_signal(number)
        output, errors = process.communicate(timeout=SECONDS)
        assert (process.returncode, errors) == (0, "")
    for fact in (one["api_url"], one["app_secret"], f"{one['mqtt_host']}:{one['mqtt_port']}", facts["platform_url"]):
        assert fact in output


def test_tls_serverless_and_faults(tmp_path: Path, session: requests.Session) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps([{"kind": "status", "status": 503, "times": 1}]), encoding="utf-8")
    with running(tmp_path, "--tls", "--serverless", "--faults", str(faults)) as (_process, facts):
        (one,) = facts["deployments"]
        options: dict[str, Any] = {
            "auth": (one["app_id"], one["app_secret"]),
            "verify": facts["ca_path"],
            "timeout": 10,
        }
        statuses = [session.get(one["api_url"] + "/clients", **options).status_code for _number in range(2)]
        assert statuses == [503, 200]
        auth = (facts["platform_key"], facts["platform_secret"])
        listed = session.get(facts["platform_url"] + "/deployments", **{**options, "auth": auth}).json()
        assert [row["deploymentType"] for row in listed] == ["serverless"]
