# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialects of the API: what is a success, what an error says, how lists are paged and batches cut."""

from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._converge import Plan
from ansible_collections.emqx.cloud.plugins.module_utils._errors import (
    ApiError,
    EmqxError,
    InputError,
    Missing,
    NotAttempted,
    NotOffered,
    TooLarge,
    TransportError,
)
from ansible_collections.emqx.cloud.plugins.module_utils._http import Answer
from ansible_collections.emqx.cloud.plugins.module_utils._resources import _api
from ansible_collections.emqx.cloud.plugins.module_utils._resources._api import (
    MEBIBYTE,
    PlatformApi,
    Store,
    V4Api,
    V5Api,
    deployment_api,
    in_batches,
    platform_api,
)
from ansible_collections.emqx.cloud.plugins.module_utils._task import CONNECTION
from ansible_collections.emqx.cloud.tests.unit.helpers import ANY, SECRET, Call, Thing, page, scripted, v4, v5

DEFAULTS = {name: option.get("default") for name, option in CONNECTION.items()}
BOTH = pytest.mark.parametrize("generation", [v4, v5])


def failure(generation, **answer):
    """What a single call raises."""
    with generation(Call("GET", "things", **answer)) as api, pytest.raises(ApiError) as caught:
        api.call("GET", "things")
    return caught.value


# Which generation


@pytest.mark.parametrize(
    ("url", "version", "kind"),
    [
        ("https://h:8443/api/v5", "auto", V5Api), ("https://h:8443/api/v5/", "auto", V5Api),
        (" https://h/prefix/api/v5 ", "auto", V5Api), ("https://h:8443/api", "auto", V4Api),
        ("https://h:8443/api/", "auto", V4Api), ("http://127.0.0.1:8081/api/v4", "auto", V4Api),
        ("https://h/behind/a/gateway", "v4", V4Api), ("https://h", "v5", V5Api), ("https://h/api/v5", "v4", V4Api),
    ],
)
def test_the_generation_is_told_by_the_url_or_by_the_user(url, version, kind):
    api = deployment_api({**DEFAULTS, "api_url": url, "app_id": "i", "app_secret": "s", "api_version": version})
    assert isinstance(api, kind)
    assert (api.http.settings.user, api.http.settings.secret, api.http.settings.option) == ("i", "s", "api_url")
    assert api.generation == ("v5" if kind is V5Api else "v4")


@pytest.mark.parametrize(
    ("url", "version", "problem"),
    [
        ("https://h", "auto", "doesn't tell the generation"), ("https://h/api/v6", "auto", "doesn't tell"),
        ("https://v5/", "auto", "doesn't tell"), ("https://h/xapi", "auto", "doesn't tell"),
        ("https://h/public_api/v1", "auto", "that of the Platform API"),
        ("https://h/public_api", "v5", "that of the Platform API"),
        ("http://h/api/v5", "auto", "plain HTTP"), ("https://me:pw@h/api/v5", "auto", "holds credentials"),
    ],
)
def test_a_url_that_cannot_be_right_is_refused(url, version, problem):
    with pytest.raises(InputError, match=problem):
        deployment_api({**DEFAULTS, "api_url": url, "app_id": "i", "app_secret": "s", "api_version": version})


def test_the_options_of_the_connection_reach_it():
    given = {
        "validate_certs": False, "ca_path": "/ca", "client_cert": "/c", "client_key": "/k", "timeout": 1.5,
        "retries": 0, "retry_wait_max": 0, "rate_limit": 0.5, "max_connections": 3, "allow_http": True,
    }
    api = deployment_api({
        **DEFAULTS, **given, "api_url": "http://h/api", "app_id": "i", "app_secret": "s", "api_version": "auto"
    })
    assert {name: getattr(api.http.settings, name) for name in given} == given


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("timeout", 0, "between 0.001"), ("timeout", -1, "between"), ("retries", -1, "between 0 "),
        ("retry_wait_max", -0.1, "between 0 "), ("max_connections", 0, "between 1 "),
        ("rate_limit", 0, "between 0.001"),
        ("rate_limit", -3, "between 0.001"), ("client_key", "/k", "without client_cert"),
    ],
)
def test_an_option_of_the_connection_that_cannot_be_right_is_named(option, value, problem):
    options = {**DEFAULTS, "api_url": "https://h/api", "app_id": "i", "app_secret": "s", option: value}
    with pytest.raises(InputError, match=f"^{option} .*{problem}"):
        deployment_api(options)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "platform_url and platform_key and platform_secret not given"),
        ({"platform_url": "https://p/public_api/v1", "platform_key": ""}, "platform_key and platform_secret not given"),
    ],
)
def test_the_platform_api_says_which_of_its_options_are_missing(given, missing):
    with pytest.raises(InputError, match=missing):
        platform_api({**DEFAULTS, **given})


