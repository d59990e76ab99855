# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""How brokers of the v5 generation answer differently from their documentation, and what users see of it: nothing."""

from __future__ import annotations

import http.client
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from simulator import Deployment, Fault, Simulator
from system.harness import done, refused, run

IMPORT = "/authentication/password_based%3Abuilt_in_database/import_users"


@pytest.fixture
def v5() -> Iterator[Deployment]:
    with Simulator.start(generation="v5") as simulator:
        yield simulator.deployments[0]


def calls(deployment: Deployment) -> list[str]:
    return [f"{call.method} {call.path}" for call in deployment.requests]


def test_lists_are_read_to_their_end_with_v5_paging(v5: Deployment) -> None:
    v5.add_users(20_001)
    assert done("auth_user_info", v5, query="length(@)")["users"] == 20_001
    assert [call.query for call in v5.requests if call.query] == [f"page={page}&limit=10000" for page in (1, 2, 3)]


def test_the_paging_of_the_cloud_documentation_is_never_sent(v5: Deployment) -> None:
    v5.add_client("dev", subscriptions=["t"])
    done("auth_user_info", v5, like="a")
    done("client_info", v5, limit=5)
    done("subscription_info", v5)
    done("topic_info", v5)
    done("api", v5, path="banned", paginate=True)
    assert all("page=1&limit=" in call.query and "_page" not in call.query for call in v5.requests if "?" in call.path)
    assert [call.query for call in v5.requests if "_page" in call.query or "_limit" in call.query] == []


def test_hasnext_on_a_full_last_page_ends_at_an_empty_page(v5: Deployment) -> None:
    v5.add_users(10_000)
    assert done("auth_user_info", v5)["count"] == 10_000


def test_a_list_without_hasnext_is_read_to_its_end(v5: Deployment) -> None:
    for number in range(3):
        done("api", v5, method="POST", path="banned", body={"as": "clientid", "who": f"b{number}"})
    rows = done("api", v5, path="banned", paginate=True)["rows"]
    assert sorted(row["who"] for row in rows) == ["b0", "b1", "b2"]


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_names_that_address_something_else_are_refused_before_any_request(v5: Deployment, name: str) -> None:
    v5.add_users(["alice"])
    for state in ("present", "absent"):
        assert "username" in refused("auth_user", v5, username=name, password="x", state=state)
        users = [{"username": name, "password": "x"}]
        assert "users[0].username" in refused("auth_users", v5, users=users, state=state)
        assert "clientid" in refused("subscription", v5, clientid=name, topics=[{"topic": "t"}], state=state)
    assert "username" in refused("auth_user_info", v5, username=name)
    assert v5.requests == []
    assert v5.user_names() == ["alice"]


@pytest.mark.parametrize(
    "path",
    ["banned/clientid/..", "banned/clientid/%2E%2E", "clients/.", "clients//x", "a/%2e/b", "banned/"],
)
def test_paths_that_address_something_else_are_refused_before_any_request(v5: Deployment, path: str) -> None:
    done("api", v5, method="POST", path="banned", body={"as": "clientid", "who": "b"})
    v5.forget_requests()
    assert "path" in refused("api", v5, method="DELETE", path=path)
    assert v5.requests == []
    assert v5.bans() == [("clientid", "b")]


def test_the_simulator_would_have_lifted_every_ban_and_deleted_the_authenticator(v5: Deployment) -> None:
    """What the two tests above are about: sent by hand, the calls do the damage."""
    v5.add_users(["alice"])
    done("api", v5, method="POST", path="banned", body={"as": "clientid", "who": "b"})
    login = {"Authorization": "Basic " + b64encode(f"{v5.app_id}:{v5.app_secret}".encode()).decode()}
    for path in ("banned/clientid/..", "authentication/password_based%3Abuilt_in_database/users/%2E%2E"):
        raw = http.client.HTTPConnection(urlsplit(v5.api_url).netloc)
        raw.request("DELETE", urlsplit(v5.api_url).path + "/" + path, headers=login)
        assert raw.getresponse().status == 204
        raw.close()
    assert v5.bans() == []
    assert "has no authenticator" in run("auth_user_info", v5)["msg"]


def test_a_client_of_two_dots_is_kicked_and_nobody_else(v5: Deployment) -> None:
    v5.add_clients(["..", "other"])
    assert done("client", v5, clientid="..", state="absent")["kicked"] == [".."]
    assert v5.client_ids() == ["other"]


