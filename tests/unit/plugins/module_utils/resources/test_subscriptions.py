# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subscriptions: what is sent for a client, and what is made of the answers, on both generations."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._converge import Plan
from ansible_collections.emqx.cloud.plugins.module_utils._errors import ApiError, InputError, NotOffered, TransportError
from ansible_collections.emqx.cloud.plugins.module_utils._resources.subscriptions import (
    Filters,
    Subscription,
    filters_from,
    subscriptions,
    subscriptions_from,
)
from ansible_collections.emqx.cloud.tests.unit.helpers import ANY, Call, page, v4, v5

NOT_FOUND = {"code": "CLIENTID_NOT_FOUND", "message": "Client ID not found"}
NO_FILTER = {"clientid": None, "topic": None, "match_topic": None, "qos": None, "share_group": None}


def sub(topic, qos=None, **more):
    return Subscription("dev", topic, qos, **more)


def outcomes(found):
    return {record.topic: error for record, error in found}


# What options describe


def test_options_become_subscriptions():
    assert subscriptions_from("dev", [{"topic": "a/#"}, {"topic": "b", "qos": 2, "no_local": True}]) == [
        sub("a/#"), sub("b", 2, no_local=True)
    ]


@pytest.mark.parametrize(
    ("clientid", "topics", "problem"),
    [
        ("", [], "can't be used as clientid"), ("..", [], "can't be used as clientid"),
        ("dev", [{"topic": "a"}, {"topic": "a/#/b"}], r"^topics\[1\].topic is 'a/#/b', which is no topic filter"),
        ("dev", [{"topic": ""}], "it is empty"), ("dev", [{"topic": "x+"}], "stands for a whole level"),
        ("dev", [{"topic": "$share/g/t", "no_local": True}], r"topics\[0\].no_local can't be set for a shared"),
        ("dev", [{"topic": "$queue/t", "no_local": True}], "can't be set for a shared subscription"),
    ],
)
def test_options_that_a_broker_would_choke_on_are_refused(clientid, topics, problem):
    with pytest.raises(InputError, match=problem):
        subscriptions_from(clientid, topics)


def test_a_filter_that_should_never_have_been_accepted_can_be_removed():
    assert subscriptions_from("dev", [{"topic": "a/#/b"}], unwanted=True) == [sub("a/#/b")]


def test_two_ways_of_writing_a_queue_are_one_subscription():
    assert sub("$share/$queue/t").key == sub("$queue/t").key != sub("$share/g/t").key


# Reading


ROWS = [
    {"clientid": "dev", "topic": "a/+", "qos": 1, "node": "n"}, {"clientid": "dev2", "topic": "$share/g/a/#", "qos": 2},
    {"clientid": "dev", "topic": "$queue/a/b", "qos": 0}, {"clientid": "dev", "topic": "b", "qos": 1},
]


@pytest.mark.parametrize(
    ("filters", "query", "found"),
    [
        ({}, [], ["a/+", "$share/g/a/#", "$queue/a/b", "b"]),
        ({"clientid": "dev2"}, [("clientid", "dev2")], ["$share/g/a/#"]),
        ({"qos": 0}, [("qos", 0)], ["$queue/a/b"]),
        ({"qos": 1}, [("qos", 1)], ["a/+", "b"]),
        ({"topic": "a/+"}, [("topic", "a/+")], ["a/+"]),
        ({"topic": "a/#"}, [("topic", "a/#")], ["$share/g/a/#"]),
        ({"topic": "$share/g/a/#"}, [], ["$share/g/a/#"]),  # brokers compare it with the plain filter
        ({"topic": "$share/$queue/a/b"}, [], ["$queue/a/b"]),
        ({"topic": "$share/h/a/#"}, [], []),
        ({"match_topic": "a/b"}, [("match_topic", "a/b")], ["a/+", "$share/g/a/#", "$queue/a/b"]),
        ({"share_group": "g"}, [("share_group", "g")], ["$share/g/a/#"]),
        ({"share_group": "$queue"}, [("share_group", "$queue")], ["$queue/a/b"]),
        ({"clientid": "dev", "qos": 1, "match_topic": "a/b"},
         [("clientid", "dev"), ("match_topic", "a/b"), ("qos", 1)], ["a/+"]),
    ],
)
@pytest.mark.parametrize("generation", [v4, v5])
def test_filters_go_to_the_server_and_the_answer_is_held_to_them(generation, filters, query, found):
    if generation is v4:
        renamed = {"match_topic": "_match_topic", "share_group": "share"}
        query = [(renamed.get(name, name), value) for name, value in query]
    names = ("_page", "_limit") if generation is v4 else ("page", "limit")
    call = Call("GET", "subscriptions", [*query, (names[0], 1), (names[1], 10000)], gives=page(ROWS))
    with generation(call) as api:
        rows = subscriptions(api).find(Filters(**{**NO_FILTER, **filters}))
        assert [row.topic for row in rows] == found


