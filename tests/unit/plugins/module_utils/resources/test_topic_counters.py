# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topic metrics: what is sent, and what is made of the answers, on both generations."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._converge import Plan
from ansible_collections.emqx.cloud.plugins.module_utils._errors import ApiError, InputError, NotOffered
from ansible_collections.emqx.cloud.plugins.module_utils._resources.topic_metrics import (
    Topic,
    find,
    topic_metrics,
    topics_from,
)
from ansible_collections.emqx.cloud.tests.unit.helpers import Call, v4, v5

OFF = {"message": "module_not_loaded"}
NOT_FOUND = {"code": "TOPIC_NOT_FOUND", "message": "Topic not found"}
OK = {"code": 0}
COUNTED = {"messages.in.count": 3, "messages.in.rate": 0.2}
LOAD = "modules/emqx_mod_topic_metrics/load"


def row(topic, **more):
    return {"topic": topic, "metrics": COUNTED, **more}


def listed(generation, *topics):
    rows = [row(topic) for topic in topics]
    if generation is v5:
        return Call("GET", "mqtt/topic_metrics", gives=rows)
    return Call("GET", "topic-metrics", gives={"code": 0, "data": rows})


def outcomes(found):
    return {record.topic: error for record, error in found}


def records(*names, **more):
    return [Topic(name, **more) for name in names]


# What options describe


def test_options_become_topics():
    assert topics_from(["a/b", "$SYS/x"]) == records("a/b", "$SYS/x")
    (reset,) = topics_from(["a"], reset=True)
    assert reset.carries_secret() and reset.shown() == {"topic": "a", "reset": True}
    assert not reset.differs(Topic("a")) and Topic("a").shown() == {"topic": "a"}


@pytest.mark.parametrize(
    ("names", "problem"),
    [(["a", "b/+"], r"^topics\[1\] is 'b/\+', which is no topic name: .*wildcards"), ([""], "it is empty"),
     (["."], "'.' can't be used as topics.0. *"), ([".."], "would take it for another path"),
     (["a\0"], "U\\+0000"), (["x" * 65536], "longer than 65535 bytes")],
)
def test_what_is_no_topic_name_is_refused(names, problem):
    with pytest.raises(InputError, match=problem):
        topics_from(names)


# Reading


def test_topics_are_read_in_their_order_and_one_shape():
    with v4(listed(v4, "b", "a")) as api:
        assert list(find(api)) == [row("a", created_at=None), row("b", created_at=None)]
    rows = [row("a", create_time="2026-11-22T22:55:55+02:00", later=1)]
    with v5(Call("GET", "mqtt/topic_metrics", gives=rows)) as api:
        assert list(find(api)) == [{"topic": "a", "metrics": COUNTED, "created_at": "2026-11-22T20:55:55Z"}]


def test_one_topic_is_asked_for():
    with v4(Call("GET", "topic-metrics/a%2Fb%2Cc", gives={"code": 0, "data": COUNTED})) as api:
        assert [found["topic"] for found in find(api, "a/b,c")] == ["a/b,c"]
    with v4(Call("GET", "topic-metrics/none", gives={"code": 0, "data": {}})) as api:
        assert list(find(api, "none")) == []
    with v5(Call("GET", "mqtt/topic_metrics/a%2Fb", gives=row("a/b"))) as api:
        assert [found["metrics"] for found in find(api, "a/b")] == [COUNTED]
    with v5(Call("GET", "mqtt/topic_metrics/none", status=404, gives=NOT_FOUND)) as api:
        assert list(find(api, "none")) == []


@pytest.mark.parametrize("topic", ["", "a/#", "..", "."])
@pytest.mark.parametrize("generation", [v4, v5])
def test_nothing_is_asked_about_what_is_no_topic_name(generation, topic):
    with generation() as api, pytest.raises(InputError):
        list(find(api, topic))


