# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API does reaches real MQTT clients, and what they do shows in the API."""

from __future__ import annotations

import hashlib

import pytest

from contract.api_client import ApiClient
from contract.mqtt_client import MqttClient
from simulator import Deployment, Simulator


@pytest.fixture(autouse=True)
def users(request: pytest.FixtureRequest) -> None:
    for name in ("both", "v4", "v5"):
        if name in request.fixturenames:
            request.getfixturevalue(name).add_user("alice", "right")


@pytest.mark.parametrize(
    ("username", "password", "accepted"),
    [
        ("alice", "right", True),
        ("alice", "wrong", False),
        ("alice", None, False),
        ("mallory", "x", False),
        (None, None, False),
    ],
)
def test_only_the_right_password_comes_in(
    both: Deployment, username: str | None, password: str | None, accepted: bool
) -> None:
    with MqttClient(both, "dev-1", username, password) as client:
        assert client.accepted is accepted
        assert both.connected("dev-1") is accepted


@pytest.mark.parametrize("generation", ["v4", "v5"])
def test_anonymous_clients_where_they_are_allowed(generation: str) -> None:
    with Simulator.start(generation, allow_anonymous=True) as simulator:
        deployment = simulator.deployments[0]
        deployment.add_user("alice", "right")
        with MqttClient(deployment, "a"), MqttClient(deployment, "b", "nobody", "x") as unknown:
            assert unknown.accepted
            assert deployment.connected("a")
        with MqttClient(deployment, "c", "alice", "wrong") as wrong:
            assert not wrong.accepted


def test_a_password_changed_through_the_api_counts_at_once(v5: Deployment, api: ApiClient) -> None:
    path = "/authentication/password_based%3Abuilt_in_database/users/alice"
    assert api.call(v5, "PUT", path, json={"password": "new"}).ok
    with MqttClient(v5, "a", "alice", "right") as old, MqttClient(v5, "b", "alice", "new") as new:
        assert (old.accepted, new.accepted) == (False, True)


def test_imported_hashes_are_checked(v5: Deployment, api: ApiClient) -> None:
    digest = hashlib.sha256(b"public" + b"salt").hexdigest()
    user = {"user_id": "h", "password_hash": digest, "salt": "salt"}
    path = "/authentication/password_based%3Abuilt_in_database/import_users?type=hash"
    assert api.call(v5, "POST", path, json=[user]).ok
    assert v5.check_password("h", "public")
    assert not v5.check_password("h", "private")


def test_client_ids_have_credentials_of_their_own_on_v4(v4: Deployment) -> None:
    v4.add_user("dev-1", "device", kind="clientid")
    with MqttClient(v4, "dev-1", "alice", "right") as by_user, MqttClient(v4, "dev-1", "any", "device") as by_id:
        assert (by_user.accepted, by_id.accepted) == (False, True)


def test_an_online_client_is_listed(both: Deployment, api: ApiClient) -> None:
    with MqttClient(both, "dev-1", "alice", "right") as client:
        client.subscribe("t/own", 1)
        (row,) = api.get(both, "/clients")["data"]
        (held,) = api.get(both, "/subscriptions")["data"]
    assert (row["clientid"], row["username"], row["connected"], row["proto_ver"]) == ("dev-1", "alice", True, 4)
    assert row["port"] > 0
    assert (held["clientid"], held["topic"], held["qos"]) == ("dev-1", "t/own", 1)
    both.wait_until_gone("dev-1")
    assert api.get(both, "/clients")["data"] == []


def test_kicking_closes_the_connection(both: Deployment, api: ApiClient) -> None:
    with MqttClient(both, "dev-1", "alice", "right") as client:
        api.kick(both, "dev-1")
        client.wait_until_closed()
        assert both.client_ids() == []