def test_the_superuser_flag_changes_only_together_with_the_password(v5: Deployment) -> None:
    v5.add_user("ops", "old")
    sentence = refused("auth_user", v5, username="ops", is_superuser=True, password="new")
    assert "update_password: always" in sentence
    assert "give it" in refused("auth_user", v5, username="ops", is_superuser=True, update_password="always")
    assert v5.check_password("ops", "old") and not v5.is_superuser("ops")
    done("auth_user", v5, username="ops", is_superuser=True, password="new", update_password="always")
    assert v5.check_password("ops", "new") and v5.is_superuser("ops")


@pytest.mark.parametrize("number", [1, 12])
def test_a_new_password_keeps_the_superuser_flag(v5: Deployment, number: int) -> None:
    users = [{"username": f"u{index}", "password": "new"} for index in range(number)]
    for user in users:
        v5.add_user(user["username"], "old", is_superuser=True)
    result = done("auth_users", v5, users=users, update_password="always")
    assert result["counts"]["updated"] == number
    assert all(v5.is_superuser(user["username"]) and v5.check_password(user["username"], "new") for user in users)


def test_the_password_of_a_user_who_exists_is_not_sent(v5: Deployment) -> None:
    v5.add_users([f"u{index}" for index in range(11)])
    users = [{"username": f"u{index}", "password": "other"} for index in range(12)]
    v5.forget_requests()
    assert done("auth_users", v5, users=users)["counts"]["created"] == 1
    assert sum(call.size for call in v5.requests) < 100
    assert not v5.check_password("u0", "other")


def test_a_user_id_that_is_no_text_neither_breaks_the_search_nor_is_purged_half_way(v5: Deployment) -> None:
    v5.add_user(5, "x")
    v5.add_user(None, "x")
    v5.add_users(["gateway-1", "sensor-1"])
    assert {"username": None, "is_superuser": False} in done("auth_user_info", v5)["users"]
    assert [user["username"] for user in done("auth_user_info", v5, like="gate")["users"]] == ["gateway-1"]
    sentence = refused("auth_users", v5, users=[{"username": "gateway-1"}], purge=True)
    assert "can't be used as a username to delete: it is no text, and no path leads to it." in sentence
    assert sorted(map(str, v5.user_names())) == ["5", "None", "gateway-1", "sensor-1"]


def test_a_password_that_is_missing_or_empty_is_refused(v5: Deployment) -> None:
    for row in ({"username": "frank"}, {"username": "frank", "password": ""}):
        users = [{"username": "erin", "password": "e"}, row]
        assert "'frank'" in refused("auth_users", v5, users=users)
    assert "'frank'" in refused("auth_user", v5, username="frank", password="")
    assert v5.user_names() == []


def test_an_empty_list_is_not_imported(v5: Deployment) -> None:
    assert done("auth_users", v5, users=[])["requests"] == 0


def test_an_import_that_answers_nothing_is_a_success(v5: Deployment) -> None:
    v5.faults.add(Fault("status", status=204, path=IMPORT, carried_out=True))
    users = [{"username": f"u{index}", "password": "x"} for index in range(12)]
    assert done("auth_users", v5, users=users)["counts"]["created"] == 12


def test_an_import_that_lost_users_fails_and_names_them(v5: Deployment) -> None:
    counts = {"total": 12, "success": 11, "override": 0, "skipped": 0, "failed": 1}
    v5.faults.add(Fault("body", body=counts, path=IMPORT, carried_out=True))
    v5.on_request(lambda request: v5.remove_user("u3") if request.method == "POST" else None)
    users = [{"username": f"u{index}", "password": "x"} for index in range(12)]
    result = run("auth_users", v5, users=users)
    assert result["failed"] and result["changed"]
    assert [failure["item"]["username"] for failure in result["failures"]] == ["u3"]


def test_a_deployment_without_the_built_in_database_says_so() -> None:
    with Simulator.start(generation="v5", bare=True) as simulator:
        bare = simulator.deployments[0]
        for module, options in (
            ("auth_user", {"username": "a", "password": "x"}),
            ("auth_users", {"users": [{"username": f"u{index}", "password": "x"} for index in range(12)]}),
            ("auth_user_info", {}),
        ):
            assert "has no authenticator password_based:built_in_database" in refused(module, bare, **options)


def test_the_kind_of_user_that_the_authenticator_lacks_is_refused(v5: Deployment) -> None:
    assert "knows its users by username" in refused("auth_user", v5, clientid="dev-1", password="x")
    mixed = [{"username": "a", "password": "x"}, {"clientid": "b", "password": "x"}]
    assert "one kind of users" in refused("auth_users", v5, users=mixed)


