# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What RETURN documents is what comes: the examples of all modules, in check mode, when changes fail, and for good."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator import Deployment, Fault, Simulator
from system.harness import PLUGINS, run
from system.test_documentation import (
    DEVICES,
    IN_ORDER,
    MODULES,
    OF_THE_PLATFORM,
    ONE_GENERATION,
    furnish,
    write_certificates,
)

# What Ansible itself documents, and what RETURN says has any shape.
COMMON = {"changed", "failed", "msg", "diff"}
TYPES = {"str": str, "int": int, "float": (int, float), "bool": bool, "list": list, "dict": dict, "raw": object}


def returns_of(module: str) -> dict[str, Any]:
    """The RETURN of a module."""
    return yaml.safe_load(importlib.import_module(PLUGINS + "modules." + module).RETURN)


def odd(documented: Mapping[str, Any], result: Mapping[str, Any], where: str) -> Iterator[str]:
    """What in a result is not documented, or is of another type."""
    for key, value in result.items():
        if key not in documented:
            yield f"{where}{key} is not documented"
            continue
        kind = documented[key]["type"]
        if value is not None and (not isinstance(value, TYPES[kind]) or (kind == "int" and isinstance(value, bool))):
            yield f"{where}{key} is {value!r} and documented as {kind}"
        inner = documented[key].get("contains")
        for item in value if isinstance(value, list) else [value]:
            if inner and isinstance(item, dict):
                yield from odd(inner, item, f"{where}{key}.")


# What the action plugin makes of a file.
ROWS = {
    "devices.csv": {"users": [{"username": "sensor-1", "password": "y"}]},
    "rules.json": {"subjects": [{"everyone": True, "rules": [{"topic": "t", "action": "all", "permission": "deny"}]}]},
    "stolen.csv": {"entries": [{"clientid": "stolen-8"}]},
}


def examples(module: str, deployment: Deployment, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tasks of a module's examples that are of this collection, with something in place of the variables."""

    def content(lookup: re.Match[str]) -> str:
        return json.dumps((folder / lookup[1]).read_text())[1:-1]

    for task in yaml.safe_load(importlib.import_module(PLUGINS + "modules." + module).EXAMPLES):
        for name, options in task.items():
            if not name.startswith("emqx.cloud."):
                continue
            text = json.dumps(options or {}).replace('"{{ devices }}"', json.dumps(DEVICES))
            text = text.replace("{{ headquarters_address }}", f"{deployment.mqtt_host}:{deployment.mqtt_port}")
            text = text.replace("{{ 'binary' | b64encode }}", "YWJj")
            text = text.replace("{{ letsencrypt }}", str(folder / "files"))
            text = re.sub(r"\{\{ lookup\('ansible\.builtin\.\w+', '(files/[^']+)'\)(?: \| string)? \}\}", content, text)
            found = json.loads(re.sub(r"\{\{.*?\}\}", "templated", text))
            yield name.rpartition(".")[2], ROWS[found["src"]] if "src" in found else found


@pytest.mark.parametrize("generation", ["v4", "v5"])
def test_results_are_as_documented(tmp_path: Path, generation: str) -> None:
    write_certificates(tmp_path)
    seen: dict[str, set[str]] = {name: set() for name in MODULES}
    found = []
    with Simulator.start(generation=generation) as simulator:
        deployment = furnish(simulator)
        for name in IN_ORDER:
            if ONE_GENERATION.get(name, generation) != generation:
                continue
            for module, options in examples(name, deployment, tmp_path):
                if generation == "v4" and options.get("path") == "publish":
                    continue  # v4's call for it is mqtt/publish
                endpoint = simulator.platform if module in OF_THE_PLATFORM else deployment
                documented = returns_of(module)
                for way in ("check", "refused", "done"):
                    if way == "refused":
                        methods = ("POST", "PUT", "PATCH", "DELETE")
                        endpoint.faults.add(*(Fault("status", status=400, method=method) for method in methods))
                    result = run(module, endpoint, check=way == "check", **options)
                    endpoint.faults.clear()
                    assert way == "refused" or not result.get("failed"), (module, options, result)
                    seen[module] |= set(result)
                    shown = {key: value for key, value in result.items() if key not in COMMON}
                    if "query" in options and module != "broker_info":  # has what shape it likes
                        shown = {key: value for key, value in shown.items() if key in ("count", "requests")}
                    found += [f"{module} ({way}): {problem}" for problem in odd(documented, shown, "")]
    assert not found
    # And what is documented to come with every success does.
    missing = [
        f"{name}: {key}"
        for name in MODULES
        if ONE_GENERATION.get(name, generation) == generation
        for key, documented in returns_of(name).items()
        if re.match(r"always|success(?!.*(with O\(|if gathered))", documented["returned"]) and key not in seen[name]
    ]
    assert not missing
