# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of the modules reads well, is complete, and its examples run."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from simulator import Deployment, Simulator
from system.harness import PLUGINS, environment, play

# Modules for what the other generation lacks: their examples run where they can.
ONE_GENERATION = {
    **dict.fromkeys(("resource", "shadow", "shadow_info"), "v4"),
    **dict.fromkeys(("authenticator", "authorization_settings", "authorization_source"), "v5"),
    **dict.fromkeys(("action", "connector", "source"), "v5"),
    **dict.fromkeys(("retained_message", "retained_message_info"), "v5"),
}

# Modules of the Platform API, which has no generation.
OF_THE_PLATFORM = ("deployment", "deployment_info", "project_info", "tls_certificate")

# What the controller does: the module is only its documentation.
ONLY_ACTIONS = ("validate_model",)

MODULES = sorted(path.stem for path in (Path(__file__).parents[2] / "plugins" / "modules").glob("*.py"))

# Last those that raise alarms, and the one that disconnects the client of the others.
LAST = ("action", "connector", "source", "client")
IN_ORDER = [*(name for name in MODULES if name not in LAST), *LAST]

# Twenty, so that the one who goes stays below the example's limit of a tenth.
DEVICES = [{"username": f"device-{index}", "password": "x"} for index in range(20)]


def furnish(simulator: Simulator) -> Deployment:
    """Make what the examples speak of; return the deployment that they are run on."""
    deployment, platform = simulator.deployments[0], simulator.platform
    deployment.add_users(device["username"] for device in DEVICES)
    deployment.add_client("gateway-7", username="gateway", proto_ver=5)
    platform.set(operation_seconds=0, certificate_seconds=0)
    platform.add_deployment("test-bench", status="stopped")
    for name in ("fleet", "plant"):
        platform.add_deployment(name)
    return deployment


@pytest.fixture(scope="module")
def documented() -> dict[str, Any]:
    names = [f"emqx.cloud.{name}" for name in MODULES]
    printed = subprocess.run(["ansible-doc", "--json", *names], capture_output=True, text=True, check=True)
    return json.loads(printed.stdout)


@pytest.mark.parametrize("name", MODULES)
def test_every_option_and_attribute_is_documented(documented: dict[str, Any], name: str) -> None:
    kind = "action." if name in ONLY_ACTIONS else "modules."
    module = importlib.import_module(PLUGINS + kind + name)
    entry = documented[f"emqx.cloud.{name}"]
    assert set(entry["doc"]["options"]) == set(module.SPEC.arguments()["argument_spec"])
    for attribute in ("check_mode", "diff_mode", "idempotent", "platform", "action_group"):
        assert entry["doc"]["attributes"][attribute]["support"]
    assert entry["doc"]["version_added"] and "requests" in entry["return"]
    assert all("sample" in value or "contains" in value for value in entry["return"].values())
    assert f"emqx.cloud.{name}" in entry["examples"]


def test_modules_name_each_other(documented: dict[str, Any]) -> None:
    """Whoever reads of one module finds those that belong to it, from both sides."""
    others = {
        name: {each["module"] for each in entry["doc"].get("seealso") or ()} for name, entry in documented.items()
    }
    assert [(a, b) for a in others for b in others[a] if a not in others[b]] == []
    assert [name for name in others if not others[name]] == ["emqx.cloud.api"]


def test_what_is_the_same_is_said_in_the_same_words(documented: dict[str, Any]) -> None:
    words: dict[str, set[str]] = {}
    for entry in documented.values():
        for key in ("error", "failures", "applied", "failures_left_out", "applied_left_out", "requests"):
            if key in entry["return"]:
                said = {name: entry["return"][key][name] for name in ("description", "returned", "type")}
                words.setdefault(key, set()).add(json.dumps(said))
        for option, about in entry["doc"]["options"].items():
            if option.startswith("like"):
                words.setdefault(option + "*", set()).add(about["description"][0].partition(". ")[2])
    assert {key: found for key, found in words.items() if len(found) > 1} == {}


def test_a_module_for_one_generation_says_so_where_modules_are_listed(documented: dict[str, Any]) -> None:
    told = {name: entry["doc"]["short_description"] for name, entry in documented.items()}
    found = {name[len("emqx.cloud."):]: text[-3:-1] for name, text in told.items() if text.endswith(("(v4)", "(v5)"))}
    assert found == ONE_GENERATION


def test_the_readme_lists_every_module_once() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    table = readme.partition("\n## Modules\n")[2].partition("\n## ")[0]
    firsts = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`emqx\.cloud\.(\w+)`", " ".join(firsts))) == MODULES


def test_ansible_doc_renders_a_module_for_people() -> None:
    command = ["ansible-doc", "-t", "module", "emqx.cloud.auth_user"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    for part in ("update_password", "EMQX_APP_SECRET", "ATTRIBUTES", "EXAMPLES", "RETURN VALUES", "module_defaults"):
        assert part in shown.stdout
    assert "[DEPRECATION" not in shown.stderr and "[WARNING" not in shown.stderr


def write_certificates(folder: Path) -> None:
    """The files that examples name."""
    files = folder / "files"
    files.mkdir()
    ca, leaf = trustme.CA(), trustme.CA().issue_cert("mqtt.example.com")
    for name in ("fullchain.pem", "mqtt.crt"):
        leaf.cert_chain_pems[0].write_to_path(files / name)
    for name in ("privkey.pem", "mqtt.key"):
        leaf.private_key_pem.write_to_path(files / name)
    ca.cert_pem.write_to_path(files / "devices-ca.crt")
    trustme.CA().cert_pem.write_to_path(files / "new-devices-ca.crt")


@pytest.mark.parametrize("generation", ["v4", "v5"])
def test_the_examples_run(tmp_path: Path, documented: dict[str, Any], generation: str) -> None:
    """All examples of all modules, in one playbook for each generation."""
    (tmp_path / "devices.csv").write_text("username,password,is_superuser\nsensor-1,of-1,\nsensor-2,of-2,\n")
    (tmp_path / "stolen.csv").write_text("clientid,reason\nstolen-8,reported stolen\n")
    rules = [{"topic": "measured/3", "action": "publish", "permission": "allow"}]
    (tmp_path / "rules.json").write_text(json.dumps([{"clientid": "sensor-3", "rules": rules}]))
    write_certificates(tmp_path)
    variables = {
        "letsencrypt": str(tmp_path / "files"),
        "vault_gateway_password": "an-old-password",
        "vault_new_gateway_password": "a-new-password",
        "vault_ops_password": "another-password",
        "vault_token_secret": "a-token-secret",
        "vault_auth_key": "a-key",
        "vault_hook_token": "an-old-token",
        "vault_new_hook_token": "a-new-token",
        "vault_headquarters_password": "a-password-there",
        "devices": DEVICES,
    }
    with Simulator.start(generation=generation, tls=True) as simulator:
        deployment = furnish(simulator)
        variables["headquarters_address"] = f"{deployment.mqtt_host}:{deployment.mqtt_port}"
        tasks = []
        for name in IN_ORDER:
            if ONE_GENERATION.get(name, "v5" if name in OF_THE_PLATFORM else generation) != generation:
                continue
            for task in yaml.safe_load(documented[f"emqx.cloud.{name}"]["examples"]):
                if generation == "v4" and task.get("emqx.cloud.api", {}).get("path") == "publish":
                    continue  # v4's call for it is mqtt/publish
                tasks.append(task)
        done = play(tmp_path, tasks, environment(deployment, simulator.platform), vars=variables)
        assert done.returncode == 0, done.stdout
        assert "[WARNING]" not in done.stdout
