# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorization sources and settings: what is read, compared and sent."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._converge import apply, make_plan
from ansible_collections.emqx.cloud.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.emqx.cloud.plugins.module_utils._resources.authorization import (
    settings,
    settings_from,
    source_from,
    sources,
)
from ansible_collections.emqx.cloud.tests.unit.helpers import Call, v4, v5

SOURCES = "authorization/sources"
RULES = SOURCES + "/built_in_database/rules"
ONE = [("page", 1), ("limit", 1)]
DATABASE = {"type": "built_in_database", "enable": True, "max_rules": 100}
FILE = {"type": "file", "enable": True, "rules": "{allow, all}."}
SETTINGS = {
    "no_match": "allow", "deny_action": "ignore", "newer": 1,
    "cache": {"enable": True, "max_size": 32, "ttl": "1m", "excludes": ["a"]},
}


def wanted(kind, **options):
    given = {
        "type": kind, "enabled": None, "position": None, "config": None, "secret_config": None,
        "update_secrets": "on_create",
    }
    return source_from({**given, **options})


def listed(*rows):
    return Call("GET", SOURCES, gives={"sources": list(rows)})


def carried_out(store, record, absent=False):
    plan = make_plan(store.current([record], False), [record], absent=absent, fresh=store.fresh, keep=True)
    store.check(plan)
    done, failures = apply(plan, store)
    assert not failures
    return done


def converge(api, record, absent=False, lose=False):
    """Plan, check and apply, as a task does."""
    return carried_out(sources(api, lose), record, absent)


def test_a_new_source_comes_first_and_is_moved_only_if_it_belongs_elsewhere():
    post = Call("POST", SOURCES, body={"type": "built_in_database", "enable": True}, status=204)
    for position in (None, "front", "before:file"):
        with v5(listed(FILE), post) as api:
            assert converge(api, wanted("built_in_database", position=position)).create[0].position == 1
    move = Call("POST", SOURCES + "/built_in_database/move", body={"position": "after:file"}, status=204)
    with v5(listed(FILE), post, move) as api:
        done = converge(api, wanted("built_in_database", position="after:file"))
    assert done.create[0].shown() == {"type": "built_in_database", "enabled": True, "position": 2, "config": {}}


def test_a_source_is_replaced_whole_and_then_moved():
    put = Call("PUT", SOURCES + "/built_in_database", body={**DATABASE, "max_rules": 50}, status=204)
    move = Call("POST", SOURCES + "/built_in_database/move", body={"position": "rear"}, status=204)
    with v5(listed(DATABASE, FILE), put, move) as api:
        done = converge(api, wanted("built_in_database", config={"max_rules": 50}, position="rear"))
    old, new = done.update[0]
    assert (old.position, new.position, new.config) == (1, 2, {"max_rules": 50})


@pytest.mark.parametrize("found", [0, 1, 2, None])
def test_rules_are_looked_for_before_they_would_be_lost(found):
    looks = [
        Call("GET", f"{RULES}/{kind}", ONE, gives={key: [{}] if place == found else []})
        for place, (kind, key) in enumerate([("users", "data"), ("clients", "data"), ("all", "rules")])
    ]
    delete = Call("DELETE", SOURCES + "/built_in_database", status=204)
    if found is None:
        with v5(listed(DATABASE), *looks, delete) as api:
            converge(api, wanted("built_in_database"), absent=True)
    else:
        sentence = "holds access rules.*set lose_rules: true if that is what you want.$"
        with v5(listed(DATABASE), *looks[: found + 1]) as api, pytest.raises(InputError, match=sentence):
            converge(api, wanted("built_in_database"), absent=True)
    with v5(listed(DATABASE), delete) as api:
        converge(api, wanted("built_in_database"), absent=True, lose=True)


def test_a_disabled_database_keeps_its_rules_and_so_nobody_looks():
    delete = Call("DELETE", SOURCES + "/built_in_database", status=204)
    with v5(listed({**DATABASE, "enable": False}), delete) as api:
        assert len(converge(api, wanted("built_in_database"), absent=True).delete) == 1


def test_the_rules_of_a_file_go_with_it():
    with v5(listed(FILE)) as api, pytest.raises(InputError, match="The authorization source 'file' holds access rules"):
        converge(api, wanted("file"), absent=True)


@pytest.mark.parametrize("gives", [{}, [], None, {"sources": [1]}, {"sources": [{"type": 1}]}])
def test_a_list_of_another_shape_is_a_clear_error(gives):
    with v5(Call("GET", SOURCES, gives=gives)) as api, pytest.raises(ApiError, match="can't be used"):
        converge(api, wanted("file"))


def test_a_neighbour_has_to_be_there():
    sentence = "^position is 'before:redis', but this deployment has no authorization source 'redis': it has no other.$"
    with v5(listed(FILE)) as api, pytest.raises(InputError, match=sentence):
        converge(api, wanted("file", position="before:redis"))


# Settings


def meant(**options):
    return settings_from({"no_match": None, "deny_action": None, "cache": {}, **options})


def test_settings_are_read_merged_and_sent_whole():
    body = {**SETTINGS, "no_match": "deny", "cache": {**SETTINGS["cache"], "ttl": "30s", "excludes": []}}
    read, put = Call("GET", "authorization/settings", gives=SETTINGS), Call("PUT", "authorization/settings", body=body)
    with v5(read, put) as api:
        done = carried_out(settings(api), meant(no_match="deny", cache={"ttl": "30s", "excludes": [], "enable": None}))
    assert done.counts == {"created": 0, "updated": 1, "deleted": 0, "unchanged": 0}
    assert done.update[0][1].shown() == body


@pytest.mark.parametrize("options", [{"no_match": "allow"}, {"cache": {"ttl": "60s", "excludes": ["a"]}}, {}])
def test_settings_that_are_right_are_not_sent(options):
    with v5(Call("GET", "authorization/settings", gives=SETTINGS)) as api:
        assert carried_out(settings(api), meant(**options)).unchanged == 1


@pytest.mark.parametrize("gives", [{}, [], None, {"cache": 1}])
def test_settings_of_another_shape_are_a_clear_error(gives):
    with v5(Call("GET", "authorization/settings", gives=gives)) as api, pytest.raises(ApiError, match="can't be used"):
        carried_out(settings(api), meant(no_match="deny"))


@pytest.mark.parametrize(
    ("cache", "sentence"),
    [
        ({"max_size": 0}, "^cache.max_size is 0"), ({"max_size": 1048577}, "^cache.max_size is 1048577"),
        ({"ttl": "1 m"}, "^cache.ttl is '1 m'"), ({"excludes": [""]}, r"^cache.excludes\[0\] is ''"),
    ],
)
def test_settings_that_cant_be_are_refused(cache, sentence):
    with pytest.raises(InputError, match=sentence):
        meant(cache=cache)


def test_v4_has_none_of_these():
    with v4() as api, pytest.raises(InputError, match="^An authorization source needs a v5 deployment"):
        sources(api)
    with v4() as api, pytest.raises(InputError, match="^An authorization setting needs a v5 deployment.$"):
        settings(api)
