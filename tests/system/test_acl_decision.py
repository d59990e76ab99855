# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filter `acl_decision` says is what happens to MQTT clients under the same policy, which a module applies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.emqx.cloud.plugins.filter.acl_decision import acl_decision
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from contract.mqtt_client import MqttClient
from simulator import Deployment, Simulator
from system.harness import done

# Client ids and user names: one has two levels, and one is a wildcard where a placeholder stands.
CLIENTS = ["c", "d/e", "+"]
USERS = [None, "u", "c"]
FILTERS = ["#", "+", "a/#", "a/+", "a/c", "+/u", "a/d/e", "$S/#", "$S/a", "/", "a/undefined", "+/+/+"]
PLACEHOLDERS = {
    "v4": ["a/%c", "%u/#", "a/%u", "%c/+/e", "x%"],
    "v5": ["a/${clientid}", "${username}/#", "a/x${username}", "a/${other}", "eq a/#", "eq #", "eq a/${clientid}"],
}
# The library that speaks MQTT for the simulator hangs up on who publishes to a topic that begins with `$`.
NAMES = ["a", "a/c", "a/u", "a/xu", "u/a", "c", "a/d/e", "a/undefined", "undefined/a", "a/%u", "%u/b", "/", "a/b"]
ASKED = ["#", "a/#", "a/+", "+/u", "+", "a/+/e", "$S/#", "$S/a", "a/${clientid}", "$share/g/a/c", "$share/g/#"]
WATCHED = ("#", "$S/#")
WATCHER = {
    "clientid": "watcher", "rules": [{"topic": each, "action": "all", "permission": "allow"} for each in WATCHED],
}  # fmt: skip
LAST = {"topic": "#", "action": "all", "permission": "deny"}
Attempts = list[tuple[str, str, int, bool]]


@st.composite
def policies(draw: st.DrawFn, generation: str) -> list[dict[str, Any]]:
    """Rules for a client id, for a user name and for everyone, one or two of which may be missing."""
    fields: dict[str, Any] = {
        "topic": st.sampled_from(FILTERS + 2 * PLACEHOLDERS[generation]),
        "action": st.sampled_from(["publish", "subscribe", "all"]),
        "permission": st.sampled_from(["allow", "deny"]),
    }
    more = {
        "qos": st.lists(st.sampled_from([0, 1, 2]), min_size=1, unique=True),
        "retain": st.sampled_from([True, False, "all"]),
    }
    one = st.fixed_dictionaries(fields, optional=more if generation == "v5" else {})
    # A module refuses two rules for the same.
    rules = st.lists(one, max_size=4, unique_by=lambda rule: rule["topic"])
    policy = [
        {"clientid": draw(st.sampled_from(CLIENTS)), "rules": draw(rules)},
        {"username": draw(st.sampled_from(USERS[1:])), "rules": draw(rules)},
        {"everyone": True, "rules": draw(rules)},
    ]
    if draw(st.booleans()):
        policy[-1]["rules"] = [each for each in policy[-1]["rules"] if each["topic"] != "#"] + [LAST]
    return [subject for subject in policy if subject["rules"]]


ATTEMPTS = st.lists(
    st.tuples(st.just("publish"), st.sampled_from(NAMES), st.sampled_from([0, 1]), st.booleans())
    | st.tuples(st.just("subscribe"), st.sampled_from(NAMES + ASKED), st.sampled_from([0, 1, 2]), st.just(False)),
    min_size=10,
    max_size=20,
    unique=True,
)


@pytest.fixture(name="broker", scope="module", params=["v4", "v5"])
def fixture_broker(request: pytest.FixtureRequest) -> Iterator[tuple[str, Deployment, MqttClient]]:
    """The generation, a deployment of it, and a client there that gets whatever is published."""
    with Simulator.start(generation=request.param, allow_anonymous=True) as simulator:
        (deployment,) = simulator.deployments
        done("acls", deployment, subjects=[WATCHER])
        with MqttClient(deployment, "watcher") as watcher:
            assert all(watcher.subscribe(each) for each in WATCHED)
            yield request.param, deployment, watcher


def played(client: MqttClient, watcher: MqttClient, attempts: Attempts) -> list[str]:
    """What a broker decides of attempts: of a publish, the watcher can tell."""
    allowed = set()
    for number, (action, topic, qos, retain) in enumerate(attempts):
        if action == "publish":
            client.publish(topic, str(number), qos=qos, retain=retain)
        elif client.subscribe(topic, qos):
            allowed.add(number)
            client.unsubscribe(topic)
    client.unsubscribe("never/subscribed")  # once that is answered, all before it has happened
    watcher.publish("end", "end")
    allowed |= {int(payload) for payload in iter(lambda: watcher.next_message()[1], b"end")}
    return ["allow" if number in allowed else "deny" for number in range(len(attempts))]


@settings(max_examples=20, deadline=None, phases=[Phase.generate])  # each shrinking step would play a policy
@given(data=st.data())
def test_brokers_decide_the_same(broker: tuple[str, Deployment, MqttClient], data: st.DataObject) -> None:
    generation, deployment, watcher = broker
    policy, attempts = data.draw(policies(generation)), data.draw(ATTEMPTS)
    clientid, username = data.draw(st.sampled_from(CLIENTS)), data.draw(st.sampled_from(USERS))
    subjects = [WATCHER, *policy]
    kinds = ["clientid", "username", "everyone"]
    done("acls", deployment, subjects=subjects, state="exact", kind=kinds, purge=True)
    with MqttClient(deployment, clientid, username) as client:
        found = played(client, watcher, attempts)
    stored = done("acl_info", deployment)
    for rules in (subjects, stored):
        predicted = [
            acl_decision(rules, action, topic, clientid, username, qos, retain)
            for action, topic, qos, retain in attempts
        ]
        assert dict(zip(attempts, predicted)) == dict(zip(attempts, found))
