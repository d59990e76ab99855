# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials: what is sent and what is made of the answers, on both generations."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._converge import Plan
from ansible_collections.emqx.cloud.plugins.module_utils._errors import (
    ApiError,
    InputError,
    NotAttempted,
    NotOffered,
    TooLarge,
    TransportError,
)
from ansible_collections.emqx.cloud.plugins.module_utils._resources._api import MEBIBYTE
from ansible_collections.emqx.cloud.plugins.module_utils._resources.users import (
    AUTHENTICATOR,
    User,
    find,
    kinds_of,
    store,
    user_from,
    users_from,
)
from ansible_collections.emqx.cloud.tests.unit.helpers import ANY, Call, page, v4, v5

USERS = AUTHENTICATOR + "/users"
IMPORT = AUTHENTICATOR + "/import_users"
NO_USER = {"code": "NOT_FOUND", "message": "User not found"}
NO_AUTHENTICATOR = {"code": "NOT_FOUND", "message": "Authenticator not found in global scope"}
OPTIONS = {"username": None, "clientid": None, "kind": None, "like": None, "is_superuser": None, "limit": None}


def by_name():
    return Call("GET", AUTHENTICATOR, gives={"user_id_type": "username"})


def named(name, **more):
    return User("username", name, **more)


def with_password(names, is_superuser=None):
    return [named(name, password="pw-" + name, is_superuser=is_superuser) for name in names]


def outcomes(found):
    return {user.name: error for user, error in found}


# What options describe


@pytest.mark.parametrize(
    ("options", "user"),
    [
        ({"username": "a"}, User("username", "a")),
        ({"clientid": "c", "username": None}, User("clientid", "c")),
        ({"username": "a", "clientid": "", "is_superuser": ""}, User("username", "a")),
        ({"username": "a", "is_superuser": False}, User("username", "a", is_superuser=False)),
        ({"username": "a", "is_superuser": "True"}, User("username", "a", is_superuser=True)),
        ({"username": "a", "is_superuser": "yes"}, User("username", "a", is_superuser=True)),
        ({"username": "a", "is_superuser": 1}, User("username", "a", is_superuser=True)),
        ({"username": "a", "is_superuser": "0"}, User("username", "a", is_superuser=False)),
        ({"username": "a", "is_superuser": "no"}, User("username", "a", is_superuser=False)),
        ({"username": "a", "is_superuser": "FALSE"}, User("username", "a", is_superuser=False)),
    ],
)
def test_a_row_of_options_or_of_a_csv_file_becomes_a_user(options, user):
    assert user_from(options) == user


def test_a_password_is_taken_as_it_is_and_an_empty_one_counts_as_none():
    assert user_from({"username": "a", "password": " p "}).password == " p "
    assert user_from({"username": "a", "password": ""}).password is None


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "none is given"), ({"username": "a", "clientid": "b"}, "both are given"),
        ({"username": ""}, "username is empty"), ({"username": "", "clientid": ""}, "username and clientid is empty"),
        ({"username": "."}, "can't be used as users\\[7\\].username"), ({"clientid": ".."}, "users\\[7\\].clientid"),
        ({"username": 5}, "can't be used"), ({"username": "\ud800"}, "not valid Unicode"),
        ({"username": "a", "password": "\ud800"}, "users\\[7\\].password is not valid Unicode"),
        ({"username": "a", "is_superuser": "maybe"}, "users\\[7\\].is_superuser is neither true nor false"),
        ({"username": "a", "is_superuser": 2}, "neither true nor false"),
    ],
)
def test_a_row_that_cannot_be_right_is_refused_and_named(options, problem):
    with pytest.raises(InputError, match=problem):
        user_from(options, "users[7].")


def test_the_number_of_a_wrong_row_is_named():
    with pytest.raises(InputError, match=r"^users\[1\].username or users\[1\].clientid has to name one user"):
        users_from([{"username": "a"}, {}])
    assert users_from([{"username": "a"}, {"clientid": "a"}]) == [User("username", "a"), User("clientid", "a")]


