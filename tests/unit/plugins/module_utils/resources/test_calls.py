# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any call of the API, as a user describes it."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._errors import ApiError, InputError, NotOffered
from ansible_collections.emqx.cloud.plugins.module_utils._resources.calls import Call as Described
from ansible_collections.emqx.cloud.plugins.module_utils._resources.calls import call_from, rows, send
from ansible_collections.emqx.cloud.tests.unit.helpers import ANY, Call, page, v4, v5

OPTIONS = {
    "path": "nodes", "method": "GET", "body": None, "secret_body": None, "query_parameters": {}, "paginate": False,
    "expected_status": None,
}


def described(**options):
    return call_from({**OPTIONS, **options})


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("nodes", "nodes"), ("/clients/a", "clients/a"), ("clients/a%2Fb", "clients/a%2Fb"), ("acl/$all", "acl/$all"),
        ("authentication/password_based:built_in_database", "authentication/password_based:built_in_database"),
        ("a b", "a%20b"), ("\u00e9", "%C3%A9"), ("a/...", "a/..."), ("a%2525", "a%2525"), ("rules/x@y", "rules/x@y"),
    ],
)
def test_a_path_is_sent_as_it_is_written(path, sent):
    assert described(path=path).path == sent


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "a/", "banned/", "//a", "a//b", ".", "..", "a/..", "a/../b", "banned/clientid/%2E%2e", "%2e", "./a",
        "a/%2e/b",
    ],
)
def test_a_path_that_would_address_something_else_is_refused(path):
    with pytest.raises(InputError, match="would address something else"):
        described(path=path)


@pytest.mark.parametrize("path", ["a?b=c", "a#b", "https://h/a"])
def test_a_path_with_more_than_a_path_is_refused(path):
    with pytest.raises(InputError, match="parameters go into query_parameters"):
        described(path=path)


@pytest.mark.parametrize(
    ("parameters", "pairs"),
    [
        ({}, []), ({"a": "x"}, [("a", "x")]), ({"a": ["x", "y"], "b": 1}, [("a", "x"), ("a", "y"), ("b", 1)]),
        ({"a": True, "b": [False]}, [("a", "true"), ("b", "false")]), ({"a": []}, []), ({"a": ""}, [("a", "")]),
    ],
)
def test_parameters_may_come_several_times(parameters, pairs):
    assert described(query_parameters=parameters).query == pairs


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_only_what_is_read_can_be_paged(method):
    with pytest.raises(InputError, match="paginate reads a list"):
        described(method=method, paginate=True)
    assert described(paginate=True).method == "GET"


@pytest.mark.parametrize(
    ("body", "secret", "merged"),
    [
        (None, None, None), ({"a": 1}, None, {"a": 1}), ([1], None, [1]), ("x", None, "x"),
        (None, {"p": "s"}, {"p": "s"}),
        ({"a": 1}, {"p": "s"}, {"a": 1, "p": "s"}), ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}), ({"a": {"b": 1}}, {"a": 2}, {"a": 2}),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}), ({}, {}, {}),
    ],
)
def test_a_secret_body_is_merged_level_by_level(body, secret, merged):
    assert described(method="POST", body=body, secret_body=secret).body == merged


def test_merging_does_not_change_what_the_user_gave():
    body, secret = {"a": {"b": 1}}, {"a": {"c": 2}}
    described(body=body, secret_body=secret)
    assert (body, secret) == ({"a": {"b": 1}}, {"a": {"c": 2}})


@pytest.mark.parametrize("body", ["text", [1], 5])
def test_a_secret_body_needs_a_dictionary_below(body):
    with pytest.raises(InputError, match="^secret_body can only be merged over a body that is a dictionary"):
        described(body=body, secret_body={"a": 1})


def test_all_texts_of_a_secret_body_are_secrets_and_never_shown():
    call = described(body={"a": "open"}, secret_body={"p": "s1", "q": [{"r": "s2"}, "s3"], "n": 5, "t": True})
    assert sorted(call.secrets) == ["s1", "s2", "s3"]
    assert "s1" not in repr(call) and "open" not in repr(call)


