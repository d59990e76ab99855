# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What config_info tells can be handed back to the modules, and changes nothing; secrets it doesn't tell."""

from __future__ import annotations

import json
from typing import Any

from simulator import Deployment, Simulator
from system.harness import done

MODULES = {
    "authenticators": "authenticator", "authorization_sources": "authorization_source", "connectors": "connector",
    "actions": "action", "sources": "source", "resources": "resource",
}
TEMPLATE = "{{ lookup('pipe', 'touch /tmp/never') }}"


def handed_back(deployment: Deployment, setup: dict[str, Any]) -> list[str]:
    """What handing a set-up back to the modules changes."""
    changed = []
    for part, module in MODULES.items():
        for item in setup.get(part, []):
            options = {name: value for name, value in item.items() if name != "secrets"}
            changed += [f"{part}: {options}"] if done(module, deployment, **options)["changed"] else []
    if "authorization_settings" in setup:
        result = done("authorization_settings", deployment, **setup["authorization_settings"])
        changed += ["settings"] if result["changed"] else []
    return changed


def test_a_v5_deployment() -> None:
    with Simulator.start("v5") as simulator:
        v5 = simulator.deployments[0]
        url = "http://user:hush@127.0.0.1:9/in"
        secret = {"headers": {"authorization": "Bearer hush", "x-api-key": "hush"}}
        done("connector", v5, type="http", name="hook", config={"url": url, "pool_size": 3}, secret_config=secret)
        body = {"method": "put", "path": "/in", "body": TEMPLATE}
        done("action", v5, type="http", name="post", connector="hook", config={"parameters": body}, enabled=False)
        broker = {"server": "127.0.0.1:9", "username": "u"}
        done("connector", v5, type="mqtt", name="broker", config=broker, secret_config={"password": "hush"})
        done("source", v5, type="mqtt", name="in", connector="broker", config={"parameters": {"topic": "t/#"}})
        config = {"use_jwks": False, "algorithm": "hmac-based"}
        done("authenticator", v5, mechanism="jwt", config=config, secret_config={"secret": "hush"}, position="front")
        done("authorization_settings", v5, no_match="deny", cache={"excludes": [TEMPLATE]})
        setup = done("config_info", v5)
        assert setup["requests"] == 6 and "hush" not in json.dumps(setup)
        assert [item["mechanism"] for item in setup["authenticators"]] == ["jwt", "password_based"]
        assert [(item["type"], item["secrets"]) for item in setup["connectors"]] == [
            ("http", ["headers.authorization", "headers.x-api-key", "url"]), ("mqtt", ["password"]),
        ]
        assert setup["actions"][0]["config"]["parameters"]["body"] == TEMPLATE
        assert setup["actions"][0]["enabled"] is False
        assert handed_back(v5, setup) == []
        assert done("config_info", v5) == setup


def test_a_v4_deployment() -> None:
    with Simulator.start("v4") as simulator:
        v4 = simulator.deployments[0]
        url = "https://hooks.example.com/?token=hush"
        config = {"url": url, "pool_size": 3, "headers": {"x-odd": "told", "accept": TEMPLATE}}
        secret = {"headers": {"authorization": "hush"}}
        done("resource", v4, name="b", type="web_hook", config=config, secret_config=secret, description=TEMPLATE)
        done("resource", v4, name="a", type="web_hook", config={"url": "https://hooks.example.com"})
        setup = done("config_info", v4, secret_places=["headers.X-Odd"])
        assert setup["requests"] == 1 and "hush" not in json.dumps(setup) and "told" not in json.dumps(setup)
        assert [item["name"] for item in setup["resources"]] == ["a", "b"]
        assert setup["resources"][1]["secrets"] == ["headers.authorization", "headers.x-odd", "url"]
        assert setup["resources"][1]["description"] == TEMPLATE
        assert handed_back(v4, setup) == []
