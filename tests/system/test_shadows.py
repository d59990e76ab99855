# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shadow models: nothing that a device has written is lost, and objects are added level by level."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simulator import Deployment, Fault, Simulator
from system.harness import done, refused, run

ID = "gateway-7"
NO_SERVICE = "This deployment has no shadow service: EMQX Cloud has it for v4 deployments, and its console enables it."


@pytest.fixture
def v4() -> Iterator[Deployment]:
    with Simulator.start("v4") as simulator:
        yield simulator.deployments[0]


def changes(deployment: Deployment) -> list[str]:
    return [f"{call.method} {call.path}" for call in deployment.requests if call.method != "GET"]


def converge(deployment: Deployment, **options: Any) -> dict[str, Any]:
    """In check mode, for real, and again: the prediction is right, and the second run changes nothing."""
    deployment.forget_requests()
    options = {"shadow_id": ID, **options}
    predicted = done("shadow", deployment, check=True, **options)
    assert changes(deployment) == []
    result = done("shadow", deployment, **options)
    assert {**predicted, "requests": 0} == {**result, "requests": 0}
    assert not done("shadow", deployment, **options)["changed"]
    return result


def test_a_shadow_comes_changes_and_goes(v4: Deployment) -> None:
    created = converge(v4, name="gateway", description="of plant 7", document={"a": {"b": 1}, "list": [1, {"x": None}]})
    assert created["shadow"] == {
        "shadow_id": ID, "name": "gateway", "description": "of plant 7",
        "document": {"a": {"b": 1}, "list": [1, {}]},
    }
    assert changes(v4) == ["POST /shadows", f"PUT /shadows/{ID}/json"]
    renamed = converge(v4, name="other")
    assert (renamed["counts"]["updated"], changes(v4)) == (1, [f"PUT /shadows/{ID}"])
    assert renamed["shadow"]["description"] == "of plant 7"
    assert renamed["diff"]["before"]["shadows"][0]["name"] == "gateway"
    assert converge(v4, description="")["shadow"]["description"] == ""
    assert v4.document(ID) == {"a": {"b": 1}, "list": [1, {}]}
    gone = converge(v4, state="absent")
    assert gone["shadow"] is None and gone["counts"]["deleted"] == 1
    assert done("shadow_info", v4)["shadows"] == []


def test_a_new_shadow_has_its_id_as_name_and_an_empty_document(v4: Deployment) -> None:
    assert converge(v4)["shadow"] == {"shadow_id": ID, "name": ID, "description": "", "document": {}}
    assert changes(v4) == ["POST /shadows"]