@pytest.mark.parametrize(
    ("filters", "size"), [({}, 2), ({"qos": 1}, 2), ({"topic": "t"}, 10000), ({"match_topic": "t"}, 10000)]
)
def test_a_small_page_is_asked_for_only_where_the_server_filters_alike(filters, size):
    query = [*filters.items(), ("page", 1), ("limit", size)]
    with v5(Call("GET", "subscriptions", query, gives=page([]))) as api:
        assert list(subscriptions(api).find(Filters(**filters), 2)) == []


def test_what_is_asked_for_has_to_be_a_topic_name():
    assert filters_from({**NO_FILTER, "match_topic": "a/b"}).match_topic == "a/b"
    assert filters_from(NO_FILTER) == Filters()
    with pytest.raises(InputError, match="^match_topic is 'a/#', which is no topic name: .*wildcards"):
        filters_from({**NO_FILTER, "match_topic": "a/#"})
    for name in ("clientid", "topic", "share_group"):
        with pytest.raises(InputError, match=f"^{name} is empty: leave it out to ask for all"):
            filters_from({**NO_FILTER, name: ""})


def test_v5_rows_have_the_options_of_mqtt_5():
    row = {"clientid": "dev", "topic": "t", "qos": 1, "nl": 1, "rap": 0, "rh": 2, "node": "n"}
    with v5(Call("GET", "clients/dev/subscriptions", gives=[row, {**row, "topic": "u", "nl": True, "rap": 1}])) as api:
        assert list(subscriptions(api, "dev").list()) == [
            sub("t", 1, no_local=True, retain_as_published=False, retain_handling=2, node="n"),
            sub("u", 1, no_local=True, retain_as_published=True, retain_handling=2, node="n"),
        ]


def test_v4_rows_have_none_of_them():
    call = Call("GET", "subscriptions/d%2Fv", gives={"code": 0, "data": [ROWS[0]]})
    with v4(call) as api:
        assert list(subscriptions(api, "d/v").current([], False)) == [sub("a/+", 1, node="n")]


@pytest.mark.parametrize("gives", [{"a": 1}, [1], "7"])
def test_v5_subscriptions_of_another_shape_are_a_clear_error(gives):
    odd = Call("GET", "clients/dev/subscriptions", gives=gives)
    with v5(odd) as api, pytest.raises(ApiError, match="a list of objects was expected"):
        list(subscriptions(api, "dev").list())


# Who is not there


def test_v5_a_client_that_is_not_there_has_no_subscriptions_and_cannot_be_subscribed():
    gone = Call("GET", "clients/dev/subscriptions", status=404, gives=NOT_FOUND)
    with v5(gone) as api:
        store = subscriptions(api, "dev")
        assert list(store.current([sub("t")], False)) == []
        assert store.check(Plan()) is None  # to remove something from it is no problem
        with pytest.raises(InputError, match="The client 'dev' is not connected and has no kept session"):
            store.check(Plan(create=[sub("t")]))


def test_v5_a_missing_client_is_told_from_a_call_that_is_not_offered():
    with v5(Call("GET", "clients/dev/subscriptions", status=404, gives="<html>")) as api, pytest.raises(NotOffered):
        list(subscriptions(api, "dev").list())
    with v5(Call("GET", "clients/dev/subscriptions", status=403)) as api, pytest.raises(ApiError):
        list(subscriptions(api, "dev").list())