def test_the_platform_api_names_its_own_credentials_when_they_are_refused():
    options = {"platform_url": "https://p/public_api/v1", "platform_key": "k", "platform_secret": "s"}
    api = platform_api({**DEFAULTS, **options})
    assert isinstance(api, PlatformApi) and api.http.settings.credentials == "platform_key and platform_secret"
    assert api.http.settings.option == "platform_url"


# What is a success


@pytest.mark.parametrize("body", [{"code": 0}, {"code": 0, "data": []}, {"code": 0, "message": "odd"}])
def test_v4_says_success_with_code_zero(body):
    with v4(Call("GET", "things", gives=body)) as api:
        assert api.call("GET", "things") == body


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"message": "existed"}, None, "it exists already"),
        ({"message": "noexisted"}, None, "it does not exist"),
        ({"message": "module_not_loaded"}, None, "not loaded"),
        ({"message": "{add,#{x => 1}}"}, None, "{add,#{x => 1}}"),
        ({}, None, "without a result code"),
        ({"data": []}, None, "without a result code"),
        ({"code": "0"}, "0", "unknown result code"),
        ({"code": False}, "false", "unknown result code"),
        ({"code": 0.0}, "0.0", "unknown result code"),
        ({"code": None}, None, "without a result code"),
        ({"code": 105, "message": "x"}, 105, "user does not exist"),
        ({"code": 112}, 112, "not online"),
        ({"code": 999}, 999, "unknown result code"),
        ({"code": [1]}, "[1]", "unknown result code"),
        ({"code": 108, "message": {"a": 1}}, 108, '{"a": 1}'),
        ([], None, "not the JSON"),
        ("plain text", None, "plain text"),
        ("<html>page</html>", None, "an HTML page"),
        (None, None, "not the JSON"),
        ("0", None, "not the JSON"),
    ],
)
def test_on_v4_an_http_200_without_code_zero_is_a_failure_that_says_what_it_means(body, code, words):
    error = failure(v4, gives=body)
    assert words in str(error) and str(error).startswith("GET things failed: ")
    assert (error.status, error.code, error.fatal, type(error)) == (200, code, False, ApiError)


@pytest.mark.parametrize("status", [201, 202, 204, 206])
def test_on_v4_no_other_status_is_a_success(status):
    assert failure(v4, status=status, gives={"code": 0}).status == status


@pytest.mark.parametrize(
    ("status", "gives", "body"),
    [(200, {"a": 1}, {"a": 1}), (200, [], []), (201, {"id": 1}, {"id": 1}), (202, {"reason_code": 16}, ANY),
     (204, None, None), (200, None, None), (200, "  ", None), (200, {"code": 112}, {"code": 112})],
)
def test_v5_says_success_with_the_status(status, gives, body):
    with v5(Call("GET", "things", status=status, gives=gives)) as api:
        found = api.call("GET", "things")
        assert body is ANY or found == body


@pytest.mark.parametrize(
    ("gives", "words"), [("<html>", "an HTML page"), ("plain", "plain"), ("{broken", "{broken"), ("x" * 999, "x" * 200)]
)
def test_on_v5_a_success_that_is_no_json_is_a_failure(gives, words):
    error = failure(v5, gives=gives)
    assert "the answer is no JSON" in str(error) and words in str(error) and "x" * 201 not in str(error)


# What an error says


