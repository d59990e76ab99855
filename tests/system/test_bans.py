# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bans: what users write, what brokers make of it, and who is really kept out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from contract.mqtt_client import MqttClient
from simulator import Deployment, Fault, Simulator
from system.harness import done, refused, run

V5_KINDS = {"peerhost_net": "10.1.0.0/16", "clientid_re": "^bot-", "username_re": "^tmp"}


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


def moment(seconds: float) -> str:
    at = datetime.fromtimestamp(int(time.time() + seconds), timezone.utc)
    return at.isoformat().replace("+00:00", "Z")


def bans(deployment: Deployment, **options: Any) -> list[dict[str, Any]]:
    return done("banned_info", deployment, **options)["banned"]


def same_twice(deployment: Deployment, **options: Any) -> dict[str, Any]:
    """Predict, do and repeat: check mode tells what happens, and the second run changes nothing."""
    deployment.forget_requests()
    predicted = done("banned", deployment, check=True, **options)
    assert {call.method for call in deployment.requests} <= {"GET"}
    happened = done("banned", deployment, **options)
    for key in ("changed", "counts", "diff", "banned"):
        assert predicted[key] == happened[key]
    again = done("banned", deployment, **options)
    assert again["changed"] is False
    assert again["banned"] == happened["banned"]
    return happened


def test_a_new_ban_lasts_for_ever_on_both_generations(both: Deployment) -> None:
    result = same_twice(both, clientid="dev-1")
    assert result["banned"] == [{"clientid": "dev-1", "reason": "", "by": "ansible", "until": "never"}]
    assert result["counts"] == {"created": 1, "updated": 0, "deleted": 0, "unchanged": 0, "failed": 0}
    (ban,) = bans(both)
    assert ban.pop("at") <= moment(0)
    assert ban == result["banned"][0]


def test_editing_one_field_shows_exactly_that_field(both: Deployment) -> None:
    start = {"clientid": "dev-1", "reason": "noise", "by": "ops", "until": moment(3600)}
    same_twice(both, entries=[start])
    (made,) = bans(both)
    for change in ({"reason": "more noise"}, {"by": "sec"}, {"until": "never"}, {"until": moment(7200)}):
        before = done("banned", both, clientid="dev-1")["banned"][0]
        diff = same_twice(both, clientid="dev-1", **change)["diff"]
        assert diff == {"before": {"banned": [before]}, "after": {"banned": [{**before, **change}]}}
    assert bans(both)[0]["at"] == made["at"]  # it is the same ban, made when it was made


def test_absolute_ends_are_compared_as_moments(both: Deployment) -> None:
    done("banned", both, username="alice", until="2100-01-01T02:00:00+02:00")
    for same in ("2100-01-01T00:00:00Z", "4102444800", 4102444800, "2100-01-01 00:00:00", "2100-01-01T00:00:00.9Z"):
        assert done("banned", both, username="alice", until=same)["changed"] is False
    assert bans(both)[0]["until"] == "2100-01-01T00:00:00Z"


def test_a_duration_counts_from_when_the_ban_was_made(both: Deployment) -> None:
    first = done("banned", both, username="alice", until="2h")
    assert moment(7190) <= first["banned"][0]["until"] <= moment(7200)
    time.sleep(1.1)
    assert done("banned", both, username="alice", until="2h")["changed"] is False
    assert done("banned", both, username="alice", until="120m")["changed"] is False
    # Another field changes, and the end stays.
    changed = done("banned", both, username="alice", until="2h", reason="r")
    assert changed["banned"][0]["until"] == first["banned"][0]["until"]
    assert done("banned", both, username="alice", until="2h", reason="r")["changed"] is False
    # Another duration begins now, longer or shorter.
    for until, seconds in (("3h", 10800), ("10m", 600)):
        other = done("banned", both, username="alice", until=until)
        assert moment(seconds - 10) <= other["banned"][0]["until"] <= moment(seconds)
        assert set(other["diff"]["after"]["banned"][0].items()) - set(other["diff"]["before"]["banned"][0].items()) == {
            ("until", other["banned"][0]["until"])
        }
        assert done("banned", both, username="alice", until=until)["changed"] is False


