# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connectors, actions and sources: what is sent, what is refused before, and what is made of the answers."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._converge import Plan
from ansible_collections.emqx.cloud.plugins.module_utils._errors import ApiError, InputError, NotOffered
from ansible_collections.emqx.cloud.plugins.module_utils._resources._config import MASK
from ansible_collections.emqx.cloud.plugins.module_utils._resources.integrations import (
    Actions,
    Connectors,
    Integration,
    Sources,
    integration_from,
)
from ansible_collections.emqx.cloud.tests.unit.helpers import ANY, Call, v4, v5

HOOK = {
    "type": "http", "name": "hook", "status": "connected", "node_status": [{"node": "n", "status": "connected"}],
    "actions": [], "sources": [], "enable": True, "url": "http://h", "pool_size": 8, "description": "",
    "headers": {"authorization": MASK, "x-api-key": "hush-1"},
}
POST = {
    "type": "http", "name": "post", "status": "connecting", "status_reason": "Not installed", "error": "Not installed",
    "node_status": [], "rules": [], "connector": "hook", "enable": True, "created_at": 1, "last_modified_at": 1,
    "parameters": {"method": "post", "path": "/in"},
}
GONE = {"code": "NOT_FOUND", "message": "Connector lookup failed: connector named 'hook' of type http does not exist."}
LISTED = Call("GET", "connectors", [("page", 1), ("limit", 10000)], gives=[HOOK])
AT = "connectors/http%3Ahook"


def wanted(**options):
    base = {"type": "http", "name": "hook", "enabled": None, "connector": None, "config": None, "secret_config": None}
    return integration_from({**base, **options})


def got(row=None, **more):
    return Call("GET", AT, gives={**(row or HOOK), **more})


def changed(store, record):
    """The plan for a record that exists, and the outcomes of carrying it out."""
    held = store.get(record)
    assert record.differs(held)
    new = record.completed(held)
    store.check(Plan(update=[(held, new)]))
    return [error for unused, error in store.update([new])]


# What options describe


@pytest.mark.parametrize("name", ["", ".", "..", "a:b", "a b", "a/b", "-a", "_a", "ü", "a\n", "x" * 256])
@pytest.mark.parametrize("option", ["name", "type", "connector"])
def test_names_that_no_broker_takes_are_refused(option, name):
    with pytest.raises(InputError, match=f"^{option} is .*: it consists of letters, digits, '-' and '_'"):
        wanted(**{option: name})


@pytest.mark.parametrize("option", ["config", "secret_config"])
@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ("enable", "is no part of the configuration: give the option enabled"),
        ("connector", "is no part of the configuration: give the option connector"),
        ("status", "can't be set: the broker only tells it"), ("rules", "can't be set"),
    ],
)
def test_fields_that_are_no_configuration_are_refused(option, field, problem):
    with pytest.raises(InputError, match=f"^{option}.{field} {problem}"):
        wanted(**{option: {field: "x"}})


@pytest.mark.parametrize(
    ("kind", "called"), [(Connectors, "A connector"), (Actions, "An action"), (Sources, "A source")]
)
def test_v4_has_none_of_them(kind, called):
    with v4() as api, pytest.raises(InputError, match=f"^{called} needs a v5 deployment: v4 has resources"):
        kind(api)


# Reading


def test_what_is_there_is_told_from_what_is_not():
    gone = Call("GET", AT, status=404, gives=GONE)
    with v5(got(actions=["a"], sources=["s"]), gone) as api:
        store = Connectors(api)
        found = store.get(wanted())
        assert found.users == (("actions", "a"), ("sources", "s"))
        assert (found.enabled, found.connector) == (True, None)
        assert set(found.config) == {"url", "pool_size", "description", "headers"}
        assert store.get(wanted()) is None


