# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What brokers tell of themselves, in one shape, whatever shape it has."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.emqx.cloud.plugins.module_utils._resources.broker import (
    PARTS,
    V4Broker,
    V5Broker,
    checked_parts,
    gathered,
)
from ansible_collections.emqx.cloud.tests.unit.helpers import Call, page, v4, v5

TRUE, FALSE = [("aggregate", "true")], [("activated", "false"), ("page", 1), ("limit", 10000)]


def of_v4(path, data):
    return Call("GET", path, gives={"code": 0, "data": data})


def read(generation, part, *calls):
    with generation(*calls) as api:
        return gathered(api, [part])[part]


def test_parts_are_asked_for_in_their_order_and_once():
    assert checked_parts(["stats", "nodes", "stats"]) == ["stats", "nodes"]
    with pytest.raises(InputError, match="^gather is empty: name at least one of nodes, stats, metrics, alarms, list"):
        checked_parts([])
    calls = [Call("GET", "stats", TRUE, gives={"b": 1}), Call("GET", "nodes", gives=[])]
    with v5(*calls) as api:
        assert gathered(api, ["stats", "nodes"]) == {"stats": {"b": 1}, "nodes": []}


# Nodes


def test_v4_nodes_tell_numbers_as_text():
    row = {"node": "a@h", "node_status": "Running", "version": "4.4.19",
           "uptime": "1 days, 2 hours, 3 minutes, 4 seconds",
           "memory_used": "512.00K", "memory_total": "1.50G", "load1": "0.38", "load5": "1", "load15": "n/a",
           "connections": 5, "live_connections": 4, "max_fds": 9, "process_used": 3, "process_available": 8}
    (node,) = read(v4, "nodes", of_v4("nodes", [row]))
    assert node == {
        "node": "a@h", "status": "running", "version": "4.4.19", "edition": None, "role": None, "otp_release": None,
        "uptime": 93784, "connections": 5, "live_connections": 4, "process_used": 3, "process_available": 8,
        "max_fds": 9, "memory_used": 512 * 1024, "memory_total": 3 * 2**29, "load1": 0.38, "load5": 1.0, "load15": None,
    }


def test_v5_nodes_tell_milliseconds_and_have_an_edition():
    row = {"node": "a@h", "node_status": "running", "uptime": 23531, "edition": "Enterprise", "load1": 0.6,
           "memory_used": 4096, "memory_total": "23.54GB", "later": "unknown"}
    (node,) = read(v5, "nodes", Call("GET", "nodes", gives=[row]))
    assert (node["uptime"], node["edition"], node["load1"], node["memory_used"]) == (23, "Enterprise", 0.6, 4096)
    assert node["memory_total"] == int(23.54 * 2**30) and "later" not in node and node["connections"] is None


@pytest.mark.parametrize("generation", [v4, v5])
def test_numbers_of_any_size_are_no_accident(generation):
    row = {"node": "a", "node_status": "running", "uptime": 10**400, "memory_used": 10**400, "load1": 10**400}
    call = of_v4("nodes", [row]) if generation is v4 else Call("GET", "nodes", gives=[row])
    (node,) = read(generation, "nodes", call)
    assert node["memory_used"] == node["load1"] == 10**400
    assert node["uptime"] == (None if generation is v4 else 10**397)


@pytest.mark.parametrize("generation", [v4, v5])
def test_a_stopped_node_tells_little(generation):
    row = {"node": "b@h", "node_status": "Stopped"}
    call = of_v4("nodes", [row]) if generation is v4 else Call("GET", "nodes", gives=[row])
    (node,) = read(generation, "nodes", call)
    assert node["status"] == "stopped"
    assert {value for name, value in node.items() if name not in ("node", "status")} == {None}


