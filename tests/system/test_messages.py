# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages: what is published arrives byte for byte, and retained messages are brought to a state."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from contract.mqtt_client import MqttClient
from simulator import Deployment, Fault, Simulator
from system.harness import done, refused, run

BINARY = bytes(range(256))
BASE64 = base64.b64encode(BINARY).decode()
NO_CALL = (
    "Managing retained messages needs a v5 deployment: v4 has no call to read them back; emqx.cloud.publish with "
    "retain sends one."
)


@pytest.fixture(params=["v4", "v5"])
def both(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    with Simulator.start(generation=request.param) as simulator:
        deployment = simulator.deployments[0]
        deployment.add_user("alice", "right")
        yield deployment


@pytest.fixture
def v4() -> Iterator[Deployment]:
    with Simulator.start(generation="v4") as simulator:
        yield simulator.deployments[0]


@pytest.fixture
def v5() -> Iterator[Deployment]:
    with Simulator.start(generation="v5") as simulator:
        deployment = simulator.deployments[0]
        deployment.add_user("alice", "right")
        yield deployment


def posts(deployment: Deployment) -> list[str]:
    return [call.path for call in deployment.requests if call.method == "POST"]


# Publishing


@pytest.mark.parametrize(
    ("options", "arrives"),
    [
        ({"payload": "héllo\n"}, "héllo\n".encode()),
        ({"payload": ""}, b""),
        ({"payload": '{"a": 1}'}, b'{"a": 1}'),
        ({"payload": {"a": [1, None, True, "ü"]}}, '{"a":[1,null,true,"ü"]}'.encode()),
        ({"payload": [1, 2]}, b"[1,2]"),
        ({"payload": 21.5}, b"21.5"),
        ({"payload": True}, b"true"),
        ({"payload": "x", "payload_encoding": "json"}, b'"x"'),
        ({"payload": {"a": 1}, "payload_encoding": "json"}, b'{"a":1}'),
        ({"payload": BASE64, "payload_encoding": "base64"}, BINARY),
        ({"payload": "aGk=", "payload_encoding": "base64"}, b"hi"),
        ({"payload": "{{ 7 * 7 }}"}, b"{{ 7 * 7 }}"),
    ],
)
def test_a_payload_arrives_byte_for_byte(both: Deployment, options: dict[str, Any], arrives: bytes) -> None:
    with MqttClient(both, "dev-1", "alice", "right") as client:
        client.subscribe("t/#", 2)
        done("publish", both, topic="t/1", qos=1, **options)
        done("publish", both, messages=[{"topic": "t/2", **options}, {"topic": "t/3", "payload": "end", "qos": 2}])
        assert client.next_message() == ("t/1", arrives, 1, False)
        assert client.next_message() == ("t/2", arrives, 0, False)
        assert client.next_message() == ("t/3", b"end", 2, False)


def test_who_had_a_subscriber_is_told_on_v5(v5: Deployment) -> None:
    v5.add_client("dev", subscriptions=["t/1"])
    result = done("publish", v5, messages=[{"topic": "t/1", "payload": "x"}, {"topic": "t/2", "payload": "y"}])
    assert result["changed"] is True and "diff" not in result
    first, second = result["published"]
    assert (first["topic"], first["delivered"]) == ("t/1", True) and len(first["id"]) == 32
    assert second == {"topic": "t/2", "delivered": False}
    alone = done("publish", v5, topic="t/2", payload="z")
    assert alone["published"] == [{"topic": "t/2", "delivered": False}]
    assert posts(v5) == ["/publish/bulk", "/publish"]


def test_v4_tells_nothing_of_who_received(v4: Deployment) -> None:
    v4.add_client("dev", subscriptions=["t"])
    assert done("publish", v4, topic="t", payload="x")["published"] == [{"topic": "t"}]


def test_check_mode_checks_everything_and_sends_nothing(both: Deployment) -> None:
    both.add_client("dev", subscriptions=["t"])
    result = done("publish", both, check=True, topic="t", payload="x")
    assert (result["changed"], result["published"], result["requests"]) == (True, [{"topic": "t"}], 0)
    assert run("publish", both, check=True, topic="t/#", payload="x")["failed"]


def test_no_messages_are_no_request(both: Deployment) -> None:
    result = done("publish", both, messages=[])
    assert (result["changed"], result["published"], result["requests"]) == (False, [], 0)


def test_retaining_and_an_empty_payload_that_removes(both: Deployment) -> None:
    done("publish", both, messages=[{"topic": "r/1", "payload": "a", "retain": True}, {"topic": "r/2", "payload": "b"}])
    assert both.retained() == {"r/1": b"a"}
    done("publish", both, topic="r/1", payload="", retain=True)
    assert both.retained() == {}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"topic": "t/#", "payload": "x"}, "topic is 't/#', which is no topic name: a topic name has no wildcards"),
        ({"topic": "", "payload": "x"}, "topic is '', which is no topic name: it is empty."),
        ({"topic": "t"}, "payload is missing: write '' for an empty one."),
        ({"messages": [{"topic": "t", "payload": None}]}, "messages[0].payload is missing"),
        ({"messages": [{"topic": "t", "payload": "x"}, {"topic": "+", "payload": "x"}]}, "messages[1].topic is '+'"),
        ({"topic": "t", "payload": "###", "payload_encoding": "base64"}, "payload is not base64."),
        ({"topic": "t", "payload": "aGk", "payload_encoding": "base64"}, "payload is not base64."),
        ({"topic": "t", "payload": "aGk=\n", "payload_encoding": "base64"}, "payload is not base64."),
        ({"topic": "t", "payload": {"a": 1}, "payload_encoding": "base64"}, "payload is not base64."),
        ({"topic": "t", "payload": float("nan")}, "payload is not JSON."),
        ({"topic": "t", "payload": "\ud800"}, "payload is not valid Unicode text."),
        ({"topic": "t", "payload": "x" * (1 << 20) + "x"}, "payload has 1048577 bytes, which is too large: "),
    ],
)
def test_what_cant_be_published_is_refused_before_any_request(both: Deployment, options: Any, sentence: str) -> None:
    assert sentence in refused("publish", both, **options)
    assert both.requests == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"topic": "a,b", "payload": "x"}, "topic is 'a,b', whose comma a v4 deployment takes for two topics."),
        ({"topic": "t", "payload": "x", "properties": {"content_type": "a"}}, "properties needs a v5 deployment: v4 "),
    ],
)
def test_what_v4_cant_publish_is_refused(v4: Deployment, options: Any, sentence: str) -> None:
    assert sentence in refused("publish", v4, **options)
    assert v4.requests == []


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [
        ({"retain": True}, "properties.retain is no property of a message: there are content_type, correlation_data, "),
        ({"message_expiry_interval": "60"}, "message_expiry_interval is '60': it is a whole number from 0 to"),
        ({"message_expiry_interval": -1}, "properties.message_expiry_interval is -1"),
        ({"payload_format_indicator": 2}, "payload_format_indicator is 2: it is a whole number from 0 to 1."),
        ({"payload_format_indicator": True}, "payload_format_indicator is True"),
        ({"content_type": 5}, "properties.content_type is 5, and has to be a text: put it in quotes."),
        ({"response_topic": "a/#"}, "properties.response_topic is 'a/#', which is no topic name"),
        ({"user_properties": ["a"]}, "properties.user_properties has to be a dictionary, and is none."),
        ({"user_properties": {"k": 1}}, "properties.user_properties.k is 1, and has to be a text"),
        ({"correlation_data": "x" * 65536}, "properties.correlation_data has 65536 bytes: MQTT takes 65535."),
    ],
)
def test_properties_that_mqtt_5_lacks_are_refused(v5: Deployment, properties: Any, sentence: str) -> None:
    assert sentence in refused("publish", v5, topic="t", payload="x", properties=properties)
    assert v5.requests == []