@pytest.mark.parametrize("status", [403, 404])
def test_where_the_authenticator_cant_be_read_the_name_goes_through(v5: Deployment, status: int) -> None:
    v5.faults.add(Fault("status", status=status, method="GET", nth=1, path=IMPORT.rpartition("/")[0]))
    assert done("auth_user", v5, username="alice", password="x")["changed"]


@pytest.mark.parametrize("topic", ["a/#/b", "", "x+", "a#", "$share/g", "$share//t", "t\0"])
def test_filters_that_break_the_broker_are_refused_before_any_request(v5: Deployment, topic: str) -> None:
    v5.add_client("dev")
    assert "topics[0].topic" in refused("subscription", v5, clientid="dev", topics=[{"topic": topic}])
    assert v5.requests == []


def test_a_filter_that_breaks_the_list_of_topics_is_explained_and_can_be_removed(v5: Deployment) -> None:
    v5.add_client("dev", subscriptions=["a/#/b", "t/1"])
    result = run("topic_info", v5, retries=0)
    assert "subscribed to an invalid filter" in result["msg"] and "erl" not in result["msg"]
    assert done("topic_info", v5, topic="t/1")["count"] == 1
    assert done("subscription", v5, clientid="dev", topics=[{"topic": "a/#/b"}], state="absent")["changed"]
    assert done("topic_info", v5)["topics"] == [{"topic": "t/1", "node": "emqx@127.0.0.1"}]


def test_subscribing_again_changes_the_qos_and_keeps_what_is_not_mentioned(v5: Deployment) -> None:
    v5.add_client("dev", proto_ver=5, subscriptions=[{"topic": "t", "qos": 1, "nl": 1, "rap": 1, "rh": 2}])
    result = done("subscription", v5, clientid="dev", topics=[{"topic": "t", "qos": 2}])
    assert result["counts"]["updated"] == 1
    assert result["diff"]["before"]["subscriptions"][0]["qos"] == 1
    row = done("subscription_info", v5, clientid="dev")["subscriptions"][0]
    assert (row["qos"], row["no_local"], row["retain_as_published"], row["retain_handling"]) == (2, True, True, 2)


def test_two_spellings_of_a_queue_are_one_subscription(v5: Deployment) -> None:
    v5.add_client("dev", subscriptions=[{"topic": "$share/$queue/jobs", "qos": 1}])
    for qos, changed in ((1, False), (2, True), (2, False)):
        topics = [{"topic": "$queue/jobs", "qos": qos}]
        assert done("subscription", v5, clientid="dev", topics=topics, state="exact")["changed"] is changed
    assert v5.subscriptions("dev") == {"$share/$queue/jobs": 2}


def test_a_flag_is_asked_for_together_with_a_name(v5: Deployment) -> None:
    v5.add_user("ops", "x", is_superuser=True)
    assert done("auth_user_info", v5, username="ops", is_superuser=True)["count"] == 1
    assert done("auth_user_info", v5, username="ops", is_superuser=False)["count"] == 0


def test_a_call_that_was_carried_out_although_another_status_was_expected_is_a_change(v5: Deployment) -> None:
    body = {"as": "clientid", "who": "b"}
    result = run("api", v5, method="POST", path="banned", body=body, expected_status=[202])
    assert result["failed"] and result["changed"] and v5.bans() == [("clientid", "b")]


def test_flags_that_a_client_of_mqtt_3_cant_keep_are_refused(v5: Deployment) -> None:
    v5.add_client("old", proto_ver=4)
    v5.add_client("new", proto_ver=5)
    topics = [{"topic": "t", "no_local": True, "retain_handling": 1}]
    assert "doesn't speak MQTT 5" in refused("subscription", v5, clientid="old", topics=topics)
    assert done("subscription", v5, clientid="new", topics=topics)["changed"]
    assert not done("subscription", v5, clientid="new", topics=topics)["changed"]


def test_kept_sessions_are_not_online(v5: Deployment) -> None:
    v5.add_client("here")
    v5.add_client("away", connected=False)
    assert done("client_info", v5, conn_state="connected", query="[].clientid")["clients"] == ["here"]
    assert done("client_info", v5, conn_state="disconnected", query="[].clientid")["clients"] == ["away"]
    assert done("client", v5, clientids=["away"], state="absent")["offline"] == ["away"]
    assert sorted(v5.client_ids()) == ["away", "here"]
    assert done("client", v5, clientids=["away"], state="absent", sessions=True)["kicked"] == ["away"]
    assert v5.client_ids() == ["here"]


