# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shadows: what is sent to a service that adds objects level by level, and what is made of its answers."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._converge import apply, make_plan
from ansible_collections.emqx.cloud.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.emqx.cloud.plugins.module_utils._resources.shadows import (
    Shadow,
    find,
    patches,
    shadow_from,
    shadows,
)
from ansible_collections.emqx.cloud.tests.unit.helpers import Call, v4, v5

ROW = {
    "shadowID": "gateway-7", "shadowName": "gateway", "description": "d", "createdAt": "2022-06-10 03:20",
    "updatedAt": "2022-06-11 03:20",
}
LOOK = Call("GET", "shadows/gateway-7", gives=ROW)
SERVICE = Call("GET", "shadows", [("_page", 1), ("_limit", 1)], gives={"items": [], "meta": {}})
GONE = Call("GET", "shadows/gateway-7", status=404, gives={"message": "no such shadow"})


def wanted(**options):
    return shadow_from({"shadow_id": "gateway-7", "name": None, "description": None, "document": None, **options})


def holding(document):
    data = {"data": document, "createAt": 1660618831979, "lastTime": 1660618831979, "version": 1}
    return Call("GET", "shadows/gateway-7/json", gives=data)


def converge(api, record, absent=False):
    store = shadows(api)
    plan = make_plan(store.current([record], False), [record], absent=absent, fresh=store.fresh, keep=True)
    store.check(plan)
    return apply(plan, store)


@pytest.mark.parametrize(
    ("held", "meant", "bodies"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1, "b": 1}, {"a": 2}, [{"a": 2}]),
        ({"a": {"x": 1, "y": 1}}, {"a": {"x": 2, "y": 1}}, [{"a": {"x": 2}}]),
        ({}, {"k": {"a": 100}}, [{"k": {}}, {"k": {"a": 100}}]),
        ({"k": 1}, {"k": {"a": {}}}, [{"k": {}}, {"k": {"a": {}}}]),
        ({"k": {"a": 1}}, {"k": {"a": 2, "n": {"b": 3}}}, [{"k": {"a": 2, "n": {}}}, {"k": {"n": {"b": 3}}}]),
        ({"k": [{"a": 1, "b": 2}]}, {"k": [{"a": 1}]}, [{"k": [{"a": 1}]}]),
        ({"k": 1}, {"k": True}, [{"k": True}]),
        ({"k": [1]}, {"k": [True]}, [{"k": [True]}]),
    ],
)
def test_only_what_differs_is_sent_and_objects_are_added_level_by_level(held, meant, bodies):
    assert list(patches(held, meant)) == bodies


def test_a_change_is_read_merged_and_told_whole():
    patch = Call("PATCH", "shadows/gateway-7/json", body={"a": {"y": 2}}, gives={"data": {}, "version": 2})
    rename = Call("PUT", "shadows/gateway-7", body={"shadowName": "other", "description": "d"}, gives=ROW)
    with v4(LOOK, holding({"a": {"x": 1}}), rename, patch) as api:
        done, failures = converge(api, wanted(name="other", document={"a": {"y": 2}}))
    assert not failures
    assert done.update[0][1].shown() == {
        "shadow_id": "gateway-7", "name": "other", "description": "d", "document": {"a": {"x": 1, "y": 2}}
    }


def test_a_new_one_gets_its_document_whole():
    body = {"shadowID": "gateway-7", "shadowName": "gateway-7", "description": ""}
    post = Call("POST", "shadows", body=body, gives=ROW)
    put = Call("PUT", "shadows/gateway-7/json", body={"a": {"b": 1}}, gives={"data": {}})
    with v4(GONE, SERVICE, post, put) as api:
        done, failures = converge(api, wanted(document={"a": {"b": 1}}))
    assert done.create[0].document == {"a": {"b": 1}} and not failures