def test_what_a_user_calls_secret_is_hidden_in_what_the_broker_shows():
    with v5(got(odd="hush-2")) as api:
        shown = Connectors(api).get(wanted(secret_config={"odd": "other"})).shown()
    assert shown["config"]["odd"] == shown["config"]["headers"]["x-api-key"] == MASK
    assert "users" not in shown and "status" not in shown


@pytest.mark.parametrize("answer", [[], 7, {}, {**HOOK, "enable": "yes"}, {**HOOK, "connector": "c"}])
def test_a_connector_of_another_shape_is_a_clear_error(answer):
    with v5(Call("GET", AT, gives=answer)) as api, pytest.raises(ApiError, match="gave an answer that can't be used"):
        Connectors(api).get(wanted())


def test_an_action_without_its_connector_is_a_clear_error():
    row = {**POST, "connector": None}
    call = Call("GET", "actions/http%3Ahook", gives=row)
    with v5(call) as api, pytest.raises(ApiError, match="the object of the action"):
        Actions(api).get(wanted())


def test_a_call_that_is_not_offered_is_told_from_a_thing_that_is_missing():
    with v5(Call("GET", AT, status=404, gives="<html>")) as api, pytest.raises(NotOffered):
        Connectors(api).get(wanted())


def test_dependents_may_come_as_objects_or_in_no_list_at_all():
    with v5(got(actions=[{"name": "a", "type": "http"}, {}], sources="x")) as api:
        assert Connectors(api).get(wanted()).users == (("actions", "a"),)


# What is refused before


def test_a_type_that_the_deployment_does_not_know():
    message = "Invalid connector ID, unknown connector type: http"
    with v5(Call("GET", AT, status=404, gives={"code": "NOT_FOUND", "message": message})) as api:
        store = Connectors(api)
        assert store.get(wanted()) is None
        assert store.check(Plan()) is None  # nothing to delete
        with pytest.raises(InputError, match="^type is 'http', which this deployment does not know as one"):
            store.check(Plan(create=[wanted()]))


def test_something_new_needs_a_connector_that_is_there():
    with v5() as api, pytest.raises(InputError, match="^The action 'http:hook' does not exist: to create it"):
        Actions(api).check(Plan(create=[wanted()]))
    with v5(LISTED) as api, pytest.raises(InputError, match="^connector is 'none', and there is no such"):
        Actions(api).check(Plan(create=[wanted(connector="none")]))
    with v5(LISTED) as api, pytest.raises(InputError, match=r"of type mqtt \(there is one of type http\): create it"):
        Sources(api).check(Plan(create=[wanted(connector="hook", type="mqtt")]))
    with v5(LISTED) as api:
        assert Actions(api).check(Plan(create=[wanted(connector="hook")])) is None


def test_the_type_of_a_connector_may_be_longer_than_that_of_its_action():
    row = {"type": "gcp_pubsub_producer", "name": "hook"}
    with v5(Call("GET", "connectors", ANY, gives=[row])) as api:
        assert Actions(api).check(Plan(create=[wanted(connector="hook", type="gcp_pubsub")])) is None


def test_where_connectors_cannot_be_read_the_broker_decides():
    with v5(Call("GET", "connectors", ANY, status=403)) as api:
        assert Actions(api).check(Plan(create=[wanted(connector="hook")])) is None


def test_another_connector_has_to_be_there_too():
    held = Call("GET", "actions/http%3Ahook", gives=POST)
    with v5(held, LISTED) as api, pytest.raises(InputError, match="^connector is 'none'"):
        changed(Actions(api), wanted(connector="none"))


@pytest.mark.parametrize("option", ["config", "secret_config"])
def test_stars_are_never_stored(option):
    stars = {option: {"headers": {"proxy-authorization": MASK}}}
    with v5() as api, pytest.raises(InputError, match=r"does not exist, and headers.proxy-authorization of"):
        Connectors(api).check(Plan(create=[wanted(**stars)]))
    with v5(got()) as api, pytest.raises(InputError, match="keeps no such secret, and headers.proxy-authorization"):
        changed(Connectors(api), wanted(**stars))


