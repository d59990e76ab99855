# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bans: what options describe, what is sent, and what is made of the answers, on both generations."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._converge import Plan, make_plan
from ansible_collections.emqx.cloud.plugins.module_utils._errors import ApiError, InputError, TransportError
from ansible_collections.emqx.cloud.plugins.module_utils._resources.bans import (
    KINDS,
    LAST_SECOND,
    Ban,
    bans,
    bans_from,
    find,
    kinds_of,
)
from ansible_collections.emqx.cloud.tests.unit.helpers import ANY, Call, page, v4, v5

NOTHING = dict.fromkeys([*KINDS, "reason", "until", "by"])
NOW, END = "2026-11-22T20:55:51Z", "2100-01-01T00:00:00Z"
ROW4 = {"as": "clientid", "who": "dev", "reason": "r", "by": "ops", "at": 1795380951, "until": 4102444800}
ROW5 = {**ROW4, "at": "2026-11-22T21:55:51+01:00", "until": "2100-01-01T00:00:00+00:00"}
BAN = Ban("clientid", "dev", "r", "ops", END, NOW)
EXISTS = {"code": "ALREADY_EXISTS", "message": "{}"}


def described(generation="v5", **options):
    return bans_from({"entries": None, **NOTHING, **options}, generation)[0]


def outcomes(found):
    return {record.who: error for record, error in found}


# What options describe


def test_options_become_a_ban():
    assert described(clientid="dev") == Ban("clientid", "dev")
    assert described(peerhost="2001:DB8::0:1", reason="r", by="b", until=END) == Ban(
        "peerhost", "2001:db8::1", "r", "b", END
    )
    assert described(peerhost_net="10.9.9.9").who == "10.9.9.9/32"
    assert described(username="u", until="4102444800").until == END
    assert described(username="u", until=" never ").until == "never"
    assert described(username="u", until=str(LAST_SECOND)).until == "never"


def test_a_list_of_options_becomes_bans():
    entries = [{**NOTHING, "clientid": "a"}, {**NOTHING, "clientid_re": "^b", "clientid": ""}]
    assert bans_from({"entries": entries}, "v5") == [Ban("clientid", "a"), Ban("clientid_re", "^b")]


def test_v4_lacks_kinds():
    with pytest.raises(InputError, match="^clientid_re needs a v5 deployment: v4 bans by clientid, username and peer"):
        described("v4", clientid_re="x")
    with pytest.raises(InputError, match="^kind peerhost_net needs a v5 deployment"):
        kinds_of([], ["peerhost_net"], "v4")
    assert kinds_of([BAN], ["username"], "v4") == {"clientid", "username"}


# What makes a difference


def planned(wanted, current):
    return make_plan([current], [wanted])


@pytest.mark.parametrize(
    ("wanted", "changed"),
    [
        (Ban("clientid", "dev"), False), (Ban("clientid", "dev", reason="r", by="ops", until=END), False),
        (Ban("clientid", "dev", at="2020-01-01T00:00:00Z"), False), (Ban("clientid", "dev", reason="x"), True),
        (Ban("clientid", "dev", by="x"), True), (Ban("clientid", "dev", until="never"), True),
        (Ban("clientid", "dev", reason=""), True),
    ],
)
def test_what_is_mentioned_and_differs_is_changed_and_the_rest_stays(wanted, changed):
    plan = planned(wanted, BAN)
    assert plan.changed is changed
    for _old, new in plan.update:
        assert new.at == NOW
        assert [name for name in Ban.compared() if getattr(new, name) != getattr(BAN, name)] == [
            name for name in Ban.compared() if getattr(wanted, name) not in (None, getattr(BAN, name))
        ]


def test_a_duration_is_compared_with_the_one_that_the_ban_was_made_for():
    made = Ban("clientid", "dev", "r", "ops", "2026-11-22T22:55:51Z", NOW)
    later = {"until": "2030-01-01T02:00:00Z", "at": "2030-01-01T00:00:00Z"}
    assert not planned(Ban("clientid", "dev", seconds=7200, **later), made).changed
    (_old, other), = planned(Ban("clientid", "dev", reason="x", seconds=7200, **later), made).update
    assert (other.until, other.at, other.reason) == (made.until, made.at, "x")
    (_old, anew), = planned(Ban("clientid", "dev", seconds=3600, **later), made).update
    assert (anew.until, anew.at, anew.reason) == (later["until"], later["at"], "r")
    for unknown in (Ban("clientid", "dev", until="never", at=NOW), Ban("clientid", "dev", until=END, at="x")):
        assert planned(Ban("clientid", "dev", seconds=7200, **later), unknown).changed