@pytest.mark.parametrize(
    ("answer", "parsed"),
    [({"gives": {"a": 1}}, {"a": 1}), ({"gives": []}, []), ({"gives": "null"}, None), ({"status": 204}, None),
     ({"gives": " \n"}, None)],
)
def test_an_answer_is_parsed_and_an_empty_one_is_none(answer, parsed):
    with v5(Call("POST", "x", [("a", "b")], {"c": 1}, **answer)) as api:
        answered = send(api, Described("POST", "x", [("a", "b")], {"c": 1}))
    assert answered.json == parsed


@pytest.mark.parametrize(
    ("generation", "expected", "answer", "status"),
    [
        (v5, [200, 404], {"status": 404, "gives": {"code": "NOT_FOUND"}}, 404),
        (v5, [404], {"status": 404, "gives": "<html>gone"}, 404),
        (v5, [500], {"status": 500, "gives": "boom"}, 500),
        (v5, [], {"status": 201, "gives": {}}, 201),
        (v5, [201, 202], {"status": 202, "gives": {}}, 202),
        (v4, [404], {"status": 404, "gives": "Not found."}, 404),
        (v4, [200], {"gives": {"code": 0}}, 200),
    ],
)
def test_a_status_that_is_expected_is_no_failure(generation, expected, answer, status):
    with generation(Call("GET", "x", **answer)) as api:
        answered = send(api, Described("GET", "x", expected=expected))
    assert answered.status == status
    assert isinstance(answer.get("gives"), dict) or answered.json == answer["gives"]


@pytest.mark.parametrize(
    ("generation", "expected", "answer", "kind", "words"),
    [
        (v5, None, {"status": 404, "gives": "<html>"}, NotOffered, "does not offer the call"),
        (v5, [404], {"status": 400, "gives": {"message": "no"}}, ApiError, "bad request"),
        (v5, [404], {"gives": {}}, ApiError, "HTTP 200 came, and expected_status is [404]"),
        (v5, [204], {"status": 201, "gives": {}}, ApiError, "HTTP 201 came, and expected_status is [204]"),
        (v4, [200], {"gives": {"message": "existed"}}, ApiError, "it exists already"),
        (v4, None, {"gives": {"code": 112}}, ApiError, "not online"),
        (v4, [404], {"gives": {"code": 0}}, ApiError, "HTTP 200 came"),
    ],
)
def test_any_other_answer_is_a_failure(generation, expected, answer, kind, words):
    with generation(Call("POST", "x", **answer)) as api, pytest.raises(kind) as caught:
        send(api, Described("POST", "x", expected=expected))
    assert words in str(caught.value) and caught.value.method == "POST"
    assert caught.value.status == answer.get("status", 200)


def test_secrets_of_the_body_do_not_come_back_in_an_error():
    refused = Call("POST", "x", body={"p": "hunter2"}, status=400, gives={"message": "hunter2?"})
    with v5(refused) as api, pytest.raises(ApiError) as caught:
        send(api, described(method="POST", path="x", secret_body={"p": "hunter2"}))
    assert "hunter2" not in str(caught.value) + repr(caught.value.details())


@pytest.mark.parametrize(
    "options",
    [
        {"query_parameters": {"limit": 2}}, {"query_parameters": {"_page": 1}}, {"body": {"a": 1}},
        {"secret_body": {"a": 1}}, {"expected_status": [404]},
    ],
)
def test_what_reading_all_pages_would_ignore_is_refused(options):
    with pytest.raises(InputError, match="paginate reads"):
        described(path="banned", paginate=True, **options)


def test_a_path_that_is_no_text_is_refused():
    with pytest.raises(InputError, match="not valid Unicode"):
        described(path="clients/a\udcff")


def test_all_rows_come_although_those_with_few_fields_are_the_same():
    narrowed = described(path="clients", query_parameters={"fields": "node"}, paginate=True)
    pages = [Call("GET", "clients", ANY, gives=page([{"node": "n"}] * size, limit=2)) for size in (2, 2, 1)]
    with v5(*pages) as api:
        assert len(list(rows(api, narrowed))) == 5
    whole = [Call("GET", "clients", ANY, gives=page([{"clientid": name} for name in names], limit=2))
             for names in ("ab", "b")]
    with v5(*whole) as api:
        assert [row["clientid"] for row in rows(api, described(path="clients", paginate=True))] == ["a", "b"]