def test_users_are_shown_without_password_and_by_what_they_are():
    user = User("clientid", "c", True, "2026-11-22T00:00:00Z", "hunter2")
    assert user.shown() == {"clientid": "c", "is_superuser": True, "created_at": "2026-11-22T00:00:00Z"}
    assert "hunter2" not in repr(user)
    assert User("clientid", "a").key != User("username", "a").key


@pytest.mark.parametrize(
    ("users", "kinds", "touched"),
    [
        ([], None, ()), ([], ["clientid"], ("clientid",)), ([named("a")], None, ("username",)),
        ([User("clientid", "a"), named("a")], [], ("username", "clientid")),
        ([named("a")], ["clientid"], ("username", "clientid")),
    ],
)
def test_a_task_touches_only_the_kinds_that_it_names(users, kinds, touched):
    assert kinds_of(users, kinds) == touched


# v4: reading


def test_v4_lists_only_the_kinds_that_are_touched():
    rows = page([{"username": "a", "created_at": 1795380951000}, {"username": "b"}])
    with v4(Call("GET", "auth_username", ANY, gives=rows)) as api:
        assert list(store(api, ["username"]).list()) == [named("a", created_at="2026-11-22T20:55:51Z"), named("b")]
    both = Call("GET", "auth_username", ANY, gives=page([])), Call("GET", "auth_clientid", ANY, gives=page(
        [{"clientid": "c"}]))
    with v4(*both) as api:
        assert list(store(api, ["username", "clientid"]).list()) == [User("clientid", "c")]


@pytest.mark.parametrize("row", [{}, {"username": None}, {"username": 1}, {"username": ["a"]}, {"username": {}}])
def test_v4_a_listed_user_without_a_name_is_said_so(row):
    listed = v4(Call("GET", "auth_username", ANY, gives=page([{"username": "a"}, row])))
    with listed as api, pytest.raises(ApiError, match="can't be used: a user has no username.$"):
        list(store(api, ["username"]).list())


def test_v4_searches_in_the_server_with_a_small_page():
    query = [("_like_clientid", "x%"), ("_page", 1), ("_limit", 5)]
    with v4(Call("GET", "auth_clientid", query, gives=page([{"clientid": "x%1"}]))) as api:
        assert list(find(api, {**OPTIONS, "kind": ["clientid"], "like": "x%", "limit": 5})) == [User("clientid", "x%1")]


def test_v4_reads_both_kinds_where_none_is_named():
    calls = [Call("GET", path, ANY, gives=page([])) for path in ("auth_username", "auth_clientid")]
    with v4(*calls) as api:
        assert list(find(api, OPTIONS)) == []


def test_one_user_is_one_request_on_v4():
    with v4(Call("GET", "auth_clientid/a%2Fb", gives={"code": 0, "data": {"clientid": "a/b"}})) as api:
        assert list(find(api, {**OPTIONS, "clientid": "a/b"})) == [User("clientid", "a/b")]


@pytest.mark.parametrize("data", [{}, []])
def test_v4_says_success_about_a_user_who_does_not_exist(data):
    with v4(Call("GET", "auth_username/a", gives={"code": 0, "data": data})) as api:
        assert store(api, ["username"]).get(named("a")) is None


@pytest.mark.parametrize("data", [{"username": "b"}, {"clientid": "a"}, [{"username": "a"}], "a", None])
def test_v4_is_not_believed_when_it_answers_about_somebody_else(data):
    odd = Call("GET", "auth_username/a", gives={"code": 0, "data": data})
    with v4(odd) as api, pytest.raises(ApiError, match="it should be about the username 'a'"):
        store(api, ["username"]).get(named("a"))


def test_v4_has_no_superusers():
    with v4() as api:
        users = store(api, ["username"])
        with pytest.raises(InputError, match="v4 knows no superusers"):
            list(users.find(is_superuser=True))
        for plan in (
            Plan(create=with_password("a", is_superuser=False)),
            Plan(update=[(named("a"), named("a", is_superuser=True))]),
        ):
            with pytest.raises(InputError, match="is_superuser is given for the username 'a'"):
                users.check(plan)