@pytest.mark.parametrize(
    ("users", "named"),
    [
        ({"actions": ["a", "b"]}, "action 'a', action 'b'."), ({"sources": ["s"]}, "source 's'."),
        ({"actions": ["a"], "sources": ["s"]}, "action 'a', source 's'."),
    ],
)
def test_what_is_used_is_not_deleted(users, named):
    with v5(got(**users)) as api:
        store = Connectors(api)
        with pytest.raises(InputError) as caught:
            store.check(Plan(delete=[store.get(wanted())]))
    assert str(caught.value) == (
        "The connector 'http:hook' can't be deleted as long as something depends on it: " + named
    )


# Changing


def test_something_new_is_sent_with_its_secrets_and_the_answer_tells_the_status():
    body = {"type": "http", "name": "hook", "enable": True, "url": "http://h", "headers": {"authorization": "hush"}}
    with v5(Call("POST", "connectors", body=body, status=201, gives=HOOK)) as api:
        store = Connectors(api)
        new = store.fresh(wanted(config={"url": "http://h"}, secret_config={"headers": {"authorization": "hush"}}))
        assert [error for unused, error in store.create([new])] == [None]
        assert store.status(new, False) == {"status": "connected", "status_reason": None}
        assert new.shown() == {"type": "http", "name": "hook", "enabled": True, "config": {"url": "http://h"}}


def test_a_change_sends_the_whole_object_less_what_is_only_read_and_stars_for_what_is_kept():
    body = {
        "enable": True, "url": "http://h", "pool_size": 4, "description": "",
        "headers": {"authorization": MASK, "x-api-key": "hush-1"},
    }
    with v5(got(), Call("PUT", AT, body=body, gives=HOOK)) as api:
        assert changed(Connectors(api), wanted(config={"pool_size": 4})) == [None]


def test_an_action_keeps_its_connector_or_moves_to_another():
    sent = {"enable": True, "connector": "hook", "parameters": {"method": "put", "path": "/in"}}
    path = "actions/http%3Ahook"
    with v5(Call("GET", path, gives=POST), Call("PUT", path, body=sent, gives=POST)) as api:
        assert changed(Actions(api), wanted(config={"parameters": {"method": "put"}})) == [None]
    moved = {"enable": True, "connector": "hook", "parameters": POST["parameters"]}
    held = Call("GET", path, gives={**POST, "connector": "old"})
    with v5(held, LISTED, Call("PUT", path, body=moved, gives=POST)) as api:
        assert changed(Actions(api), wanted(connector="hook")) == [None]


@pytest.mark.parametrize("config", [None, {"pool_size": "8"}])
def test_enabling_alone_rewrites_nothing_else(config):
    with v5(got(), Call("PUT", AT + "/enable/false", status=204), got(status="stopped")) as api:
        store, record = Connectors(api), wanted(enabled=False, config=config)
        assert changed(store, record) == [None]
        assert store.status(record, False)["status"] == "stopped"


def test_enabling_together_with_a_secret_is_one_put():
    with v5(got(), Call("PUT", AT, body=ANY, gives=HOOK)) as api:
        secret = {"headers": {"authorization": "hush"}}
        record = wanted(enabled=False, secret_config=secret, update_secrets="always")
        assert changed(Connectors(api), record) == [None]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_secrets_that_an_error_repeats_are_masked(method):
    said = {"code": "BAD_REQUEST", "message": "bad: hush-new hush-1 http://u:hush-url@h"}
    path = "connectors" if method == "POST" else AT
    script = [Call(method, path, body=ANY, status=400, gives=said)]
    with v5(*([got(url="http://u:hush-url@h")] if method == "PUT" else []), *script) as api:
        store = Connectors(api)
        record = wanted(
            config={"url": "http://u:hush-url@h", "headers": {"x-api-key": "hush-1"}}, secret_config={"odd": "hush-new"}
        )
        errors = changed(store, record) if method == "PUT" else [each for unused, each in store.create([record])]
    assert "hush" not in str(errors[0]) + str(errors[0].details())