@pytest.mark.parametrize(
    "value", [None, True, [], {}, "", "much", "1.2.3G", "-5M", "nan", "inf", float("inf"), "9" * 5000]
)
def test_what_cannot_be_read_is_not_told(value):
    names = ("uptime", "memory_used", "load1", "max_fds")
    row = {"node": "a", "node_status": "running", **dict.fromkeys(names, value)}
    (node,) = read(v4, "nodes", of_v4("nodes", [row]))
    assert {node[name] for name in names} == {None}


@pytest.mark.parametrize(
    ("text", "seconds"), [("6 seconds", 6), ("1 minutes, 0 seconds", 60), ("3 days,1 hours, 0 minutes", 262800)]
)
def test_v4_uptimes(text, seconds):
    assert V4Broker._uptime(text) == seconds and V5Broker._uptime(text) is None


@pytest.mark.parametrize("row", [{}, {"node": "a"}, {"node": 1, "node_status": "running"}, {"node_status": "running"}])
def test_a_node_without_a_name_is_a_clear_error(row):
    with pytest.raises(ApiError, match="GET nodes gave an answer that can't be used: a node has no name or status"):
        read(v5, "nodes", Call("GET", "nodes", gives=[row]))


# Totals


def test_v4_totals_are_summed_over_nodes_but_for_tables_that_every_node_holds():
    rows = [
        {"node": "a", "stats": {"topics.count": 7, "connections.count": 2, "subscriptions.shared.max": 3, "x": "no"}},
        {"node": "b", "stats": {"topics.count": 9, "connections.count": 5, "subscriptions.shared.max": 1, "y": True}},
    ]
    assert read(v4, "stats", of_v4("stats", rows)) == {
        "connections.count": 7, "subscriptions.shared.max": 3, "topics.count": 9
    }
    rows = [{"node": name, "metrics": {"messages.sent": 2, "topics.count": 1}} for name in "ab"]
    assert read(v4, "metrics", of_v4("metrics", rows)) == {"messages.sent": 4, "topics.count": 2}


@pytest.mark.parametrize("part", ["stats", "metrics"])
def test_v5_sums_by_itself(part):
    call = Call("GET", part, TRUE, gives={"b.count": 2, "a.count": 1.5, "node": "n", "odd": None})
    assert list(read(v5, part, call).items()) == [("a.count", 1.5), ("b.count", 2)]


@pytest.mark.parametrize("part", ["stats", "metrics"])
def test_totals_of_another_shape_are_a_clear_error(part):
    for gives in ([], 7, None):
        with pytest.raises(ApiError, match=f"GET {part} gave an answer that can't be used: an object was expected"):
            read(v5, part, Call("GET", part, TRUE, gives=gives))
    with pytest.raises(ApiError, match="a node has none of them"):
        read(v4, part, of_v4(part, [{"node": "a", part: "timeout"}]))


# Alarms


def test_v4_alarms_come_by_node_and_in_microseconds():
    active = {"name": "cpu", "message": "m", "details": {"u": 1}, "activate_at": 1795380955516000}
    active["deactivate_at"] = "infinity"
    over = {"name": "mem", "activate_at": 1795380955000000, "deactivate_at": 1795380956000000}
    found = read(
        v4, "alarms", of_v4("alarms/activated", [{"node": "a", "alarms": [active]}, {"node": "b", "alarms": []}]),
        of_v4("alarms/deactivated", [{"node": "b", "alarms": [over]}]),
    )
    assert found == [
        {"name": "cpu", "node": "a", "message": "m", "details": {"u": 1}, "active": True,
         "activated_at": "2026-11-22T20:55:55.516Z", "deactivated_at": None},
        {"name": "mem", "node": "b", "message": None, "details": None, "active": False,
         "activated_at": "2026-11-22T20:55:55Z", "deactivated_at": "2026-11-22T20:55:56Z"},
    ]