def test_the_api_subscribes_and_unsubscribes_for_a_client(both: Deployment, api: ApiClient) -> None:
    with MqttClient(both, "dev-1", "alice", "right") as client:
        api.subscribe(both, "dev-1", "a/+", 1)
        api.publish(both, "a/1", "one", qos=2)
        assert client.next_message() == ("a/1", b"one", 1, False)
        api.unsubscribe(both, "dev-1", "a/+")
        api.publish(both, "a/1", "two")
        api.subscribe(both, "dev-1", "b")
        api.publish(both, "b", "three")
        assert client.next_message() == ("b", b"three", 0, False)


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_every_qos_arrives_once(both: Deployment, api: ApiClient, qos: int) -> None:
    with MqttClient(both, "dev-1", "alice", "right") as client:
        client.subscribe("t", qos)
        for number in range(50):
            api.publish(both, "t", str(number), qos=qos)
        received = [client.next_message() for _number in range(50)]
    assert [(payload, arrived) for _topic, payload, arrived, _retained in received] == [
        (str(number).encode(), qos) for number in range(50)
    ]


def test_clients_that_leave_at_once_are_gone(both: Deployment) -> None:
    for number in range(50):
        MqttClient(both, f"hasty-{number}", "alice", "right").disconnect()
        both.wait_until_gone(f"hasty-{number}")
    assert both.client_ids() == []


def test_clients_reach_each_other(both: Deployment) -> None:
    with MqttClient(both, "a", "alice", "right") as sender, MqttClient(both, "b", "alice", "right") as receiver:
        receiver.subscribe("t/#", 1)
        sender.publish("t/1", "hello")
        assert receiver.next_message() == ("t/1", b"hello", 1, False)
        receiver.unsubscribe("t/#")
        assert both.subscriptions("b") == {}


def test_a_qos_asked_for_again_is_changed(both: Deployment, api: ApiClient) -> None:
    with MqttClient(both, "a", "alice", "right") as client:
        client.subscribe("t", 0)
        client.subscribe("t", 1)
        api.publish(both, "t", "x", qos=1)
        assert client.next_message()[2] == 1


def test_retained_messages_follow_a_subscription(both: Deployment, api: ApiClient) -> None:
    api.publish(both, "r/api", "1", retain=True)
    with MqttClient(both, "a", "alice", "right") as client:
        client.publish("r/mqtt", "2", retain=True)
        client.subscribe("r/+", 1)
        received = {client.next_message() for _number in range(2)}
        assert received == {("r/api", b"1", 0, True), ("r/mqtt", b"2", 1, True)}
        client.publish("r/mqtt", "", retain=True)
    assert both.retained() == {"r/api": b"1"}


def test_nobody_gets_a_retained_message_unasked(both: Deployment, api: ApiClient) -> None:
    api.publish(both, "r", "x", retain=True)
    both.add_client("subscriber", subscriptions=["r"])
    with MqttClient(both, "a", "alice", "right") as client:
        client.subscribe("other")
        api.publish(both, "other", "y")
        assert client.next_message()[0] == "other"


def test_a_session_that_is_not_clean_is_kept(both: Deployment, api: ApiClient) -> None:
    with MqttClient(both, "a", "alice", "right", clean_session=False) as first:
        assert not first.session_present
        first.subscribe("t", 1)
    both.wait_until_gone("a")
    (row,) = api.get(both, "/clients")["data"]
    assert row["connected"] is False
    api.publish(both, "t", "while away", qos=1)
    with MqttClient(both, "a", "alice", "right", clean_session=False) as second:
        assert second.session_present
        assert second.next_message() == ("t", b"while away", 1, False)
        assert both.subscriptions("a") == {"t": 1}
    both.wait_until_gone("a")
    api.kick(both, "a")
    assert both.client_ids() == []


@pytest.mark.parametrize("clean_session", [True, False])
def test_the_same_client_id_takes_over(both: Deployment, clean_session: bool) -> None:
    with MqttClient(both, "a", "alice", "right", clean_session=clean_session) as first:
        first.subscribe("t", 1)
        with MqttClient(both, "a", "alice", "right", clean_session=clean_session) as second:
            first.wait_until_closed()
            second.subscribe("u")
            assert both.connected("a")
            assert both.subscriptions("a") == ({"u": 0} if clean_session else {"t": 1, "u": 0})
            second.publish("u", "x")
            assert second.next_message()[1] == b"x"


def test_the_will_is_sent_for_who_goes_without_a_word(both: Deployment) -> None:
    with MqttClient(both, "watcher", "alice", "right") as watcher:
        watcher.subscribe("will/#")
        MqttClient(both, "polite", "alice", "right", will=("will/polite", "x")).disconnect()
        MqttClient(both, "rude", "alice", "right", will=("will/rude", "x")).drop()
        assert watcher.next_message()[0] == "will/rude"