@pytest.mark.parametrize("topic", [None, "t"])
def test_v4_a_module_that_is_off_is_named(topic):
    path = "topic-metrics" + ("" if topic is None else "/t")
    with v4(Call("GET", path, gives=OFF)) as api, pytest.raises(InputError, match="with enable: true.$"):
        list(find(api, topic))


@pytest.mark.parametrize("rows", [None, 7, [1], [{"topic": "a"}], [{"topic": 1, "metrics": {}}], [{"metrics": {}}]])
@pytest.mark.parametrize("generation", [v4, v5])
def test_rows_of_another_shape_are_a_clear_error(generation, rows):
    gives = {"code": 0, "data": rows} if generation is v4 else rows
    path = "topic-metrics" if generation is v4 else "mqtt/topic_metrics"
    with generation(Call("GET", path, gives=gives)) as api, pytest.raises(ApiError, match="can't be used"):
        list(topic_metrics(api).current([], True))


def test_a_call_that_is_not_offered_is_told_from_a_topic_that_is_not_there():
    with v5(Call("GET", "mqtt/topic_metrics/t", status=404, gives="<html>")) as api, pytest.raises(NotOffered):
        list(find(api, "t"))
    with v4(Call("GET", "topic-metrics", status=404, gives="Not found.")) as api, pytest.raises(NotOffered):
        list(topic_metrics(api).list())
    with v4(Call("GET", "topic-metrics", status=403)) as api, pytest.raises(ApiError):
        list(find(api))


# What can't be done


@pytest.mark.parametrize("generation", [v4, v5])
def test_a_deployment_counts_at_most_512_topics(generation):
    with generation() as api:
        store = topic_metrics(api)
        words = "^A deployment counts at most 512 topics: 511 are registered, and 2 more are wanted.$"
        with pytest.raises(InputError, match=words):
            store.check(Plan(create=records("a", "b"), existing=511))
        assert store.check(Plan(create=records("a"), existing=511)) is None
        assert store.check(Plan(existing=600)) is None
        full = Plan(create=records("a"), delete=records("b"), existing=512)
        assert store.check(full) is None and store.needs_room(full)
        assert not store.needs_room(Plan(create=records("a"), existing=511))


@pytest.mark.parametrize("generation", [v4, v5])
def test_what_is_not_registered_cannot_be_reset(generation):
    with generation() as api, pytest.raises(InputError, match="^The topic 'b' is not registered, so its counters"):
        topic_metrics(api).check(Plan(create=records("b", reset=True)))


def test_v4_a_module_that_is_off_keeps_nothing_and_has_to_be_enabled():
    with v4(Call("GET", "topic-metrics", gives=OFF)) as api:
        store = topic_metrics(api)
        assert list(store.current([], False)) == []
        assert store.check(Plan()) is None
        with pytest.raises(InputError, match="is not loaded: set enable: true to load it.$"):
            store.check(Plan(create=records("a")))


# Changing


def test_v4_loads_the_module_registers_and_looks_again():
    calls = [
        Call("GET", "topic-metrics", gives=OFF), Call("PUT", LOAD, gives=OK),
        Call("POST", "topic-metrics", body={"topic": "a"}, gives=OK),
        Call("POST", "topic-metrics", body={"topic": "b"}, gives={"message": "invalid_topic_name"}),
        Call("POST", "topic-metrics", body={"topic": "c"}, gives=OK), listed(v4, "a"),
    ]
    with v4(*calls) as api:
        store = topic_metrics(api, enable=True)
        assert list(store.list()) == []
        assert store.check(Plan(create=records("a"))) is None
        found = outcomes(store.create(records("a", "b", "c")))
    assert found["a"] is None and "the topic name is invalid" in str(found["b"])
    assert str(found["c"]) == (
        "The topic 'c' is not registered: the deployment said that it registered it, and does not list it; "
        "it counts at most 512 topics."
    )