@pytest.mark.parametrize(
    ("status", "gives", "kind", "code", "words"),
    [
        (400, {"code": "BAD_REQUEST", "message": '{"reason":"required_field","path":"root.password"}'}, ApiError,
         "BAD_REQUEST", "refused the request (HTTP 400, code BAD_REQUEST, required_field: root.password)."),
        (400, {"code": "ALREADY_EXISTS", "message": "y"}, ApiError, "ALREADY_EXISTS", "it exists already"),
        (400, {"code": "NEW_ONE", "message": "y"}, ApiError, "NEW_ONE", "bad request (HTTP 400, code NEW_ONE, y)."),
        (400, {"reason_code": 144, "message": "y"}, ApiError, 144, "the topic name is invalid"),
        (401, {"code": "BAD_API_KEY_OR_SECRET", "message": "y"}, ApiError, "BAD_API_KEY_OR_SECRET",
         "the credentials are refused: check app_id and app_secret"),
        (401, None, ApiError, None, "check app_id and app_secret (HTTP 401)."),
        (403, {"code": "NOT_FOUND"}, ApiError, "NOT_FOUND", "lacks the permission"),
        (404, {"message": "no Route matched with those values"}, NotOffered, None, "knows no such address"),
        (404, {"code": "X"}, NotOffered, "X", "knows no such address"),
        (404, {"code": "NOT_FOUND", "message": "no user"}, Missing, "NOT_FOUND", "not found (HTTP 404"),
        (404, {"code": "NOT_FOUND", "message": "Request Path Not Found"}, NotOffered, "NOT_FOUND", "not offer the"),
        (404, "<html>404</html>", NotOffered, None, "does not offer the call (HTTP 404, an HTML page)."),
        (404, "Not found.", NotOffered, None, "does not offer the call"),
        (404, None, NotOffered, None, "does not offer the call (HTTP 404)."),
        (405, None, NotOffered, None, "does not offer the call (HTTP 405)."),
        (405, {"code": "X", "message": "m"}, NotOffered, "X", "does not offer the call"),
        (409, {"code": "EXCEED_LIMIT", "message": "max 512"}, ApiError, "EXCEED_LIMIT", "the limit is reached"),
        (413, "<html>", TooLarge, None, "the request is too large"),
        (413, {"code": "X"}, TooLarge, "X", "the request is too large"),
        (418, None, ApiError, None, "an unexpected status (HTTP 418)."),
        (422, {"message": ["a"]}, ApiError, None, '["a"]'),
        (500, {"code": "INTERNAL_ERROR", "message": "boom"}, ApiError, "INTERNAL_ERROR", "inside the broker"),
        (500, [1, 2], ApiError, None, "an error inside the server (HTTP 500, [1, 2])."),
        (502, None, ApiError, None, "the gateway got no valid answer"),
        (504, "<html>", ApiError, None, "in time"),
        (100, None, ApiError, None, "an unexpected status"),
    ],
)
@BOTH
def test_an_error_status_says_what_it_means(generation, status, gives, kind, code, words):
    error = failure(generation, status=status, gives=gives)
    assert words in str(error)
    assert (type(error), error.status, error.code, error.method, error.path) == (kind, status, code, "GET", "things")


@BOTH
def test_secrets_do_not_come_back_in_an_error(generation):
    pair = base64.b64encode(b"scripted-id:" + SECRET.encode()).decode()
    said = f"{SECRET} {pair} hunter2"
    with generation(Call("POST", "x", status=400, gives={"message": said})) as api, pytest.raises(ApiError) as caught:
        api.call("POST", "x", secrets=["hunter2"])
    assert caught.value.reason == "******** ******** ********"
    for shown in (SECRET, pair, "hunter2"):
        assert shown not in str(caught.value) + repr(caught.value.details())


def test_a_very_long_error_is_cut():
    error = failure(v5, status=400, gives={"message": "x" * 5000})
    assert len(error.reason) == 2000 and len(str(error)) < 2200


@pytest.mark.parametrize(
    ("status", "words"), [(429, "tried again in 3600 s (at "), (503, "tried again in 3600 s (at "), (400, None)]
)
@BOTH
def test_the_wait_that_a_server_asks_for_is_named(generation, status, words):
    error = failure(generation, status=status, retry_after="3600")
    assert (words in str(error)) if words else ("again" not in str(error))


# Bodies that are too large


@pytest.mark.parametrize(
    ("generation", "answer", "kind"),
    [
        (v4, {"status": 400, "gives": "Bad Request", "sent": MEBIBYTE + 1}, TooLarge),
        (v4, {"status": 400, "gives": "Bad Request", "sent": MEBIBYTE}, ApiError),
        (v4, {"status": 400, "gives": "Something else", "sent": MEBIBYTE + 1}, ApiError),
        (v4, {"status": 500, "gives": None, "sent": MEBIBYTE + 1}, ApiError),
        (v5, {"status": 500, "gives": None, "sent": MEBIBYTE + 1}, TooLarge),
        (v5, {"status": 500, "gives": None, "sent": MEBIBYTE}, ApiError),
        (v5, {"status": 500, "gives": "boom", "sent": MEBIBYTE + 1}, ApiError),
        (v5, {"status": 400, "gives": "Bad Request", "sent": MEBIBYTE + 1}, ApiError),
        (v4, {"status": 413, "sent": 1}, TooLarge),
        (v5, {"status": 413, "sent": 1}, TooLarge),
    ],
)
def test_a_refusal_for_the_size_is_told_from_others(generation, answer, kind):
    assert failure(generation, **answer).__class__ is kind


