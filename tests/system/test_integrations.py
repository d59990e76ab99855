# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors, actions and sources: what is not mentioned is never lost, and what is secret never shows."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator import Deployment, Fault, Simulator
from system.harness import done, environment, not_ready, one_sentence, play, refused, run

HOOK = {"type": "http", "name": "hook"}
POST = {"type": "http", "name": "post"}
ORDERS = {"type": "mqtt", "name": "orders"}
SECRETS = ("hush-header", "hush-key", "hush-url", "hush-query", "hush-cookie", "hush-odd", "hush-new")
URL = "http://user:hush-url@127.0.0.1:9/in?token=hush-query&page=2"
STARS = "******"


@pytest.fixture
def v5() -> Iterator[Deployment]:
    with Simulator.start() as simulator:
        yield simulator.deployments[0]


@pytest.fixture
def hook(v5: Deployment) -> Deployment:
    """A deployment with a connector full of secrets, and an action and a source with connectors."""
    secret = {"headers": {"authorization": "Bearer hush-header", "x-api-key": "hush-key", "cookie": "hush-cookie"}}
    config = {"url": URL, "pool_size": 3, "headers": {"accept": "text/plain"}, "connect_timeout": "60s"}
    done("connector", v5, **HOOK, config=config, secret_config=secret)
    done("action", v5, **POST, connector="hook", config={"parameters": {"method": "put", "path": "/in"}})
    broker = {"server": "127.0.0.1:9", "username": "u"}
    done("connector", v5, type="mqtt", name="broker", config=broker, secret_config={"password": "hush-new"})
    done("source", v5, **ORDERS, connector="broker", config={"parameters": {"topic": "orders/#"}})
    v5.forget_requests()
    return v5


def both(module: str, deployment: Deployment, **options: Any) -> dict[str, Any]:
    """Run it in check mode and for real: both say the same, and nothing is sent before it is meant."""
    sent = len(deployment.requests)
    predicted = done(module, deployment, check=True, **options)
    assert {call.method for call in deployment.requests[sent:]} == {"GET"}
    happened = done(module, deployment, **options)
    for key in ("changed", "counts", "diff", module):
        assert predicted[key] == happened[key]
    hidden(predicted, happened)
    return happened


def hidden(*results: Any) -> None:
    assert not [secret for secret in SECRETS if secret in repr(results)]


def difference(before: Any, after: Any, path: str = "") -> dict[str, Any]:
    """What differs between two trees, by path."""
    if isinstance(before, dict) and isinstance(after, dict):
        found: dict[str, Any] = {}
        for name in sorted({*before, *after}):
            found.update(difference(before.get(name), after.get(name), f"{path}.{name}".lstrip(".")))
        return found
    return {} if before == after else {path: (before, after)}


def stored(deployment: Deployment, kind: str, key: str) -> dict[str, Any]:
    whole = deployment.integrations(kind)[key]
    return {name: value for name, value in whole.items() if name not in ("created_at", "last_modified_at")}


CASES = {
    "connector": (HOOK, {"pool_size": 5}, "connectors", "http:hook", "pool_size"),
    "action": (POST, {"parameters": {"path": "/out"}}, "actions", "http:post", "parameters.path"),
    "source": (ORDERS, {"parameters": {"qos": 2}}, "data_sources", "mqtt:orders", "parameters.qos"),
}


@pytest.mark.parametrize("module", CASES)
def test_one_field_is_changed_and_no_other(hook: Deployment, module: str) -> None:
    """Trap v5-17: a PUT replaces, and deletes the secrets that it leaves out."""
    names, config, kind, key, path = CASES[module]
    before = stored(hook, kind, key)
    result = both(module, hook, **names, config=config)
    assert result["counts"] == {"created": 0, "updated": 1, "deleted": 0, "unchanged": 0, "failed": 0}
    changed = difference(before, stored(hook, kind, key))
    assert list(changed) == [path]
    [old], [new] = (result["diff"][side][f"{module}s"] for side in ("before", "after"))
    assert difference(old, new) == {f"config.{path}": changed[path]}
    again = done(module, hook, **names, config=config)
    assert (again["changed"], again["requests"]) == (False, 1)