def test_v5_alarms_are_paged():
    row = {"name": "cpu", "node": "a", "activate_at": "2026-11-22T22:55:55.516+02:00"}
    active = Call("GET", "alarms", [("activated", "true"), *FALSE[1:]], gives=page([row]))
    over = Call("GET", "alarms", FALSE, gives=page([{**row, "deactivate_at": "2026-11-22T20:56:00+00:00"}]))
    found = read(v5, "alarms", active, over)
    assert [alarm["deactivated_at"] for alarm in found] == [None, "2026-11-22T20:56:00Z"]
    assert [alarm["activated_at"] for alarm in found] == ["2026-11-22T20:55:55.516Z"] * 2


@pytest.mark.parametrize("odd", [True, "soon", None, [1], 10**30])
def test_v4_a_time_that_is_none_stays_as_it_is(odd):
    rows = [{"node": "a", "alarms": [{"name": "cpu", "activate_at": odd}]}]
    found = read(v4, "alarms", of_v4("alarms/activated", rows), of_v4("alarms/deactivated", []))
    assert found[0]["activated_at"] == (10**27 if odd == 10**30 else odd)


@pytest.mark.parametrize("alarms", [None, "timeout", [1]])
def test_v4_a_node_that_gives_no_alarms_is_a_clear_error(alarms):
    with pytest.raises(ApiError, match="GET alarms/activated gave an answer that can't be used"):
        read(v4, "alarms", of_v4("alarms/activated", [{"node": "a", "alarms": alarms}]))


# Listeners


def test_v4_listeners():
    rows = [
        {"protocol": "mqtt:tcp", "listen_on": "0.0.0.0:1883", "identifier": "mqtt:tcp:external", "current_conns": 2,
         "max_conns": 1024000, "acceptors": 8},
        {"protocol": "mqtt:wss:8094", "listen_on": 8094, "current_conns": 0, "max_conns": 102400},
        {"protocol": "http:management", "listen_on": "127.0.0.1:8081"}, {},
    ]
    found = read(v4, "listeners", of_v4("listeners", [{"node": "a", "listeners": rows}]))
    assert found[0] == {
        "id": "mqtt:tcp:external", "type": "tcp", "bind": "0.0.0.0:1883", "node": "a", "enabled": True, "running": True,
        "current_connections": 2, "max_connections": 1024000,
    }
    assert [(row["id"], row["type"], row["bind"]) for row in found[1:]] == [
        ("mqtt:wss:8094", "wss", "8094"), ("http:management", "http", "127.0.0.1:8081"), ("", "", None)
    ]


def test_v5_listeners_have_a_row_for_each_node():
    status = {"current_connections": 3, "max_connections": "infinity", "running": True}
    row = {"id": "tcp:default", "type": "tcp", "bind": "0.0.0.0:1883", "enable": True, "status": status,
           "node_status": [{"node": "a", "status": status}, {"node": "b", "status": {"running": False}}]}
    found = read(v5, "listeners", Call("GET", "listeners", gives=[row]))
    assert found[0] == {
        "id": "tcp:default", "type": "tcp", "bind": "0.0.0.0:1883", "node": "a", "enabled": True, "running": True,
        "current_connections": 3, "max_connections": None,
    }
    assert (found[1]["node"], found[1]["running"], found[1]["current_connections"]) == ("b", False, None)
    del row["node_status"]
    (alone,) = read(v5, "listeners", Call("GET", "listeners", gives=[row]))
    assert alone["node"] is None and alone["running"] is True
    (bare,) = read(v5, "listeners", Call("GET", "listeners", gives=[{"id": "x", "status": "odd"}]))
    assert bare["running"] is bare["enabled"] is False


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("generation", [v4, v5])
def test_a_call_that_fails_is_raised(generation, part):
    path = {("alarms", v4): "alarms/activated"}.get((part, generation), part)
    query = TRUE if generation is v5 and part in ("stats", "metrics") else ()
    if part == "alarms" and generation is v5:
        query = [("activated", "true"), *FALSE[1:]]
    with pytest.raises(ApiError) as caught:
        read(generation, part, Call("GET", path, query, status=403))
    assert caught.value.status == 403