@pytest.mark.parametrize(
    ("lost", "size", "kind"),
    [(True, MEBIBYTE, TooLarge), (True, 1000, TransportError), (False, MEBIBYTE, TransportError)],
)
def test_on_v5_a_large_body_may_reset_the_connection(lost, size, kind):
    error = TransportError("lost", "POST", "x", lost, sent=size + 4)
    with v5(Call("POST", "x", body=ANY, gives=error)) as api, pytest.raises(EmqxError) as caught:
        api.call("POST", "x", body=["x" * size])
    assert caught.type is kind and str(caught.value) == "lost"


# Lists


def rows(generation, *answers, page_size=None, asked=10000):
    """All rows that come of these answers, one a page."""
    names = ("_page", "_limit") if generation is v4 else ("page", "limit")
    calls = [
        Call("GET", "things", [("a", "b"), (names[0], number), (names[1], asked)], gives=gives)
        for number, gives in enumerate(answers, 1)
    ]
    with generation(*calls) as api:
        return [row["n"] for row in api.rows("things", [("a", "b")], page_size)]


def test_rows_may_come_as_items():
    with v4(Call("GET", "shadows", [("_page", 1), ("_limit", 5)], gives={"items": [{"n": 1}], "meta": {}})) as api:
        assert list(api.rows("shadows", page_size=5)) == [{"n": 1}]


@pytest.mark.parametrize(
    ("path", "answer", "succeeds"),
    [
        ("shadows", {"gives": {"shadowID": "x"}}, True), ("shadows/x/json", {"gives": {"data": {}}}, True),
        ("shadows/x", {"status": 204}, True), ("shadows/x", {"gives": {"code": 0}}, True),
        ("shadows/x", {"gives": {"message": "existed"}}, False), ("shadows/x", {"gives": {"code": 101}}, False),
        ("shadows/x", {"gives": [1]}, False), ("shadows/x", {"gives": "<html>"}, False),
        ("shadows/x", {"status": 500, "gives": {"shadowID": "x"}}, False),
        ("shadowsx", {"gives": {"shadowID": "x"}}, False), ("clients", {"gives": {"shadowID": "x"}}, False),
    ],
)
def test_the_shadow_service_sends_no_result_code(path, answer, succeeds):
    with v4(Call("GET", path, **answer)) as api:
        if succeeds:
            assert api.call("GET", path) == answer.get("gives")
        else:
            with pytest.raises(ApiError):
                api.call("GET", path)


def some(first, last):
    return [{"n": number} for number in range(first, last)]


@pytest.mark.parametrize(
    ("answers", "count"),
    [
        ([page([])], 0),
        ([page(some(0, 2))], 2),  # short, and nothing said
        ([page(some(0, 3)), page([])], 3),  # full: it takes another look
        ([page(some(0, 3), hasnext=True), page(some(3, 6), hasnext=True), page([], hasnext=True)], 6),
        ([page(some(0, 3), count=-1), page(some(3, 4), count=0)], 4),
        ([page(some(0, 2), hasnext=True), page(some(2, 3), hasnext=False)], 3),  # fewer rows than asked for, and more
        ([page(some(0, 2), limit=2), page(some(2, 4), limit=2), page(some(4, 5), limit=2)], 5),  # smaller pages
        ([page(some(0, 3), limit=0, hasnext="yes"), page([])], 3),
        ([{"code": 0, "data": some(0, 2)}], 2),
        ([{"code": 0, "data": some(0, 2), "meta": None}], 2),
        ([{"code": 0, "data": some(0, 2), "meta": [1]}], 2),
    ],
)
@BOTH
def test_a_list_is_read_to_its_end_and_no_further(generation, answers, count):
    assert rows(generation, *answers, page_size=3, asked=3) == list(range(count))


def test_on_v5_a_bare_list_is_the_whole_list():
    assert rows(v5, some(0, 20), page_size=3, asked=3) == list(range(20))
    assert rows(v5, []) == []


@pytest.mark.parametrize(("page_size", "asked"), [(None, 10000), (50000, 10000), (10000, 10000), (7, 7)])
@BOTH
def test_the_largest_page_is_asked_for_unless_fewer_rows_are_wanted(generation, page_size, asked):
    assert rows(generation, page([]), page_size=page_size, asked=asked) == []


