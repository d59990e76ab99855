# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages: what options describe, what is sent, and what is made of the answers, on both generations."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.emqx.cloud.plugins.module_utils._resources import messages
from ansible_collections.emqx.cloud.plugins.module_utils._resources.messages import (
    LARGEST,
    Message,
    Retained,
    RetainedMessages,
    messages_from,
    payload_from,
    publisher,
    retained_from,
)
from ansible_collections.emqx.cloud.tests.unit.helpers import Call, page, v4, v5

NOTHING = {"payload": "x", "payload_encoding": None, "qos": None, "retain": None, "properties": None}
GONE = {"code": "NOT_FOUND", "message": "Viewed message doesn't exist"}
RETAINED = {"topic": "t", "qos": 1, "payload": "aGk=", "msgid": "M", "publish_at": "2026-11-22T21:55:53.098+01:00"}


def listed(*options):
    return {"messages": [{**NOTHING, **each} for each in options]}


def outcomes(found):
    return [(record.topic, record.id, record.delivered, error and str(error)) for record, error in found]


# What options describe


@pytest.mark.parametrize(
    ("value", "encoding", "payload"),
    [
        ("ü", None, "ü".encode()), ("", "plain", b""), ('{"a": 1}', "plain", b'{"a": 1}'),
        ({"a": [1, None]}, "plain", b'{"a":[1,null]}'), (False, "plain", b"false"), (1.5, None, b"1.5"),
        ("x", "json", b'"x"'), ("/w==", "base64", b"\xff"), ("", "base64", b""),
        ("x" * LARGEST, "plain", b"x" * LARGEST),
    ],
)
def test_payloads_become_bytes(value, encoding, payload):
    assert payload_from(value, encoding) == payload


@pytest.mark.parametrize(
    ("value", "encoding", "problem"),
    [
        (None, None, "^p.payload is missing: write '' for an empty one.$"),
        ("ü", "base64", "^p.payload is not base64.$"),
        (5, "base64", "is not base64"), ("a===", "base64", "is not base64"), ({1, 2}, None, "is not JSON"),
        (float("inf"), "json", "is not JSON"), ("\ud800", None, "is not valid Unicode text"),
        ("x" * LARGEST, "json", "which is too large"),
        (base64.b64encode(b"x" * (LARGEST + 1)).decode(), "base64", "which is too large"),
    ],
)
def test_payloads_that_cant_be_sent_are_refused(value, encoding, problem):
    with pytest.raises(InputError, match=problem):
        payload_from(value, encoding, "p.")


def test_options_become_messages():
    found = messages_from(listed({"topic": "a"}, {"topic": "b", "qos": 2, "retain": True, "payload": [1]}), "v4")
    assert found == [Message(0, "a", b"x"), Message(1, "b", b"[1]", 2, True)]
    assert messages_from({"messages": None, **NOTHING, "topic": "a,b"}, "v5") == [Message(0, "a,b", b"x")]


def test_a_topic_with_a_comma_is_two_on_v4():
    with pytest.raises(InputError, match=r"^messages\[1\].topic is 'a,b', whose comma a v4 deployment takes for two"):
        messages_from(listed({"topic": "a"}, {"topic": "a,b"}), "v4")


# Publishing


def test_v4_publishes_in_a_batch_and_reads_each_item_by_topic():
    sent = [
        {"clientid": "http_api", "topic": "a", "payload": "x", "qos": 0, "retain": False, "encoding": "plain"},
        {"clientid": "http_api", "topic": "b", "payload": "/w==", "qos": 2, "retain": True, "encoding": "base64"},
        {"clientid": "http_api", "topic": "a", "payload": "y", "qos": 0, "retain": False, "encoding": "plain"},
    ]
    given = [Message(0, "a", b"x"), Message(1, "b", b"\xff", 2, True), Message(2, "a", b"y")]
    data = [{"topic": "b", "code": 0}, {"topic": "a", "code": 0}, {"topic": "a", "code": 115}]
    with v4(Call("POST", "mqtt/publish_batch", body=sent, gives={"code": 0, "data": data})) as api:
        assert outcomes(publisher(api).create(given)) == [
            ("a", None, None, None), ("b", None, None, None),
            ("a", None, None, "The message to 'a' was not published: the topic is illegal (code 115)."),
        ]