# v4: changing


def test_v4_creates_one_user_with_an_object():
    with v4(Call("POST", "auth_username", body={"username": "a", "password": "pw-a"}, gives={"code": 0})) as api:
        assert outcomes(store(api, ["username"]).create(with_password("a"))) == {"a": None}


def test_v4_says_existed_with_http_200_and_that_is_a_failure():
    with v4(Call("POST", "auth_username", body=ANY, gives={"message": "existed"})) as api:
        error = outcomes(store(api, ["username"]).create(with_password("a")))["a"]
    assert "it exists already" in str(error)


def test_v4_creates_many_users_in_one_request_a_kind_and_reads_every_item():
    users = [*with_password("abc"), User("clientid", "a", password="p"), User("clientid", "b", password="p")]
    by_username = [{"username": name, "password": "pw-" + name} for name in "abc"]
    by_clientid = [{"clientid": name, "password": "p"} for name in "ab"]
    results = {"c": "ok", "a": "ok", "b": "{error,existed}"}
    with v4(
        Call("POST", "auth_username", body=by_username, gives={"code": 0, "data": results}),
        Call("POST", "auth_clientid", body=by_clientid, gives={"code": 0, "data": {"a": "odd <thing>"}}),
    ) as api:
        found = {user.key: error for user, error in store(api, ["username", "clientid"]).create(users)}
    assert [key for key, error in found.items() if error is None] == [("username", "a"), ("username", "c")]
    error = found["username", "b"]
    assert "The username 'b' was not created: it exists already (existed)." == str(error)
    assert (error.status, error.code, error.method, error.path) == (200, "existed", "POST", "auth_username")
    assert "odd <thing>" in str(found["clientid", "a"]) and "(no result)" in str(found["clientid", "b"])


@pytest.mark.parametrize("data", [None, [], "ok", {"a": True, "b": None}, [{"result": "ok"}]])
def test_v4_items_without_a_result_are_not_taken_for_created(data):
    with v4(Call("POST", "auth_username", body=ANY, gives={"code": 0, "data": data})) as api:
        assert all(outcomes(store(api, ["username"]).create(with_password("ab"))).values())


@pytest.mark.parametrize(
    "refusal", [{"status": 413}, {"status": 400, "gives": "Bad Request", "sent": MEBIBYTE + 1}]
)
def test_v4_halves_a_batch_that_is_refused_for_its_size(refusal):
    def fine(names):
        body = [{"username": name, "password": "pw-" + name} for name in names]
        return Call("POST", "auth_username", body=body, gives={"code": 0, "data": dict.fromkeys(names, "ok")})

    refused = Call("POST", "auth_username", body=ANY, **refusal)
    with v4(refused, fine("ab"), fine("cd")) as api:
        assert outcomes(store(api, ["username"]).create(with_password("abcd"))) == dict.fromkeys("abcd")


def test_v4_does_not_halve_a_batch_that_is_refused_for_something_else():
    with v4(Call("POST", "auth_username", body=ANY, status=400, gives="Bad Request")) as api:
        found = outcomes(store(api, ["username"]).create(with_password("ab")))
    assert {type(error) for error in found.values()} == {ApiError}


def test_batches_have_the_size_that_the_user_asks_for():
    calls = [
        Call("POST", "auth_username", body=[{"username": name, "password": "pw-" + name} for name in names],
             gives={"code": 0, "data": dict.fromkeys(names, "ok")})
        for names in ("ab", "cd")
    ]
    with v4(*calls) as api:
        found = store(api, ["username"], batch_bytes=100).create(with_password("abcd"))
        assert outcomes(found) == dict.fromkeys("abcd")


def test_v4_sets_a_password_and_deletes_by_path():
    with v4(
        Call("PUT", "auth_username/a%20b", body={"password": "p"}, gives={"code": 0}),
        Call("DELETE", "auth_username/a%20b", gives={"code": 0}),
        Call("DELETE", "auth_clientid/c", status=500, gives="boom"),
    ) as api:
        users = store(api, ["username", "clientid"])
        assert outcomes(users.update([named("a b", password="p")])) == {"a b": None}
        assert outcomes(users.delete([named("a b")])) == {"a b": None}
        assert outcomes(users.delete([User("clientid", "c")]))["c"].status == 500