def test_the_end_of_the_year_9999_is_never(both: Deployment) -> None:
    assert same_twice(both, clientid="a", until="9999-12-31T23:59:59Z")["banned"][0]["until"] == "never"
    assert done("banned", both, clientid="a", until="never")["changed"] is False


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"clientid": "a", "until": "2020-01-01T00:00:00Z"}, "until is '2020-01-01T00:00:00Z', which has passed"),
        ({"clientid": "a", "until": "1000"}, "until is '1000', which has passed: write a time to come."),
        ({"clientid": "a", "until": "0s"}, "until is '0s', which has passed"),
        ({"clientid": "a", "until": "infinity"}, "until is 'infinity', which is no time: write RFC 3339"),
        ({"clientid": "a", "until": ""}, "until is '', which is no time"),
        ({"clientid": "a", "reason": "\ud800"}, "reason is not valid Unicode text."),
        ({"entries": [{"clientid": "a"}, {"clientid": "b", "until": "soon"}]}, "entries[1].until is 'soon'"),
        ({"clientid": ""}, "clientid, username or another kind has to say who is banned: clientid is empty."),
        ({"clientid": ".."}, "'..' can't be used as clientid"),
        ({"username": "."}, "'.' can't be used as username"),
        ({"entries": [{"reason": "r"}]}, "entries[0].clientid, entries[0].username or another kind has to say who is"),
        ({"entries": [{"clientid": "a", "username": "b"}]}, "banned: clientid and username are given."),
        ({"entries": [{"clientid": ""}]}, "banned: clientid is empty."),
        ({"peerhost": "10.1"}, "peerhost is '10.1', which is no address: write it like '10.1.2.3' or '2001:db8::1'."),
        ({"peerhost": "010.1.2.3"}, "peerhost is '010.1.2.3', which is no address"),
        ({"peerhost": "not-an-ip"}, "which is no address"),
        ({"peerhost": "10.0.0.0/8"}, "which is no address"),
        ({"peerhost": "fe80::1%eth0"}, "which is no address"),
        ({"peerhost": " 10.1.2.3"}, "which is no address"),
        ({"entries": [{"clientid": "a", "reason": "r"}, {"clientid": "a"}]}, "entries names clientid a twice with"),
        ({"entries": [{"peerhost": "2001:db8::1", "reason": "r"}, {"peerhost": "2001:DB8:0::1"}]}, "twice with diff"),
        ({"entries": [], "purge": True}, "entries is empty, so everything would be deleted: set purge_all: true"),
        ({"entries": [], "purge": True, "purge_all": True}, "entries is empty, so kind has to name what is purged"),
        ({"clientid": "a", "purge": True, "state": "absent"}, "purge deletes what is not listed"),
        ({"clientid": "a", "purge": True, "purge_limit": "some"}, "purge_limit is 'some'"),
    ],
)
def test_what_cant_be_is_refused_before_anything_changes(both: Deployment, options: Any, sentence: str) -> None:
    assert sentence in refused("banned", both, **options)
    assert both.bans() == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"peerhost_net": "10.9.9.9/8"}, "peerhost_net is '10.9.9.9/8', which is no network: it has bits set outside "),
        ({"peerhost_net": "10.0.0.0/255.0.0.0"}, "is no network: write it like '10.1.0.0/16' or '2001:db8::/32'."),
        ({"peerhost_net": "10.0.0.0/33"}, "which is no network"),
        ({"peerhost_net": "10.0.0.0/08"}, "which is no network"),
        ({"clientid_re": ""}, "clientid_re is empty."),
        ({"clientid_re": "."}, "'.' can't be used as clientid_re"),
    ],
)
def test_networks_and_expressions_that_cant_be_are_refused(v5: Deployment, options: Any, sentence: str) -> None:
    assert sentence in refused("banned", v5, **options)
    assert v5.requests == []


@pytest.mark.parametrize("kind", V5_KINDS)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_v4_lacks_half_of_the_kinds(v4: Deployment, kind: str, state: str) -> None:
    why = "needs a v5 deployment: v4 bans by clientid, username and peerhost only."
    assert refused("banned", v4, state=state, **{kind: V5_KINDS[kind]}) == f"{kind} {why}"
    listed = [{"clientid": "a"}, {kind: V5_KINDS[kind]}]
    assert refused("banned", v4, state=state, entries=listed) == f"entries[1].{kind} {why}"
    assert refused("banned", v4, entries=[], kind=[kind]) == f"kind {kind} {why}"
    assert refused("banned_info", v4, kind=[kind]) == f"kind {kind} {why}"
    assert v4.requests == []


