# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo: the quick start playbook, run twice; the second run changes nothing.

It runs against the simulator, with three real MQTT clients that are online, or against a real deployment where
EMQX_API_URL, EMQX_APP_ID and EMQX_APP_SECRET are set. EMQX_API_VERSION=v4 shows the simulator's other generation.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator

import paho.mqtt.client as mqtt

from simulator import Deployment, Simulator

DEVICES = ("demo-sensor-1", "demo-sensor-2", "demo-old-gateway")
PASSWORD = "known-to-the-device"
PLAYBOOK = "emqx.cloud.quickstart"
COLOUR = re.compile(r"\x1b\[[\d;]*m")


def main() -> int:
    """Run the demo; return 0 if the first run went well and the second changed nothing."""
    if os.environ.get("EMQX_API_URL"):
        title(f"The quick start, on {os.environ['EMQX_API_URL']}")
        return twice(dict(os.environ))
    with simulated(os.environ.get("EMQX_API_VERSION", "v5"), "The quick start") as connection:
        return twice({**os.environ, **connection})


@contextlib.contextmanager
def simulated(generation: str, what: str) -> Iterator[dict[str, str]]:
    """Start a simulated deployment with devices that are online; give its EMQX_* variables.

    :param generation: v4 or v5.
    :param what: the beginning of the headline that is printed.
    """
    with Simulator.start(generation=generation, tls=True) as simulator:
        deployment = simulator.deployments[0]
        title(f"{what}, on a simulated EMQX Cloud deployment ({generation}): {deployment.api_url}")
        if generation == "v4":
            deployment.load_module("emqx_mod_topic_metrics")
        for name in DEVICES:
            deployment.add_user(name, PASSWORD)
        with contextlib.ExitStack() as stack:
            for name in DEVICES:
                stack.enter_context(connected(deployment, name))
            yield {
                "EMQX_API_URL": deployment.api_url,
                "EMQX_APP_ID": deployment.app_id,
                "EMQX_APP_SECRET": deployment.app_secret,
                "EMQX_API_VERSION": generation,
                "EMQX_CA_PATH": str(deployment.ca_path),
            }


@contextlib.contextmanager
def connected(deployment: Deployment, name: str) -> Iterator[None]:
    """Keep a real MQTT client connected, which doesn't come back when it is thrown out."""
    client = mqtt.Client(
        mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv311, reconnect_on_failure=False
    )
    client.username_pw_set(name, PASSWORD)
    leaving: list[str] = []
    there = threading.Event()
    client.on_connect = lambda *_seen: there.set()
    client.on_disconnect = lambda *_seen: None if leaving else print(f"   MQTT: {name} was disconnected", flush=True)
    client.connect(deployment.mqtt_host, deployment.mqtt_port)
    client.loop_start()
    if not there.wait(10):
        raise TimeoutError(f"{name} can't connect to {deployment.mqtt_host}:{deployment.mqtt_port}")
    print(f"   MQTT: {name} is connected", flush=True)
    try:
        yield
    finally:
        leaving.append(name)
        client.disconnect()
        client.loop_stop()


def twice(variables: dict[str, str]) -> int:
    """Run the playbook two times and judge both."""
    variables |= {"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", "ANSIBLE_NOCOWS": "1", "ANSIBLE_LOCALHOST_WARNING": "false"}
    if sys.stdout.isatty():
        variables["ANSIBLE_FORCE_COLOR"] = "1"
    title("First run")
    if run(variables) is None:
        return 1
    title("Second run: everything is there, so nothing changes")
    changed = run(variables)
    if changed:
        print(f"The second run changed {changed} things, and should have changed nothing.", file=sys.stderr)
    return 0 if changed == 0 else 1


def run(variables: dict[str, str]) -> int | None:
    """Run the playbook, showing what it prints; return how many tasks changed something, or None if it failed."""
    command = ["ansible-playbook", "-i", "localhost,", PLAYBOOK]
    changed = None
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as playbook:
        assert playbook.stdout is not None
        for line in playbook.stdout:
            print(line, end="", flush=True)
            recap = re.search(r"\bok=\d+\s.*?changed=(\d+)", COLOUR.sub("", line))
            changed = int(recap.group(1)) if recap else changed
    return changed if playbook.returncode == 0 else None


def title(text: str) -> None:
    """Print a headline."""
    print(f"\n== {text}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