@pytest.mark.parametrize("generation", [v4, v5])
def test_a_password_that_a_broker_repeats_is_masked(generation):
    calls = [Call(method, ANY, body=ANY, status=400, gives={"message": "bad pw-abcde"}) for method in ("POST", "PUT")]
    for call, path in zip(calls, (("auth_username", USERS), ("auth_username/abcde", USERS + "/abcde"))):
        call.path = path[generation is v5]
    with generation(*calls) as api:
        users = store(api, ["username"])
        user = with_password(["abcde"], is_superuser=False)
        for found in (users.create(user), users.update(user)):
            assert "bad ********" in str(outcomes(found)["abcde"])
    bulk = Call("POST", "auth_username" if generation is v4 else IMPORT, ANY, ANY, status=400)
    bulk.gives = {"message": "pw-abcde and pw-fghij"}
    with generation(bulk) as api:
        found = outcomes(store(api, ["username"]).create(with_password(["abcde", "fghij"])))
        assert all("******** and ********" in str(error) for error in found.values())


# Plans that can't be carried out


@pytest.mark.parametrize("generation", [v4, v5])
def test_a_new_user_needs_a_password(generation):
    with generation() as api, pytest.raises(InputError, match="The username 'b' does not exist: it needs a password"):
        store(api, ["username"]).check(Plan(create=[*with_password("a"), named("b")]))


@pytest.mark.parametrize("generation", [v4, v5])
@pytest.mark.parametrize("name", [".", "..", "", 5, None])
def test_a_user_who_cannot_be_deleted_is_found_out_before_anything_is(generation, name):
    with generation() as api, pytest.raises(InputError, match="can't be used as a username to delete"):
        store(api, ["username"]).check(Plan(delete=[named("a"), named(name)]))


@pytest.mark.parametrize("generation", [v4, v5])
def test_a_plan_that_can_be_carried_out_passes(generation):
    with generation() as api:
        plan = Plan(create=with_password("a"), update=[(named("b"), named("b", password="p"))], delete=[named("c")])
        assert store(api, ["username"]).check(plan) is None


@pytest.mark.parametrize(
    ("rewrite", "password", "problem"),
    [(False, "p", "update_password: always"), (False, None, "update_password: always"), (True, None, "give it")],
)
def test_v5_never_resets_a_password_to_change_who_is_a_superuser(rewrite, password, problem):
    plan = Plan(update=[(named("a", is_superuser=False), named("a", is_superuser=True, password=password))])
    with v5() as api, pytest.raises(InputError, match=f"^is_superuser of the username 'a' .*{problem}"):
        store(api, ["username"], rewrite).check(plan)


def test_v5_changes_who_is_a_superuser_with_a_password():
    plan = Plan(update=[(named("a", is_superuser=False), named("a", is_superuser=True, password="p"))])
    with v5() as api:
        assert store(api, ["username"], rewrite=True).check(plan) is None


@pytest.mark.parametrize("generation", [v4, v5])
def test_an_empty_list_without_a_kind_is_not_purged(generation):
    with generation() as api, pytest.raises(InputError, match="kind has to name what is purged"):
        list(store(api, []).list())


# v5: the authenticator


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"gives": {"user_id_type": "clientid"}}, "clientid"),
        ({"gives": {"user_id_type": "odd"}}, "clientid"),
        ({"gives": {}}, "clientid"),
        ({"gives": []}, "clientid"),
        ({"status": 403, "gives": {"code": "FORBIDDEN"}}, "clientid"),
        ({"status": 404, "gives": "<html>"}, "clientid"),
    ],
)
def test_v5_takes_the_kind_as_named_unless_the_authenticator_says_otherwise(answer, kind):
    rows = page([{"user_id": "a", "is_superuser": True}])
    with v5(Call("GET", AUTHENTICATOR, **answer), Call("GET", USERS, ANY, gives=rows)) as api:
        assert list(store(api, [kind]).list()) == [User(kind, "a", is_superuser=True)]


