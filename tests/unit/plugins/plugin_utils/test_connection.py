# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection of plugins: the modules' options, failures in one sentence, and no secret in it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible_collections.emqx.cloud.plugins.doc_fragments import (
    connection,
    deployment,
    platform,
    plugin_connection,
    plugin_deployment,
    plugin_platform,
)
from ansible_collections.emqx.cloud.plugins.module_utils._task import CONNECTION, DEPLOYMENT, PLATFORM
from ansible_collections.emqx.cloud.plugins.plugin_utils import _connection
from ansible_collections.emqx.cloud.tests.unit.loopback import answer, running_server

SECRET = "a-secret-of-the-plugin"
BASIC = base64.b64encode(f"an-id:{SECRET}".encode()).decode()
OPENED = (
    (_connection.deployment, "/api/v5", ("api_url", "app_id", "app_secret")),
    (_connection.platform, "/public_api/v1", ("platform_url", "platform_key", "platform_secret")),
)


def options_of(fragment: Any, section: str = "DOCUMENTATION") -> dict[str, Any]:
    return yaml.safe_load(getattr(fragment.ModuleDocFragment, section))["options"]


@pytest.mark.parametrize(
    ("of_plugins", "of_modules", "spec"),
    [
        (plugin_connection, connection, CONNECTION),
        (plugin_deployment, deployment, DEPLOYMENT),
        (plugin_platform, platform, PLATFORM),
    ],
)
def test_plugins_have_the_options_of_the_modules(of_plugins: Any, of_modules: Any, spec: dict[str, Any]) -> None:
    """The same names, environment, types, defaults and choices; nothing is required before it is known to be needed."""
    env, described = options_of(of_plugins), options_of(of_modules)
    assert set(env) == set(described) == set(spec)
    for name, option in spec.items():
        wanted = {"required": False} if option.get("required") else {}
        assert env[name] == {**wanted, "env": [{"name": each} for each in option["fallback"][1]]}
        for key, default in (("type", "str"), ("default", None), ("choices", None)):
            assert described[name].get(key) == option.get(key, default), name
    variables = options_of(of_plugins, "VARIABLES")
    assert variables == {name: {"vars": [{"name": f"emqx_{name}"}]} for name in spec}


@pytest.mark.parametrize(("opened", "path", "names"), OPENED)
def test_a_request_and_its_failure(opened: Any, path: str, names: tuple[str, ...]) -> None:
    with running_server() as server:
        given = dict(zip(names, (server.url.replace("/api/v5", path), "an-id", SECRET)))
        options = {**given, "timeout": "5", "retries": 0, "ca_path": None}
        server.script = [answer(200, {"some": 1}), answer(400, {"message": f"No {SECRET}, {BASIC}"})]
        with opened({**options, "strict": True}) as api:
            assert api.call("GET", "things") == {"some": 1}
        assert server.seen[0].headers["Authorization"] == f"Basic {BASIC}"
        with pytest.raises(AnsibleError) as failed, opened(options) as api:
            api.call("GET", "things")
    message = str(failed.value)
    assert message == "GET things failed: bad request (HTTP 400, No ********, ********)."
    assert failed.value.__cause__ is None


@pytest.mark.parametrize(("opened", "path", "names"), OPENED)
def test_options_that_cannot_be_right(
    monkeypatch: pytest.MonkeyPatch, opened: Any, path: str, names: tuple[str, ...]
) -> None:
    for option in (*DEPLOYMENT.values(), *PLATFORM.values()):
        for name in option["fallback"][1]:
            monkeypatch.delenv(name, raising=False)
    right = dict(zip(names, (f"http://127.0.0.1:1{path}", "an-id", SECRET)))
    for change, word in (
        ({names[2]: None}, f"missing required arguments: {names[2]}"),
        ({names[0]: f"ftp://{SECRET}"}, names[0]),
        ({"timeout": "long"}, "timeout"),
        ({"timeout": 0}, "timeout is 0.0: it has to be between 0.001 and 86400."),
        ({"api_version": "v6"}, "api_version"),
    ):
        with pytest.raises(AnsibleError, match=word) as failed, opened({**right, **change}):
            pass
        assert SECRET not in str(failed.value)


@pytest.mark.parametrize(("opened", "path", "names"), OPENED)
def test_the_environment_counts_where_an_option_is_not_given(
    monkeypatch: pytest.MonkeyPatch, opened: Any, path: str, names: tuple[str, ...]
) -> None:
    with running_server() as server:
        for name, value in zip(names, (server.url.replace("/api/v5", path), "an-id", SECRET)):
            monkeypatch.setenv(f"EMQX_{name.upper()}", value)
        with opened(dict.fromkeys(names)) as api:
            api.call("GET", "things")
        assert server.seen[0].headers["Authorization"] == f"Basic {BASIC}"
