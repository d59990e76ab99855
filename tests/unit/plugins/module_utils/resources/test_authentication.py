# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authenticators: what is read, compared and sent."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._converge import apply, make_plan
from ansible_collections.emqx.cloud.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.emqx.cloud.plugins.module_utils._resources.authentication import (
    authenticator_from,
    authenticators,
)
from ansible_collections.emqx.cloud.tests.unit.helpers import Call, v4, v5

BUILT_IN = "password_based:built_in_database"
USERS = "authentication/password_based%3Abuilt_in_database/users"
ONE = [("page", 1), ("limit", 1)]
SHA = {"name": "sha256", "salt_position": "suffix"}
ROW = {
    "id": BUILT_IN, "mechanism": "password_based", "backend": "built_in_database", "enable": True,
    "user_id_type": "username", "password_hash_algorithm": SHA,
}
HTTP = {
    "id": "password_based:http", "mechanism": "password_based", "backend": "http", "enable": True, "method": "post",
    "url": "http://h", "headers": {"authorization": "******", "x-key": "hush"}, "new_field": {"of": 2027},
}
JWT = {
    "id": "jwt", "mechanism": "jwt", "enable": True, "use_jwks": False, "algorithm": "hmac-based", "secret": "******",
}


def wanted(mechanism="password_based", backend="built_in_database", **options):
    given = {
        "mechanism": mechanism, "backend": backend, "enabled": None, "position": None, "config": None,
        "secret_config": None, "update_secrets": "on_create",
    }
    return authenticator_from({**given, **options})


def listed(*rows):
    return Call("GET", "authentication", gives=list(rows))


def converge(api, record, absent=False, lose=False):
    """Plan, check and apply, as a task does."""
    store = authenticators(api, lose)
    plan = make_plan(store.current([record], False), [record], absent=absent, fresh=store.fresh, keep=True)
    store.check(plan)
    done, failures = apply(plan, store)
    assert not failures
    return done


def test_a_built_in_database_gets_the_algorithm_that_the_api_wants():
    body = {
        "mechanism": "password_based", "backend": "built_in_database", "enable": True, "user_id_type": "clientid",
        "password_hash_algorithm": SHA,
    }
    # The answer to a POST is not masked, and it is not looked at.
    with v5(listed(), Call("POST", "authentication", body=body, gives="{}")) as api:
        done = converge(api, wanted(config={"user_id_type": "clientid"}))
    assert done.create[0].shown() == {
        "id": BUILT_IN, "mechanism": "password_based", "backend": "built_in_database", "enabled": True, "position": 1,
        "config": {"user_id_type": "clientid", "password_hash_algorithm": SHA},
    }


def test_another_algorithm_is_sent_as_it_is_given():
    algorithm = {"name": "bcrypt", "salt_rounds": 8}
    body = {
        "mechanism": "password_based", "backend": "built_in_database", "enable": False, "user_id_type": "username",
        "password_hash_algorithm": algorithm,
    }
    with v5(listed(), Call("POST", "authentication", body=body)) as api:
        converge(api, wanted(config={"password_hash_algorithm": algorithm}, enabled=False))


def test_a_put_sends_the_whole_object_back_less_what_is_read_only():
    body = {name: value for name, value in HTTP.items() if name != "id"}
    body.update(url="http://i", enable=False)
    put = Call("PUT", "authentication/password_based%3Ahttp", body=body, status=204)
    with v5(listed(ROW, HTTP), put) as api:
        done = converge(api, wanted(backend="http", config={"url": "http://i"}, enabled=False))
    assert done.update[0][1].position == 2


def test_what_the_user_gives_as_a_secret_is_hidden_in_what_is_there_too():
    with v5(listed(HTTP)) as api:
        record = wanted(backend="http", secret_config={"headers": {"X-Key": "hush"}})
        done = converge(api, record)
    assert done.unchanged == 1
    assert "hush" not in repr(done.after()[0].shown())


def test_a_new_one_is_moved_from_the_end_only_if_it_belongs_elsewhere():
    post = Call("POST", "authentication", body={"mechanism": "jwt", "enable": True, "secret": "hush"})
    move = Call("PUT", "authentication/jwt/position/before%3Apassword_based%3Ahttp", status=204)
    jwt = {"mechanism": "jwt", "backend": None, "secret_config": {"secret": "hush"}}
    with v5(listed(ROW, HTTP), post, move) as api:
        done = converge(api, wanted(**jwt, position="before:password_based:http"))
    assert done.create[0].position == 2
    for position in (None, "rear", "after:password_based:http"):
        with v5(listed(ROW, HTTP), post) as api:
            assert converge(api, wanted(**jwt, position=position)).create[0].position == 3


@pytest.mark.parametrize("position", ["front", f"before:{BUILT_IN}", None])
def test_what_is_in_its_place_is_not_moved(position):
    with v5(listed(HTTP, ROW, JWT)) as api:
        assert converge(api, wanted(backend="http", position=position)).unchanged == 1


@pytest.mark.parametrize("position", ["rear", "after:jwt"])
def test_the_place_alone_changes_with_one_request(position):
    path = "authentication/password_based%3Ahttp/position/" + position.replace(":", "%3A")
    held = {**HTTP, "request_timeout": "1m"}
    with v5(listed(held, ROW, JWT), Call("PUT", path, status=204)) as api:
        done = converge(api, wanted(backend="http", position=position, config={"request_timeout": "60s"}))
    old, new = done.update[0]
    assert (old.position, new.position) == (1, 3)
    assert old.shown()["config"] == new.shown()["config"]