def test_v4_a_module_that_cannot_be_loaded_is_why_nothing_is_registered():
    with v4(Call("GET", "topic-metrics", gives=OFF), Call("PUT", LOAD, gives={"message": "not_found"})) as api:
        store = topic_metrics(api, enable=True)
        assert list(store.list()) == []
        found = outcomes(store.create(records("a", "b")))
    assert len(found) == 2 and all(error.reason == "not_found" for error in found.values())


def test_v4_what_cannot_be_looked_at_again_is_not_taken_for_done():
    calls = [Call("POST", "topic-metrics", body={"topic": "a"}, gives=OK), Call("GET", "topic-metrics", status=500)]
    with v4(*calls) as api:
        assert outcomes(topic_metrics(api).create(records("a")))["a"].status == 500
    with v4(Call("POST", "topic-metrics", body={"topic": "a"}, status=500)) as api:
        assert outcomes(topic_metrics(api).create(records("a")))["a"].method == "POST"


def test_v4_resets_by_registering_again():
    calls = [
        Call("DELETE", "topic-metrics/a%2Fb", gives=OK), Call("POST", "topic-metrics", body={"topic": "a/b"}, gives=OK),
        listed(v4, "a/b"),
    ]
    with v4(*calls) as api:
        assert outcomes(topic_metrics(api).update(records("a/b", reset=True))) == {"a/b": None}


def test_v4_removes_one_by_one_and_never_all():
    with v4(Call("DELETE", "topic-metrics/a", gives=OK), Call("DELETE", "topic-metrics/b", gives=OFF)) as api:
        found = outcomes(topic_metrics(api).delete(records("a", "b")))
    assert found["a"] is None and found["b"].reason == "module_not_loaded"
    for generation in (v4, v5):
        with generation() as api:
            found = outcomes(topic_metrics(api).delete(records("", "..")))
        assert all(isinstance(error, InputError) for error in found.values()) and len(found) == 2


def test_v5_registers_and_removes_one_by_one():
    exists = {"code": "BAD_TOPIC", "message": "Topic already registered"}
    calls = [
        Call("POST", "mqtt/topic_metrics", body={"topic": "a"}, gives=row("a")),
        Call("POST", "mqtt/topic_metrics", body={"topic": "b"}, status=400, gives=exists),
        Call("DELETE", "mqtt/topic_metrics/a", status=204),
        Call("DELETE", "mqtt/topic_metrics/b", status=404, gives=NOT_FOUND),
        Call("DELETE", "mqtt/topic_metrics/c", status=404, gives="<html>"),
    ]
    with v5(*calls) as api:
        store = topic_metrics(api)
        made = outcomes(store.create(records("a", "b")))
        gone = outcomes(store.delete(records("a", "b", "c")))
    assert made["a"] is None and "Topic already registered" in str(made["b"])
    assert gone["a"] is gone["b"] is None and isinstance(gone["c"], NotOffered)


def test_v5_resets_one_by_one_or_all_at_once():
    one, both = records("a", reset=True), records("a", "b", reset=True)
    body = {"topic": "a", "action": "reset"}
    for plan in (Plan(update=[(Topic("a"), one[0])], existing=2), Plan(update=[(Topic("a"), one[0])], existing=1)):
        with v5(Call("PUT", "mqtt/topic_metrics", body=body, gives=row("a"))) as api:
            store = topic_metrics(api)
            store.check(plan)
            assert outcomes(store.update(one)) == {"a": None}
    plan = Plan(update=[(Topic(topic.topic), topic) for topic in both], existing=2)
    for status in (200, 500):
        with v5(Call("PUT", "mqtt/topic_metrics", body={"action": "reset"}, status=status, gives=[])) as api:
            store = topic_metrics(api)
            store.check(plan)
            found = outcomes(store.update(both))
        assert set(found) == {"a", "b"} and all((error is None) == (status == 200) for error in found.values())
