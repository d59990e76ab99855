# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topics that somebody is subscribed to, on both generations."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.emqx.cloud.plugins.module_utils._resources.topics import find
from ansible_collections.emqx.cloud.tests.unit.helpers import ANY, Call, page, v4, v5

BROKEN = {"code": "INTERNAL_ERROR", "message": "error:{topic_invalid,<<\"a/#/b\">>}"}


@pytest.mark.parametrize(
    ("generation", "path", "names"), [(v4, "routes", ("_page", "_limit")), (v5, "topics", ("page", "limit"))]
)
@pytest.mark.parametrize(
    ("options", "size", "found"),
    [
        ({}, 10000, ["a/b", "a/#", "$SYS/x"]), ({"page_size": 5}, 5, ["a/b", "a/#", "$SYS/x"]),
        ({"match": "a/#", "page_size": 5}, 10000, ["a/b", "a/#"]), ({"match": "#"}, 10000, ["a/b", "a/#"]),
        ({"match": "+/b"}, 10000, ["a/b"]), ({"match": "$SYS/+"}, 10000, ["$SYS/x"]), ({"match": "z"}, 10000, []),
    ],
)
def test_all_topics_are_read_and_matched_here(generation, path, names, options, size, found):
    rows = page([{"topic": topic, "node": "n", "more": 1} for topic in ("a/b", "a/#", "$SYS/x")])
    with generation(Call("GET", path, [(names[0], 1), (names[1], size)], gives=rows)) as api:
        assert list(find(api, **options)) == [{"topic": topic, "node": "n"} for topic in found]


def test_one_topic_is_one_request():
    with v4(Call("GET", "routes/a%2F%23", gives={"code": 0, "data": [{"topic": "a/#", "node": "n"}]})) as api:
        assert list(find(api, "a/#")) == [{"topic": "a/#", "node": "n"}]
    with v5(Call("GET", "topics", [("topic", "."), ("page", 1), ("limit", 10000)], gives=page([]))) as api:
        assert list(find(api, ".")) == []


def test_v4_cannot_be_asked_for_a_topic_that_would_be_another_path():
    with v4() as api, pytest.raises(InputError, match="another path"):
        list(find(api, ".."))


@pytest.mark.parametrize(
    ("options", "words"),
    [({"topic": "a/#/b"}, "^topic is 'a/#/b', which is no topic filter"), ({"topic": ""}, "^topic is '', .*empty"),
     ({"match": "x+"}, "^match is 'x\\+', which is no topic filter")],
)
@pytest.mark.parametrize("generation", [v4, v5])
def test_what_is_no_filter_is_refused_before_any_request(generation, options, words):
    with generation() as api, pytest.raises(InputError, match=words):
        list(find(api, **options))


def test_v5_says_why_the_topics_cannot_be_listed_and_what_to_do():
    with v5(Call("GET", "topics", ANY, status=500, gives=BROKEN)) as api, pytest.raises(ApiError) as caught:
        list(find(api))
    message = str(caught.value)
    assert "subscribed to an invalid filter" in message and "emqx.cloud.subscription_info" in message
    assert (caught.value.status, caught.value.code, caught.value.reason) == (500, "INTERNAL_ERROR", "topic_invalid")


@pytest.mark.parametrize(("status", "gives"), [(500, {"message": "boom"}), (400, BROKEN), (403, None)])
def test_v5_other_errors_are_told_as_they_are(status, gives):
    with v5(Call("GET", "topics", ANY, status=status, gives=gives)) as api, pytest.raises(ApiError) as caught:
        list(find(api))
    assert "subscription_info" not in str(caught.value) and caught.value.status == status


@pytest.mark.parametrize(
    ("rows", "found"), [([{"topic": None}], [{"topic": None, "node": None}]), ([{}], [{"topic": None, "node": None}])]
)
def test_rows_of_odd_shapes_are_no_accident(rows, found):
    with v5(Call("GET", "topics", ANY, gives=page(rows)), Call("GET", "topics", ANY, gives=page(rows))) as api:
        assert list(find(api)) == found
        assert list(find(api, match="x")) == []