def test_all_kinds_come_and_go_on_v5(v5: Deployment) -> None:
    entries = [{"clientid": "a"}, {"username": "b"}, {"peerhost": "10.1.2.3"}, *({k: w} for k, w in V5_KINDS.items())]
    assert same_twice(v5, entries=entries)["counts"]["created"] == 6
    assert sorted(v5.bans()) == sorted(tuple(entry.items())[0] for entry in entries)
    assert same_twice(v5, entries=entries, state="absent")["counts"]["deleted"] == 6
    assert v5.bans() == []


def test_one_address_in_two_spellings_is_one_ban(both: Deployment) -> None:
    assert same_twice(both, peerhost="2001:DB8:0:0::1")["banned"][0]["peerhost"] == "2001:db8::1"
    assert done("banned", both, peerhost="2001:db8::1")["changed"] is False
    assert [ban["peerhost"] for ban in bans(both, peerhost="2001:0db8::0001")] == ["2001:db8::1"]
    assert done("banned", both, peerhost="2001:db8:0::1", state="absent")["counts"]["deleted"] == 1


def test_a_network_without_a_mask_is_one_address(v5: Deployment) -> None:
    assert same_twice(v5, peerhost_net="10.9.9.9")["banned"][0]["peerhost_net"] == "10.9.9.9/32"
    assert done("banned", v5, peerhost_net="10.9.9.9/32")["changed"] is False
    assert same_twice(v5, peerhost_net="2001:db8::")["banned"][0]["peerhost_net"] == "2001:db8::/128"


def test_names_that_a_url_cant_hold(both: Deployment) -> None:
    for name in ("a/b", "ü% +?#", "{{ 7 * 7 }}", "a,b"):
        same_twice(both, clientid=name, reason="{{ lookup('pipe', 'id') }}")
        assert [ban["clientid"] for ban in bans(both, clientid=name)] == [name]
        assert same_twice(both, clientid=name, state="absent")["counts"]["deleted"] == 1
    assert both.bans() == []


def test_a_purge_touches_only_the_kinds_it_names(both: Deployment) -> None:
    names = [{"clientid": "a"}, {"clientid": "b"}, {"username": "u"}, {"peerhost": "10.0.0.1"}]
    done("banned", both, entries=names)
    result = same_twice(both, entries=[{"clientid": "a"}, {"clientid": "c"}], purge=True)
    assert result["counts"] == {"created": 1, "updated": 0, "deleted": 1, "unchanged": 1, "failed": 0}
    assert [ban["clientid"] for ban in result["banned"]] == ["a", "c"]
    assert "purge_limit" in refused("banned", both, clientid="c", purge=True, kind=["username"], purge_limit="1")
    result = same_twice(both, entries=[], kind=["username", "peerhost"], purge=True, purge_all=True)
    assert result["counts"]["deleted"] == 2
    assert sorted(both.bans()) == [("clientid", "a"), ("clientid", "c")]


def test_lifting_all_there_is_never_takes_the_call_that_lifts_everything(v5: Deployment) -> None:
    done("banned", v5, entries=[{"clientid": "a"}, {"clientid": "b"}])
    v5.forget_requests()
    done("banned", v5, entries=[], kind=["clientid"], purge=True, purge_all=True)
    assert sorted(call.path for call in v5.requests if call.method == "DELETE") == [
        "/banned/clientid/a", "/banned/clientid/b"
    ]


def test_a_ban_of_two_dots_is_not_lifted_together_with_all_others(v5: Deployment) -> None:
    for who in ("..", "other"):
        done("api", v5, method="POST", path="banned", body={"as": "clientid", "who": who})
    sentence = refused("banned", v5, clientid="kept", purge=True)
    assert sentence == (
        "'..' can't be used as a clientid to lift the ban of: the API would take it for another path."
    )
    assert sorted(v5.bans()) == [("clientid", ".."), ("clientid", "other")]


def test_bans_are_looked_up_narrowly_and_many_in_one_listing(both: Deployment) -> None:
    done("banned", both, entries=[{"clientid": f"d{number}"} for number in range(30)])
    both.forget_requests()
    done("banned", both, clientid="d1")
    assert [call.query for call in both.requests] == [
        "clientid=d1&page=1&limit=10000" if both.generation == "v5" else "_page=1&_limit=10000"
    ]
    assert done("banned", both, entries=[{"clientid": f"d{number}"} for number in range(30)])["requests"] == 1
    assert done("banned", both, entries=[])["requests"] == 0


