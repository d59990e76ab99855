# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules against the simulator: in this process, or from a playbook."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from simulator import Deployment, Platform
from tooling import environments

PLUGINS = "ansible_collections.emqx.cloud.plugins."


def needs(name: str) -> None:
    """Skip the test, and say why, where an environment can't be had since its Python is not on this machine."""
    if environments.python_of(name) is None:
        wanted = environments.ENVIRONMENTS[name]
        pytest.skip(f"no {wanted.purpose} here: Python {' or '.join(wanted.pythons)} is not on this machine")


def connection(endpoint: Deployment | Platform) -> dict[str, Any]:
    """The connection options of a deployment, or of the platform."""
    options = {} if endpoint.ca_path is None else {"ca_path": str(endpoint.ca_path)}
    names = ("platform_url", "platform_key", "platform_secret")
    names = names if isinstance(endpoint, Platform) else ("api_url", "app_id", "app_secret")
    return {**options, **{name: getattr(endpoint, name) for name in names}}


def environment(*endpoints: Deployment | Platform) -> dict[str, str]:
    """The same as environment variables."""
    options = {name: value for endpoint in endpoints for name, value in connection(endpoint).items()}
    return {f"EMQX_{name.upper()}": value for name, value in options.items()}


def run(module: str, endpoint: Deployment | Platform, check: bool = False, **options: Any) -> dict[str, Any]:
    """Validate options as Ansible does and run a module's function; return its result."""
    code = importlib.import_module(PLUGINS + "modules." + module)
    if not hasattr(code, "SPEC"):  # what the controller does: the module is only its documentation
        code = importlib.import_module(PLUGINS + "action." + module)
    task = importlib.import_module(PLUGINS + "module_utils._task")
    arguments = code.SPEC.arguments()
    spec = arguments.pop("argument_spec")
    validated = ArgumentSpecValidator(spec, **arguments).validate({**connection(endpoint), **options})
    assert not validated.error_messages, validated.error_messages
    begun = task.Task(validated.validated_parameters, check, diff_mode=True)
    result = task.execute(begun, code.run)
    return {**result, "warnings": begun.warnings} if begun.warnings else result


def done(module: str, endpoint: Deployment | Platform, check: bool = False, **options: Any) -> dict[str, Any]:
    """The same, for what has to go well."""
    result = run(module, endpoint, check, **options)
    assert not result.get("failed"), result
    return result


def refused(module: str, endpoint: Deployment | Platform, **options: Any) -> str:
    """Run a module that has to fail before it sends anything that changes something; return its sentence."""
    before = len(endpoint.requests)
    result = run(module, endpoint, **options)
    assert result.get("failed"), result
    assert result["changed"] is False
    assert [call.method for call in endpoint.requests[before:] if call.method != "GET"] == []
    return one_sentence(result["msg"])


def not_ready(module: str, deployment: Deployment, check: bool, **options: Any) -> str:
    """The same for what an earlier task could have seen to: in check mode it is told in a warning."""
    if not check:
        return refused(module, deployment, **options)
    warning = " In check mode this is no failure: an earlier task may see to it."
    (sentence,) = done(module, deployment, check=True, **options)["warnings"]
    assert sentence.endswith(warning)
    return one_sentence(sentence.removesuffix(warning))


def one_sentence(message: str) -> str:
    """Check that a message is one that a user reads: a line without a traceback."""
    assert "Traceback" not in message
    assert "\n" not in message
    assert message.endswith("."), message
    return message


def play(
    folder: Path,
    tasks: Iterable[Mapping[str, Any]],
    variables: Mapping[str, str],
    *arguments: str,
    interpreter: str | None = sys.executable,
    **play_keywords: Any,
) -> subprocess.CompletedProcess[str]:
    """Run tasks in a playbook of their own, on localhost with this Python; return what ansible-playbook printed.

    :param interpreter: the Python of modules; if None, that of the inventory and of Ansible's configuration.
    """
    playbook = folder / "playbook.yml"
    keywords = {"hosts": "localhost", "connection": "local", "gather_facts": False, **play_keywords}
    # JSON is YAML.
    playbook.write_text(json.dumps([{**keywords, "tasks": list(tasks)}]))
    command = ["ansible-playbook", "-i", "localhost,"]
    command += ["-e", f"ansible_python_interpreter={interpreter}"] if interpreter else []
    return subprocess.run(
        [*command, str(playbook), *arguments],
        env={**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false", **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def failure_of(printed: str) -> str:
    """The message of the task that failed, from what ansible-playbook printed with one-line JSON results."""
    line = next(line for line in printed.splitlines() if line.startswith(("fatal:", "failed:")))
    return one_sentence(json.loads(line.partition("=> ")[2])["msg"])