@pytest.mark.parametrize("code", [None, "0", False, [1]])
def test_v4_success_is_the_number_0(code):
    answer = {"code": 0, "data": [{"topic": "a", "code": code}]}
    with v4(Call("POST", "mqtt/publish_batch", body=messages_batch(), gives=answer)) as api:
        ((_topic, _id, _delivered, error),) = outcomes(publisher(api).create([Message(0, "a", b"x")]))
        assert error.startswith("The message to 'a' was not published: ")


def messages_batch():
    return [{"clientid": "http_api", "topic": "a", "payload": "x", "qos": 0, "retain": False, "encoding": "plain"}]


def test_v5_sends_one_by_itself_and_many_in_bulk():
    row = {"topic": "a", "payload": "x", "qos": 1, "retain": False, "payload_encoding": "plain"}
    properties = {"content_type": "text/plain"}
    single = Message(0, "a", b"x", 1, properties=properties)
    with v5(Call("POST", "publish", body={**row, "properties": properties}, gives={"id": "A1"})) as api:
        assert outcomes(publisher(api).create([single])) == [("a", "A1", True, None)]
    answer = [{"id": "A1"}, {"reason_code": 16, "message": "no_matching_subscribers"}]
    pair = [Message(0, "a", b"x", 1), Message(1, "b", b"x", 1)]
    with v5(Call("POST", "publish/bulk", body=[row, {**row, "topic": "b"}], status=202, gives=answer)) as api:
        assert outcomes(publisher(api).create(pair)) == [("a", "A1", True, None), ("b", None, False, None)]


def test_v5_items_that_failed_are_told_from_those_that_did_not():
    answer = [{"id": "A1"}, {"reason_code": 131, "message": "failed_to_dispatch"}]
    pair = [Message(0, "a", b"x"), Message(1, "b", b"x")]
    row = {"topic": "a", "payload": "x", "qos": 0, "retain": False, "payload_encoding": "plain"}
    with v5(Call("POST", "publish/bulk", body=[row, {**row, "topic": "b"}], status=503, gives=answer)) as api:
        assert outcomes(publisher(api).create(pair)) == [
            ("a", "A1", True, None),
            ("b", None, None, "The message to 'b' was not published: the broker could not take the message "
             "(bad base64 is one reason) (code 131, failed_to_dispatch)."),
        ]


@pytest.mark.parametrize(
    "answer", [{"gives": []}, {"gives": {"id": "A"}}, {"gives": [1, 2]}, {"status": 503, "gives": [{"id": "A"}]}, {}]
)
def test_v5_bulk_answers_of_another_shape_fail_all(answer):
    pair = [Message(0, "a", b"x"), Message(1, "b", b"x")]
    row = {"topic": "a", "payload": "x", "qos": 0, "retain": False, "payload_encoding": "plain"}
    with v5(Call("POST", "publish/bulk", body=[row, {**row, "topic": "b"}], **answer)) as api:
        assert all(isinstance(error, ApiError) for _message, error in publisher(api).create(pair))


# Retained messages


def retained(**options):
    given = {"topic": "t", "payload": "hi", "payload_encoding": "plain", "qos": None, "state": "present"}
    return retained_from({**given, **options})


def test_options_become_a_retained_message():
    assert retained() == Retained("t", b"hi")
    assert retained(qos=2, payload=[1]) == Retained("t", b"[1]", 2)
    assert retained(state="absent", payload=None) == Retained("t")


@pytest.mark.parametrize(
    "options", [{"topic": "t/#"}, {"topic": "."}, {"topic": ""}, {"payload": ""}, {"payload": None}]
)
def test_what_cant_be_retained_is_refused(options):
    with pytest.raises(InputError):
        retained(**options)


def test_v4_has_no_call_for_them():
    with v4() as api, pytest.raises(InputError, match="^Managing retained messages needs a v5 deployment: v4 has no"):
        RetainedMessages(api)


def test_a_message_is_looked_up_by_its_topic():
    with v5(Call("GET", "mqtt/retainer/message/a%2Fb", gives={**RETAINED, "topic": "a/b"})) as api:
        found = RetainedMessages(api).get(Retained("a/b"))
        assert found == Retained("a/b", b"hi", 1)
        assert found.details == {"msgid": "M", "publish_at": "2026-11-22T20:55:53.098Z"}
    with v5(Call("GET", "mqtt/retainer/message/t", status=404, gives=GONE)) as api:
        assert RetainedMessages(api).get(Retained("t")) is None


