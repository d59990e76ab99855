# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""How brokers of the v4 generation answer differently from their documentation, and what users see of it: nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator import Deployment, Fault, Request, Simulator
from system.harness import done, refused, run


@pytest.fixture
def v4() -> Iterator[Deployment]:
    with Simulator.start(generation="v4") as simulator:
        yield simulator.deployments[0]


def once(deployment: Deployment, path: str, action) -> None:
    """Do something right after the first GET below a path was answered."""
    seen: list[Request] = []

    def callback(request: Request) -> None:
        if request.method == "GET" and request.path.startswith(path) and not seen:
            seen.append(request)
            action()

    deployment.on_request(callback)


def test_existed_with_http_200_fails_the_task(v4: Deployment) -> None:
    once(v4, "/auth_username/", lambda: v4.add_user("alice", "theirs"))
    result = run("auth_user", v4, username="alice", password="ours")
    assert result["failed"] and not result["changed"]
    assert "it exists already" in result["msg"]
    assert result["error"]["status"] == 200 and result["error"]["reason"] == "existed"
    assert v4.check_password("alice", "theirs")


def test_a_batch_with_one_bad_item_fails_and_names_it(v4: Deployment) -> None:
    once(v4, "/auth_username", lambda: v4.add_user("u7", "theirs"))
    users = [{"username": f"u{number}", "password": "x"} for number in range(12)]
    result = run("auth_users", v4, users=users)
    assert result["failed"] and result["changed"]
    assert "1 of 12 changes failed" in result["msg"] and "'u7'" in result["msg"]
    assert [failure["item"] for failure in result["failures"]] == [{"username": "u7"}]
    assert len(result["applied"]) == 11
    assert result["counts"] == {"created": 11, "updated": 0, "deleted": 0, "unchanged": 0, "failed": 1}
    assert done("auth_users", v4, users=users)["changed"] is False


def test_a_subscription_batch_that_fails_item_by_item_names_the_items(v4: Deployment) -> None:
    v4.add_client("dev-1", subscriptions=["t/0"])
    once(v4, "/subscriptions/", lambda: v4.remove_client("dev-1"))
    result = run("subscription", v4, clientid="dev-1", topics=[{"topic": "t/1"}, {"topic": "t/2"}])
    assert result["failed"] and not result["changed"]
    assert [failure["code"] for failure in result["failures"]] == [112, 112]
    assert "'t/1'" in result["msg"] or "'t/2'" in result["msg"]
    assert "not online" in result["msg"]


def test_what_is_not_there_is_seen_although_the_answer_is_a_success(v4: Deployment) -> None:
    assert done("auth_user_info", v4, username="nobody")["users"] == []
    assert done("auth_user", v4, username="nobody", state="absent")["changed"] is False
    assert done("client", v4, clientid="nobody", state="absent")["changed"] is False
    assert done("subscription", v4, clientid="nobody", topics=[{"topic": "t"}], state="absent")["changed"] is False
    assert done("topic_info", v4, topic="no/such")["topics"] == []
    assert {call.method for call in v4.requests} == {"GET"}
    assert "not connected" in refused("subscription", v4, clientid="nobody", topics=[{"topic": "t"}])


def test_nothing_is_sent_that_the_broker_answers_with_500(v4: Deployment) -> None:
    assert done("auth_users", v4, users=[])["requests"] == 0
    assert done("subscription", v4, clientid="dev", topics=[], state="present")["changed"] is False
    v4.add_client("dev")
    v4.forget_requests()
    done("subscription", v4, clientid="dev", topics=[{"topic": "t", "qos": 2}])
    done("auth_users", v4, users=[{"username": "a", "password": "x"}, {"username": "b", "password": "x"}])
    assert [call for call in v4.requests if call.status >= 500 or call.method == "POST" and not call.size] == []


@pytest.mark.parametrize("kind", ["username", "clientid"])
def test_a_name_of_every_awkward_character_works_end_to_end(v4: Deployment, kind: str) -> None:
    name = "a/b ü%2F+?#"
    assert done("auth_user", v4, **{kind: name}, password="x")["user"] == {kind: name}
    assert v4.user_names(kind) == [name]
    assert done("auth_user_info", v4, **{kind: name})["count"] == 1
    assert done("auth_user_info", v4, like="b ü%2F+?#", kind=[kind])["count"] == 1
    assert done("auth_user", v4, **{kind: name}, password="y", update_password="always")["changed"]
    assert v4.check_password(name, "y", kind)
    assert done("auth_user", v4, **{kind: name}, state="absent")["changed"]
    assert v4.user_names(kind) == []


