# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topic metrics: registered, counted, reset; and what a deployment of either generation says to that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simulator import Deployment, Fault, Simulator
from system.harness import done, one_sentence, refused, run

MODULE = "emqx_mod_topic_metrics"


@pytest.fixture(params=["v4", "v5"])
def deployment(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    with Simulator.start(generation=request.param) as simulator:
        simulator.deployments[0].load_module(MODULE)
        yield simulator.deployments[0]


@pytest.fixture
def v4() -> Iterator[Deployment]:
    with Simulator.start(generation="v4") as simulator:
        yield simulator.deployments[0]


@pytest.fixture
def v5() -> Iterator[Deployment]:
    with Simulator.start(generation="v5") as simulator:
        yield simulator.deployments[0]


def publish(deployment: Deployment, topic: str, qos: int = 0) -> None:
    call = {"v4": "mqtt/publish", "v5": "publish"}[deployment.generation]
    done("api", deployment, method="POST", path=call, body={"topic": topic, "payload": "x", "qos": qos})


def metrics(deployment: Deployment, topic: str) -> dict[str, Any]:
    (found,) = done("topic_metrics_info", deployment, topic=topic)["topics"]
    return {name: value for name, value in found["metrics"].items() if value}


def both(deployment: Deployment, **options: Any) -> dict[str, Any]:
    """Predict, do, and check that the two agree."""
    before = len(deployment.requests)
    predicted = done("topic_metrics", deployment, check=True, **options)
    assert {call.method for call in deployment.requests[before:]} == {"GET"}
    happened = done("topic_metrics", deployment, **options)
    for key in ("changed", "counts", "diff", "topics"):
        assert predicted[key] == happened[key]
    return happened


def test_topics_are_registered_and_removed(deployment: Deployment) -> None:
    first = both(deployment, topics=["b/ü", "a,b", "a b/%x"])
    assert first["topics"] == ["a b/%x", "a,b", "b/ü"] == sorted(deployment.counted_topics())
    assert first["diff"]["after"] == {"topics": [{"topic": topic} for topic in first["topics"]]}
    again = both(deployment, topics=["b/ü", "b/ü", "a,b"])
    assert again["changed"] is False and again["counts"]["unchanged"] == 2
    assert again["topics"] == ["a b/%x", "a,b", "b/ü"]
    exact = both(deployment, topics=["b/ü", "c"], state="exact")
    assert exact["counts"] == {"created": 1, "updated": 0, "deleted": 2, "unchanged": 1, "failed": 0}
    assert exact["topics"] == ["b/ü", "c"] == sorted(deployment.counted_topics())
    absent = both(deployment, topics=["c", "never/there"], state="absent")
    assert absent["counts"]["deleted"] == 1 and absent["topics"] == ["b/ü"]
    nothing = both(deployment, topics=[], state="exact", purge_all=True)
    assert nothing["topics"] == [] == deployment.counted_topics()
    assert not [call for call in deployment.requests if call.method == "DELETE" and not call.path.strip("/").count("/")]


def test_messages_are_counted_and_reset(deployment: Deployment) -> None:
    deployment.add_client("dev", subscriptions=[{"topic": "t/#", "qos": 1}])
    done("topic_metrics", deployment, topics=["t/1", "u", "zero"])
    for topic, qos in (("t/1", 2), ("t/1", 0), ("u", 1), ("t/2", 0)):
        publish(deployment, topic, qos)
    assert metrics(deployment, "t/1") == {
        "messages.in.count": 2, "messages.qos0.in.count": 1, "messages.qos2.in.count": 1,
        "messages.out.count": 2, "messages.qos0.out.count": 1, "messages.qos1.out.count": 1,
    }
    unheard = ("messages.in.count", "messages.qos1.in.count", "messages.dropped.count")
    assert metrics(deployment, "u") == dict.fromkeys(unheard, 1)
    reset = both(deployment, topics=["t/1"], state="reset")
    assert reset["changed"] and reset["counts"]["updated"] == 1
    assert reset["diff"] == {
        "before": {"topics": [{"topic": "t/1"}]}, "after": {"topics": [{"topic": "t/1", "reset": True}]}
    }
    assert reset["topics"] == ["t/1", "u", "zero"]
    assert metrics(deployment, "t/1") == {} != metrics(deployment, "u")
    assert both(deployment, topics=["t/1"], state="reset")["changed"]
    both(deployment, topics=["t/1", "u", "zero"], state="reset")
    assert metrics(deployment, "u") == {}


def test_info_reads_all_or_one(deployment: Deployment) -> None:
    done("topic_metrics", deployment, topics=["b", "a"])
    found = done("topic_metrics_info", deployment)
    assert [row["topic"] for row in found["topics"]] == ["a", "b"] and found["count"] == 2
    assert set(found["topics"][0]) == {"topic", "metrics", "created_at"}
    assert len(found["topics"][0]["metrics"]) == 18
    assert (found["topics"][0]["created_at"] is None) == (deployment.generation == "v4")
    assert done("topic_metrics_info", deployment, topic="a")["topics"] == found["topics"][:1]
    assert done("topic_metrics_info", deployment, topic="none")["topics"] == []
    assert done("topic_metrics_info", deployment, query="[].topic", limit=1)["topics"] == ["a"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"topics": "a,b"}, "topics has to be a list, and is 'a,b': write ['a,b'] if that is one item."),
        ({"topics": ["a", "b/#"]},
         "topics[1] is 'b/#', which is no topic name: a topic name has no wildcards ('+' and '#')."),
        ({"topics": [""], "state": "absent"}, "topics[0] is '', which is no topic name: it is empty."),
        ({"topics": [".."], "state": "absent"},
         "'..' can't be used as topics[0]: the API would take it for another path."),
        ({"topics": ["a", True]}, "topics is a list of strings, and True is none: put it in quotes."),
        ({"topics": [], "state": "exact"},
         "topics is empty, so everything would be deleted: set purge_all: true if that is what you want."),
        ({"topics": ["no/such"], "state": "reset"},
         "The topic 'no/such' is not registered, so its counters can't be reset: register it with state: present."),
    ],
)
def test_what_cannot_be_done_is_refused(deployment: Deployment, options: dict[str, Any], sentence: str) -> None:
    assert refused("topic_metrics", deployment, **options) == sentence