def test_properties_of_mqtt_5_are_sent(v5: Deployment) -> None:
    properties = {
        "content_type": "text/plain", "correlation_data": "c", "message_expiry_interval": 60,
        "payload_format_indicator": 1, "response_topic": "answers", "user_properties": {"k": "v"},
    }
    seen: list[Any] = []
    v5.on_request(seen.append)
    done("publish", v5, topic="t", payload="x", properties=properties)
    assert seen[0].size > len(json.dumps(properties, separators=(",", ":")))


def test_a_thousand_messages_are_one_request(both: Deployment) -> None:
    messages = [{"topic": f"t/{number}", "payload": str(number)} for number in range(1000)]
    result = done("publish", both, messages=messages)
    assert result["requests"] == 1
    assert [row["topic"] for row in result["published"]] == [message["topic"] for message in messages]
    short = done("publish", both, messages=messages, result_limit=3)
    assert len(short["published"]) == 3 and short["published_left_out"] == 997


def test_large_messages_go_in_batches_that_brokers_take(both: Deployment) -> None:
    messages = [{"topic": f"t/{number}", "payload": "x" * 400_000, "retain": True} for number in range(6)]
    assert done("publish", both, messages=messages)["requests"] == 3
    assert all(call.size < 1_100_000 for call in both.requests)
    assert len(both.retained()) == 6


