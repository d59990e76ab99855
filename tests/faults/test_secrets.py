# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret shows in anything that is printed, returned, logged, cached or requested, whatever fails."""

from __future__ import annotations

import base64
import dataclasses
import importlib
import itertools
import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._http import Http
from ansible_collections.emqx.cloud.plugins.module_utils._task import run_directly

from faults.cases import PEM
from faults.figures import LONG, count
from faults.test_paths import CALL, HTTP, TASKS, modules
from simulator import Deployment, Fault, Platform, Simulator
from system.harness import PLUGINS, connection, done, environment
from system.test_documentation import OF_THE_PLATFORM
from tooling.paths import COPY

PASSWORD = 'Pa55/w"ord+ü&x=1?'
"""It is written in another way by each of JSON, URLs and base64."""
SECRETS = {"password": PASSWORD, "other": PASSWORD + "2", "hidden": 'h1dden/in "config"+ü', "key": PEM["key"]}
NESTED = {"username": "u", "password": SECRETS["hidden"]}
HOOK = {"headers": {"authorization": SECRETS["hidden"]}}

# Tasks that send secrets; those of test_paths.py hold the connection's only.
SENDING: dict[str, list[dict[str, Any]]] = {
    "api": [
        {"method": method, "path": path, "body": {"user_id": "x"}, "secret_body": {"password": PASSWORD}}
        for method, path in (("POST", "auth_username"), ("PUT", "auth_username/x"), ("POST", "nowhere"))
    ],
    "auth_user": [
        {"username": "x", "password": PASSWORD, "update_password": "always"},
        {"username": "x", "password": SECRETS["other"], "update_password": "always"},
        {"username": "..", "password": PASSWORD},
    ],
    "auth_users": [
        {"users": [{"username": name, "password": PASSWORD} for name in ("u1", "u2")], "update_password": "always"},
        {"users": [{"username": "u1", "password": PASSWORD}, {"username": "u1", "password": SECRETS["other"]}]},
        {"users": [{"username": "u1", "password": PASSWORD}], "batch_bytes": 0},
        {"users": f"username=a password={PASSWORD}"},
        {"users": [f"username=a password={PASSWORD}"]},
    ],
    "authenticator": [
        {
            "mechanism": "jwt", "config": {"algorithm": "hmac-based", "use_jwks": False},
            "secret_config": {"secret": SECRETS["hidden"]}, "update_secrets": "always", "enabled": enabled,
        }
        for enabled in (True, False)
    ] + [{"mechanism": "jwt", "state": "absent", "secret_config": {"secret": SECRETS["hidden"]}}],
    "authorization_source": [
        {
            "type": "http", "config": {"url": "http://127.0.0.1:9/", "method": "post", "body": {"a": "${username}"}},
            "secret_config": HOOK, "update_secrets": "always",
        },
    ],
    "connector": [
        {"name": "x", **HTTP, "secret_config": HOOK, "update_secrets": "always"},
        {"name": "m", "type": "mqtt", "config": {"server": "127.0.0.1:9"}, "secret_config": NESTED},
        {"name": "x", "type": "http", "config": {"headers": {}}, "secret_config": {"nowhere": SECRETS["hidden"]}},
    ],
    "action": [{"name": "x", **CALL, "secret_config": {"parameters": HOOK}, "update_secrets": "always"}],
    "resource": [
        {"name": "x", "type": "web_hook", "config": {"url": "http://127.0.0.1:9/"}, "secret_config": HOOK,
         "update_secrets": "always"},
    ],
    "rule": [
        {"id": "x", "sql": 'SELECT * FROM "t"', "actions": [
            {"function": "republish", "args": {"topic": "o", "payload": "p", "password": SECRETS["hidden"]}},
        ]},
    ],
    "source": [
        {"name": "x", "type": "mqtt", "connector": "m", "config": {"parameters": {"topic": "t"}},
         "secret_config": {"parameters": {"password": SECRETS["hidden"]}}},
    ],
    "tls_certificate": [
        {"deployment": "d0000001", **PEM, "force": True},
        {"deployment": "d0000001", "cert": PEM["cert"], "key": PEM["key"] + "x"},
        {"deployment": "d0000001", "cert": PEM["key"], "key": PEM["cert"]},
    ],
}  # fmt: skip