def test_lists_are_read_to_their_end(v5: Deployment) -> None:
    done("banned", v5, entries=[{"clientid": f"d{number:04}"} for number in range(25)])
    assert done("banned_info", v5, limit=7)["count"] == 7
    v5.forget_requests()
    names = sorted(ban["clientid"] for ban in bans(v5, limit=25))
    assert names == [f"d{number:04}" for number in range(25)]


def test_info_filters(both: Deployment) -> None:
    who = [{"clientid": "gw.1"}, {"clientid": "gwx1"}, {"username": "gw.1"}, {"peerhost": "10.0.0.1"}]
    done("banned", both, entries=who)
    assert [next(iter(ban.items())) for ban in bans(both, username="gw.1")] == [("username", "gw.1")]
    assert bans(both, username="gw") == []
    assert len(bans(both, username="gw.1", kind=["clientid", "username"])) == 1
    assert sorted(next(iter(ban)) for ban in bans(both, like="gw.1")) == ["clientid", "username"]
    assert [ban["clientid"] for ban in bans(both, like="gw.1", kind=["clientid"])] == ["gw.1"]
    assert len(bans(both, like="gw", kind=["clientid"])) == 2
    assert bans(both, like="GW", kind=["clientid"]) == []
    assert done("banned_info", both, kind=["peerhost"], query="[].peerhost")["banned"] == ["10.0.0.1"]
    assert "peerhost is '10.1', which is no address" in refused("banned_info", both, peerhost="10.1")


def test_v5_searches_on_the_server_with_the_text_taken_literally(v5: Deployment) -> None:
    done("banned", v5, entries=[{"clientid": "a(b"}, {"clientid": "ab"}, {"clientid_re": "x[(]b"}])
    v5.forget_requests()
    assert [ban["clientid"] for ban in bans(v5, like="(b", kind=["clientid"])] == ["a(b"]
    assert v5.requests[0].query == "like_clientid=%5C%28b&page=1&limit=10000"


def test_v4_times_that_are_none_are_read_as_the_broker_takes_them(v4: Deployment) -> None:
    for who, until in (("text", "2030-01-01T00:00:00Z"), ("null", None), ("far", 10**30), ("past", 2000), ("neg", -1)):
        body = {"as": "clientid", "who": who, "reason": 5, "at": "x", "until": until}
        done("api", v4, method="POST", path="banned", body=body)
    found = {ban["clientid"]: ban["until"] for ban in bans(v4)}
    assert found == {"text": "never", "null": "never", "far": "never"}
    # One that has ended counts as not there.
    assert same_twice(v4, clientid="past")["counts"]["created"] == 1
    assert done("banned", v4, clientid="neg", state="absent")["counts"]["unchanged"] == 1


def test_v4_always_sends_a_reason_and_an_end(v4: Deployment) -> None:
    done("banned", v4, clientid="a")
    row = done("api", v4, path="banned", paginate=True)["rows"][0]
    assert (row["reason"], row["until"]) == ("", 253402300799)


@pytest.mark.parametrize("times", [1, 2])
def test_a_change_on_v5_that_fails_half_way_says_whether_the_ban_is_in_force(v5: Deployment, times: int) -> None:
    done("banned", v5, clientid="a", reason="first", until="2100-01-01T00:00:00Z")
    (before,) = bans(v5)
    v5.faults.add(Fault("status", status=400, method="POST", path="/banned", times=times))
    result = run("banned", v5, clientid="a", reason="second")
    assert result["failed"] and result["counts"]["failed"] == 1
    if times == 1:
        assert result["msg"].endswith("The ban of the clientid 'a' is in force as it was before.")
        assert bans(v5) == [before]
    else:
        assert result["msg"].endswith("The ban of the clientid 'a' was lifted to be changed, and is not in force now.")
        assert v5.bans() == []


def test_a_change_on_v5_whose_answer_is_lost_does_not_claim_that_nobody_is_banned(v5: Deployment) -> None:
    done("banned", v5, clientid="a", reason="first")
    v5.faults.add(Fault("reset", method="POST", path="/banned", carried_out=True, times=1))
    result = run("banned", v5, clientid="a", reason="second", retries=0)
    assert result["msg"].endswith("was lifted to be changed, and another is in force now.")
    assert bans(v5)[0]["reason"] == "second"
    v5.faults.add(Fault("reset", method="POST", path="/banned"))
    result = run("banned", v5, clientid="a", reason="third", retries=0)
    assert result["msg"].endswith("was lifted to be changed, and it can't be told whether it is in force now.")