@BOTH
def test_pages_are_read_only_as_far_as_rows_are_wanted(generation):
    names = ("_page", "_limit") if generation is v4 else ("page", "limit")
    with generation(Call("GET", "things", [(names[0], 1), (names[1], 2)], gives=page(some(0, 2)))) as api:
        found = api.rows("things", (), 2)
        assert [next(found), next(found)] == some(0, 2)


@BOTH
def test_a_server_that_gives_the_same_page_again_and_again_is_found_out(generation):
    same = page(some(0, 3))
    with pytest.raises(ApiError, match="page 2 repeats one before it"):
        rows(generation, same, same, page_size=3, asked=3)


@pytest.mark.parametrize(
    "gives", [{"code": 0}, {"code": 0, "data": None}, {"code": 0, "data": {"a": 1}}, {"code": 0, "data": "x"},
              {"code": 0, "data": [1]}, {"code": 0, "data": [{"n": 1}, None]}],
)
@BOTH
def test_a_list_of_another_shape_is_a_clear_error(generation, gives):
    with pytest.raises(ApiError, match="^GET things gave an answer that can't be used: a list of objects was expected"):
        rows(generation, gives)


@pytest.mark.parametrize("gives", [[1, 2], [[]], None, "7"])
def test_on_v5_a_bare_answer_of_another_shape_is_a_clear_error(gives):
    with pytest.raises(ApiError, match="a list of objects was expected"):
        rows(v5, gives)


# What all stores share


class Lookups(Store):
    """Things that are looked up one by one, or listed."""

    few = 2

    def list(self):
        yield from (Thing(name) for name in "abc")

    def get(self, record):
        if record.name == "broken":
            raise ApiError("broken", 500, None, "", "GET", "x")
        return Thing(record.name, 7) if record.name in "abc" else None


@pytest.mark.parametrize(
    ("names", "everything", "found"),
    [
        ("az", False, [Thing("a", 7)]),
        ("", False, []),
        ("azy", False, [Thing("a"), Thing("b"), Thing("c")]),  # too many to be looked up
        ("a", True, [Thing("a"), Thing("b"), Thing("c")]),
    ],
)
def test_few_things_are_looked_up_and_many_are_listed(names, everything, found):
    with v5() as api:
        assert list(Lookups(api).current([Thing(name) for name in names], everything)) == found


def test_a_lookup_that_fails_ends_the_task():
    with v5() as api, pytest.raises(ApiError, match="broken"):
        list(Lookups(api).current([Thing("a"), Thing("broken")], False))


def test_a_store_takes_records_as_they_are_and_refuses_what_it_lacks():
    with v5() as api:
        store = Store(api)
        assert store.fresh(Thing("a")) == Thing("a")
        assert store.check(Plan(create=[Thing("a")])) is None
        with pytest.raises(TypeError, match="Store can't list"):
            list(store.current([], True))
        with pytest.raises(TypeError, match="Store can't look up"):
            store.get(Thing("a"))


def test_changes_without_a_bulk_call_give_the_outcome_of_each():
    errors = {"b": ApiError("no", 404, None, "", "PUT", "x")}

    def change(thing):
        if thing.name in errors:
            raise errors[thing.name]

    with v5() as api:
        outcomes = dict(Store(api).one_by_one(change, [Thing("a"), Thing("b"), Thing("c")]))
    assert outcomes == {Thing("a"): None, Thing("b"): errors["b"], Thing("c"): None}


# Batches


def batches(names, send, batch_bytes=10 ** 6, width=1):
    """The outcomes of rows of a known size, and the batches that were sent."""
    sent = []

    def note(batch, body):
        found = [thing.name for thing, unused in batch]
        assert json.loads(body) == [row for unused, row in batch]
        assert len(body) <= batch_bytes or len(batch) == 1
        sent.append("".join(found))
        return send(found, batch)

    outcomes = list(in_batches([(Thing(name), name * width) for name in names], note, batch_bytes))
    assert "".join(thing.name for thing, unused in outcomes) == names
    return {thing.name: error for thing, error in outcomes}, sent


def fine(names, batch):
    return [(thing, None) for thing, unused in batch]


def too_large(status=413):
    return TooLarge("too large", status, None, "", "POST", "x")


@pytest.mark.parametrize(
    ("names", "batch_bytes", "sent"),
    [
        ("", 100, []), ("abcdef", 1000, ["abcdef"]), ("abcdef", 25, ["ab", "cd", "ef"]),  # 9 letters, 2 quotes
        ("abcdef", 24, list("abcdef")), ("abcdef", 37, ["abc", "def"]), ("abc", 1, ["a", "b", "c"]),
    ],
)
def test_batches_are_cut_by_the_bytes_of_their_json(names, batch_bytes, sent):
    assert batches(names, fine, batch_bytes, width=9)[1] == sent


