# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients: filters in both dialects, looking up many at once, kicking."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._errors import ApiError, InputError, NotOffered
from ansible_collections.emqx.cloud.plugins.module_utils._resources.clients import (
    QUERY_BYTES,
    Client,
    Filters,
    clients,
    clients_from,
    filters_from,
    returned,
    seen,
)
from ansible_collections.emqx.cloud.tests.unit.helpers import ANY, Call, page, v4, v5

LOOKED_AT = ("fields", "clientid,connected,connected_at,node,port")
WHOLE = [("page", 1), ("limit", 10000)]
NOT_FOUND = {"code": "CLIENTID_NOT_FOUND", "message": "Client ID not found"}


def online(name, **more):
    return {"clientid": name, "connected": True, **more}


def outcomes(found):
    return {client.clientid: error for client, error in found}


# Filters


TIME = "2026-11-22T20:55:51.250+02:00"
FILTERS = [
    # (filters, v5's query, v4's query)
    ({}, [], []),
    ({"username": "a+b"}, [("username", "a+b")], [("username", "a+b")]),
    ({"ip_address": "10.0.0.1"}, [("ip_address", "10.0.0.1")], [("ip_address", "10.0.0.1")]),
    ({"conn_state": "connected"}, [("conn_state", "connected")], [("conn_state", "connected")]),
    ({"clean_start": False}, [("clean_start", "false")], [("clean_start", "false")]),
    ({"clean_start": True}, [("clean_start", "true")], [("clean_start", "true")]),
    ({"proto_ver": 5}, [("proto_ver", 5)], [("proto_ver", 5)]),
    ({"like_clientid": "x", "like_username": "y"}, [("like_clientid", "x"), ("like_username", "y")],
     [("_like_clientid", "x"), ("_like_username", "y")]),
    ({"connected_after": TIME}, [("gte_connected_at", "2026-11-22T20:55:51.250+02:00")],
     [("_gte_connected_at", 1795373751)]),
    ({"connected_before": 1795373751}, [("lte_connected_at", "2026-11-22T18:55:51.000+00:00")],
     [("_lte_connected_at", 1795373751)]),
    ({"created_after": 1, "created_before": 2},
     [("gte_created_at", "1970-01-01T00:00:01.000+00:00"), ("lte_created_at", "1970-01-01T00:00:02.000+00:00")],
     [("_gte_created_at", 1), ("_lte_created_at", 2)]),
    # What one of the two ignores is not sent to it.
    ({"node": "n"}, [("node", "n")], []),
    ({"zone": "z"}, [], [("zone", "z")]),
    ({"proto_name": "MQTT"}, [], [("proto_name", "MQTT")]),
]


@pytest.mark.parametrize(("filters", "query", "unused"), FILTERS)
def test_v5_filters_in_the_server(filters, query, unused):
    with v5(Call("GET", "clients", [*query, *WHOLE], gives=page([]))) as api:
        assert list(clients(api).rows(Filters(**filters))) == []


@pytest.mark.parametrize(("filters", "unused", "query"), FILTERS)
def test_v4_filters_in_the_server(filters, unused, query):
    with v4(Call("GET", "clients", [*query, ("_page", 1), ("_limit", 10000)], gives=page([]))) as api:
        assert list(clients(api).rows(Filters(**filters))) == []


def test_v5_asks_for_one_client_in_the_query():
    with v5(Call("GET", "clients", [("clientid", "."), *WHOLE], gives=page([online(".")]))) as api:
        assert list(clients(api).rows(Filters(clientid="."))) == [online(".")]


def test_v4_asks_for_one_client_in_the_path_and_holds_it_to_the_other_filters():
    call = Call("GET", "clients/a%2Fb", gives={"code": 0, "data": [online("a/b", username="u")]})
    with v4(call) as api:
        assert list(clients(api).rows(Filters(clientid="a/b"))) == [online("a/b", username="u")]
    call = Call("GET", "clients/a%2Fb", gives={"code": 0, "data": [online("a/b", username="u")]})
    with v4(call) as api:
        assert list(clients(api).rows(Filters(clientid="a/b", username="other"))) == []


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_v4_does_not_look_up_what_would_be_another_path(name):
    with v4() as api, pytest.raises(InputError, match="another path"):
        list(clients(api).rows(Filters(clientid=name)))