@pytest.mark.parametrize("module", CASES)
def test_defaults_and_other_words_for_the_same_are_no_change(hook: Deployment, module: str) -> None:
    names, config, kind, key, path = CASES[module]
    whole = {
        name: value for name, value in stored(hook, kind, key).items()
        if name not in ("type", "name", "enable", "connector", "url", "headers", "password")
    }
    assert done(module, hook, **names, config=whole)["changed"] is False
    opts = {"resource_opts": {"health_check_interval": "15000ms"}}
    assert both(module, hook, **names, config=opts)["changed"] is False
    diff = both(module, hook, **names, config={**opts, **config})["diff"]
    [old], [new] = (diff[side][f"{module}s"] for side in ("before", "after"))
    assert list(difference(old, new)) == [f"config.{path}"]
    assert stored(hook, kind, key)["resource_opts"]["health_check_interval"] == "15s"


@pytest.mark.parametrize("module", CASES)
def test_enabling_alone_leaves_the_rest_to_others(hook: Deployment, module: str) -> None:
    names, _config, kind, key, _path = CASES[module]
    before = stored(hook, kind, key)
    result = both(module, hook, **names, enabled=False)
    assert result["status"] == "stopped" and result[module]["enabled"] is False
    assert difference(before, stored(hook, kind, key)) == {"enable": (True, False)}
    puts = [call.path for call in hook.requests if call.method == "PUT"]
    assert len(puts) == 1 and puts[0].endswith("/enable/false")
    assert done(module, hook, **names)[module]["enabled"] is False
    assert done(module, hook, **names, enabled=False)["changed"] is False


@pytest.mark.parametrize("module", CASES)
def test_it_comes_and_goes(v5: Deployment, module: str) -> None:
    names = CASES[module][0]
    config = {"connector": {"url": "http://127.0.0.1:9"}, "action": {"parameters": {}}}.get(module)
    more: dict[str, Any] = {"config": config or {"parameters": {"topic": "t"}}}
    if module != "connector":
        address = {"url": "http://127.0.0.1:9", "server": "127.0.0.1:9"}
        field = "url" if names["type"] == "http" else "server"
        done("connector", v5, type=names["type"], name="there", config={field: address[field]})
        more["connector"] = "there"
    created = both(module, v5, **names, **more)
    assert created["counts"]["created"] == 1
    assert created[module] == {**names, **more, "enabled": True}
    assert done(module, v5, **names, **more)["changed"] is False
    gone = both(module, v5, **names, state="absent")
    assert gone["counts"]["deleted"] == 1 and gone[module] is None and "status" not in gone
    again = done(module, v5, **names, state="absent")
    assert (again["changed"], again["counts"]["unchanged"], again["requests"]) == (False, 1, 1)


# Secrets


def test_nothing_secret_is_shown(hook: Deployment) -> None:
    shown = done("connector", hook, **HOOK)["connector"]["config"]
    hidden(shown)
    assert shown["url"] == f"http://{STARS}@127.0.0.1:9/in?token={STARS}&page=2"
    assert shown["headers"] == {
        "accept": "text/plain", "authorization": STARS, "x-api-key": STARS, "cookie": STARS
    }
    hidden(run("connector", hook, **HOOK, state="absent"))  # refused, since it is used