def test_a_ban_is_shown_by_its_kind_and_without_when_it_was_made():
    assert BAN.shown() == {"clientid": "dev", "reason": "r", "by": "ops", "until": END}
    assert BAN.whole() == {**BAN.shown(), "at": NOW}


# Reading


def test_both_generations_read_alike():
    with v4(Call("GET", "banned", ANY, gives=page([ROW4]))) as api:
        assert list(bans(api).read()) == [BAN]
    with v5(Call("GET", "banned", ANY, gives=page([ROW5]))) as api:
        assert list(bans(api).read()) == [BAN]


@pytest.mark.parametrize(
    ("until", "read"),
    [
        (LAST_SECOND, ["never"]), (10**30, ["never"]), ("2030-01-01T00:00:00Z", ["never"]), (None, ["never"]),
        (True, ["never"]), ([], ["never"]), (4102444800.7, [END]), (2000, []), (0, []), (-5, []), (-1e300, []),
    ],
)
def test_v4_ends_are_read_as_erlang_compares_them(until, read):
    with v4(Call("GET", "banned", ANY, gives=page([{**ROW4, "until": until}]))) as api:
        assert [ban.until for ban in bans(api).read()] == read


def test_v5_ends_are_read():
    rows = [{**ROW5, "until": until} for until in ("infinity", "2000-01-01T00:00:00Z", "2100-01-01T01:00:00+01:00")]
    with v5(Call("GET", "banned", ANY, gives=page(rows))) as api:
        assert [ban.until for ban in bans(api).read()] == ["never", END]


def test_addresses_of_the_broker_are_compared_in_one_spelling():
    rows = [{**ROW5, "as": "peerhost", "who": "::FFFF:1.2.3.4"}, {**ROW5, "as": "peerhost_net", "who": "odd"}]
    with v5(Call("GET", "banned", ANY, gives=page(rows))) as api:
        same = described(peerhost="::ffff:102:304").who
        assert [ban.who for ban in bans(api).read()] == [same, "odd"]


@pytest.mark.parametrize(
    ("names", "queries"),
    [
        ([("clientid", "a")], [[("clientid", "a")]]),
        ([("clientid", "a"), ("peerhost", "::1")], [[("clientid", "a")], [("peerhost", "::1")]]),
        ([("clientid", "a"), ("clientid_re", "b")], [[]]),
        ([("clientid", str(number)) for number in range(9)], [[]]),
        ([], []),
    ],
)
def test_v5_looks_up_a_few_and_lists_for_many(names, queries):
    wanted = [Ban(*name) for name in names]
    other = {**ROW5, "who": "somebody else"}
    calls = [Call("GET", "banned", [*query, ("page", 1), ("limit", 10000)], gives=page([other])) for query in queries]
    with v5(*calls) as api:
        assert list(bans(api).current(wanted, False)) == []


def test_v4_lists_once_whatever_is_looked_up():
    with v4(Call("GET", "banned", [("_page", 1), ("_limit", 10000)], gives=page([ROW4, {**ROW4, "who": "x"}]))) as api:
        assert list(bans(api).current([Ban("clientid", "dev"), Ban("username", "u")], False)) == [BAN]


def test_a_purge_reads_the_kinds_it_touches():
    rows = [ROW5, {**ROW5, "who": "x"}, {**ROW5, "as": "username"}, {**ROW5, "as": "from_a_newer_broker"}]
    with v5(Call("GET", "banned", ANY, gives=page(rows))) as api:
        assert [ban.who for ban in bans(api, ["clientid"]).current([BAN], True)] == ["dev", "x"]
    with v5() as api, pytest.raises(InputError, match="^entries is empty, so kind has to name what is purged"):
        bans(api, []).current([], True)


FILTERS = {"clientid": None, "username": None, "peerhost": None, "kind": None, "like": None, "limit": None}


@pytest.mark.parametrize(
    ("filters", "query", "found"),
    [
        ({}, [], ["a.b", "axb", "a.b", "a.b"]),
        ({"clientid": "a.b"}, [("clientid", "a.b")], ["a.b"]),
        ({"clientid": "a.b", "kind": ["username", "clientid"]}, [("clientid", "a.b")], ["a.b"]),
        ({"clientid": "a.b", "like": "x"}, [("clientid", "a.b")], []),
        ({"like": "a.b"}, [], ["a.b", "a.b", "a.b"]),
        ({"like": "a.b", "kind": ["clientid"]}, [("like_clientid", r"a\.b")], ["a.b"]),
        ({"like": "a.b", "kind": ["clientid_re"]}, [], ["a.b"]),
        ({"like": "", "kind": ["username"]}, [], ["a.b"]),
        ({"kind": ["username", "clientid_re"]}, [], ["a.b", "a.b"]),
    ],
)
def test_filters_go_to_the_server_and_the_answer_is_held_to_them(filters, query, found):
    who = (("clientid", "a.b"), ("clientid", "axb"), ("username", "a.b"), ("clientid_re", "a.b"))
    rows = [{**ROW5, "as": kind, "who": name} for kind, name in who]
    with v5(Call("GET", "banned", [*query, ("page", 1), ("limit", 10000)], gives=page(rows))) as api:
        assert [ban.who for ban in find(api, {**FILTERS, **filters})] == found


