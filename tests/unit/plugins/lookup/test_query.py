# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup: where its connection comes from, and what it makes of odd answers."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError
from ansible_collections.emqx.cloud.plugins.lookup import query
from ansible_collections.emqx.cloud.plugins.module_utils._task import CONNECTION, DEPLOYMENT, PLATFORM
from ansible_collections.emqx.cloud.tests.unit.loopback import answer, running_server


class Templar:
    """Evaluates the one template there is."""

    @staticmethod
    def template(value: Any) -> Any:
        return {"{{ secret }}": "of-the-host"}[value] if "{{" in str(value) else value


@pytest.fixture(name="server")
def fixture_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for option in (*DEPLOYMENT.values(), *PLATFORM.values(), *CONNECTION.values()):
        for name in option["fallback"][1]:
            monkeypatch.delenv(name, raising=False)
    with running_server() as server:
        yield server


def looked_up(*terms: Any, variables: Any = None, **arguments: Any) -> Any:
    return query.LookupModule(loader=None, templar=Templar()).run(list(terms), variables, **arguments)


def test_the_connection_is_given_or_of_the_host_or_of_the_environment(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMQX_API_URL", "http://127.0.0.1:1/api/v5")
    monkeypatch.setenv("EMQX_APP_ID", "of-the-environment")
    monkeypatch.setenv("EMQX_RETRIES", "0")
    host = {"emqx_api_url": server.url, "emqx_app_secret": "{{ secret }}", "emqx_timeout": None}
    server.script = [answer(200, {"data": [{"topic": "a", "node": "n"}], "meta": {}})] * 2
    assert looked_up("topics", variables=host)[0]["topic"] == "a"
    assert looked_up("topics", variables=host, app_id="given", app_secret=None)[0]["topic"] == "a"
    heads = [seen.headers["Authorization"] for seen in server.seen]
    users = [base64.b64decode(head.split()[1]).decode() for head in heads]
    assert users == ["of-the-environment:of-the-host", "given:of-the-host"]
    with pytest.raises(AnsibleLookupError, match="127.0.0.1:1"):
        looked_up("topics", app_secret="x-of-nobody")


def test_only_what_is_needed_of_a_host_is_evaluated(server: Any) -> None:
    """An account's secret that is nowhere is no trouble where users are read, nor what an argument stands for."""
    undefined = {"emqx_platform_secret": "{{ nowhere }}", "emqx_app_secret": "{{ nowhere }}"}
    host = {"emqx_api_url": server.url, "emqx_app_id": "i", **undefined}
    server.script = [answer(200, {"data": [], "meta": {}})]
    assert looked_up("topics", variables=host, app_secret="given") == []
    with pytest.raises(KeyError, match="nowhere"):
        looked_up("topics", variables=host)


@pytest.mark.parametrize("terms", [[], [None], ["sheep"], [["users", "acl"]], [{"users": 1}]])
def test_what_can_not_be_read(terms: list[Any]) -> None:
    with pytest.raises(AnsibleLookupError, match="it is one of users, acl, clients"):
        looked_up(*terms)


@pytest.mark.parametrize("odd", [{"data": 3}, {"data": ["a"]}, [], "text", None, {"data": [{}], "meta": 7}])
def test_odd_answers_are_a_sentence_or_no_rows(server: Any, odd: Any) -> None:
    server.script = [answer(200, b"<html>" if odd == "text" else odd)]
    options = {"api_url": server.url, "app_id": "i", "app_secret": "of-nobody-else", "retries": 0}
    try:
        rows = looked_up("topics", **options)
    except AnsibleLookupError as error:
        assert str(error).startswith("The lookup emqx.cloud.query can't read topics: ") and str(error).endswith(".")
        assert "Traceback" not in str(error) and "of-nobody-else" not in str(error)
    else:
        assert isinstance(rows, list)