def spellings(secret: str) -> set[str]:
    """A secret as it may show: as it is, in base64, as URLs write it, as JSON does, also as JSON within JSON."""
    escaped = {json.dumps(secret, ensure_ascii=plain)[1:-1] for plain in (True, False)}
    twice = {json.dumps(text, ensure_ascii=plain)[1:-1] for text in escaped for plain in (True, False)}
    in_base64 = base64.b64encode(secret.encode()).decode()
    lines = {line for line in secret.splitlines() if len(line) > 40}
    in_urls = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    return {secret, in_base64.rstrip("="), *in_urls, *escaped, *twice, *lines}


def of_connections(*endpoints: Deployment | Platform) -> list[str]:
    """The secrets of connections, and what a Basic header makes of them."""
    found = []
    for endpoint in endpoints:
        _url, user, secret = [value for name, value in connection(endpoint).items() if name != "ca_path"]
        found += [secret, f"{user}:{secret}"]
    return found


class Search:
    """Looks for secrets in all their spellings."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.spellings = sorted({spelling for secret in secrets for spelling in spellings(secret)})

    def none_in(self, text: str, where: Any) -> None:
        """Fail if there is one, with what stands around it."""
        for spelling in self.spellings:
            place = text.find(spelling)
            assert place < 0, f"{where}: …{text[max(0, place - 300) : place + 100]}…"
        count("secret searches", len(self.spellings))


CHANGING = ("POST", "PUT", "DELETE", "PATCH")


def repeating(search: Search, methods: Iterable[str] = CHANGING) -> dict[str, list[Fault]]:
    """Each way to fail of a server that repeats what was sent in all its spellings, once it was sent something."""
    echo = " and ".join(search.spellings)
    in_url = quote_plus(" ".join(spelling for spelling in search.spellings if "\n" not in spelling))
    plain = "".join(f"/{spelling}" for spelling in search.spellings if re.fullmatch(r"[!-~]+", spelling))
    answers = {
        "400": (400, {"code": "BAD_REQUEST", "message": echo}),
        "400 nested": (400, {"code": "BAD_REQUEST", "message": json.dumps({"reason": echo, "path": "root"})}),
        "400 code": (400, {"code": echo, "message": {"body": echo}}),
        "401": (401, {"code": "BAD_API_KEY_OR_SECRET", "message": echo}),
        "text": (500, echo),
        "500": (500, {"code": "INTERNAL_ERROR", "message": echo}),
        "html": (502, f"<html><body>{echo}</body></html>"),
        "200": (200, {"code": 101, "message": echo}),
        "list": (200, [echo]),
    }
    found = {
        name: [Fault("body", status=status, body=body, method=method) for method in methods]
        for name, (status, body) in answers.items()
    }
    for name, target in (("redirect", f"https://id:{plain}@h.example/x"), ("redirect?", f"https://h.example/?a={in_url}")):
        found[name] = [Fault("status", status=307, location=target, method=method) for method in methods]
    found["none"] = []
    found["lost"] = [Fault("reset")]
    found["slow"] = [Fault("slow", seconds=0.3)]
    return found


def result_of(module: str, endpoint: Deployment | Platform, check: bool, options: Mapping[str, Any]) -> dict[str, Any]:
    """Run a module as direct execution does, with what it masks."""
    code = importlib.import_module(PLUGINS + "modules." + module)
    fast = {"retries": 0, "timeout": 0.2} if options.get("wait") is None else {"retries": 0}
    given = {**connection(endpoint), **fast, **options}
    return run_directly(f"emqx.cloud.{module}", code.SPEC, code.run, given, check, True, Http)


def connect(deployment: Deployment) -> None:
    """Make the connector that the action of SENDING needs, or it would be refused before it is sent."""
    if deployment.generation == "v5":
        done("connector", deployment, name="c", **HTTP)


@pytest.mark.parametrize("generation", ["v4", "v5"])
def test_no_result_of_a_module_holds_a_secret_whatever_the_server_repeats(generation: str) -> None:
    with Simulator.start(generation) as simulator:
        deployment, platform = simulator.deployments[0], simulator.platform
        platform.set(operation_seconds=0, certificate_seconds=0)
        connect(deployment)
        search = Search([*SECRETS.values(), *of_connections(deployment, platform)])
        repeated: set[str] = set()
        for module in modules(generation):
            reads = module.endswith("_info")
            endpoint: Deployment | Platform = platform if module in OF_THE_PLATFORM else deployment
            for place, task in enumerate(SENDING.get(module) or TASKS[module][: None if LONG else 2]):
                sent = [secret for secret in SECRETS.values() if json.dumps(secret) in json.dumps(task)]
                faults = repeating(Search([*sent, *of_connections(endpoint)]), ("GET",) if reads else CHANGING)
                for (name, script), check in itertools.product(faults.items(), (False, True)):
                    if not LONG and ((check and name != "none") or (place and name == "slow")):
                        continue
                    endpoint.faults.clear()
                    endpoint.faults.add(*script)
                    platform.forget_limits()
                    result = result_of(module, endpoint, check, task)
                    search.none_in(json.dumps(result, ensure_ascii=False), (module, name, check))
                    search.none_in(json.dumps(result), (module, name, check))
                    if name == "400" and "********" in json.dumps(result):
                        repeated.add(module)
        # There was something to mask.
        assert {name for name in modules(generation) if name in SENDING or name.endswith("_info")} <= repeated
        for call in [*deployment.requests, *platform.requests]:
            search.none_in(call.path + "?" + call.query, call)


# What is written for the tasks that a playbook makes: values are variables, as in any playbook that keeps its secrets.
KINDS = ("none", "own", "400", "500", "html", "redirect?", "text")
"""How the endpoints of a job fail; the first two never repeat what a task of that module didn't send."""