def test_secrets_are_kept_by_every_change(hook: Deployment) -> None:
    before = stored(hook, "connectors", "http:hook")
    assert before["headers"]["authorization"] == "Bearer hush-header"
    for change in (
        {"config": {"pool_size": 9}}, {"enabled": False}, {"enabled": True, "config": {"pool_size": 3}},
        {"config": {"headers": {"authorization": STARS}, "description": "x"}}, {"config": {"description": ""}},
        {"secret_config": {"headers": {"authorization": "other"}}, "config": {"pool_size": 4}},
        {"config": {"pool_size": 3}},
    ):
        assert both("connector", hook, **HOOK, **change)["changed"]
    assert stored(hook, "connectors", "http:hook") == before
    assert hook.integrations("connectors")["mqtt:broker"]["password"] == "hush-new"


def test_secrets_are_replaced_when_they_are_to_be(hook: Deployment) -> None:
    secret = {"headers": {"authorization": "hush-new"}}
    options = {**HOOK, "secret_config": secret}
    assert both("connector", hook, **options)["changed"] is False
    for _run in range(2):
        assert both("connector", hook, **options, update_secrets="always")["changed"] is True
        assert hook.integrations("connectors")["http:hook"]["headers"]["authorization"] == "hush-new"
    visible = {"headers": {"x-api-key": "hush-key"}}
    assert both("connector", hook, **HOOK, secret_config=visible, update_secrets="always")["changed"] is False
    missing = {"headers": {"proxy-authorization": "hush-new"}}
    assert both("connector", hook, **HOOK, secret_config=missing)["changed"] is True
    assert hook.integrations("connectors")["http:hook"]["headers"]["proxy-authorization"] == "hush-new"
    assert both("connector", hook, **HOOK, secret_config=missing)["changed"] is False


def test_the_case_of_a_header_does_not_count(hook: Deployment) -> None:
    """Otherwise there were two, and the old secret would go on being sent."""
    before = hook.integrations("connectors")["http:hook"]["headers"]
    options = {**HOOK, "config": {"headers": {"Accept": "text/plain"}}}
    options["secret_config"] = {"headers": {"Authorization": "hush-new", "X-API-KEY": "hush-key"}}
    assert both("connector", hook, **options)["changed"] is False
    assert both("connector", hook, **options, update_secrets="always")["changed"] is True
    assert hook.integrations("connectors")["http:hook"]["headers"] == {**before, "authorization": "hush-new"}


def test_stars_are_never_stored(hook: Deployment) -> None:
    assert "stands for a secret" in refused(
        "connector", hook, type="mqtt", name="new", config={"server": "127.0.0.1:9", "password": STARS}
    )
    assert "keeps no such secret" in refused(
        "connector", hook, **HOOK, secret_config={"headers": {"proxy-authorization": STARS}}
    )
    assert STARS not in repr(hook.integrations("connectors"))


def test_stars_in_a_text_are_never_stored(hook: Deployment) -> None:
    """As they are in a result that somebody writes back."""
    shown = done("connector", hook, **HOOK)["connector"]["config"]["url"]
    assert f"can't have {STARS} in a text, url" in refused("connector", hook, **HOOK, config={"url": shown})
    assert hook.integrations("connectors")["http:hook"]["url"] == URL


def test_secrets_in_a_list_are_not_overwritten_with_stars(v5: Deployment) -> None:
    """EMQX 5 masks them on reading, and looks for stars only in objects."""
    broker = {"type": "mqtt", "name": "broker"}
    ids = [{"node": "n1", "ids": [{"clientid": "a", "password": "hush-new"}]}]
    done("connector", v5, **broker, config={"server": "127.0.0.1:9"}, secret_config={"static_clientids": ids})
    sentence = refused("connector", v5, **broker, config={"max_inflight": 5})
    assert f"has {STARS} in a list, static_clientids.ids.password" in sentence
    assert both("connector", v5, **broker, enabled=False)["changed"]  # that sends no configuration
    options = {"secret_config": {"static_clientids": ids}, "update_secrets": "always"}
    assert both("connector", v5, **broker, config={"max_inflight": 5}, **options)["counts"]["updated"] == 1
    held = v5.integrations("connectors")["mqtt:broker"]
    assert (held["static_clientids"], held["max_inflight"]) == (ids, 5)