@pytest.mark.parametrize("option", ["connected_after", "connected_before", "created_after", "created_before"])
@pytest.mark.parametrize("generation", [v4, v5])
def test_a_time_that_is_none_is_refused_and_named(generation, option):
    with generation() as api, pytest.raises(InputError, match=f"^{option} is 'soon'"):
        list(clients(api).rows(Filters(**{option: "soon"})))


ROW = {
    "clientid": "sensor-7", "username": "plant", "ip_address": "10.0.0.1", "clean_start": True, "proto_ver": 4,
    "proto_name": "MQTT", "zone": "default", "node": "n1", "connected": True,
    "connected_at": "2026-11-22T10:00:00.900+00:00", "created_at": "2026-11-22 09:00:00",
}


@pytest.mark.parametrize(
    ("filters", "accepted"),
    [
        ({}, True), ({"clientid": "sensor-7"}, True), ({"clientid": "sensor"}, False), ({"username": "plant"}, True),
        ({"username": "Plant"}, False), ({"ip_address": "10.0.0.1"}, True), ({"ip_address": "10.0.0.10"}, False),
        ({"clean_start": True}, True), ({"clean_start": False}, False), ({"proto_ver": 4}, True),
        ({"proto_ver": 5}, False), ({"zone": "other"}, False), ({"node": "n2"}, False),
        ({"proto_name": "MQTT-SN"}, False),
        ({"like_clientid": "nsor"}, True), ({"like_clientid": "NSOR"}, False), ({"like_username": "pla"}, True),
        ({"like_username": "x"}, False), ({"conn_state": "connected"}, True), ({"conn_state": "disconnected"}, False),
        ({"connected_after": "2026-11-22T10:00:00Z"}, True), ({"connected_after": "2026-11-22T10:00:00.950Z"}, True),
        ({"connected_after": "2026-11-22T10:00:01Z"}, False), ({"connected_before": "2026-11-22T10:00:00Z"}, True),
        ({"connected_before": "2026-11-22T09:59:59Z"}, False), ({"created_after": "2026-11-22T09:00:00Z"}, True),
        ({"created_after": "2026-11-22T09:00:01Z"}, False), ({"created_before": "2026-11-22T08:59:59Z"}, False),
    ],
)
def test_a_filter_that_a_broker_ignores_is_applied_here(filters, accepted):
    assert Filters(**filters).accept(ROW) is accepted
    with v5(Call("GET", "clients", ANY, gives=page([ROW]))) as api:
        assert bool(list(clients(api).rows(Filters(**filters)))) is accepted


@pytest.mark.parametrize(
    ("row", "filters", "accepted"),
    [
        ({"clientid": "a"}, {"username": "u"}, True),  # the server is believed about what it doesn't show
        ({"clientid": "a", "username": None}, {"username": "u"}, False),
        ({"clientid": "a", "username": None}, {"like_username": "u"}, False),
        ({"clientid": "a"}, {"like_username": "u"}, False),
        ({"clientid": "a", "connected_at": "odd"}, {"connected_after": "1h"}, True),
        ({"clientid": "a", "connected_at": 5}, {"connected_after": "1h"}, True),
        ({"clientid": "a", "connected": False}, {"conn_state": "disconnected"}, True),
        ({"clientid": "a", "connected": "true"}, {"conn_state": "connected"}, False),
        ({"clientid": 5, "username": 7}, {}, True),
        ({"clientid": 5, "username": 7}, {"like_username": "7"}, ANY),
    ],
)
def test_rows_of_odd_shapes_are_no_accident(row, filters, accepted):
    found = Filters(**filters).accept(row)
    assert accepted is ANY or found is accepted


# Rows


def test_v5_narrows_the_rows_in_the_server_and_keeps_what_the_filters_need_to_itself():
    query = [("username", "u"), ("conn_state", "connected"), ("like_clientid", "a"),
             ("gte_connected_at", "1970-01-01T00:00:00.000+00:00"),
             ("fields", "clientid,connected,connected_at,mqueue_len,nosuch,username"), *WHOLE]
    row = online("a", username="u", connected_at="2026-11-22T10:00:00Z", mqueue_len=3)
    filters = Filters(username="u", conn_state="connected", like_clientid="a", connected_after=0)
    with v5(Call("GET", "clients", query, gives=page([row]))) as api:
        assert list(clients(api).rows(filters, ["mqueue_len", "nosuch"])) == [{"mqueue_len": 3}]


def test_v4_narrows_the_rows_here():
    with v4(Call("GET", "clients", ANY, gives=page([online("a", port=1, mqueue=2)]))) as api:
        assert list(clients(api).rows(Filters(), ["port"])) == [{"port": 1}]


