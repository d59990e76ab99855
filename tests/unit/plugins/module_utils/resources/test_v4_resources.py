# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources of v4: what is sent, what is refused before, and what never shows."""

from __future__ import annotations

import re

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._converge import make_plan
from ansible_collections.emqx.cloud.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.emqx.cloud.plugins.module_utils._resources.v4_resources import Resources, resource_from
from ansible_collections.emqx.cloud.tests.unit.helpers import ANY, Call, page, v4, v5

ROW = {
    "id": "r", "type": "web_hook", "description": "d", "status": [{"node": "a", "is_alive": True}],
    "config": {"url": "http://h", "pool_size": 8, "headers": {"authorization": "hush"}},
}
MISSING = {"code": 404, "message": "Not Found"}
TYPES = Call("GET", "resource_types", ANY, gives=page([{"name": "web_hook"}]))


def options(**given):
    empty = {"type": None, "description": None, "config": None, "secret_config": None, "update_secrets": "on_create"}
    return {"name": "r", **empty, **given}


def held(row=None):
    return Call("GET", "resources/r", gives={"code": 0, "data": row or ROW})


def plan_of(store, wanted, absent=False):
    plan = make_plan(store.current([wanted], False), [wanted], absent=absent, fresh=store.fresh)
    store.check(plan)
    return plan


def test_a_new_one_is_sent_with_its_secrets():
    wanted = resource_from(
        options(type="web_hook", config={"url": "http://h"}, secret_config={"headers": {"authorization": "hush"}})
    )
    config = {"url": "http://h", "headers": {"authorization": "hush"}}
    body = {"id": "r", "type": "web_hook", "config": config, "description": ""}
    missing, post = Call("GET", "resources/r", gives=MISSING), Call("POST", "resources", body=body, gives={"code": 0})
    with v4(missing, TYPES, post) as api:
        store = Resources(api)
        plan = plan_of(store, wanted)
        assert plan.create[0].shown() == {
            "name": "r", "type": "web_hook", "description": "", "config": {"url": "http://h"}
        }
        assert [error for unused, error in store.create(plan.create)] == [None]


def test_put_replaces_so_that_everything_is_sent():
    body = {"config": {**ROW["config"], "pool_size": 9}, "description": "d"}
    put = Call("PUT", "resources/r", body=body, gives={"code": 0})
    with v4(held(), Call("GET", "rules", ANY, gives=page([])), put) as api:
        store = Resources(api)
        plan = plan_of(store, resource_from(options(config={"pool_size": 9})))
        assert [error for unused, error in store.update([plan.update[0][1]])] == [None]
        assert "hush" not in repr(plan.diff("resources", 10))


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"type": "mysql"}, "has the type 'web_hook', which can't change"),
        ({"description": "e"}, r"'r' can't be changed while enabled rules use it \(a, b\): disable"),
    ],
)
def test_what_the_broker_would_refuse_is_refused(given, problem):
    uses = {"actions": [{"params": {}}, {"params": {"$resource": "r"}}], "enabled": True}
    rows = [{"id": "b", **uses}, {"id": "a", **uses}, {"id": "c", **uses, "enabled": False}, {"id": "d", "actions": 7}]
    script = [held()] + ([Call("GET", "rules", ANY, gives=page(rows))] if "type" not in given else [])
    with v4(*script) as api, pytest.raises(InputError, match=problem):
        plan_of(Resources(api), resource_from(options(**given)))


@pytest.mark.parametrize(
    ("given", "script", "problem"),
    [
        ({}, [], "'r' does not exist, and type is not given"),
        ({"type": "nope"}, [TYPES], "type is 'nope', which this deployment lacks: it has web_hook"),
        ({"type": "web_hook", "config": {"url": "******"}}, [], "url of its config is"),
    ],
)
def test_what_cant_be_created_is_refused(given, script, problem):
    with v4(Call("GET", "resources/r", gives=MISSING), *script) as api, pytest.raises(InputError, match=problem):
        plan_of(Resources(api), resource_from(options(**given)))


def test_an_error_repeats_no_secret_and_a_connection_that_fails_is_said():
    wanted = resource_from(options(config={"pool_size": 9}))
    down = {"code": 400, "message": 'Bad Arguments: {error,{resource_down,<<"x">>}}'}
    echo = {"code": 400, "message": "hush is bad"}
    for answer, said in ((down, "the broker tries a new configuration first"), (echo, r"\*+ is bad")):
        put = Call("PUT", "resources/r", body=ANY, gives=answer)
        with v4(held(), Call("GET", "rules", ANY, gives=page([])), put) as api:
            store = Resources(api)
            (unused, error), = store.update([plan_of(store, wanted).update[0][1]])
            assert isinstance(error, ApiError) and re.search(said, str(error))
            assert "hush" not in str(error) + error.reason


def test_where_it_is_down():
    nodes = [{"node": "a", "is_alive": True}, {"node": "b", "is_alive": False}]
    with v4(held({**ROW, "status": nodes}), held(), Call("GET", "resources/r", gives=MISSING)) as api:
        store = Resources(api)
        assert store.down("r") == ["the resource 'r' on b"]
        assert store.down("r") == []
        assert store.down("r") == ["the resource 'r'"]


@pytest.mark.parametrize("data", [[], {}, {"type": "web_hook"}, {"type": 7, "config": {}}])
def test_an_answer_that_is_no_resource_is_an_error(data):
    script = Call("GET", "resources/r", gives={"code": 0, "data": data})
    with v4(script) as api, pytest.raises(ApiError, match="can't be used"):
        Resources(api).get(resource_from(options()))


def test_v5_has_none():
    with v5() as api, pytest.raises(InputError, match=r"^A resource needs a v4 deployment: v5 has connectors"):
        Resources(api)