@pytest.mark.parametrize("part", ["hush-odd", "user:hush-url", "hush-url", "hush-query", "hush-key"])
@pytest.mark.parametrize("change", ["POST", "PUT", "DELETE"])
def test_parts_of_secrets_in_errors_are_masked(v5: Deployment, change: str, part: str) -> None:
    headers = {"x-token": "Bearer hush-odd", "x-api-key": "hush-key"}
    whole = {"url": URL, "headers": headers}
    if change != "POST":
        done("connector", v5, **HOOK, config=whole)
    echo = {"code": "BAD_REQUEST", "message": f"can't use <<{part}>>"}
    v5.faults.add(Fault("body", status=400, body=echo, method=change))
    wanted = {"state": "absent"} if change == "DELETE" else {"config": {**whole, "pool_size": 5}}
    result = run("connector", v5, **HOOK, **wanted)
    assert result["failed"] and "can't use" in result["msg"]
    hidden(result)


def test_secrets_in_errors_are_masked(hook: Deployment) -> None:
    echo = {"code": "BAD_REQUEST", "message": f"bad: hush-new Bearer hush-header hush-key hush-cookie {URL}"}
    hook.faults.add(*(Fault("body", status=400, body=echo, method=method) for method in ("PUT", "POST")))
    secret = {"headers": {"authorization": "hush-new"}, "ssl": {"password": "Bearer hush-header"}}
    for names in (HOOK, {**HOOK, "name": "new"}):
        headers = {"x-api-key": "hush-key", "cookie": "hush-cookie"}
        config = {"url": URL, "headers": headers}
        result = run("connector", hook, **names, config=config, secret_config=secret, update_secrets="always")
        assert result["failed"] and result["counts"]["failed"] == 1 and result["error"]["status"] == 400
        one_sentence(result["msg"])
        hidden(result)


def test_nothing_secret_is_printed_at_the_highest_verbosity(tmp_path: Path, hook: Deployment) -> None:
    secret = {"headers": {"authorization": "hush-new", "odd": "hush-odd"}}
    tasks: list[dict[str, Any]] = [
        {"emqx.cloud.connector": {**HOOK, "secret_config": secret, "update_secrets": "always"}},
        {"emqx.cloud.connector": {**HOOK, "secret_config": secret}},
        {"emqx.cloud.connector": {**HOOK, "secret_config": secret, "state": "absent"}, "failed_when": False},
        {"emqx.cloud.connector": {**HOOK, "secret_config": secret, "config": {"colour": 1}}, "failed_when": False},
    ]
    printed = play(tmp_path, tasks, environment(hook), "-vvv", "--diff")
    assert printed.returncode == 0, printed.stdout
    assert not [each for each in SECRETS if each in printed.stdout], printed.stdout


# What depends on what


@pytest.mark.parametrize("check", [True, False])
def test_what_is_used_is_not_deleted(hook: Deployment, check: bool) -> None:
    done("rule", hook, id="to-plant", sql='SELECT * FROM "t/#"', actions=["http:post", {"function": "console"}])
    done("rule", hook, id="from-plant", sql='SELECT * FROM "$bridges/mqtt:orders"', actions=[])
    for module, names, user in (
        ("connector", HOOK, "action 'post'"), ("connector", {"type": "mqtt", "name": "broker"}, "source 'orders'"),
        ("action", POST, "rule 'to-plant'"), ("source", ORDERS, "rule 'from-plant'"),
    ):
        sentence = not_ready(module, hook, check, **names, state="absent")
        key = f"{names['type']}:{names['name']}"
        assert sentence == (
            f"The {module} {key!r} can't be deleted as long as something depends on it: {user}."
        )