def test_v4_rows_have_the_names_and_times_of_v5():
    row = {
        "clientid": "a", "username": "undefined", "mountpoint": "undefined", "zone": "undefined", "awaiting_rel": 1,
        "inflight": 2, "max_awaiting_rel": 3, "max_inflight": 4, "max_mqueue": 5, "max_subscriptions": 6,
        "connected_at": "2026-11-22 20:37:27", "created_at": "2026-11-22 20:37:26",
    }
    with v4(Call("GET", "clients", ANY, gives=page([row]))) as api:
        assert list(clients(api).rows(Filters())) == [{
            "clientid": "a", "username": None, "mountpoint": None, "zone": "undefined", "awaiting_rel_cnt": 1,
            "inflight_cnt": 2, "awaiting_rel_max": 3, "inflight_max": 4, "mqueue_max": 5, "subscriptions_max": 6,
            "connected_at": "2026-11-22T20:37:27Z", "created_at": "2026-11-22T20:37:26Z",
        }]


def test_v5_a_filter_on_what_the_rows_lack_is_refused_and_not_ignored():
    row = {"clientid": "a", "proto_name": "MQTT"}
    with v5(Call("GET", "clients", ANY, gives=page([row]))) as api:
        assert list(clients(api).rows(Filters(proto_name="MQTT-SN"))) == []
    with v5(Call("GET", "clients", ANY, gives=page([row]))) as api, pytest.raises(InputError, match="zone"):
        list(clients(api).rows(Filters(zone="z")))


def test_v5_times_are_shown_in_utc():
    row = online("a", connected_at="2026-11-22T21:00:00.5+01:00", disconnected_at="odd", created_at="")
    with v5(Call("GET", "clients", ANY, gives=page([row]))) as api:
        found = next(clients(api).rows(Filters()))
    assert (found["connected_at"], found["disconnected_at"], found["created_at"]) == (
        "2026-11-22T20:00:00.500Z", "odd", ""
    )


@pytest.mark.parametrize(
    ("generation", "filters", "size"),
    [(v5, {}, 2), (v5, {"username": "u"}, 2), (v5, {"zone": "z"}, 10000), (v5, {"proto_name": "p"}, 10000),
     (v5, {"node": "n"}, 2), (v4, {"node": "n"}, 10000), (v4, {"zone": "z"}, 2)],
)
def test_a_small_page_is_asked_for_only_where_the_server_filters(generation, filters, size):
    with generation(Call("GET", "clients", ANY, gives=page([]))) as api:
        call = api.http.script[0]
        asked = []
        call.compare = lambda method, path, query, body: asked.extend(query)
        assert list(clients(api).rows(Filters(**filters), limit=2)) == []
    assert asked[-1] == (("limit" if generation is v5 else "_limit"), size)


# Who is there


def test_v5_looks_up_several_clients_in_one_request_and_believes_nothing_it_did_not_ask_for():
    query = [("clientid", "a"), ("clientid", "b,c"), ("clientid", ".."), ("conn_state", "connected"), LOOKED_AT, *WHOLE]
    rows = page([online("a", port=7, node="n"), online("other"), {"clientid": "b,c", "connected": False}])
    with v5(Call("GET", "clients", query, gives=rows)) as api:
        found = list(clients(api).current(clients_from("clientids", ["a", "b,c", ".."], "v5"), False))
    assert [(client.clientid, client.online) for client in found] == [("a", True)]


def test_v5_looks_up_kept_sessions_where_they_count():
    query = [("clientid", "a"), ("clientid", "b"), LOOKED_AT, *WHOLE]
    rows = page([online("a"), {"clientid": "b", "connected": False}])
    with v5(Call("GET", "clients", query, gives=rows)) as api:
        found = list(clients(api, sessions=True).current([Client("a"), Client("b")], False))
    assert [client.shown() for client in found] == [
        {"clientid": "a", "connected": True}, {"clientid": "b", "connected": False}
    ]


def test_v5_splits_a_long_look_up_so_that_each_query_stays_short():
    names = [f"{number:04d}" + "\u00e9" * 150 for number in range(30)]
    asked = []

    def note(method, path, query, body):
        part = [value for name, value in query if name == "clientid"]
        asked.append(part)
        assert sum(len("&clientid=") + 4 + 6 * 150 for unused in part) <= QUERY_BYTES

    calls = [Call("GET", "clients", ANY, gives=page([])) for unused in range(8)]
    for call in calls:
        call.compare = note
    with v5(*calls) as api:
        assert list(clients(api).current([Client(name) for name in names], False)) == []
    assert sorted(name for part in asked for name in part) == names