@pytest.mark.parametrize(
    ("batch_bytes", "sizes"), [(1000, [83] * 7 + [19]), (2406, [200] * 3), (3000, [249, 249, 102]), (8000, [600])]
)
def test_a_batch_is_as_full_as_it_may_be(batch_bytes, sizes):
    assert [len(sent) for sent in batches("abcdef" * 100, fine, batch_bytes, width=9)[1]] == sizes


def test_bytes_and_not_characters_count():
    sent = []
    rows = [(Thing(name), "\u00e9" * 10) for name in "abcd"]
    list(in_batches(rows, lambda unused, body: sent.append(body) or [], 47))
    assert [len(body) for body in sent] == [47, 47]  # two rows of 22 bytes, the comma and the brackets


def test_a_batch_that_is_refused_for_its_size_is_halved_until_it_passes():
    def send(names, batch):
        if len(names) > 2:
            raise too_large()
        return fine(names, batch)

    outcomes, sent = batches("abcdefg", send)
    assert sent == ["abcdefg", "abc", "a", "bc", "defg", "de", "fg"]
    assert set(outcomes.values()) == {None}


def test_one_item_that_is_too_large_by_itself_fails_alone():
    def send(names, batch):
        if "c" in names:
            raise too_large()
        return fine(names, batch)

    outcomes, sent = batches("abcd", send)
    assert {name for name, error in outcomes.items() if error} == {"c"}
    assert isinstance(outcomes["c"], TooLarge)


def test_a_batch_that_fails_fails_as_a_whole_and_the_next_is_sent():
    error = ApiError("no", 400, None, "", "POST", "x")

    def send(names, batch):
        if "b" in names:
            raise error
        return fine(names, batch)

    outcomes, sent = batches("abcdef", send, 25, width=9)
    assert outcomes == {"a": error, "b": error, "c": None, "d": None, "e": None, "f": None}
    assert sent == ["ab", "cd", "ef"]


def test_items_of_a_batch_that_fail_alone_stop_nothing():
    error = ApiError("no", 200, 113, "", "POST", "x")
    outcomes, sent = batches("abcd", lambda names, batch: [(batch[0][0], error), (batch[1][0], None)], 25, width=9)
    assert outcomes == {"a": error, "b": None, "c": error, "d": None}


@pytest.mark.parametrize(
    "error", [TransportError("lost", "POST", "x", lost=True), ApiError("no", 401, None, "", "POST", "x")]
)
def test_after_an_error_that_would_repeat_itself_no_further_batch_is_sent(error):
    def send(names, batch):
        raise error

    outcomes, sent = batches("abcdef", send, 25, width=9)
    assert sent == ["ab"]
    assert [outcomes[name] for name in "ab"] == [error, error]
    assert all(isinstance(outcomes[name], NotAttempted) for name in "cdef")


def test_the_other_half_of_a_batch_is_not_sent_after_an_error_that_would_repeat_itself():
    error = ApiError("no", 401, None, "", "POST", "x")

    def send(names, batch):
        if len(names) > 2:
            raise too_large()
        raise error

    outcomes, sent = batches("abcd", send)
    assert sent == ["abcd", "ab"]
    assert outcomes["a"] is outcomes["b"] is error
    assert all(isinstance(outcomes[name], NotAttempted) for name in "cd")


def test_an_api_without_a_dialect_is_a_mistake():
    from ansible_collections.emqx.cloud.plugins.module_utils._resources._api import Api

    with scripted(Api, Call("GET", "x")) as api, pytest.raises(TypeError, match="Api has no dialect"):
        api.call("GET", "x")


@BOTH
@pytest.mark.parametrize(
    ("method", "retried", "gone"), [("DELETE", True, True), ("DELETE", False, False), ("GET", True, False)]
)
def test_what_is_gone_after_a_repeated_delete_was_deleted_by_it(generation, method, retried, gone):
    with generation() as api:
        answer = Answer(method, "things/a", 404, "{}", {"code": "NOT_FOUND", "message": "No thing"}, retried, 0, None)
        if gone:
            assert api.checked(answer) is None
        else:
            with pytest.raises(ApiError):
                api.checked(answer)