@pytest.mark.parametrize("wildcard", ["t/+", "#"])
def test_a_wildcard_never_gets_into_the_path(wildcard):
    with v5() as api, pytest.raises(InputError, match="which is no topic name"):
        RetainedMessages(api).get(Retained(wildcard))


@pytest.mark.parametrize(
    "row", [None, [], {"topic": "other"}, {**RETAINED, "payload": 5}, {**RETAINED, "payload": "#"}]
)
def test_answers_of_another_shape_are_a_clear_error(row):
    with v5(Call("GET", "mqtt/retainer/message/t", gives=row)) as api, pytest.raises(ApiError, match="can't be used"):
        RetainedMessages(api).get(Retained("t"))


def published(**more):
    body = {"topic": "t", "payload": "hi", "qos": 1, "retain": True, "payload_encoding": "plain"}
    return Call("POST", "publish", body={**body, **more}, status=202, gives={"reason_code": 16})


def test_what_was_published_is_looked_for(monkeypatch):
    monkeypatch.setattr(messages, "PATIENCE", (0, 0, 0))
    missing, other = Call("GET", "mqtt/retainer/message/t", status=404, gives=GONE), {**RETAINED, "qos": 0}
    look, old = (Call("GET", "mqtt/retainer/message/t", gives=row) for row in (RETAINED, other))
    with v5(published(), missing, old, look) as api:
        assert [error for _record, error in RetainedMessages(api).create([Retained("t", b"hi", 1)])] == [None]
    with v5(published(), missing, missing, missing) as api:
        ((_record, error),) = RetainedMessages(api).update([Retained("t", b"hi", 1)])
        assert "was published, but another or none is retained: retained messages are switched off" in str(error)


def test_a_refusal_to_publish_is_the_failure():
    refusal = Call("POST", "publish", body=published().body, status=400, gives={"reason_code": 151, "message": "q"})
    with v5(refusal) as api:
        ((_record, error),) = RetainedMessages(api).create([Retained("t", b"hi", 1)])
        assert "the message is too large" in str(error)


def test_what_went_by_itself_is_removed():
    with v5(Call("DELETE", "mqtt/retainer/message/a%2Fb", status=404, gives=GONE)) as api:
        assert [error for _record, error in RetainedMessages(api).delete([Retained("a/b")])] == [None]


FILTERS = {"topic": None, "match": None, "with_payload": False, "limit": None}


@pytest.mark.parametrize(
    ("filters", "asked", "found"),
    [
        ({}, "#", ["a/b", "a/c"]), ({"match": "a/+"}, "a/+", ["a/b", "a/c"]),
        ({"match": "$SYS/#"}, "$SYS/#", ["$SYS/x"]),
        ({"topic": "a/b"}, "a/b", ["a/b"]), ({"topic": "$share/g/t"}, "$share/g/t", []),
    ],
)
def test_filters_go_to_the_server_and_the_answer_is_held_to_them(filters, asked, found):
    rows = [{"topic": topic, "qos": 0} for topic in ("a/b", "$SYS/x", "a/c")]
    query = [("topic", asked), ("page", 1), ("limit", 10000)]
    with v5(Call("GET", "mqtt/retainer/messages", query, gives=page(rows))) as api:
        assert [row["topic"] for row in RetainedMessages(api).find({**FILTERS, **filters})] == found


def test_payloads_are_fetched_for_as_many_rows_as_are_wanted():
    rows = [{"topic": topic, "qos": 0} for topic in (".", "a", "b", "c")]
    with v5(
        Call("GET", "mqtt/retainer/messages", [("topic", "#"), ("page", 1), ("limit", 3)], gives=page(rows)),
        Call("GET", "mqtt/retainer/message/a", gives={"topic": "a", "qos": 0, "payload": "/w=="}),
        Call("GET", "mqtt/retainer/message/b", status=404, gives=GONE),
    ) as api:
        found = list(RetainedMessages(api).find({**FILTERS, "with_payload": True, "limit": 3}))
        assert [(row["topic"], row.get("payload"), row.get("payload_encoding")) for row in found] == [
            (".", None, None), ("a", "/w==", "base64")
        ]