def test_what_has_come_to_depend_on_it_is_named(hook: Deployment) -> None:
    """Between the look and the deletion; EMQX 5.8 prints the action with its secrets then."""
    done("action", hook, **POST, secret_config={"parameters": {"headers": {"x-api-key": "hush-key"}}})
    row = done("api", hook, path="connectors/http:hook")["json"]
    hook.faults.add(Fault("body", body={**row, "actions": []}, method="GET", path="/connectors/http", times=1))
    result = run("connector", hook, **HOOK, state="absent")
    assert one_sentence(result["msg"]).endswith("depends on it: action 'post'.")
    assert result["error"]["status"] == 400 and result["changed"] is False
    hidden(result)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("module", ["action", "source"])
def test_an_action_needs_a_connector(hook: Deployment, module: str, check: bool) -> None:
    config = {"parameters": {"topic": "t"}}
    new = {"type": "mqtt", "name": "new", "config": config}
    assert "to create it, connector has to be given" in refused(module, hook, **new, check=check)
    assert "there is no such connector of type mqtt: create it first" in not_ready(
        module, hook, check, **new, connector="none"
    )
    assert "(there is one of type http)" in not_ready(module, hook, check, **new, connector="hook")


def test_an_action_moves_to_another_connector(hook: Deployment) -> None:
    done("connector", hook, type="http", name="other", config={"url": "http://127.0.0.1:9"})
    before = stored(hook, "actions", "http:post")
    result = both("action", hook, **POST, connector="other")
    assert result["changed"] and result["action"]["connector"] == "other"
    assert difference(before, stored(hook, "actions", "http:post")) == {"connector": ("hook", "other")}
    assert "no such connector" in refused("action", hook, **POST, connector="none")


# What can't be