@pytest.mark.parametrize(("named_kind", "known"), [("username", "clientid"), ("clientid", "username")])
def test_v5_refuses_a_kind_that_the_authenticator_does_not_have(named_kind, known):
    problem = f"knows its users by {known}, and the task names a {named_kind}: use {known}."
    with v5(Call("GET", AUTHENTICATOR, gives={"user_id_type": known})) as api, pytest.raises(InputError, match=problem):
        list(store(api, [named_kind]).current([User(named_kind, "a")], False))


def test_v5_refuses_two_kinds_before_any_request():
    with v5() as api, pytest.raises(InputError, match="has one kind of users"):
        list(store(api, ["username", "clientid"]).current([named("a"), User("clientid", "b")], False))


def test_v5_asks_for_the_authenticator_once():
    with v5(by_name(), *[Call("GET", USERS, ANY, gives=page([])) for unused in range(2)]) as api:
        users = store(api, ["username"])
        assert [*users.list(), *users.list()] == []


@pytest.mark.parametrize("status", [401, 500])
def test_v5_does_not_go_on_when_the_authenticator_cannot_be_asked(status):
    with v5(Call("GET", AUTHENTICATOR, status=status)) as api, pytest.raises(ApiError) as caught:
        list(store(api, ["username"]).list())
    assert caught.value.status == status


@pytest.mark.parametrize(("answer", "kind"), [({"user_id_type": "clientid"}, "clientid"), ({}, "username")])
def test_v5_reads_the_kind_that_there_is_where_none_is_named(answer, kind):
    rows = page([{"user_id": "a"}])
    with v5(Call("GET", AUTHENTICATOR, gives=answer), Call("GET", USERS, ANY, gives=rows)) as api:
        assert list(find(api, OPTIONS)) == [User(kind, "a", is_superuser=False)]


def test_v5_says_what_is_missing_where_there_is_no_built_in_database():
    calls = {
        "list": [Call("GET", USERS, ANY, status=404, gives=NO_AUTHENTICATOR)],
        "get": [Call("GET", USERS + "/a", status=404, gives=NO_AUTHENTICATOR)],
        "delete": [Call("DELETE", USERS + "/a", status=404, gives=NO_AUTHENTICATOR)],
    }
    missing = Call("GET", AUTHENTICATOR, status=404, gives=NO_AUTHENTICATOR)
    words = "no authenticator password_based:built_in_database, so it keeps no users"
    with v5(missing, *calls["list"]) as api, pytest.raises(ApiError, match=words):
        list(store(api, ["username"]).list())
    with v5(*calls["get"]) as api, pytest.raises(ApiError, match=words):
        store(api, ["username"]).get(named("a"))
    with v5(*calls["delete"]) as api:
        assert words in str(outcomes(store(api, ["username"]).delete([named("a")]))["a"])


# v5: reading


def test_v5_searches_in_the_server():
    query = [("is_superuser", "false"), ("like_user_id", "x"), ("page", 1), ("limit", 3)]
    with v5(by_name(), Call("GET", USERS, query, gives=page([{"user_id": "x1"}]))) as api:
        found = find(api, {**OPTIONS, "like": "x", "is_superuser": False, "limit": 3})
        assert list(found) == [named("x1", is_superuser=False)]


def test_v5_searches_here_where_an_odd_user_breaks_the_search_of_the_server():
    rows = page([{"user_id": "ax"}, {"user_id": 5}, {"user_id": "b"}, {"user_id": "x", "is_superuser": True}])
    broken = {"code": "BAD_REQUEST", "message": "error:badarg"}
    everything = [("is_superuser", "true"), ("page", 1), ("limit", 10000)]
    with v5(
        by_name(), Call("GET", USERS, ANY, status=400, gives=broken), Call("GET", USERS, everything, gives=rows)
    ) as api:
        found = store(api, ["username"]).find("x", True, 3)
        assert [user.name for user in found] == ["ax", "x"]