@pytest.mark.parametrize(
    ("held", "wanted", "after", "steps"),
    [
        ({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}, 1),
        ({"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}, 1),
        ({"a": {"x": 1}}, {"a": {"n": {"m": {"k": 1}}}, "c": 5}, {"a": {"x": 1, "n": {"m": {"k": 1}}}, "c": 5}, 3),
        ({}, {"a": {"x": 1}, "b": {}, "c": {"d": {"e": [1]}}}, {"a": {"x": 1}, "b": {}, "c": {"d": {"e": [1]}}}, 3),
        ({"a": 1}, {"a": {"x": 1}}, {"a": {"x": 1}}, 2),
        ({"a": {"x": 1}}, {"a": 7}, {"a": 7}, 1),
        ({"a": [1, 2], "b": [{"x": 1}]}, {"a": [1]}, {"a": [1], "b": [{"x": 1}]}, 1),
        ({"a": 1, "b": "1", "c": True}, {"a": True, "b": 1, "c": True}, {"a": True, "b": 1, "c": True}, 1),
        ({"a": {"x": 1}}, {"a": {}}, {"a": {"x": 1}}, 0),
        ({"a": 1}, {"a": None, "b": {"c": None}}, {"a": 1, "b": {}}, 1),
        ({"a": 1.0}, {"a": 1}, {"a": 1.0}, 0),
    ],
)
def test_a_document_is_merged_level_by_level(
    v4: Deployment, held: dict[str, Any], wanted: dict[str, Any], after: dict[str, Any], steps: int
) -> None:
    done("shadow", v4, shadow_id=ID, document=held)
    changed = converge(v4, document=wanted)
    assert changed["shadow"]["document"] == after == v4.document(ID)
    assert changes(v4) == [f"PATCH /shadows/{ID}/json"] * steps


def test_what_a_device_changes_meanwhile_is_kept(v4: Deployment) -> None:
    done("shadow", v4, shadow_id=ID, document={"reported": {"t": 20}, "desired": {"t": 20}})

    def device(call: Any) -> None:
        if call.method == "GET" and call.path.endswith("/json"):
            v4.report(ID, {"reported": {"t": 21}, "desired": {"t": 20}})

    v4.on_request(device)
    done("shadow", v4, shadow_id=ID, document={"reported": {"t": 20}, "desired": {"t": 25}})
    assert v4.document(ID) == {"reported": {"t": 21}, "desired": {"t": 25}}


def test_a_change_that_stops_half_way_tells_how_far_it_came(v4: Deployment) -> None:
    v4.faults.add(Fault("status", status=500, method="PUT"))
    result = run("shadow", v4, shadow_id=ID, document={"a": 1}, retries=0)
    assert result["failed"] and result["changed"]
    assert result["counts"] == {"created": 1, "updated": 0, "deleted": 0, "unchanged": 0, "failed": 1}
    assert result["applied"][0]["item"]["document"] == {} and result["failures"][0]["item"]["document"] == {"a": 1}
    v4.faults.add(Fault("status", status=500, method="PATCH", nth=2))
    result = run("shadow", v4, shadow_id=ID, document={"a": {"b": {"c": 1}}}, retries=0)
    assert result["changed"] and result["counts"]["updated"] == 1 and result["counts"]["failed"] == 1
    assert result["applied"][0]["item"]["document"] == v4.document(ID) == {"a": {}}
    converge(v4, document={"a": {"b": {"c": 1}}})


def test_all_shadows_are_read_page_by_page(v4: Deployment) -> None:
    for number in range(205):
        done("api", v4, method="POST", path="shadows", body={"shadowID": f"shadow-{number:03}", "shadowName": "n"})
    v4.forget_requests()
    found = done("shadow_info", v4, query="[].shadow_id")
    assert (found["count"], found["shadows"]) == (205, [f"shadow-{number:03}" for number in range(205)])
    assert [call.query for call in v4.requests] == [f"_page={page}&_limit=100" for page in (1, 2, 3)]
    v4.forget_requests()
    few = done("shadow_info", v4, limit=3, with_document=True)
    assert [row["document"] for row in few["shadows"]] == [{}, {}, {}]
    assert few["requests"] == 4
    row = few["shadows"][0]
    assert set(row) == {"shadow_id", "name", "description", "document", "created_at", "updated_at"}
    assert row["created_at"].endswith(":00Z")


def test_one_shadow_is_looked_up(v4: Deployment) -> None:
    done("shadow", v4, shadow_id=ID, document={"a": 1})
    found = done("shadow_info", v4, shadow_id=ID)
    assert found["count"] == 1 and "document" not in found["shadows"][0]
    assert done("shadow_info", v4, shadow_id="no-such-shadow")["shadows"] == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"shadow_id": ".."}, "'..' can't be used as shadow_id: the API would take it for another path."),
        ({"shadow_id": ""}, "'' can't be used as shadow_id: the API would take it for another path."),
        ({"shadow_id": "short"}, "shadow_id is 'short': it has 8 to 64 letters, digits, '-' and '_'."),
        ({"shadow_id": "a/b-and-more"}, "shadow_id is 'a/b-and-more': it has 8 to 64 letters, digits, '-' and '_'."),
        ({"shadow_id": ID, "name": "no spaces"},
         "name is 'no spaces': it has 3 to 50 letters, digits, '-', '_' and '.'."),
        ({"shadow_id": "x" * 60},
         "name has to be given: a shadow_id of more than 50 characters can't be the name."),
    ],
)
def test_what_the_service_would_not_take_is_refused(v4: Deployment, options: dict[str, Any], sentence: str) -> None:
    assert refused("shadow", v4, **options) == sentence


def test_a_broker_of_ones_own_has_no_shadow_service(v4: Deployment) -> None:
    own = {"api_url": v4.api_url + "/v4"}
    assert refused("shadow", v4, shadow_id=ID, **own) == NO_SERVICE
    assert refused("shadow", v4, shadow_id=ID, state="absent", **own) == NO_SERVICE
    assert refused("shadow_info", v4, **own) == NO_SERVICE
    assert refused("shadow_info", v4, shadow_id=ID, **own) == NO_SERVICE


@pytest.mark.parametrize("module", ["shadow", "shadow_info"])
def test_v5_has_no_shadows(module: str) -> None:
    with Simulator.start("v5") as simulator:
        assert refused(module, simulator.deployments[0], shadow_id=ID) == (
            "A shadow needs a v4 deployment: v5 has no shadow service; a retained message is what comes closest."
        )
        assert simulator.deployments[0].requests == []


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"message": "existed"}, "it exists already"), ({"code": 101}, "RPC error"), ("<html>", "an HTML page"),
        ({"shadowID": "another"}, "it should be about the shadow"), ({"x": 1}, "a shadow has no shadowID"),
        ([1], "not the JSON"), ({"code": 0}, "a shadow has no shadowID"),
    ],
)
def test_an_answer_of_another_shape_is_a_clear_error(v4: Deployment, body: Any, sentence: str) -> None:
    v4.faults.add(Fault("body", status=200, body=body))
    assert sentence in refused("shadow", v4, shadow_id=ID)


@pytest.mark.parametrize("body", [{"data": "x"}, {"data": [1]}, {}, {"code": 0}])
def test_a_document_that_is_none_is_a_clear_error(v4: Deployment, body: Any) -> None:
    done("shadow", v4, shadow_id=ID)
    v4.faults.add(Fault("body", status=200, body=body, path=f"/shadows/{ID}/json"))
    assert "data should be an object" in refused("shadow", v4, shadow_id=ID, document={"a": 1})


def test_a_failure_is_not_taken_for_a_missing_shadow(v4: Deployment) -> None:
    v4.faults.add(Fault("status", status=403))
    assert "these credentials may not do this" in refused("shadow", v4, shadow_id=ID)
    v4.faults.clear()
    v4.faults.add(Fault("status", status=404, times=1), Fault("status", status=403, path="/shadows"))
    assert "these credentials may not do this" in refused("shadow_info", v4, shadow_id=ID)