def test_what_selects_other_fields_takes_them_along():
    body = {"mechanism": "jwt", "enable": True, "algorithm": "public-key", "public_key": "k"}
    with v5(listed(JWT), Call("PUT", "authentication/jwt", body=body)) as api:
        converge(api, wanted("jwt", None, config={"algorithm": "public-key", "public_key": "k"}))
    sent = {name: value for name, value in ROW.items() if name != "id"}
    sent["password_hash_algorithm"] = {"name": "bcrypt"}
    users = Call("GET", USERS, ONE, gives={"data": []})
    with v5(listed(ROW), users, Call("PUT", USERS[: -len("/users")], body=sent)) as api:
        converge(api, wanted(config={"password_hash_algorithm": {"name": "bcrypt"}}))


@pytest.mark.parametrize(
    ("options", "absent", "sentence"),
    [
        ({}, True, "holds users, who would be deleted with it: set lose_users: true"),
        ({"config": {"user_id_type": "clientid"}}, False, "once user_id_type changes: set lose_users: true"),
        ({"config": {"password_hash_algorithm": {"salt_position": "prefix"}}}, False, "once password_hash_algorithm"),
    ],
)
@pytest.mark.parametrize("rows", [[], [{"user_id": "a"}]])
def test_users_are_looked_for_before_they_would_be_lost(options, absent, sentence, rows):
    look = Call("GET", USERS, ONE, gives={"data": rows})
    change = Call("DELETE" if absent else "PUT", USERS[: -len("/users")], body=None if absent else {})
    change.compare = lambda *unused: None
    if rows:
        with v5(listed(ROW), look) as api, pytest.raises(InputError, match=sentence):
            converge(api, wanted(**options), absent)
    else:
        with v5(listed(ROW), look, change) as api:
            converge(api, wanted(**options), absent)
    with v5(listed(ROW), change) as api:
        converge(api, wanted(**options), absent, lose=True)


def test_where_nothing_is_lost_nobody_is_looked_for():
    with v5(listed(HTTP), Call("DELETE", "authentication/password_based%3Ahttp", status=204)) as api:
        assert len(converge(api, wanted(backend="http"), absent=True).delete) == 1
    with v5(listed()) as api:
        assert converge(api, wanted(), absent=True).unchanged == 1
    body = {name: value for name, value in ROW.items() if name != "id"}
    with v5(listed(ROW), Call("PUT", USERS[: -len("/users")], body={**body, "enable": False})) as api:
        converge(api, wanted(enabled=False))


@pytest.mark.parametrize(
    ("rows", "options", "absent", "warns"),
    [
        ([HTTP], {}, True, True), ([HTTP], {"enabled": False}, False, True), ([HTTP, ROW], {}, True, False),
        ([HTTP, {**ROW, "enable": False}], {"enabled": False}, False, True), ([HTTP], {"enabled": True}, False, False),
        ([{**HTTP, "enable": False}], {}, True, False), ([], {"enabled": False}, False, False),
    ],
)
def test_that_everybody_may_connect_is_worth_a_warning(rows, options, absent, warns):
    with v5(listed(*rows)) as api:
        store = authenticators(api)
        record = wanted(backend="http", **options)
        plan = make_plan(store.current([record], False), [record], absent=absent, fresh=store.fresh)
    told = ["No authenticator is enabled any more, so every client may connect."]
    assert store.cautions(plan) == (told if warns else [])


@pytest.mark.parametrize("gives", [{"data": 1}, [1], None, {"data": ["x"]}])
def test_users_of_another_shape_are_not_taken_for_none(gives):
    with v5(listed(ROW), Call("GET", USERS, ONE, gives=gives)) as api, pytest.raises(ApiError, match="list of objects"):
        converge(api, wanted(), absent=True)


@pytest.mark.parametrize("gives", [{}, [1], None, [{"id": "x"}], [{"id": 1, "mechanism": "jwt"}]])
def test_a_list_of_another_shape_is_a_clear_error(gives):
    with v5(Call("GET", "authentication", gives=gives)) as api, pytest.raises(ApiError, match="can't be used"):
        converge(api, wanted())


def test_a_mask_is_not_created():
    with v5(listed()) as api, pytest.raises(InputError, match="'jwt' does not exist, and secret of its config is"):
        converge(api, wanted("jwt", None, config={"secret": "******"}))


def test_v4_has_none():
    with v4() as api, pytest.raises(InputError, match="^An authenticator needs a v5 deployment: v4 keeps users"):
        authenticators(api)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"backend": None}, "The mechanism password_based needs a backend"),
        ({"mechanism": "jwt"}, "the mechanism jwt has none"),
        ({"position": "before"}, "it is front, rear, before:NAME or after:NAME"),
        ({"position": f"before:{BUILT_IN}"}, "names the thing itself"),
        ({"config": {"id": "x"}}, "config can't hold id"),
        ({"secret_config": {"backend": "x"}}, "secret_config can't hold backend"),
        ({"mechanism": "a/b"}, "one word"),
    ],
)
def test_options_that_cant_be_are_refused(options, sentence):
    with pytest.raises(InputError, match=sentence):
        wanted(**options)


def test_a_mechanism_that_is_not_known_yet_is_left_to_the_broker():
    assert wanted("cinfo", None).id == "cinfo"
