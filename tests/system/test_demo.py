# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo, as `make demo` runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from demo import COLOUR
from simulator import Simulator
from system.harness import environment

ROOT = Path(__file__).parents[2]


def demo(variables: dict[str, str]) -> str:
    """Run it; return what it printed."""
    command, everything = [sys.executable, "tests/demo.py"], {**os.environ, **variables}
    done = subprocess.run(command, cwd=ROOT, env=everything, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("generation", ["v4", "v5"])
def test_the_second_run_changes_nothing(generation: str) -> None:
    # One of them as on a terminal, in colours.
    printed = demo({"EMQX_API_VERSION": generation, "ANSIBLE_FORCE_COLOR": str(generation == "v4")})
    printed = COLOUR.sub("", printed)
    assert re.findall(r"changed=(\d+)", printed) == ["8", "0"]
    assert "demo-old-gateway was disconnected" in printed
    assert "demo-sensor-1 was disconnected" not in printed
    assert re.search(r"3\. users, applied +8 +0 +0 +2 +[23]\n", printed)
    assert re.search(r"5\. access rules +10 +0 +0 +0 +[2-8]\n", printed)
    assert re.search(r"7\. topics counted +2 +0 +0 +0 +\d\n", printed)
    assert "known-to-the-device" not in printed


def test_a_deployment_of_ones_own_is_used_where_one_is_named() -> None:
    with Simulator.start(tls=True) as simulator:
        deployment = simulator.deployments[0]
        deployment.add_users(["somebody-else"])
        printed = demo(environment(deployment))
        assert re.findall(r"changed=(\d+)", printed) == ["5", "0"]
        assert deployment.api_url in printed
        assert "somebody-else" in deployment.user_names() and "demo-operator" in deployment.user_names()