def test_the_same_topic_many_times_keeps_its_order(both: Deployment) -> None:
    with MqttClient(both, "dev-1", "alice", "right") as client:
        client.subscribe("t", 1)
        done("publish", both, messages=[{"topic": "t", "payload": str(number), "qos": 1} for number in range(20)])
        assert [client.next_message()[1] for _number in range(20)] == [str(number).encode() for number in range(20)]


def test_a_batch_of_v4_is_read_item_by_item(v4: Deployment) -> None:
    answer = {"code": 0, "data": [{"topic": "t", "code": 0}, {"topic": "u", "code": 115}, {"topic": "t", "code": 116}]}
    v4.faults.add(Fault("body", body=answer, path="/mqtt/publish_batch", times=1))
    result = run("publish", v4, messages=[{"topic": topic, "payload": "x"} for topic in ("t", "u", "t", "v")])
    assert result["failed"] and result["changed"] and "diff" not in result
    assert [(row["item"]["topic"], row["code"]) for row in result["failures"]] == [("u", 115), ("t", 116), ("v", None)]
    assert result["applied"] == [{"action": "create", "item": {"topic": "t"}}]
    assert "3 of 4 changes failed. The first: The message to 'u' was not published: the topic is" in result["msg"]


def test_a_bulk_of_v5_that_was_dispatched_in_part_tells_which(v5: Deployment) -> None:
    answer = [{"id": "A" * 32}, {"reason_code": 131, "message": "failed_to_dispatch"}, {"reason_code": 16}]
    v5.faults.add(Fault("body", status=503, body=answer, path="/publish/bulk", times=1))
    result = run("publish", v5, messages=[{"topic": topic, "payload": "x"} for topic in ("t", "u", "v")])
    assert [row["item"]["topic"] for row in result["failures"]] == ["u"]
    assert [row["item"] for row in result["applied"]] == [
        {"topic": "t", "id": "A" * 32, "delivered": True}, {"topic": "v", "delivered": False}
    ]
    assert "The message to 'u' was not published: the broker could not take the message" in result["msg"]
    assert result["error"]["status"] == 503


@pytest.mark.parametrize("body", [{"a": 1}, [], [1, 2], "text", [{"id": 5}, {"reason_code": "x"}]])
def test_a_bulk_answer_of_another_shape_is_a_clear_error(v5: Deployment, body: Any) -> None:
    v5.faults.add(Fault("body", body=body, path="/publish/bulk"))
    result = run("publish", v5, messages=[{"topic": topic, "payload": "x"} for topic in ("t", "u")])
    assert result["failed"] and result["counts"]["failed"] == 2 and "Traceback" not in result["msg"]


def test_messages_after_a_lost_connection_are_not_sent(both: Deployment) -> None:
    messages = [{"topic": f"t/{number}", "payload": "x" * 600_000} for number in range(3)]
    both.faults.add(Fault("reset", nth=2))
    result = run("publish", both, messages=messages, retries=0)
    assert [row["item"]["topic"] for row in result["applied"]] == ["t/0"]
    assert [row["item"]["topic"] for row in result["failures"]] == ["t/1", "t/2"]
    assert "may have been carried out" in result["msg"] and len(both.requests) == 2


# Retained messages


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("retained_message", {"topic": "t", "payload": "x"}), ("retained_message", {"topic": "t", "state": "absent"}),
        ("retained_message_info", {}),
    ],
)
def test_v4_cant_read_retained_messages(v4: Deployment, module: str, options: Any) -> None:
    assert refused(module, v4, **options) == NO_CALL
    assert v4.requests == []


def same_twice(deployment: Deployment, **options: Any) -> dict[str, Any]:
    deployment.forget_requests()
    predicted = done("retained_message", deployment, check=True, **options)
    assert {call.method for call in deployment.requests} == {"GET"}
    happened = done("retained_message", deployment, **options)
    for key in ("changed", "counts", "diff", "message"):
        assert predicted[key] == happened[key]
    assert done("retained_message", deployment, **options)["changed"] is False
    return happened