@pytest.mark.parametrize(
    ("like", "status", "reason"), [(None, 400, "badarg"), ("x", 400, "other"), ("x", 500, "badarg")]
)
def test_v5_does_not_hide_other_errors_of_a_search(like, status, reason):
    failing = Call("GET", USERS, ANY, status=status, gives={"code": "BAD_REQUEST", "message": reason})
    with v5(by_name(), failing) as api, pytest.raises(ApiError) as caught:
        list(store(api, ["username"]).find(like))
    assert caught.value.status == status


def test_one_user_is_one_request_on_v5_beside_the_question_for_the_kind():
    with v5(by_name(), Call("GET", USERS + "/a%2Fb", gives={"user_id": "a/b", "is_superuser": True})) as api:
        assert list(find(api, {**OPTIONS, "username": "a/b"})) == [named("a/b", is_superuser=True)]


def test_a_user_who_cannot_be_in_a_path_is_refused_before_any_request():
    for generation in (v4, v5):
        with generation() as api, pytest.raises(InputError, match="can't be used as username"):
            list(find(api, {**OPTIONS, "username": ".."}))


def test_v5_gives_404_for_a_user_who_does_not_exist():
    with v5(Call("GET", USERS + "/a", status=404, gives=NO_USER)) as api:
        assert store(api, ["username"]).get(named("a")) is None


def test_v5_tells_a_missing_user_from_a_call_that_it_does_not_offer():
    with v5(Call("GET", USERS + "/a", status=404, gives="<html>")) as api, pytest.raises(NotOffered):
        store(api, ["username"]).get(named("a"))


@pytest.mark.parametrize("gives", [{"user_id": "b"}, {}, [], None, page([])])
def test_v5_is_not_believed_when_it_answers_about_somebody_else(gives):
    odd = Call("GET", USERS + "/a", gives=gives)
    with v5(odd) as api, pytest.raises(ApiError, match="it should be about the username 'a'"):
        store(api, ["username"]).get(named("a"))


# v5: changing


def test_v5_fills_in_who_is_no_superuser():
    with v5() as api:
        users = store(api, ["username"])
        assert users.fresh(named("a", password="p")) == named("a", is_superuser=False)
        assert users.fresh(named("a", password="p")).password == "p"
        assert users.fresh(named("a", is_superuser=True)) == named("a", is_superuser=True)


def test_v5_creates_one_user_with_a_call_that_says_more_when_it_fails():
    body = {"user_id": "a", "password": "pw-a", "is_superuser": False}
    exists = {"code": "ALREADY_EXISTS", "message": "User already exists"}
    with v5(
        Call("POST", USERS, body=body, status=201, gives={"user_id": "a"}),
        Call("POST", USERS, body=body, status=409, gives=exists),
    ) as api:
        users = store(api, ["username"])
        assert outcomes(users.create(with_password("a", False))) == {"a": None}
        assert outcomes(users.create(with_password("a", False)))["a"].code == "ALREADY_EXISTS"


def test_v5_changes_one_user_by_path():
    body = {"password": "pw-a/b", "is_superuser": True}
    with v5(Call("PUT", USERS + "/a%2Fb", body=body, gives={})) as api:
        assert outcomes(store(api, ["username"]).update(with_password(["a/b"], True))) == {"a/b": None}


def imported(names, is_superuser=False, **answer):
    rows = [{"user_id": name, "password": "pw-" + name, "is_superuser": is_superuser} for name in names]
    return Call("POST", IMPORT, [("type", "plain")], rows, **answer)


@pytest.mark.parametrize("action", ["create", "update"])
@pytest.mark.parametrize(
    "answer", [{"gives": {"total": 2, "success": 2, "failed": 0}}, {"status": 204}, {"gives": []}, {"gives": {}}]
)
def test_v5_imports_many_users_in_one_request_and_always_says_who_is_a_superuser(action, answer):
    with v5(imported("ab", **answer)) as api:
        assert outcomes(getattr(store(api, ["username"]), action)(with_password("ab", False))) == dict.fromkeys("ab")


