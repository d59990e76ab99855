# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m simulator`: runs until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

from . import Fault, Simulator


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="simulator", description="A stateful EMQX Cloud on loopback.")
    arguments.add_argument("--generation", choices=("v4", "v5"), default="v5")
    arguments.add_argument("--port", type=int, default=0, help="of the first deployment's API; 0 is any free port")
    arguments.add_argument("--mqtt-port", type=int, default=0, help="of the first deployment; 0 is any free port")
    arguments.add_argument(
        "--deployments", type=int, default=1, metavar="N", help="how many; ports count on from the first"
    )
    arguments.add_argument(
        "--tls",
        nargs="?",
        const="valid",
        choices=("valid", "expired", "wrong-host", "self-signed"),
        help="HTTPS, with a certificate that is in order or one that isn't",
    )
    arguments.add_argument("--serverless", action="store_true", help="its quotas, and 10 requests a second")
    arguments.add_argument("--bare", action="store_true", help="v5: without authenticator and built-in source")
    arguments.add_argument("--allow-anonymous", action="store_true", help="MQTT clients of unknown users may come in")
    arguments.add_argument("--user", action="append", default=[], metavar="NAME:PASSWORD", help="repeatable")
    arguments.add_argument("--faults", type=Path, metavar="FILE", help="a JSON list of faults, for every deployment")
    arguments.add_argument("--ready-file", type=Path, metavar="FILE", help="written when everything is listening")
    return arguments


def description(simulator: Simulator) -> dict[str, Any]:
    """What a script needs to know to use it."""
    return {
        "deployments": [
            {
                "id": one.id,
                "name": one.name,
                "generation": one.generation,
                "api_url": one.api_url,
                "app_id": one.app_id,
                "app_secret": one.app_secret,
                "mqtt_host": one.mqtt_host,
                "mqtt_port": one.mqtt_port,
                "mqtts_port": one.mqtts_port,
                "control_url": one.control_url,
            }
            for one in simulator.deployments
        ],
        "platform_url": simulator.platform.platform_url,
        "platform_key": simulator.platform.platform_key,
        "platform_secret": simulator.platform.platform_secret,
        "ca_path": simulator.ca_path and str(simulator.ca_path),
    }


def readable(facts: dict[str, Any]) -> str:
    lines = []
    for one in facts["deployments"]:
        lines += [
            f"{one['name']} ({one['generation']})",
            f"  API       {one['api_url']}",
            f"  App       {one['app_id']} / {one['app_secret']}",
            f"  MQTT      {one['mqtt_host']}:{one['mqtt_port']}",
            f"  control   {one['control_url']}",
        ]
    lines += ["platform", f"  API       {facts['platform_url']}"]
    lines += [f"  key       {facts['platform_key']} / {facts['platform_secret']}"]
    if facts["ca_path"]:
        lines += [f"CA file     {facts['ca_path']}"]
    return "\n".join(lines)


def main() -> None:
    arguments = parser().parse_args()
    users = [entry.partition(":")[::2] for entry in arguments.user]
    faults = json.loads(arguments.faults.read_text(encoding="utf-8")) if arguments.faults else []
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with Simulator.start(
        arguments.generation,
        tls=arguments.tls or False,
        count=arguments.deployments,
        serverless=arguments.serverless,
        bare=arguments.bare,
        allow_anonymous=arguments.allow_anonymous,
        port=arguments.port,
        mqtt_port=arguments.mqtt_port,
    ) as simulator:
        for one in simulator.deployments:
            for name, password in users:
                one.add_user(name, password)
            one.faults.add(*(Fault(**fault) for fault in faults))
        facts = description(simulator)
        print(readable(facts), flush=True)
        if arguments.ready_file:
            # Whoever waits for the file must not see half of it.
            partial = arguments.ready_file.with_name(arguments.ready_file.name + ".part")
            partial.write_text(json.dumps(facts, indent=2), encoding="utf-8")
            os.replace(partial, arguments.ready_file)
        ended.wait()


if __name__ == "__main__":
    main()