@pytest.mark.parametrize("name", ["", ".", "..", "a:b", "a/b", "-a", "ü"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_names_that_no_broker_takes_are_refused_before_any_request(v5: Deployment, name: str, state: str) -> None:
    for module in CASES:
        for option in ("type", "name"):
            sentence = refused(module, v5, **{**HOOK, option: name}, state=state)
            assert sentence.startswith(f"{option} is {name!r}: it consists of")
    assert v5.requests == []


def test_a_type_that_the_deployment_does_not_know(v5: Deployment) -> None:
    for module in CASES:
        options = {"type": "nope", "name": "n", **({} if module == "connector" else {"connector": "c"})}
        assert "type is 'nope', which this deployment does not know" in refused(module, v5, **options)
        assert done(module, v5, type="nope", name="n", state="absent")["changed"] is False


def test_the_broker_names_the_field_that_it_does_not_know(hook: Deployment) -> None:
    result = run("connector", hook, **HOOK, config={"colour": "red"})
    assert one_sentence(result["msg"]).startswith("PUT connectors/http%3Ahook failed: the broker refused the request")
    assert "unknown_fields: root: colour" in result["msg"]


@pytest.mark.parametrize(("module", "called"), [("connector", "A"), ("action", "An"), ("source", "A")])
def test_v4_has_none_of_them(module: str, called: str) -> None:
    with Simulator.start(generation="v4") as simulator:
        deployment = simulator.deployments[0]
        sentence = refused(module, deployment, **HOOK)
        assert sentence.startswith(f"{called} {module} needs a v5 deployment: v4 has resources (emqx.cloud.resource)")
        assert deployment.requests == []


@pytest.mark.parametrize("body", [[], {}, {"enable": 1}, {"enable": True, "connector": 7}, "text", None])
def test_an_answer_of_another_shape_is_a_clear_error(hook: Deployment, body: Any) -> None:
    for module, names in (("action", POST), ("source", ORDERS)):
        hook.faults.add(Fault("body", body=body, method="GET", times=1))
        result = run(module, hook, **names, config={"description": "x"})
        assert result["failed"] and not result["changed"]
        one_sentence(result["msg"])


# Waiting


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def listening_later(port: int, seconds: float) -> Iterator[None]:
    """Something that takes connections after a while."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        timer = threading.Timer(seconds, listener.listen)
        timer.start()
        yield
        timer.join()


def test_it_is_waited_for_until_it_is_connected(v5: Deployment) -> None:
    port = free_port()
    config = {"url": f"http://127.0.0.1:{port}"}
    assert done("connector", v5, **HOOK, config=config)["status"] == "disconnected"
    started = time.monotonic()
    with listening_later(port, 0.4):
        result = done("connector", v5, **HOOK, config=config, wait=True)
        assert (result["changed"], result["status"], result["status_reason"]) == (False, "connected", None)
        assert 0.3 < time.monotonic() - started < 5
        action = done("action", v5, **POST, connector="hook", config={"parameters": {}}, wait=True)
        assert (action["changed"], action["status"]) == (True, "connected")


def test_after_a_while_it_is_not_waited_for_any_longer(v5: Deployment) -> None:
    config = {"url": "http://127.0.0.1:9"}
    result = run("connector", v5, **HOOK, config=config, wait=True, wait_timeout=0.3)
    assert one_sentence(result["msg"]) == (
        "After 0.3 s (wait_timeout) it is still waited for the connector 'http:hook', which is disconnected "
        "(Connection refused)."
    )
    assert result["changed"] and result["counts"]["created"] == 1
    assert (result["status"], result["status_reason"]) == ("disconnected", "Connection refused")
    assert result["connector"]["name"] == "hook"


def test_what_is_disabled_or_only_predicted_is_not_waited_for(v5: Deployment) -> None:
    options = {**HOOK, "config": {"url": "http://127.0.0.1:9"}, "wait": True}
    predicted = done("connector", v5, check=True, **options)
    assert "status" not in predicted and v5.integrations("connectors") == {}
    result = done("connector", v5, **options, enabled=False)
    assert result["status"] == "stopped"
    assert done("connector", v5, **HOOK, state="absent", wait=True)["changed"] is True
    assert "wait_timeout is -1" in refused("connector", v5, **options, wait_timeout=-1)


def test_a_failure_while_waiting_tells_what_was_changed(v5: Deployment) -> None:
    v5.faults.add(Fault("status", status=403, method="GET", nth=2))
    result = run("connector", v5, **HOOK, config={"url": "http://127.0.0.1:9"}, wait=True)
    assert result["failed"] and result["changed"] and result["error"]["status"] == 403
    v5.faults.clear()
    v5.faults.add(Fault("status", status=403, method="GET", nth=2))
    result = run("connector", v5, **HOOK, enabled=False)
    assert result["failed"] and result["changed"] and result["counts"]["updated"] == 1
    v5.faults.clear()
    v5.faults.add(Fault("reset", method="GET", nth=2))
    result = run("connector", v5, **HOOK, enabled=True, retries=0)
    assert result["failed"] and result["changed"] and result["connector"]["enabled"] is True


def test_a_broker_that_restarts_meanwhile_is_waited_for(v5: Deployment) -> None:
    v5.faults.add(Fault("status", status=503, method="GET", nth=2, times=2))
    with listening_later(port := free_port(), 0):
        config = {"url": f"http://127.0.0.1:{port}"}
        assert done("connector", v5, **HOOK, config=config, wait=True, retries=0)["status"] == "connected"


@pytest.mark.parametrize("status", ["inconsistent", None, 7, {"odd": []}])
def test_a_status_that_nobody_knows_is_waited_for_and_shown(v5: Deployment, status: Any) -> None:
    done("connector", v5, **HOOK, config={"url": "http://127.0.0.1:9"})
    row = done("api", v5, path="connectors/http:hook")["json"]
    v5.faults.add(Fault("body", body={**row, "status": status, "status_reason": ["odd"]}, method="GET"))
    result = run("connector", v5, **HOOK, wait=True, wait_timeout=0)
    assert result["failed"] and result["status"] == (status if isinstance(status, str) else None)
    assert "which is " + (status if isinstance(status, str) else "in an unknown state") in one_sentence(result["msg"])