def test_v5_looks_up_even_a_client_whose_name_is_longer_than_a_query_should_be():
    with v5(Call("GET", "clients", ANY, gives=page([])), Call("GET", "clients", ANY, gives=page([]))) as api:
        assert list(clients(api).current([Client("x" * 9000), Client("b")], False)) == []


def test_nobody_is_looked_up_where_nobody_is_asked_for():
    for generation in (v4, v5):
        with generation() as api:
            assert list(clients(api).current([], False)) == []


@pytest.mark.parametrize("sessions", [False, True])
def test_v4_looks_up_one_by_one(sessions):
    with v4(
        Call("GET", "clients/a", gives={"code": 0, "data": [online("a")]}),
        Call("GET", "clients/b%2Cc", gives={"code": 0, "data": []}),
        Call("GET", "clients/d", gives={"code": 0, "data": [{"clientid": "d", "connected": False}]}),
    ) as api:
        found = clients(api, sessions).current([Client("a"), Client("b,c"), Client("d")], False)
        assert sorted(client.clientid for client in found) == (["a", "d"] if sessions else ["a"])


@pytest.mark.parametrize("generation", [v4, v5])
def test_a_look_up_that_fails_ends_the_task(generation):
    path = "clients/a" if generation is v4 else "clients"
    with generation(Call("GET", path, ANY, status=403)) as api, pytest.raises(ApiError):
        list(clients(api).current([Client("a")], False))


def test_v4_an_odd_answer_about_a_client_is_a_clear_error():
    odd = Call("GET", "clients/a", gives={"code": 0, "data": {"a": 1}})
    with v4(odd) as api, pytest.raises(ApiError, match="a list of objects was expected"):
        list(clients(api).current([Client("a")], False))


# Counting


@pytest.mark.parametrize(
    ("filters", "query"), [({}, []), ({"conn_state": "connected"}, [("conn_state", "connected")])]
)
def test_v5_counts_where_it_is_asked_for_a_number(filters, query):
    call = Call("GET", "clients", [*query, ("page", 1), ("limit", 1)], gives=page([{"clientid": "a"}], count=700))
    with v5(call) as api:
        assert clients(api).count(Filters(**filters)) == 700


def test_v4_counts_only_without_a_filter():
    counted = Call("GET", "clients", [("_page", 1), ("_limit", 1)], gives=page([], count=0))
    with v4(counted) as api:
        assert clients(api).count(Filters()) == 0
    rows = [{"clientid": "a", "connected": True}, {"clientid": "b", "connected": False}]
    query = [("conn_state", "connected"), ("_page", 1), ("_limit", 10000)]
    with v4(Call("GET", "clients", query, gives=page(rows, count=-1))) as api:
        assert clients(api).count(Filters(conn_state="connected")) == 1


@pytest.mark.parametrize("gives", [{"data": [], "meta": {"count": value}} for value in (-1, True, "5", None)] + [[], 7])
def test_a_count_that_is_none_is_made_here(gives):
    rows = Call("GET", "clients", ANY, gives=page([{"clientid": "a"}, {"clientid": "b"}]))
    with v5(Call("GET", "clients", [("page", 1), ("limit", 1)], gives=gives), rows) as api:
        assert clients(api).count(Filters()) == 2


def test_v5_lists_whom_it_would_not_count():
    query = [("like_clientid", "d"), ("fields", "clientid"), ("page", 1), ("limit", 10000)]
    with v5(Call("GET", "clients", query, gives=page([{"clientid": "d"}, {"clientid": "x"}]))) as api:
        assert clients(api).count(Filters(like_clientid="d")) == 1


def test_what_is_seen_has_rows_only_where_they_are_looked_at():
    with v5(Call("GET", "clients", ANY, gives=page([], count=3))) as api:
        assert seen(api, {"fields": ["node"], "username": None}, "count > `2`") == {"count": 3}
    for condition in ("clients[0]", "@", "length(@.clients)", "*"):
        with v5(Call("GET", "clients", ANY, gives=page([{"clientid": "a", "node": "n"}]))) as api:
            assert seen(api, {"fields": ["node"]}, condition) == {"count": 1, "clients": [{"node": "n"}]}
    with v4(Call("GET", "clients/a", gives={"code": 0, "data": [{"clientid": "a"}]})) as api:
        assert seen(api, {"fields": None, "clientid": "a"}, "clients") == {"count": 1, "clients": [{"clientid": "a"}]}