@pytest.mark.parametrize(("rows", "there"), [([{"clientid": "dev"}], True), ([], False)])
def test_v4_a_client_without_subscriptions_is_looked_for_before_it_is_subscribed(rows, there):
    with v4(Call("GET", "clients/dev", gives={"code": 0, "data": rows})) as api:
        store = subscriptions(api, "dev")
        if there:
            assert store.check(Plan(create=[sub("t", 0)])) is None
        else:
            with pytest.raises(InputError, match="is not connected and has no kept session"):
                store.check(Plan(create=[sub("t", 0)]))


def test_v4_a_client_with_subscriptions_is_there():
    with v4() as api:
        store = subscriptions(api, "dev")
        assert store.check(Plan(create=[sub("t", 0)], existing=1)) is None
        assert store.check(Plan(delete=[sub("t", 0)])) is None


# What can't be done


@pytest.mark.parametrize(
    "plan", [Plan(create=[sub("a,b")]), Plan(update=[(sub("a,b", 0), sub("a,b", 1))]), Plan(delete=[sub("a,b")])]
)
def test_v4_would_take_a_comma_for_two_topics(plan):
    with v4() as api, pytest.raises(InputError, match="The topic 'a,b' has a comma"):
        subscriptions(api, "dev").check(plan)


@pytest.mark.parametrize("option", ["no_local", "retain_as_published", "retain_handling"])
def test_v4_lacks_the_options_of_mqtt_5(option):
    changed = sub("t", 1, **{option: 0})
    for plan in (Plan(create=[changed], existing=1), Plan(update=[(sub("t", 1), changed)])):
        with v4() as api, pytest.raises(InputError, match=f"^{option} of the topic 't' needs a v5 deployment"):
            subscriptions(api, "dev").check(plan)


@pytest.mark.parametrize(
    ("answer", "refused"),
    [({"gives": {"proto_ver": 4}}, True), ({"gives": {"proto_ver": 5}}, False), ({"gives": {}}, False),
     ({"gives": []}, False), ({"gives": {"proto_ver": "4"}}, False), ({"status": 404, "gives": NOT_FOUND}, False)],
)
@pytest.mark.parametrize("option", ["no_local", "retain_as_published"])
def test_v5_a_client_that_speaks_mqtt_3_cannot_have_the_flags_of_mqtt_5(answer, refused, option):
    flagged = sub("t", 1, **{option: True})
    for plan in (Plan(create=[sub("s", 1), flagged]), Plan(update=[(sub("t", 1), flagged)])):
        with v5(Call("GET", "clients/dev", **answer)) as api:
            store = subscriptions(api, "dev")
            if refused:
                with pytest.raises(InputError, match="of the topic 't' can't be set: the client 'dev' doesn't speak"):
                    store.check(plan)
            else:
                assert store.check(plan) is None


def test_v5_without_such_flags_no_question_is_asked():
    with v5() as api:
        plan = Plan(create=[sub("t", 1, no_local=False, retain_as_published=False, retain_handling=2)])
        assert subscriptions(api, "dev").check(plan) is None


# Changing


def test_new_subscriptions_have_the_defaults_of_their_generation():
    with v4() as api:
        assert subscriptions(api, "dev").fresh(sub("t")) == sub("t", 0)
        assert subscriptions(api, "dev").fresh(sub("t", 2)) == sub("t", 2)
    with v5() as api:
        assert subscriptions(api, "dev").fresh(sub("t", retain_handling=1)) == sub(
            "t", 0, no_local=False, retain_as_published=False, retain_handling=1
        )


@pytest.mark.parametrize("action", ["create", "update"])
def test_v5_subscribes_in_one_request(action):
    body = [{"topic": "t", "qos": 1, "nl": 1, "rap": 0, "rh": 2}, {"topic": "u", "qos": 0}]
    wanted = [sub("t", 1, no_local=True, retain_as_published=False, retain_handling=2), sub("u", 0)]
    with v5(Call("POST", "clients/dev/subscribe/bulk", body=body, gives=[])) as api:
        assert outcomes(getattr(subscriptions(api, "dev"), action)(wanted)) == {"t": None, "u": None}