def test_pages_that_come_round_again_are_no_endless_loop():
    rounds = [Call("GET", "things", ANY, gives=page([{"n": n % 2}], limit=1)) for n in range(3)]
    with v5(*rounds) as api, pytest.raises(ApiError, match="repeats one before it"):
        list(api.rows("things", page_size=1))


def test_a_list_that_has_new_rows_for_ever_ends(monkeypatch):
    monkeypatch.setattr(_api, "PAGES", 3)
    script = [Call("GET", "things", ANY, gives=page([{"id": f"a-{n}"}], limit=1)) for n in range(3)]
    with v5(*script) as api, pytest.raises(ApiError, match="GET things gave .*: the list goes on after 3 pages"):
        list(api.rows("things", page_size=1))


@BOTH
def test_a_row_that_shifts_to_the_next_page_comes_once_whatever_its_counters(generation):
    first = page([{"id": "a", "sent": 1}, {"id": "b", "sent": 1}], limit=2)
    second = page([{"id": "b", "sent": 2}, {"id": "c", "sent": 2}], limit=2)
    last = page([{"id": "c", "sent": 3}], limit=2)
    script = [Call("GET", "things", ANY, gives=gives) for gives in (first, second, last)]
    with generation(*script) as api:
        assert [row["id"] for row in api.rows("things", page_size=2)] == ["a", "b", "c"]


def test_rows_of_one_page_all_come_even_if_they_are_the_same():
    with v5(Call("GET", "things", ANY, gives=page([{"n": 1}, {"n": 1}]))) as api:
        assert len(list(api.rows("things"))) == 2


@pytest.mark.parametrize("nodes", ["ab", "aa"])
def test_rows_that_nothing_tells_apart_come_from_each_page(nodes):
    pages = [page([{"node": node} for node in on_page], limit=2) for on_page in (nodes, nodes, nodes[::-1], "a")]
    with v5(*(Call("GET", "things", ANY, gives=gives) for gives in pages)) as api:
        assert "".join(row["node"] for row in api.rows("things", named=False)) == f"{nodes}{nodes}{nodes[::-1]}a"


@pytest.mark.parametrize("names", ["aab", "aaa"])
def test_a_page_with_a_row_twice_that_comes_again_is_no_endless_loop(names):
    turns = [Call("GET", "things", ANY, gives=page([{"id": name} for name in names], limit=3)) for _turn in range(2)]
    with v5(*turns) as api, pytest.raises(ApiError, match="repeats one before it"):
        list(api.rows("things", page_size=3))


def test_a_list_that_goes_on_for_ever_ends_although_its_counters_change():
    def turn(number):
        return Call("GET", "things", ANY, gives=page([{"id": "a", "packets": number}], limit=1))

    with v5(turn(1), turn(2)) as api, pytest.raises(ApiError, match="repeats one before it"):
        list(api.rows("things", page_size=1))


@BOTH
@pytest.mark.parametrize(
    ("status", "gives", "unclear"),
    [(500, None, True), (502, None, True), (504, None, True), (503, None, False), (400, None, False),
     (200, "<html>", True)],
)
def test_what_nobody_has_refused_may_have_been_carried_out(generation, status, gives, unclear):
    script = [Call("GET", "x", status=status, gives=gives), Call("PUT", "x", status=status, gives=gives)]
    with generation(*script) as api:
        for method, doubt in (("GET", False), ("PUT", unclear)):
            with pytest.raises(ApiError) as caught:
                api.call(method, "x")
            assert str(caught.value).endswith(f" {method} x may have been carried out.") is doubt


@pytest.mark.parametrize(
    ("gives", "unclear"),
    [({"code": "0"}, True), ({}, True), ({"message": "existed"}, False), ({"code": 102}, False), ([1], True)],
)
def test_on_v4_a_code_or_a_known_message_is_a_refusal(gives, unclear):
    with v4(Call("POST", "x", gives=gives)) as api, pytest.raises(ApiError) as caught:
        api.call("POST", "x")
    assert str(caught.value).endswith(" POST x may have been carried out.") is unclear


@BOTH
@pytest.mark.parametrize("secret", ["hunter2-secret", "hunter2  secret", "hunter2\nsecret"])
def test_a_secret_is_masked_before_a_long_answer_is_cut_and_put_on_one_line(generation, secret):
    text = "x" * 185 + f" password is {secret} and\nmore"
    with generation(Call("POST", "x", ANY, ANY, status=500, gives=text)) as api, pytest.raises(ApiError) as caught:
        api.call("POST", "x", body={}, secrets=[secret])
    assert "hu" not in caught.value.reason and "hu" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_secret_that_comes_back_as_the_code_is_masked():
    gives = {"code": "Passw0rd!", "message": "no"}
    with v5(Call("POST", "x", ANY, ANY, status=400, gives=gives)) as api, pytest.raises(ApiError) as caught:
        api.call("POST", "x", body={}, secrets=["Passw0rd!"])
    assert "Passw0rd" not in str(caught.value.details()) + str(caught.value)