def test_a_message_is_retained_changed_and_removed(v5: Deployment) -> None:
    result = same_twice(v5, topic="plant/7/ü x", payload={"interval": 60})
    assert result["counts"]["created"] == 1
    first = {"topic": "plant/7/ü x", "qos": 0, "payload": '{"interval":60}', "payload_encoding": "plain"}
    assert result["message"] == first
    assert result["diff"] == {"before": {"messages": []}, "after": {"messages": [first]}}
    changed = same_twice(v5, topic=first["topic"], payload={"interval": 60}, qos=1)
    assert changed["diff"] == {"before": {"messages": [first]}, "after": {"messages": [{**first, "qos": 1}]}}
    kept = same_twice(v5, topic=first["topic"], payload="other")
    assert kept["message"] == {**first, "qos": 1, "payload": "other"}
    gone = same_twice(v5, topic=first["topic"], state="absent")
    assert gone["message"] is None and gone["counts"]["deleted"] == 1
    assert v5.retained() == {}


def test_payloads_are_compared_as_bytes(v5: Deployment) -> None:
    done("retained_message", v5, topic="t", payload=BASE64, payload_encoding="base64")
    assert v5.retained() == {"t": BINARY}
    result = done("retained_message", v5, topic="t", payload=BASE64, payload_encoding="base64")
    assert result["changed"] is False
    assert (result["message"]["payload"], result["message"]["payload_encoding"]) == (BASE64, "base64")
    done("retained_message", v5, topic="t", payload="hi")
    assert done("retained_message", v5, topic="t", payload="aGk=", payload_encoding="base64")["changed"] is False


def test_a_long_payload_is_cut_in_the_diff_and_whole_in_the_result(v5: Deployment) -> None:
    first, second = "x" * 900_000 + "1", "x" * 900_000 + "2"
    done("retained_message", v5, topic="t", payload=first)
    result = same_twice(v5, topic="t", payload=second)
    (before,), (after,) = (result["diff"][side]["messages"] for side in ("before", "after"))
    assert before["payload"] == after["payload"] == "x" * 4096
    assert before["payload_bytes"] == after["payload_bytes"] == 900_001
    assert before["payload_sha256"] != after["payload_sha256"]
    assert result["message"]["payload"] == second
    binary = same_twice(v5, topic="t", payload=base64.b64encode(b"\xff" * 5000).decode(), payload_encoding="base64")
    (shown,) = binary["diff"]["after"]["messages"]
    assert base64.b64decode(shown["payload"]) == b"\xff" * 4096


def test_removing_one_leaves_the_others(v5: Deployment) -> None:
    for topic in ("t", "t/1", "t/2"):
        done("retained_message", v5, topic=topic, payload="x")
    done("retained_message", v5, topic="t", state="absent")
    assert sorted(v5.retained()) == ["t/1", "t/2"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"topic": "t/+", "payload": "x"}, "topic is 't/+', which is no topic name: a topic name has no wildcards"),
        ({"topic": "#", "state": "absent"}, "topic is '#', which is no topic name"),
        ({"topic": "..", "payload": "x"}, "'..' can't be used as topic: the API would take it for another path."),
        ({"topic": "t", "payload": ""}, "payload is empty, which would remove the retained message: use state: absent"),
        ({"topic": "t", "payload": "#", "payload_encoding": "base64"}, "payload is not base64."),
        ({"topic": "t", "payload": "x" * (1 << 20) + "x"}, "which is too large"),
    ],
)
def test_what_cant_be_retained_is_refused(v5: Deployment, options: Any, sentence: str) -> None:
    done("publish", v5, topic="t/1", payload="x", retain=True)
    v5.forget_requests()
    assert sentence in refused("retained_message", v5, **options)
    assert v5.requests == [] and v5.retained() == {"t/1": b"x"}