def test_v5_unsubscribes_in_one_request():
    body = [{"topic": "t"}, {"topic": "a/#/b"}]
    with v5(Call("POST", "clients/d%2Fv/unsubscribe/bulk", body=body, status=204)) as api:
        found = subscriptions(api, "d/v").delete([sub("t", 1), sub("a/#/b")])
        assert outcomes(found) == {"t": None, "a/#/b": None}


def test_v5_a_bulk_call_that_fails_fails_for_all():
    with v5(Call("POST", "clients/dev/subscribe/bulk", body=ANY, status=404, gives=NOT_FOUND)) as api:
        found = outcomes(subscriptions(api, "dev").create([sub("t", 0), sub("u", 0)]))
    assert {error.code for error in found.values()} == {"CLIENTID_NOT_FOUND"} and len(found) == 2


@pytest.mark.parametrize("action", ["create", "update"])
def test_v4_subscribes_in_one_request_and_reads_every_item_by_name(action):
    body = [{"clientid": "dev", "topic": topic, "qos": 1} for topic in "abcd"]
    data = [{"topic": "c", "code": 112}, {"topic": "a", "code": 0}, {"topic": "d", "code": 999}]
    with v4(Call("POST", "mqtt/subscribe_batch", body=body, gives={"code": 0, "data": data})) as api:
        found = outcomes(getattr(subscriptions(api, "dev"), action)([sub(topic, 1) for topic in "abcd"]))
    assert found["a"] is None
    assert str(found["c"]) == "The topic 'c' of the client 'dev': the client is not online (code 112)."
    assert (found["c"].status, found["c"].code, found["c"].path) == (200, 112, "mqtt/subscribe_batch")
    assert "no result for it" in str(found["b"]) and "code 999" in str(found["d"])


def test_v4_unsubscribes_in_one_request():
    body = [{"clientid": "dev", "topic": "a"}, {"clientid": "dev", "topic": "b"}]
    data = [{"topic": "a", "code": 0}, {"topic": "b", "code": 112}]
    with v4(Call("POST", "mqtt/unsubscribe_batch", body=body, gives={"code": 0, "data": data})) as api:
        found = outcomes(subscriptions(api, "dev").delete([sub("a", 1), sub("b", 1)]))
    assert found["a"] is None and found["b"].code == 112


@pytest.mark.parametrize("code", ["0", None, False, [0], {}])
def test_v4_items_without_code_zero_are_not_taken_for_subscribed(code):
    gives = {"code": 0, "data": [{"topic": "a", "code": code}]}
    with v4(Call("POST", "mqtt/subscribe_batch", body=ANY, gives=gives)) as api:
        assert isinstance(outcomes(subscriptions(api, "dev").create([sub("a", 1)]))["a"], ApiError)


@pytest.mark.parametrize("data", [None, {"a": 1}, "ok", [1]])
def test_v4_a_batch_answered_oddly_is_a_failure_of_its_items_and_names_the_call(data):
    with v4(Call("POST", "mqtt/subscribe_batch", body=ANY, gives={"code": 0, "data": data})) as api:
        found = outcomes(subscriptions(api, "dev").create([sub("a", 1), sub("b", 1)]))
    assert set(found) == {"a", "b"}
    assert all(error.method == "POST" for error in found.values())


@pytest.mark.parametrize(
    "answer", [{"gives": {"code": 108}}, {"status": 500}, {"gives": TransportError("lost", "POST", "x", lost=True)}]
)
def test_v4_a_batch_that_fails_fails_for_all(answer):
    with v4(Call("POST", "mqtt/unsubscribe_batch", body=ANY, **answer)) as api:
        found = outcomes(subscriptions(api, "dev").delete([sub("a"), sub("b")]))
    assert all(found.values()) and set(found) == {"a", "b"}