def test_what_was_reached_before_a_failure_is_told():
    fails = Call("PATCH", "shadows/gateway-7/json", body={"a": {"b": 1}}, status=500)
    first = Call("PATCH", "shadows/gateway-7/json", body={"a": {}}, gives={"data": {}})
    with v4(LOOK, holding({}), first, fails) as api:
        done, failures = converge(api, wanted(document={"a": {"b": 1}}))
    assert done.update[0][1].document == {"a": {}}
    assert [failure.record.document for failure in failures] == [{"a": {"b": 1}}]


def test_deleting():
    with v4(LOOK, holding({}), Call("DELETE", "shadows/gateway-7", status=204)) as api:
        done, failures = converge(api, wanted(), absent=True)
    assert len(done.delete) == 1 and not failures
    with v4(GONE, SERVICE) as api:
        assert converge(api, wanted(), absent=True)[0].unchanged == 1


@pytest.mark.parametrize("answer", [{"gives": "Not found."}, {"gives": {"message": "x"}}, {}])
def test_a_missing_shadow_is_told_from_a_missing_service(answer):
    missing = Call("GET", "shadows/gateway-7", status=404, **answer)
    with v4(missing, SERVICE) as api:
        assert shadows(api).get(Shadow("gateway-7")) is None
    nothing = Call("GET", "shadows", [("_page", 1), ("_limit", 1)], status=404, **answer)
    with v4(missing, nothing) as api, pytest.raises(InputError, match="^This deployment has no shadow service"):
        shadows(api).get(Shadow("gateway-7"))


@pytest.mark.parametrize("row", [{}, {"code": 0, "data": {}}, {"message": "existed"}, [], "x"])
def test_what_comes_instead_of_a_shadow(row):
    with v4(Call("GET", "shadows/gateway-7", gives=row)) as api:
        if row == {}:
            assert shadows(api).get(Shadow("gateway-7")) is None
        else:
            with pytest.raises(ApiError):
                shadows(api).get(Shadow("gateway-7"))


def test_items_are_read_page_by_page_and_documents_in_their_order():
    rows = [{**ROW, "shadowID": f"shadow-{number:03}"} for number in range(101)]

    def page(number, items):
        body = {"items": items, "meta": {"page": number, "limit": 100, "count": 101}}
        return Call("GET", "shadows", [("_page", number), ("_limit", 100)], gives=body)

    with v4(page(1, rows[:100]), page(2, rows[100:])) as api:
        found = list(find(api, None, None, False))
    assert [row["shadow_id"] for row in found] == [row["shadowID"] for row in rows]
    assert found[0] == {
        "shadow_id": "shadow-000", "name": "gateway", "description": "d", "created_at": "2022-06-10T03:20:00Z",
        "updated_at": "2022-06-11T03:20:00Z",
    }
    first = Call("GET", "shadows", [("_page", 1), ("_limit", 2)], gives={"items": rows[:2], "meta": {}})
    documents = [Call("GET", f"shadows/shadow-{n:03}/json", gives={"data": {"n": n}}) for n in range(2)]
    with v4(first, *documents) as api:
        assert [row["document"] for row in find(api, None, 2, True)] == [{"n": 0}, {"n": 1}]


@pytest.mark.parametrize("gives", [{"items": 1}, {"items": [1]}, {"meta": {}}, {"items": [{"shadowID": 1}]}])
def test_a_list_of_another_shape_is_a_clear_error(gives):
    call = Call("GET", "shadows", [("_page", 1), ("_limit", 100)], gives=gives)
    with v4(call) as api, pytest.raises(ApiError, match="can't be used"):
        list(find(api, None, None, False))


def test_v5_has_none():
    with v5() as api, pytest.raises(InputError, match="^A shadow needs a v4 deployment: v5 has no shadow service"):
        shadows(api)


@pytest.mark.parametrize("options", [{"shadow_id": "."}, {"shadow_id": ""}, {"name": "a b"}, {"name": "ab"}])
def test_options_that_cant_be_are_refused(options):
    with pytest.raises(InputError):
        wanted(**options)