def test_a_kind_that_leaves_out_who_is_asked_for_is_refused():
    with v5() as api, pytest.raises(InputError, match="^kind leaves out clientid, and clientid is given"):
        list(find(api, {**FILTERS, "clientid": "a", "kind": ["username"]}))


# Changing


def test_a_short_ban_that_is_over_by_now_is_not_missed():
    over = Ban("clientid", "dev", until="2020-01-01T00:00:00Z")
    with v5() as api:
        assert make_plan([], [over], purge=True, fresh=bans(api).fresh).changed is False


def test_v4_posts_epoch_seconds_with_a_reason_always():
    body = {"as": "clientid", "who": "dev", "reason": "", "by": "ansible", "until": LAST_SECOND}
    dated = {**body, "reason": "r", "by": "ops", "until": 4102444800, "at": 1795380951}
    calls = [Call("POST", "banned", body=each, gives={"code": 0}) for each in (body, dated)]
    with v4(*calls) as api:
        store = bans(api)
        fresh = store.fresh(Ban("clientid", "dev"))
        assert outcomes(store.create([fresh])) == {"dev": None}
        assert outcomes(store.update([BAN])) == {"dev": None}
        assert fresh.shown() == {"clientid": "dev", "reason": "", "by": "ansible", "until": "never"}


def test_v5_lifts_and_posts_to_change():
    body = {"as": "clientid", "who": "d/v", "reason": "r", "by": "ops", "until": "infinity", "at": NOW}
    with v5(
        Call("GET", "banned", ANY, gives=page([{**ROW5, "who": "d/v"}])),
        Call("DELETE", "banned/clientid/d%2Fv", status=204),
        Call("POST", "banned", body=body, gives={}),
    ) as api:
        store = bans(api)
        plan = make_plan(store.current([Ban("clientid", "d/v")], False), [Ban("clientid", "d/v", until="never")])
        assert outcomes(store.update([new for _old, new in plan.update])) == {"d/v": None}


@pytest.mark.parametrize(
    ("back", "said"),
    [
        ({"gives": {}}, "is in force as it was before."),
        ({"status": 400, "gives": {"code": "BAD_REQUEST", "message": "x"}}, "was lifted to be changed, and is not in"),
        ({"status": 400, "gives": EXISTS}, "was lifted to be changed, and another is in force now."),
        ({"gives": TransportError("No answer.", "POST", "banned", True)}, "it can't be told whether it is in force"),
    ],
)
def test_v5_puts_the_old_ban_back_where_the_new_one_is_refused(back, said):
    old = {"as": "clientid", "who": "dev", "reason": "r", "by": "ops", "until": END, "at": NOW}
    with v5(
        Call("GET", "banned", ANY, gives=page([ROW5])),
        Call("DELETE", "banned/clientid/dev", status=404, gives={"code": "NOT_FOUND", "message": "gone"}),
        Call("POST", "banned", body={**old, "reason": "new"}, status=400, gives={"code": "BAD_REQUEST", "message": ""}),
        Call("POST", "banned", body=old, **back),
    ) as api:
        store = bans(api)
        assert list(store.current([BAN], False)) == [BAN]
        error = outcomes(store.update([Ban("clientid", "dev", "new", "ops", END, NOW)]))["dev"]
        assert isinstance(error, ApiError) and "POST banned failed" in str(error) and said in str(error)


def test_what_went_by_itself_is_lifted():
    gone = {"code": "NOT_FOUND", "message": "clientid: dev not found"}
    with v5(Call("DELETE", "banned/clientid/dev", status=404, gives=gone)) as api:
        assert outcomes(bans(api).delete([BAN])) == {"dev": None}


def test_names_that_would_lift_every_ban_are_refused():
    with v5() as api, pytest.raises(InputError, match=r"^'\.\.' can't be used as a clientid to lift the ban of"):
        bans(api).check(Plan(delete=[Ban("clientid", "..")]))


@pytest.mark.parametrize("row", [{}, {"as": "clientid"}, {"as": 1, "who": "a"}, {"as": "clientid", "who": None}])
@pytest.mark.parametrize("generation", [v4, v5])
def test_a_row_that_is_no_ban_is_a_clear_error(generation, row):
    odd = Call("GET", "banned", ANY, gives=page([row]))
    with generation(odd) as api, pytest.raises(ApiError, match="can't be used"):
        list(bans(api).read())