# Deleting


def test_what_somebody_else_has_deleted_is_gone():
    with v5(got(), Call("DELETE", AT, status=404, gives=GONE)) as api:
        store = Connectors(api)
        assert [error for unused, error in store.delete([store.get(wanted())])] == [None]


DUMP = (
    '{<<"Cannot delete connector while there are active channels defined for this connector">>,'
    '[{<<"action:http:post:connector:http:hook">>,#{parameters => #{headers => #{<<"x-api-key">> => <<"hush">>}}}}]}'
)


@pytest.mark.parametrize("users", [["post"], []])
def test_what_has_come_to_depend_on_it_is_named_and_nothing_that_the_broker_prints_of_it(users):
    refused = Call("DELETE", AT, status=400, gives={"code": "BAD_REQUEST", "message": DUMP})
    with v5(got(), refused, got(actions=users)) as api:
        store = Connectors(api)
        [error] = [error for unused, error in store.delete([store.get(wanted())])]
    assert str(error).endswith("can't be deleted as long as something depends on it: action 'post'.")
    assert "hush" not in str(error.details()) and error.details()["error"]["status"] == 400


def test_another_refusal_to_delete_is_passed_on():
    with v5(got(), Call("DELETE", AT, status=400, gives={"code": "BAD_REQUEST", "message": "no"}), got()) as api:
        store = Connectors(api)
        [error] = [error for unused, error in store.delete([store.get(wanted())])]
    assert "(HTTP 400, code BAD_REQUEST, no)" in str(error)
    with v5(got(), Call("DELETE", AT, status=403)) as api:
        store = Connectors(api)
        [error] = [error for unused, error in store.delete([store.get(wanted())])]
    assert error.status == 403


# The status


@pytest.mark.parametrize(
    ("told", "waiting"),
    [
        ({"status": "connected"}, []),
        ({"status": "connecting"}, ["the connector 'http:hook', which is connecting"]),
        ({"status": "odd", "status_reason": "a\n b"}, ["the connector 'http:hook', which is odd (a b)"]),
        ({"status": {"odd": 1}, "status_reason": 7}, ["the connector 'http:hook', which is in an unknown state"]),
        ({"status": None}, ["the connector 'http:hook', which is in an unknown state"]),
    ],
)
def test_what_is_waited_for(told, waiting):
    with v5(got(**told)) as api:
        store, record = Connectors(api), wanted()
        assert store.awaited(record, store.status(record, True)) == waiting
        assert store.awaited(wanted(enabled=False), store.status(record, False)) == []


def test_a_reason_has_no_secrets():
    reason = "no login with hush-new at http://u:hush@h and hush-1"
    with v5(got(status="disconnected", status_reason=reason)) as api:
        record = wanted(secret_config={"password": "hush-new"})
        assert "hush" not in Connectors(api).status(record, True)["status_reason"]


def test_what_is_gone_while_it_is_waited_for():
    with v5(Call("GET", AT, status=404, gives=GONE)) as api:
        store, record = Connectors(api), wanted()
        status = store.status(record, True)
    assert store.awaited(record, status) == ["the connector 'http:hook', which is in an unknown state (it is gone)"]


def test_an_answer_that_tells_no_status_is_asked_for_again():
    with v5(Call("POST", "connectors", body=ANY, status=201), got(status="connecting")) as api:
        store = Connectors(api)
        assert [error for unused, error in store.create([wanted()])] == [None]
        assert store.status(wanted(), False)["status"] == "connecting"


def test_a_record_knows_what_it_is():
    record = Integration(type="http", name="hook")
    assert record.key == "http:hook" and "secret_config" not in repr(record)