@pytest.mark.parametrize(("kind", "who"), [("clientid", "dev-1"), ("username", "alice"), ("peerhost", "127.0.0.1")])
def test_the_banned_stay_out_until_the_ban_is_lifted(both: Deployment, api: ApiClient, kind: str, who: str) -> None:
    api.ban(both, kind, who)
    with MqttClient(both, "dev-1", "alice", "right") as client:
        assert not client.accepted
    api.lift(both, kind, who)
    with MqttClient(both, "dev-1", "alice", "right") as client:
        assert client.accepted


@pytest.mark.parametrize(
    ("kind", "who"), [("clientid_re", "^dev-"), ("username_re", "^al"), ("peerhost_net", "127.0.0.0/8")]
)
def test_patterns_and_networks_are_banned_on_v5(v5: Deployment, api: ApiClient, kind: str, who: str) -> None:
    api.ban(v5, kind, who)
    with MqttClient(v5, "dev-1", "alice", "right") as client:
        assert not client.accepted


def test_banning_a_client_id_disconnects_and_banning_a_user_does_not(both: Deployment, api: ApiClient) -> None:
    with MqttClient(both, "a", "alice", "right") as by_id, MqttClient(both, "b", "alice", "right"):
        api.ban(both, "username", "alice")
        api.ban(both, "clientid", "a")
        by_id.wait_until_closed()
        assert both.client_ids() == ["b"]


def test_access_rules_decide_and_decisions_are_cached(v5: Deployment, api: ApiClient) -> None:
    rules = "/authorization/sources/built_in_database/rules/users/alice"
    deny = {"username": "alice", "rules": [{"topic": "t/${clientid}", "action": "all", "permission": "deny"}]}
    with MqttClient(v5, "a", "alice", "right") as client:
        assert client.subscribe("t/b")
        assert api.call(v5, "PUT", rules, json=deny).ok
        assert not client.subscribe("t/a")
        assert api.call(v5, "DELETE", rules).ok
        assert not client.subscribe("t/a")
        assert api.call(v5, "DELETE", "/clients/a/authorization/cache").ok
        assert client.subscribe("t/a")


def test_the_newest_rule_wins_on_v4(v4: Deployment, api: ApiClient) -> None:
    for access, topic in (("deny", "t/#"), ("allow", "t/1")):
        rule = {"username": "alice", "topic": topic, "action": "sub", "access": access}
        assert api.call(v4, "POST", "/acl", json=rule).json()["code"] == 0
    with MqttClient(v4, "a", "alice", "right") as client:
        assert client.subscribe("t/1")
        assert not client.subscribe("t/2")


def test_a_denied_message_is_dropped(v4: Deployment, api: ApiClient) -> None:
    rule = {"topic": "secret", "action": "pub", "access": "deny"}
    assert api.call(v4, "POST", "/acl", json=rule).json()["code"] == 0
    with MqttClient(v4, "a", "alice", "right") as client:
        client.subscribe("#")
        client.publish("secret", "x")
        client.publish("open", "y")
        assert client.next_message()[0] == "open"


def test_reset_cuts_everybody_off(both: Deployment) -> None:
    with MqttClient(both, "a", "alice", "right") as client:
        both.reset()
        client.wait_until_closed()
    assert (both.client_ids(), both.user_names(), both.requests) == ([], [], [])


def test_virtual_clients_need_no_connection(v5: Deployment, api: ApiClient) -> None:
    v5.add_client(
        "five", username="u", proto_ver=5, zone="z", subscriptions=[{"topic": "t", "qos": 1, "nl": 1, "rap": 1}]
    )
    v5.add_client("away", connected=False)
    rows = {row["clientid"]: row for row in api.get(v5, "/clients")["data"]}
    assert (rows["five"]["proto_ver"], rows["five"]["zone"], rows["five"]["connected"]) == (5, "z", True)
    assert rows["away"]["connected"] is False
    (held,) = api.get(v5, "/clients/five/subscriptions")
    assert (held["nl"], held["rap"]) == (1, 1)
    assert [row["clientid"] for row in api.get(v5, "/clients", conn_state="connected")["data"]] == ["five"]
    api.kick(v5, "five")
    assert v5.client_ids() == ["away"]