def test_filters_of_a_task_are_checked_before_anything_is_asked():
    assert filters_from({"ip_address": "2001:DB8::0:1", "fields": None}) == Filters(ip_address="2001:db8::1")
    for name in ("clientid", "username", "proto_name", "zone", "node"):
        with pytest.raises(InputError, match=f"^{name} is empty: leave it out to ask for all"):
            filters_from({name: ""})
    with pytest.raises(InputError, match="^ip_address is '10.1', which is no address"):
        filters_from({"ip_address": "10.1"})


# Kicking


def test_v5_kicks_many_in_one_request_with_the_ids_in_the_body():
    with v5(Call("POST", "clients/kickout/bulk", body=["a/b", "..", "c,d"], status=204)) as api:
        kicked = clients(api).delete([Client("a/b"), Client(".."), Client("c,d")])
        assert outcomes(kicked) == {"a/b": None, "..": None, "c,d": None}


def test_v5_kicks_one_by_path_and_one_that_left_meanwhile_is_no_failure():
    left = Call("DELETE", "clients/c", status=404, gives=NOT_FOUND)
    with v5(Call("DELETE", "clients/a%2Fb", status=204), left) as api:
        store = clients(api)
        assert outcomes(store.delete([Client("a/b")])) == {"a/b": None}
        assert outcomes(store.delete([Client("c")])) == {"c": None}


@pytest.mark.parametrize("name", [".", ".."])
def test_v5_kicks_a_client_whose_name_cannot_be_in_a_path(name):
    with v5(Call("POST", "clients/kickout/bulk", body=[name], status=204)) as api:
        assert outcomes(clients(api).delete([Client(name)])) == {name: None}


@pytest.mark.parametrize(
    ("answer", "kind"), [({"status": 404, "gives": "<html>"}, NotOffered), ({"status": 500}, ApiError)]
)
def test_v5_a_kick_that_fails_is_a_failure(answer, kind):
    with v5(Call("DELETE", "clients/a", **answer), Call("POST", "clients/kickout/bulk", body=ANY, **answer)) as api:
        store = clients(api)
        assert outcomes(store.delete([Client("a")]))["a"].__class__ is kind
        assert {type(error) for error in outcomes(store.delete([Client("a"), Client("b")])).values()} == {kind}


def test_v4_kicks_one_by_one():
    with v4(
        Call("DELETE", "clients/a", gives={"code": 0}), Call("DELETE", "clients/b%2Cc", gives={"code": 102})
    ) as api:
        found = outcomes(clients(api).delete([Client("a"), Client("b,c")]))
    assert found["a"] is None and "unknown error" in str(found["b,c"])


@pytest.mark.parametrize(
    ("name", "generation", "accepted"),
    [("a", "v4", True), ("a,b", "v4", True), (".", "v4", False), ("..", "v4", False), ("", "v4", False),
     (".", "v5", True), ("..", "v5", True), ("", "v5", False), ("\ud800", "v4", False), ("\ud800", "v5", False)],
)
def test_a_client_that_cannot_be_named_to_a_generation_is_refused(name, generation, accepted):
    if accepted:
        assert clients_from("clientids", [name], generation) == [Client(name)]
    else:
        with pytest.raises(InputError, match="can't be used as clientids"):
            clients_from("clientids", [name], generation)


def test_a_client_named_twice_counts_once():
    assert clients_from("clientids", ["b", "a", "b"], "v5") == [Client("b"), Client("a")]


def test_who_is_still_there_is_told_from_who_came_back():
    kicked = [
        Client("still", True, (True, "2026-11-22T10:00:00Z", "n", 1)),
        Client("gone", True, (True, "2026-11-22T10:00:00Z", "n", 2)),
        Client("port", True, (True, "2026-11-22T10:00:00Z", "n", 3)),
        Client("time", True, (True, "2026-11-22T10:00:00Z", "n", 4)),
    ]
    rows = page([
        online("still", connected_at="2026-11-22T10:00:00Z", node="n", port=1),
        online("port", connected_at="2026-11-22T10:00:00Z", node="n", port=30),
        online("time", connected_at="2026-11-22T10:00:01Z", node="n", port=4),
    ])
    with v5(Call("GET", "clients", ANY, gives=rows)) as api:
        assert returned(clients(api), kicked) == (["still"], ["port", "time"])