def test_info_refuses_what_is_no_topic_name(deployment: Deployment) -> None:
    words = "topic is 'a/+', which is no topic name: a topic name has no wildcards ('+' and '#')."
    assert refused("topic_metrics_info", deployment, topic="a/+") == words
    assert "another path" in refused("topic_metrics_info", deployment, topic=".")
    assert deployment.requests == []


def test_more_topics_than_can_be_counted_are_refused(deployment: Deployment) -> None:
    deployment.count_topics(f"t/{number}" for number in range(510))
    words = "A deployment counts at most 512 topics: 510 are registered, and 3 more are wanted."
    assert refused("topic_metrics", deployment, topics=["a", "b", "c"]) == words
    assert done("topic_metrics", deployment, topics=["a", "b"])["counts"]["created"] == 2


def test_a_full_deployment_changes_its_topics_by_removing_first(deployment: Deployment) -> None:
    deployment.count_topics(f"old/{number}" for number in range(512))
    wanted = [f"new/{number}" for number in range(4)]
    result = both(deployment, topics=wanted, state="exact")
    assert result["counts"] == {"created": 4, "updated": 0, "deleted": 512, "unchanged": 0, "failed": 0}
    assert sorted(deployment.counted_topics()) == result["topics"] == wanted


# v4


def test_v4_without_its_module_nothing_is_counted(v4: Deployment) -> None:
    off = f"This deployment counts no messages of topics, since its module {MODULE} is not loaded"
    assert refused("topic_metrics", v4, topics=["t"]) == f"{off}: set enable: true to load it."
    assert refused("topic_metrics_info", v4) == f"{off}: emqx.cloud.topic_metrics loads it with enable: true."
    assert refused("topic_metrics_info", v4, topic="t").startswith(off)
    assert both(v4, topics=["t"], state="absent")["changed"] is False
    assert both(v4, topics=[], state="present", enable=True)["changed"] is False
    result = both(v4, topics=["t"], enable=True)
    assert result["topics"] == ["t"] == v4.counted_topics()
    assert [call.path for call in v4.requests if call.method == "PUT"] == [f"/modules/{MODULE}/load"]
    assert both(v4, topics=["t"], enable=True)["changed"] is False


def test_v4_a_module_that_cannot_be_loaded_fails_the_task(v4: Deployment) -> None:
    v4.faults.add(Fault("status", method="PUT", path="/modules", status=404))
    result = run("topic_metrics", v4, topics=["t", "u"], enable=True)
    assert result["failed"] and not result["changed"] and result["counts"]["failed"] == 2
    assert "does not offer the call" in one_sentence(result["msg"])


def test_v4_says_yes_and_registers_nothing_which_is_a_failure(v4: Deployment) -> None:
    v4.load_module(MODULE)
    v4.count_topics(f"t/{number}" for number in range(511))
    # Somebody else registers one between the look and the change.
    v4.on_request(lambda call: v4.count_topics(["theirs"]) if call.method == "GET" else None)
    result = run("topic_metrics", v4, topics=["ours"])
    assert result["failed"] and not result["changed"]
    assert result["msg"] == (
        "The topic 'ours' is not registered: the deployment said that it registered it, and does not list it; "
        "it counts at most 512 topics."
    )


def test_v4_many_topics_are_one_request_each_and_two_looks(v4: Deployment) -> None:
    v4.load_module(MODULE)
    topics = [f"t/{number}" for number in range(20)]
    assert done("topic_metrics", v4, topics=topics)["requests"] == 22
    assert done("topic_metrics", v4, topics=topics)["requests"] == 1


# v5


def test_v5_all_topics_are_reset_in_one_request(v5: Deployment) -> None:
    v5.count_topics(["a", "b", "c"])
    assert done("topic_metrics", v5, topics=["a", "b", "c"], state="reset")["requests"] == 2
    assert done("topic_metrics", v5, topics=["a", "b"], state="reset")["requests"] == 3


def test_v5_what_goes_meanwhile_is_gone(v5: Deployment) -> None:
    v5.count_topics(["a", "b"])
    v5.faults.add(Fault("body", method="DELETE", path="/mqtt/topic_metrics/a", status=404,
                        body={"code": "TOPIC_NOT_FOUND", "message": "Topic not found"}))
    assert done("topic_metrics", v5, topics=["a", "b"], state="absent")["counts"]["deleted"] == 2


def test_v5_a_topic_that_somebody_else_registers_meanwhile_is_a_failure(v5: Deployment) -> None:
    v5.on_request(lambda call: v5.count_topics(["t"]) if call.method == "GET" else None)
    result = run("topic_metrics", v5, topics=["t"])
    assert result["failed"] and result["error"]["code"] == "BAD_TOPIC"
    assert "Topic already registered" in one_sentence(result["msg"])