def tasks_of(
    endpoints: Mapping[str, Mapping[str, Any]], generation: str
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """A task of each module, some at each endpoint and some as modules of their own, each with its variables."""
    for number, module in enumerate(modules(generation)):
        kinds = list(endpoints)[2:] if module in SENDING else list(endpoints)[:2]
        if not LONG:
            kinds = [kinds[(number + step) % len(kinds)] for step in range(2 if module in SENDING else 1)]
        options = one_secret((SENDING.get(module) or TASKS[module])[0])
        takes = importlib.import_module(PLUGINS + "modules." + module).SPEC.arguments()["argument_spec"]
        for place, kind in enumerate(kinds):
            name = f"secrets_{number}_{place}"
            given = {option: f"{{{{ {kind_name(kind)}.{option} }}}}" for option in endpoints[kind] if option in takes}
            given.update((option, f"{{{{ {name}.{option} }}}}") for option in options)
            task = {
                f"emqx.cloud.{module}": given, "register": f"told_{number}_{place}", "failed_when": False,
                "check_mode": (number + place) % 5 == 4,
                "vars": {"emqx_direct_execution": (number + place) % (2 if LONG else 12) > 0},
            }  # fmt: skip
            yield task, {name: options}


def one_secret(value: Any) -> Any:
    """Options with the same password wherever there is one, so that a server can repeat it to each task."""
    if isinstance(value, dict):
        return {name: one_secret(item) for name, item in value.items()}
    if isinstance(value, list):
        return [one_secret(item) for item in value]
    return PASSWORD if value == SECRETS["hidden"] else value


def kind_name(kind: str) -> str:
    """The variable with the connection of an endpoint."""
    return "at_" + re.sub(r"\W", "_", kind)


@pytest.mark.parametrize("generation", ["v4", "v5"])
def test_nothing_that_a_job_prints_or_keeps_holds_a_secret(generation: str, tmp_path: Path) -> None:
    """A job of ansible-runner at the highest verbosity, with a log file, a fact cache, a callback and the roles."""
    with Simulator.start(generation, count=len(KINDS), tls=True) as simulator:
        platform = simulator.platform
        secrets = [*SECRETS.values(), *of_connections(*simulator.deployments, platform)]
        search = Search(secrets)
        endpoints: dict[str, dict[str, Any]] = {}
        for kind, deployment in zip(KINDS, simulator.deployments):
            deployment.add_client("dev", username=f"uses-{deployment.app_secret}")
            connect(deployment)
            endpoints[kind] = {**connection(deployment), **connection(platform), "retries": 0}
            own = of_connections(deployment)
            deployment.faults.add(*repeating(Search(own if kind == "own" else [PASSWORD, *own]))[
                "400" if kind == "own" else kind
            ])
        variables: dict[str, Any] = {kind_name(kind): options for kind, options in endpoints.items()}
        tasks: list[dict[str, Any]] = []
        for task, values in tasks_of(endpoints, generation):
            variables.update(values)
            tasks.append(task)
        told = ", ".join(task["register"] for task in tasks)
        users = [{"username": "x", "password": "{{ password }}"}]
        exported = {"export_file": str(tmp_path / "exported.yml")}
        tasks += [
            {"ansible.builtin.set_fact": {"kept": f"{{{{ [{told}] }}}}", "cacheable": True}},
            {"ansible.builtin.set_fact": {"seen": "{{ query('emqx.cloud.query', 'clients') }}", "cacheable": True}},
            {"ansible.builtin.include_role": {"name": "emqx.cloud.converge"}, "vars": {"converge_users": users}},
            {"ansible.builtin.include_role": {"name": "emqx.cloud.export"}, "vars": exported},
        ]
        here = connection(simulator.deployments[0])
        defaults = {"group/emqx.cloud.deployment": {name: f"{{{{ emqx_{name} }}}}" for name in here}}
        variables.update({f"emqx_{name}": value for name, value in here.items()}, password=PASSWORD)
        project, recorded = tmp_path / "project", tmp_path / "recorded"
        project.mkdir()
        (project / "vars.json").write_text(json.dumps(variables))
        play: dict[str, Any] = {"hosts": "localhost", "connection": "local", "gather_facts": False}
        play.update(vars_files=["vars.json"], module_defaults=defaults)
        (project / "play.yml").write_text(json.dumps([{**play, "tasks": tasks}]))
        env = {
            **os.environ, "ANSIBLE_LOG_PATH": str(tmp_path / "log"), "ANSIBLE_CACHE_PLUGIN": "jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "facts"), "RECORDED_RESULTS": str(recorded),
            "ANSIBLE_CALLBACK_PLUGINS": str(COPY / "tests" / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "recorded_results",
        }  # fmt: skip
        # A process of its own: for its pseudo-terminal it forks, which one with the simulator's threads must not.
        program = ["ansible-runner", "run", str(tmp_path), "-p", "play.yml", "--ident", "job", "-vvvvv"]
        job = subprocess.run(
            [*program, "--cmdline=--diff"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        printed = (tmp_path / "artifacts" / "job" / "stdout").read_text(encoding="utf-8")
        assert job.returncode == 0, printed[-3000:]
        search.none_in(job.stdout, "what ansible-runner prints")
        assert "uses-********" in printed and "******** and ********" in printed
        assert len(recorded.read_text().splitlines()) >= len(modules(generation))
        kept = [path for folder in ("artifacts", "facts") for path in (tmp_path / folder).rglob("*")]
        kept += [tmp_path / "log", recorded, tmp_path / "exported.yml"]
        assert len(kept) > len(tasks)
        for path in kept:
            if path.is_file():
                search.none_in(path.read_text(encoding="utf-8"), path.name)
        for endpoint in (*simulator.deployments, platform):
            for call in endpoint.requests:
                search.none_in(call.path + "?" + call.query, call)


@pytest.mark.parametrize("plugin", ["deployments", "clients"])
def test_no_inventory_and_no_cache_of_one_holds_a_secret(plugin: str, tmp_path: Path) -> None:
    with Simulator.start(tls=True) as simulator:
        deployment, platform = simulator.deployments[0], simulator.platform
        search = Search(of_connections(deployment, platform))
        deployment.add_client("dev", username="u")
        options = {"cache": True, "cache_plugin": "jsonfile", "cache_connection": str(tmp_path / "cache")}
        file = tmp_path / f"{plugin}.emqx_cloud.yml"
        file.write_text(json.dumps({"plugin": f"emqx.cloud.{plugin}", **options}))
        endpoint: Deployment | Platform = deployment if plugin == "clients" else platform
        repeated = repeating(Search(of_connections(endpoint)))
        for script in ([], repeated["400"], repeated["redirect"]):
            endpoint.faults.clear()
            endpoint.faults.add(*(dataclasses.replace(fault, method="GET") for fault in script))
            program = ["ansible-inventory", "-i", str(file), "--list", "-vvvvv", "--flush-cache"]
            env = {**os.environ, **environment(deployment, platform), "EMQX_RETRIES": "0"}
            listed = subprocess.run(program, capture_output=True, text=True, env=env, check=False)
            assert listed.returncode == 0, listed.stderr
            search.none_in(listed.stdout + listed.stderr, plugin)
            assert ("******** and ********" in listed.stderr + listed.stdout) == (script == repeated["400"])
            for path in (tmp_path / "cache").rglob("*"):
                search.none_in(path.read_text(encoding="utf-8"), path.name)