@pytest.mark.parametrize("url", ["https://[::1/api/v5", "https://h:x/api/v5"])
def test_an_address_that_cannot_be_read_is_one_sentence(url):
    with pytest.raises(InputError, match="no valid URL"):
        deployment_api({**DEFAULTS, "api_url": url, "app_id": "a", "app_secret": SECRET})


@pytest.mark.parametrize("option", ["app_id", "app_secret"])
def test_credentials_that_are_no_text_are_one_sentence(option):
    options = {**DEFAULTS, "api_url": "https://h/api/v5", "app_id": "a", "app_secret": SECRET, option: "\udcff"}
    with pytest.raises(InputError, match="not valid Unicode"):
        deployment_api(options)


@pytest.mark.parametrize(
    ("option", "value"), [("timeout", float("inf")), ("timeout", float("nan")), ("rate_limit", 1e-300)]
)
def test_a_number_that_no_clock_can_take_is_refused(option, value):
    options = {**DEFAULTS, "api_url": "https://h/api/v5", "app_id": "a", "app_secret": SECRET, option: value}
    with pytest.raises(InputError, match=f"^{option} is"):
        deployment_api(options)


def test_of_several_steps_it_is_told_how_far_they_came():
    def step(name):
        if name == "fails":
            raise ApiError("no", 400, None, "no", "PUT", "x")

    def outcomes(*names):
        steps = [(Thing(name), lambda name=name: step(name)) for name in names]
        return [(thing.name, error and str(error)) for thing, error in Store.step_by_step(steps)]

    assert outcomes("a", "b") == [("b", None)]
    assert outcomes("fails", "b") == [("b", "no")]
    assert outcomes("a", "b", "fails", "c") == [("b", None), ("c", "no")]
    assert outcomes() == []


def test_what_ends_several_steps_is_raised_once_it_is_told_what_was_reached():
    class Limit(BaseException):
        """What Ansible raises when the time of a task is over."""

    def end():
        raise Limit

    told = []
    with pytest.raises(Limit):
        for thing, error in Store.step_by_step([(Thing("a"), list), (Thing("b"), end), (Thing("c"), list)]):
            told.append((thing.name, error and str(error)))
    assert told == [("a", None), ("c", "the task was ended before this was answered")]


def test_the_rule_engine_of_v4_says_404_in_a_200():
    assert isinstance(failure(v4, gives={"code": 404, "message": "Not Found"}), Missing)
    assert not isinstance(failure(v4, gives={"code": 400, "message": "Rule x Not Found"}), Missing)


@BOTH
def test_a_list_that_only_helps_may_be_out_of_reach(generation):
    rows = [{"name": "a"}, {"name": "b"}, {}]
    with generation(Call("GET", "things", ANY, gives=page(rows)), Call("GET", "things", ANY, gives=page(rows))) as api:
        assert api.peek("things") == rows
        assert api.known("things", "name") == {"a", "b", "None"}
    for status in (403, 404):
        with generation(*[Call("GET", "things", ANY, status=status, gives="no")] * 2) as api:
            assert api.peek("things") is None and api.known("things", "name") is None
    with generation(Call("GET", "things", ANY, status=500, gives="no")) as api, pytest.raises(ApiError):
        api.peek("things")


@pytest.mark.parametrize("code", ["A\nB", "x" * 100000, {"a": ["\x1b[2J"]}, 10**400, [[1]] * 500])
@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_a_code_that_is_none_makes_no_second_line_and_no_long_one(code, status):
    error = failure(v4, gives={"code": code, "message": "two\nlines"}, status=status)
    for text in (str(error), error.code):
        assert len(text.splitlines()) == 1 and len(text) < 4100 and "\x1b" not in text
    assert len(error.code) <= 103


def test_a_secret_that_stands_in_why_no_answer_came_is_masked():
    error = TransportError("x redirects to https://h/hunter2%3F.", "POST", "x")
    script, told = Call("POST", "x", body={"password": "hunter2?"}, gives=error), r"^x redirects to https://h/\*{8}\.$"
    with v5(script) as api, pytest.raises(TransportError, match=told):
        api.call("POST", "x", body={"password": "hunter2?"}, secrets=["hunter2?"])