def test_v5_reports_who_was_lost_in_an_import():
    rows = page([{"user_id": "a"}, {"user_id": "other"}])
    with v5(
        imported("abc", gives={"total": 3, "failed": 2}), by_name(), Call("GET", USERS, ANY, gives=rows)
    ) as api:
        found = outcomes(store(api, ["username"]).create(with_password("abc", False)))
    assert [name for name, error in found.items() if error is None] == ["a"]
    assert str(found["b"]) == "The username 'b' was not imported: 2 of 3 users of the import failed."
    assert (found["b"].status, found["b"].path, found["b"].fatal) == (200, IMPORT, False)


def test_v5_suspects_everybody_where_a_listing_does_not_tell_who_was_lost():
    rows = page([{"user_id": name} for name in "abc"])
    with v5(imported("abc", gives={"failed": 1}), by_name(), Call("GET", USERS, ANY, gives=rows)) as api:
        found = outcomes(store(api, ["username"], rewrite=True).update(with_password("abc", False)))
    assert all(isinstance(error, ApiError) for error in found.values())


@pytest.mark.parametrize("failed", ["2", None, True, [1], {"a": 1}, -1, 1.5])
def test_v5_may_count_failures_oddly(failed):
    names = page([{"user_id": "a"}, {"user_id": "b"}])
    with v5(imported("ab", gives={"failed": failed})) as api:
        api.http.script += [] if failed is None else [by_name(), Call("GET", USERS, ANY, gives=names)]
        found = outcomes(store(api, ["username"]).create(with_password("ab", False)))
        api.http.script.clear()
    assert set(found) == {"a", "b"}


@pytest.mark.parametrize(
    "refusal",
    [{"status": 413}, {"status": 500, "sent": MEBIBYTE + 1}],
)
def test_v5_halves_an_import_that_is_refused_for_its_size(refusal):
    with v5(imported("abc", **refusal), imported("a", status=204), imported("bc", status=204)) as api:
        assert outcomes(store(api, ["username"]).create(with_password("abc", False))) == dict.fromkeys("abc")


def test_v5_halves_an_import_that_resets_the_connection():
    huge = "p" * MEBIBYTE
    users = [named(name, password=huge, is_superuser=False) for name in "ab"]
    reset = Call("POST", IMPORT, ANY, ANY, gives=TransportError("lost", "POST", IMPORT, True, 2 * MEBIBYTE))
    with v5(reset, *[Call("POST", IMPORT, ANY, ANY, status=204) for unused in "ab"]) as api:
        found = store(api, ["username"], batch_bytes=10 * MEBIBYTE).create(users)
        assert outcomes(found) == {"a": None, "b": None}


def test_v5_a_user_who_is_too_large_alone_fails_alone():
    refused = {"status": 413}
    with v5(imported("abc", **refused), imported("a", **refused), imported("bc", status=204)) as api:
        found = outcomes(store(api, ["username"]).create(with_password("abc", False)))
    assert isinstance(found["a"], TooLarge) and found["b"] is found["c"] is None


def test_v5_sends_no_further_import_after_an_error_that_would_repeat_itself():
    with v5(imported("ab", status=403)) as api:
        found = outcomes(store(api, ["username"], batch_bytes=150).create(with_password("abcd", False)))
    assert [type(error) for error in found.values()] == [ApiError, ApiError, NotAttempted, NotAttempted]


def test_v5_a_user_who_is_gone_already_is_deleted():
    with v5(Call("DELETE", USERS + "/a", status=204), Call("DELETE", USERS + "/b", status=404, gives=NO_USER)) as api:
        assert outcomes(store(api, ["username"]).delete([named("a"), named("b")])) == {"a": None, "b": None}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [({"status": 404, "gives": "<html>"}, NotOffered), ({"status": 403, "gives": {"code": "X"}}, ApiError),
     ({"status": 500}, ApiError)],
)
def test_v5_a_deletion_that_fails_otherwise_is_a_failure(answer, kind):
    with v5(Call("DELETE", USERS + "/a", **answer)) as api:
        assert outcomes(store(api, ["username"]).delete([named("a")]))["a"].__class__ is kind