def test_a_like_filter_keeps_upper_and_lower_case_apart(v4: Deployment) -> None:
    v4.add_users(["Gateway-1", "gateway-2"])
    found = done("auth_user_info", v4, like="gate", kind=["username"], query="[].username")
    assert found["users"] == ["gateway-2"]


def test_lists_are_read_to_their_end_with_v4_paging(v4: Deployment) -> None:
    v4.add_users(20_001)
    result = done("auth_user_info", v4, kind=["username"], query="length(@)")
    assert result["users"] == 20_001
    assert [call.query for call in v4.requests] == [f"_page={page}&_limit=10000" for page in (1, 2, 3)]


def test_a_full_last_page_is_not_taken_for_the_end_and_limit_bounds_what_is_read(v4: Deployment) -> None:
    v4.add_users(10_000)
    assert done("auth_user_info", v4, kind=["username"])["count"] == 10_000
    v4.forget_requests()
    assert done("auth_user_info", v4, kind=["username"], limit=3)["count"] == 3
    assert [call.query for call in v4.requests] == ["_page=1&_limit=3"]


def test_a_purge_reads_all_pages_before_it_deletes(v4: Deployment) -> None:
    v4.add_users(10_060)
    names = sorted(v4.user_names())
    v4.forget_requests()
    keep = [{"username": name} for name in names[:10_000]]
    result = done("auth_users", v4, users=keep, purge=True)
    assert result["counts"] == {"created": 0, "updated": 0, "deleted": 60, "unchanged": 10_000, "failed": 0}
    assert sorted(v4.user_names()) == names[:10_000]
    methods = [call.method for call in v4.requests]
    assert methods == ["GET"] * 2 + ["DELETE"] * 60 + ["GET"] * 2  # and once more to see whether that is all


def test_a_call_that_is_not_there_is_said_to_be_not_offered(v4: Deployment) -> None:
    v4.faults.add(Fault("body", status=404, body="Not found.", path="/auth_username"))
    result = run("auth_user_info", v4, username="alice")
    assert result["failed"] and "does not offer the call" in result["msg"]


def test_a_body_that_is_refused_for_its_size_is_halved(v4: Deployment) -> None:
    users = [{"username": f"user-{number:06}", "password": "p" * 100} for number in range(70_000)]
    result = done("auth_users", v4, users=users, batch_bytes=20_000_000)
    assert result["counts"]["created"] == 70_000
    posts = [(call.status, call.size > 8_000_000) for call in v4.requests if call.method == "POST"]
    assert posts == [(400, True), (200, False), (200, False)]


def test_topics_with_a_comma_are_refused(v4: Deployment) -> None:
    v4.add_client("dev", subscriptions=["c/a"])
    assert "comma" in refused("subscription", v4, clientid="dev", topics=[{"topic": "c/a,c/b"}])
    assert v4.subscriptions("dev") == {"c/a": 0}


def test_options_of_v5_are_refused(v4: Deployment) -> None:
    assert "needs a v5 deployment" in refused("auth_user", v4, username="a", password="x", is_superuser=True)
    assert "needs a v5 deployment" in refused("auth_user_info", v4, is_superuser=True)
    v4.add_client("dev")
    topics = [{"topic": "t", "no_local": True}]
    assert "needs a v5 deployment" in refused("subscription", v4, clientid="dev", topics=topics)


def test_user_names_and_client_ids_are_two_stores(v4: Deployment) -> None:
    v4.add_user("dev-1", "x", kind="username")
    v4.add_user("dev-1", "x", kind="clientid")
    done("auth_users", v4, users=[{"username": "ops", "password": "x"}], purge=True)
    assert (v4.user_names("username"), v4.user_names("clientid")) == (["ops"], ["dev-1"])
    done("auth_users", v4, users=[], kind=["clientid"], purge=True, purge_all=True)
    assert (v4.user_names("username"), v4.user_names("clientid")) == (["ops"], [])


def test_a_queue_subscription_reads_back_as_what_was_asked_for(v4: Deployment) -> None:
    v4.add_client("dev")
    topics = [{"topic": "$queue/jobs", "qos": 1}, {"topic": "$share/g/jobs", "qos": 1}]
    assert done("subscription", v4, clientid="dev", topics=topics)["changed"]
    assert not done("subscription", v4, clientid="dev", topics=topics)["changed"]