def test_an_expression_that_cant_be_compiled_fails_alone(v5: Deployment) -> None:
    result = run("banned", v5, entries=[{"clientid_re": "("}, {"clientid": "a"}])
    assert result["failed"] and "bad clientid_re" in result["msg"]
    assert [failure["item"]["clientid_re"] for failure in result["failures"]] == ["("]
    assert [change["item"]["clientid"] for change in result["applied"]] == ["a"]


@pytest.mark.parametrize("row", [{"who": "a"}, {"as": "clientid", "who": 5}, {"as": None, "who": "a"}])
def test_a_row_that_is_no_ban_is_a_clear_error(both: Deployment, row: Any) -> None:
    both.faults.add(Fault("body", body={"code": 0, "data": [row], "meta": {}}, path="/banned"))
    assert "a ban says nothing of whom it keeps out" in refused("banned_info", both)


@pytest.mark.parametrize("until", [None, 5, ["x"], {"a": 1}, "x"])
def test_an_end_that_is_no_time_is_no_traceback(v5: Deployment, until: Any) -> None:
    row = {"as": "clientid", "who": "a", "until": until, "at": until, "reason": until, "new_field": 1}
    v5.faults.add(Fault("body", body={"data": [row], "meta": {}}, path="/banned"))
    assert done("banned_info", v5)["count"] in (0, 1)


def test_long_results_are_cut(both: Deployment) -> None:
    entries = [{"clientid": f"d{number}"} for number in range(5)]
    result = done("banned", both, entries=entries, result_limit=2)
    assert len(result["banned"]) == 2 and result["banned_left_out"] == 3


# Who is really kept out


def test_banning_a_client_id_disconnects_at_once_and_the_rest_refuses_the_next_connect(both: Deployment) -> None:
    with MqttClient(both, "a", "alice", "right") as by_id, MqttClient(both, "b", "alice", "right"):
        done("banned", both, entries=[{"username": "alice"}, {"peerhost": "127.0.0.1"}])
        assert both.client_ids() == ["a", "b"]
        done("banned", both, clientid="a")
        by_id.wait_until_closed()
        assert both.client_ids() == ["b"]
    with MqttClient(both, "c", "alice", "right") as late:
        assert not late.accepted
    done("banned", both, entries=[{"username": "alice"}, {"peerhost": "127.0.0.1"}], state="absent")
    for clientid, accepted in (("a", False), ("c", True)):
        with MqttClient(both, clientid, "alice", "right") as client:
            assert client.accepted is accepted


@pytest.mark.parametrize(
    ("ban", "kept_out"),
    [
        ({"peerhost_net": "127.0.0.0/8"}, True), ({"peerhost_net": "10.0.0.0/8"}, False),
        ({"clientid_re": "^dev-[0-9]+$"}, True), ({"clientid_re": "ev-"}, True), ({"clientid_re": "^ev"}, False),
        ({"username_re": "^al"}, True), ({"username_re": "^bob"}, False),
    ],
)
def test_networks_and_expressions_keep_out_on_v5(v5: Deployment, ban: dict[str, str], kept_out: bool) -> None:
    done("banned", v5, **ban)
    with MqttClient(v5, "dev-1", "alice", "right") as client:
        assert client.accepted is not kept_out
    done("banned", v5, state="absent", **ban)
    with MqttClient(v5, "dev-1", "alice", "right") as client:
        assert client.accepted


def test_a_ban_that_has_ended_no_longer_counts(both: Deployment) -> None:
    done("banned", both, username="alice", until="2s")
    with MqttClient(both, "dev-1", "alice", "right") as client:
        assert not client.accepted
    time.sleep(2.1)
    with MqttClient(both, "dev-1", "alice", "right") as client:
        assert client.accepted
    assert bans(both) == []
    assert done("banned", both, username="alice", state="absent")["changed"] is False
    # Brokers may still hold it; it is made anew all the same.
    assert done("banned", both, username="alice", until="2h")["counts"]["created"] == 1
    with MqttClient(both, "dev-1", "alice", "right") as client:
        assert not client.accepted
