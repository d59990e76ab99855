# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a deployment is set up, as options: which calls are made, in which order things come, and what is left out."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.emqx.cloud.plugins.module_utils._resources.configuration import PARTS, checked_parts, gathered
from ansible_collections.emqx.cloud.tests.unit.helpers import ANY, Call, page, v4, v5

JWT = {"id": "jwt", "mechanism": "jwt", "enable": False, "algorithm": "hmac-based", "secret": "hush"}
BUILT_IN = {
    "id": "password_based:built_in_database", "mechanism": "password_based", "backend": "built_in_database",
    "enable": True, "user_id_type": "username",
}
HOOK = {
    "type": "http", "name": "hook", "status": "connected", "node_status": [], "actions": ["post"], "sources": [],
    "enable": True, "url": "http://h", "headers": {"authorization": "******", "x-plant": "hush"}, "description": "",
}
POST = {
    "type": "http", "name": "post", "connector": "hook", "enable": False, "rules": [], "parameters": {"path": "/in"},
    "created_at": 1, "last_modified_at": 2, "status": "connecting",
}
CACHE = {"enable": True, "max_size": 32, "ttl": "1m", "excludes": []}
V5 = [name for name, (generation, unused) in PARTS.items() if generation == "v5"]


def get(path, gives, **more):
    return Call("GET", path, ANY, gives=gives, **more)


def test_all_of_v5():
    script = [
        get("authentication", [JWT, BUILT_IN]),
        get("authorization/sources", {"sources": [{"type": "file", "enable": True, "rules": "{deny, all}."}]}),
        get("authorization/settings", {"no_match": "deny", "deny_action": "ignore", "cache": {**CACHE, "new": 1}}),
        get("connectors", [{**HOOK, "name": "z"}, HOOK]),
        get("actions", [POST]),
        get("sources", []),
    ]
    with v5(*script) as api:
        found, left_out = gathered(api, None, ["Headers.X-Plant"])
    hook = {
        "type": "http", "name": "hook", "enabled": True, "config": {"url": "http://h", "description": ""},
        "secrets": ["headers.authorization", "headers.x-plant"],
    }
    assert left_out == {} and list(found) == V5
    assert found == {
        "authenticators": [
            {"mechanism": "jwt", "enabled": False, "config": {"algorithm": "hmac-based"}, "secrets": ["secret"]},
            {
                "mechanism": "password_based", "backend": "built_in_database", "enabled": True,
                "config": {"user_id_type": "username"}, "secrets": [],
            },
        ],
        "authorization_sources": [
            {"type": "file", "enabled": True, "config": {"rules": "{deny, all}."}, "secrets": []},
        ],
        "authorization_settings": {"no_match": "deny", "deny_action": "ignore", "cache": CACHE},
        "connectors": [hook, {**hook, "name": "z"}],
        "actions": [
            {
                "type": "http", "name": "post", "connector": "hook", "enabled": False,
                "config": {"parameters": {"path": "/in"}}, "secrets": [],
            },
        ],
        "sources": [],
    }


def test_all_of_v4():
    row = {"id": "r", "type": "web_hook", "status": True, "config": {"url": "u", "headers": {"token": "hush"}}}
    with v4(get("resources", page([{**row, "id": "s", "description": "d"}, row]))) as api:
        found, unused = gathered(api, None)
    resource = {"type": "web_hook", "config": {"url": "u"}, "secrets": ["headers.token"]}
    assert found == {
        "resources": [{"name": "r", "description": "", **resource}, {"name": "s", "description": "d", **resource}],
    }


FORBIDDEN = {"status": 403, "gives": {"code": "UNAUTHORIZED_ROLE", "message": "no"}}
UNKNOWN = {"status": 404, "gives": {"code": "NOT_FOUND", "message": "Request Path Not Found"}}


@pytest.mark.parametrize("answer", [FORBIDDEN, UNKNOWN])
def test_what_is_not_offered_is_left_out_unless_it_is_asked_for(answer):
    script = [get(path, **answer) for path in ("authentication", "authorization/sources", "authorization/settings")]
    with v5(*script, get("connectors", [HOOK]), get("actions", **answer), get("sources", **answer)) as api:
        found, left_out = gathered(api, None)
    assert list(found) == ["connectors"]
    assert list(left_out) == [name for name in V5 if name != "connectors"]
    assert all(reason.startswith("GET ") for reason in left_out.values())
    with v5(get("actions", **answer)) as api, pytest.raises(ApiError, match="^GET actions failed"):
        gathered(api, ["actions"])


def test_another_failure_is_one():
    script = get("authentication", {"code": "INTERNAL_ERROR", "message": "m"}, status=500)
    with v5(script) as api, pytest.raises(ApiError, match="^GET authentication failed"):
        gathered(api, None)


@pytest.mark.parametrize(
    ("part", "path", "body"),
    [
        ("connectors", "connectors", [{"name": "a"}]), ("actions", "actions", [{**POST, "connector": None}]),
        ("authenticators", "authentication", [{}]), ("authorization_settings", "authorization/settings", {}),
        ("authorization_sources", "authorization/sources", {"sources": [{}]}),
    ],
)
def test_an_answer_that_is_none(part, path, body):
    with v5(get(path, body)) as api, pytest.raises(ApiError, match="gave an answer that can't be used"):
        gathered(api, [part])


def test_a_resource_without_an_id():
    script = get("resources", page([{"type": "web_hook", "config": {}}]))
    with v4(script) as api, pytest.raises(ApiError, match="a resource has no id"):
        gathered(api, ["resources"])


def test_what_the_other_generation_has_is_refused():
    with v5() as api, pytest.raises(InputError, match="^A resource needs a v4 deployment"):
        gathered(api, ["resources"])
    for part in V5:
        with v4() as api, pytest.raises(InputError, match="needs a v5 deployment"):
            gathered(api, [part])


def test_an_empty_list_of_parts_is_refused():
    assert checked_parts(None) is None
    with pytest.raises(InputError, match=r"^gather is empty: leave it out, or name at least one of authenticators, "):
        checked_parts([])