def test_pages_of_clients_that_look_alike_are_no_endless_list(v5: Deployment) -> None:
    v5.add_clients(20_001)
    assert done("client_info", v5, fields=["connected"], query="[-1]")["clients"] == {"connected": True}
    assert len(v5.requests) == 3


def test_several_clients_are_asked_for_and_kicked_in_two_calls(v5: Deployment) -> None:
    v5.add_clients(50)
    names = v5.client_ids()
    result = done("client", v5, clientids=[*names, "nobody"], state="absent")
    assert result["kicked"] == sorted(names) and result["offline"] == ["nobody"]
    assert calls(v5) == ["GET /clients", "POST /clients/kickout/bulk"]


def test_a_client_that_goes_by_itself_is_no_failure(v5: Deployment) -> None:
    v5.add_client("dev")
    v5.on_request(lambda request: v5.remove_client("dev") if request.method == "GET" else None)
    assert done("client", v5, clientid="dev", state="absent")["kicked"] == ["dev"]


def test_a_user_who_goes_by_itself_is_no_failure(v5: Deployment) -> None:
    v5.add_user("alice", "x")
    v5.on_request(lambda request: v5.remove_user("alice") if request.path.endswith("/alice") else None)
    assert done("auth_user", v5, username="alice", state="absent")["changed"]
    assert v5.user_names() == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault("body", status=404, body="<html><body>404</body></html>"),
        Fault("status", status=405),
        Fault("body", status=404, body={"code": "NOT_FOUND", "message": "Request Path Not Found"}),
        Fault("body", status=404, body={"message": "no Route matched with those values"}),
    ],
    ids=["an HTML page", "405", "unknown path", "a gateway's own"],
)
def test_a_call_that_is_not_there_is_said_to_be_not_offered(v5: Deployment, fault: Fault) -> None:
    v5.faults.add(fault)
    for module, options in (
        ("client_info", {}),
        ("subscription", {"clientid": "dev", "topics": [{"topic": "t"}], "state": "absent"}),
        ("auth_user", {"username": "alice", "state": "absent"}),
        ("topic_info", {}),
    ):
        sentence = refused(module, v5, **options)
        assert "does not offer the call" in sentence or "knows no such address" in sentence


def test_a_body_that_is_refused_for_its_size_is_halved(v5: Deployment) -> None:
    users = [{"username": f"user-{number:06}", "password": "p" * 100} for number in range(60_000)]
    result = done("auth_users", v5, users=users, batch_bytes=20_000_000)
    assert result["counts"]["created"] == 60_000
    posts = [(call.status, call.size > 8_000_000) for call in v5.requests if call.method == "POST"]
    assert posts == [(500, True), (200, False), (200, False)]


def test_a_purge_reads_all_pages_before_it_deletes(v5: Deployment) -> None:
    v5.add_users(10_060)
    names = sorted(v5.user_names())
    v5.forget_requests()
    result = done("auth_users", v5, users=[{"username": name} for name in names[:10_000]], purge=True)
    assert result["counts"] == {"created": 0, "updated": 0, "deleted": 60, "unchanged": 10_000, "failed": 0}
    assert sorted(v5.user_names()) == names[:10_000]
    methods = [call.method for call in v5.requests]
    assert methods == ["GET"] * 3 + ["DELETE"] * 60 + ["GET"] * 2  # and once more to see whether that is all


def test_a_name_of_every_awkward_character_works_end_to_end(v5: Deployment) -> None:
    name = "a/b ü%2F+?#"
    assert done("auth_user", v5, username=name, password="x")["user"] == {"username": name, "is_superuser": False}
    assert v5.user_names() == [name]
    assert done("auth_user_info", v5, like="b ü%2F+?#")["count"] == 1
    v5.add_client(name)
    topics = [{"topic": "t/ü +/%2F?".replace("+", "-"), "qos": 1}]
    assert done("subscription", v5, clientid=name, topics=topics)["changed"]
    assert not done("subscription", v5, clientid=name, topics=topics)["changed"]
    assert done("client_info", v5, clientid=name)["count"] == 1
    assert done("client", v5, clientids=[name], state="absent")["kicked"] == [name]
    assert done("auth_user", v5, username=name, state="absent")["changed"]
    assert v5.user_names() == []