def test_a_broker_that_does_not_retain_fails_the_task(v5: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.emqx.cloud.plugins.module_utils._resources import messages

    monkeypatch.setattr(messages, "PATIENCE", (0, 0))
    v5.faults.add(Fault("body", status=202, body={"reason_code": 16}, method="POST", path="/publish"))
    result = run("retained_message", v5, topic="t", payload="x")
    assert result["failed"] and not result["changed"]
    assert result["msg"].startswith("The message to 't' was published, but another or none is retained: retained mess")


@pytest.mark.parametrize("row", [[], {"topic": "u"}, {"topic": "t", "payload": 5}, {"topic": "t", "payload": "#"}])
def test_a_retained_message_of_another_shape_is_a_clear_error(v5: Deployment, row: Any) -> None:
    v5.faults.add(Fault("body", body=row, path="/mqtt/retainer/message/"))
    assert "can't be used" in refused("retained_message", v5, topic="t", payload="x")


def test_a_payload_that_the_broker_does_not_show_is_replaced(v5: Deployment) -> None:
    v5.faults.add(Fault("body", body={"topic": "t", "qos": 0}, path="/mqtt/retainer/message/t", times=1))
    result = done("retained_message", v5, topic="t", payload="x")
    assert result["counts"]["updated"] == 1
    assert result["diff"]["before"] == {"messages": [{"topic": "t", "qos": 0}]}


def test_info_reads_what_is_asked_for(v5: Deployment) -> None:
    messages = [{"topic": topic, "payload": topic, "retain": True, "qos": 1} for topic in ("a/1", "a/2", "b", "$SYS/x")]
    done("publish", v5, messages=messages)

    def topics(**options: Any) -> list[str]:
        return sorted(done("retained_message_info", v5, query="[].topic", **options)["messages"])

    assert topics() == ["a/1", "a/2", "b"]
    assert topics(match="a/+") == ["a/1", "a/2"]
    assert topics(match="$SYS/#") == ["$SYS/x"]
    assert topics(topic="b") == ["b"]
    assert topics(topic="$SYS/x") == ["$SYS/x"]
    assert topics(topic="nothing") == []
    assert done("retained_message_info", v5, limit=2)["count"] == 2
    (row,) = done("retained_message_info", v5, topic="b")["messages"]
    assert row.pop("publish_at").endswith("Z") and len(row.pop("msgid")) == 32
    assert row == {"topic": "b", "qos": 1, "from_clientid": "http_api", "from_username": ""}
    assert "topic is 'b/#', which is no topic name" in refused("retained_message_info", v5, topic="b/#")
    assert "match is 'a/#/b', which is no topic filter" in refused("retained_message_info", v5, match="a/#/b")


def test_payloads_are_read_only_for_the_rows_shown(v5: Deployment) -> None:
    kept = [{"topic": f"t/{number}", "payload": str(number), "retain": True} for number in range(9)]
    done("publish", v5, messages=kept)
    v5.forget_requests()
    result = done("retained_message_info", v5, with_payload=True, limit=3)
    assert result["requests"] == 4
    assert all(row["payload"] == row["topic"][2:] and row["payload_encoding"] == "plain" for row in result["messages"])
    listed = done("retained_message_info", v5, query="[].topic")["messages"]
    read = done("retained_message_info", v5, with_payload=True, query="[].topic")["messages"]
    assert read == listed


def test_devices_choose_topics_and_payloads(v5: Deployment) -> None:
    with MqttClient(v5, "dev-1", "alice", "right") as client:
        for topic in (".", "..", "a/../b", "{{ lookup('pipe', 'id') }}", "/"):
            client.publish(topic, "{{ 7 * 7 }}", retain=True)
    rows = {row["topic"]: row for row in done("retained_message_info", v5, with_payload=True)["messages"]}
    assert sorted(rows) == sorted([".", "..", "a/../b", "{{ lookup('pipe', 'id') }}", "/"])
    assert "payload" not in rows["."] and "payload" not in rows[".."]
    assert rows["a/../b"]["payload"] == rows["/"]["payload"] == "{{ 7 * 7 }}"
    assert rows["/"]["from_clientid"] == "dev-1"


def test_a_message_that_went_while_it_was_read_is_left_out(v5: Deployment) -> None:
    done("publish", v5, messages=[{"topic": topic, "payload": "x", "retain": True} for topic in ("t/1", "t/2")])
    gone = {"code": "NOT_FOUND", "message": "Viewed message doesn't exist"}
    v5.faults.add(Fault("body", status=404, body=gone, path="/mqtt/retainer/message/t%2F1"))
    assert [row["topic"] for row in done("retained_message_info", v5, with_payload=True)["messages"]] == ["t/2"]


def test_a_subscriber_receives_what_is_retained_later(v5: Deployment) -> None:
    done("retained_message", v5, topic="t", payload="kept", qos=1)
    with MqttClient(v5, "dev-1", "alice", "right") as client:
        client.subscribe("t", 1)
        assert client.next_message() == ("t", b"kept", 1, True)
