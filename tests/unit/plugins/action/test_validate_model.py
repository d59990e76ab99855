# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model is checked by its modules without a request; each problem has its place."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.emqx.cloud.plugins.action import validate_model
from ansible_collections.emqx.cloud.plugins.module_utils._task import run_directly
from ansible_collections.emqx.cloud.plugins.plugin_utils._model import SECTIONS

RULE = {"id": "a", "sql": 'SELECT * FROM "t"'}
ONE = {
    "authenticators": {"mechanism": "jwt"},
    "authorization_sources": {"type": "file"},
    "connectors": {"type": "http", "name": "a"},
    "resources": {"name": "a", "type": "web_hook"},
    "actions": {"type": "http", "name": "a", "connector": "a"},
    "sources": {"type": "mqtt", "name": "a", "connector": "a"},
    "rules": RULE,
    "retained_messages": {"topic": "t", "payload": "x"},
    "users": {"username": "a", "password": "of-a-user"},
    "acl": {"username": "a", "rules": [{"topic": "t", "action": "all", "permission": "deny"}]},
    "bans": {"clientid": "a"},
    "topic_metrics": "t",
}
"""An item of each section that is a list."""


def no_connection(settings: Any) -> Any:
    raise AssertionError("a connection was opened")


def checked(sections: dict[str, Any], generation: str = "v5", **options: Any) -> dict[str, Any]:
    """What the task returns."""
    url = "http://127.0.0.1:1/api/v5" if generation == "v5" else "http://127.0.0.1:1/api"
    given = {"api_url": url, "app_id": "id", "app_secret": "of-the-app", "sections": sections, **options}
    spec, run = validate_model.SPEC, validate_model.run
    return run_directly("emqx.cloud.validate_model", spec, run, given, False, False, no_connection)


def problems(sections: dict[str, Any], generation: str = "v5", **options: Any) -> list[str]:
    """What is wrong with a model; nothing if it is right."""
    result = checked(sections, generation, **options)
    assert result["requests"] == 0
    assert bool(result.get("failed")) == ("problems" in result)
    assert all(line.endswith(".") for line in result.get("problems", []))
    return result.get("problems", [])


@pytest.mark.parametrize("generation", ["v4", "v5"])
def test_every_section_of_a_generation_is_checked(generation: str) -> None:
    model = {name: [item] for name, item in ONE.items() if SECTIONS[name].generation in ("", generation)}
    result = checked(model, generation, exact=list(model))
    assert result.get("problems", []) == []
    assert result["sections"] == [name for name in SECTIONS if name in model]
    assert result["look"] == [name for name in result["sections"] if SECTIONS[name].one_by_one]


@pytest.mark.parametrize("name", [name for name, section in SECTIONS.items() if section.generation])
def test_the_generations_of_the_sections_are_those_of_their_modules(name: str) -> None:
    """The table says what the modules say themselves."""
    section = SECTIONS[name]
    other = {"v4": "v5", "v5": "v4"}[section.generation]
    item = {"no_match": "deny"} if name == "authorization_settings" else ONE[name]
    value = item if name == "authorization_settings" else [item]
    sentence = f"converge_{name} needs a {section.generation} deployment, and this is one of {other}."
    assert problems({name: value}, other) == [sentence]
    url = "http://127.0.0.1:1/api" + ("/v5" if other == "v5" else "")
    options = {"api_url": url, "app_id": "id", "app_secret": "of-the-app"}
    code = validate_model.CODE[section.module]
    result = run_directly("m", code.SPEC, code.run, {**options, **item}, True, False, validate_model._Offline)
    assert f"needs a {section.generation} deployment" in result["msg"]


WRONG: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    (
        {"users": [{"username": "a"}, {}, {"username": ".."}, {"username": "b", "clientid": "b"}]}, {},
        [
            "converge_users[1].username or converge_users[1].clientid has to name one user: none is given.",
            "'..' can't be used as converge_users[2].username: the API would take it for another path.",
            "converge_users[3].username or converge_users[3].clientid has to name one user: both are given.",
        ],
    ),
    (
        {"users": [{"username": "a"}, {"usrname": "b"}]}, {},
        ["converge_users[1].usrname is no option there, which has clientid, is_superuser, password, username."],
    ),
    (
        {"users": [{"username": "a"}, {"clientid": "b"}]}, {"exact": ["users"]},
        ["converge_users: User names and client ids are mixed, but the authenticator of a v5 deployment has one kind"],
    ),
    ({"users": "alice"}, {}, ["converge_users has to be a list of dictionaries, and is none."]),
    (
        {"users": [{"username": "a"}, "alice"]}, {},
        ["converge_users has to be a list of dictionaries, and converge_users[1] is none."],
    ),
    (
        {"users": [{"username": "a", "password": "x"}, {"username": "a", "password": "y"}]}, {},
        ["converge_users names username a twice with different values: give it once."],
    ),
    (
        {"acl": [{"username": "a", "rules": [{"topic": "t/#/x", "action": "all", "permission": "deny"}]},
                 {"username": "b", "rules": [{"topic": "t", "action": "all"}, {"action": "all", "permission": "deny"}]},
                 {"username": "b", "rules": [{"topik": "t", "topic": "t", "action": "all", "permission": "deny"}]}]},
        {},
        [
            "converge_acl[0].rules[0].topic",
            "converge_acl[1]: missing required arguments: topic in rules.",
            "converge_acl[2].rules.topik is no option there",
        ],
    ),
    (
        {"bans": [{"clientid": "a", "until": "yesterday"}]}, {}, ["converge_bans[0].until is 'yesterday'"],
    ),
    (
        {"rules": [RULE, {"id": "x y", "sql": "SELECT"}, {"id": "b", "sql": "SELECT", "actions": [{"name": "x"}]}]}, {},
        [
            "converge_rules[1].id is 'x y', which a v5 deployment refuses",
            "converge_rules[2].actions[0] has 'name', and an action has only function, args, resource, fallbacks.",
        ],
    ),
    ({"rules": [{"sql": "x"}]}, {}, ["converge_rules[0]: missing required arguments: id."]),
    ({"rules": [{**RULE, "sqll": "x"}]}, {}, ["converge_rules[0].sqll is no option there, which has actions, "]),
    ({"rules": [{**RULE, "api_url": "x"}]}, {}, ["converge_rules[0].api_url is no option there, which has actions, "]),
    ({"rules": {"id": "a"}}, {}, ["converge_rules has to be a list of dictionaries, and is none."]),
    ({"rules": [RULE, 5]}, {}, ["converge_rules[1] has to be a dictionary, and is none."]),
    (
        {"rules": [RULE, {**RULE, "sql": "other"}]}, {},
        ["converge_rules names 'a' twice with different values: give it once."],
    ),
    (
        {"connectors": [{"type": "http", "name": "a b"}],
         "actions": [{"type": "http", "name": "a", "config": {"name": 1}}]},
        {},
        [
            "converge_connectors[0].name is 'a b': it consists of letters",
            "converge_actions[0].config.name is no part of the configuration: give the option name.",
        ],
    ),
    (
        {"authorization_settings": {"no_match": "perhaps"}}, {},
        ["converge_authorization_settings: value of no_match must be one of: allow, deny, got: perhaps."],
    ),
    ({"authorization_settings": []}, {}, ["converge_authorization_settings has to be a dictionary, and is none."]),
    ({"topic_metrics": ["a", "b/#"]}, {}, ["converge_topic_metrics[1] is 'b/#', which is no topic name"]),
    ({"topic_metrics": "a,b"}, {}, ["converge_topic_metrics has to be a list, and is 'a,b'"]),
    ({"retained_messages": [{"topic": "a"}]}, {}, ["converge_retained_messages[0].state is present but"]),
    # What guards a purge.
    (
        {"users": [], "rules": []}, {"exact": ["users", "rules"]},
        [
            "converge_users is empty, so everything would be deleted: set converge_purge_all: true if that is what you "
            "want.",
            "converge_rules is empty, so everything would be deleted: set converge_purge_all: true if that is what you "
            "want.",
        ],
    ),
    ({"users": [], "rules": [], "acl": [], "bans": []}, {"exact": ["users", "rules"], "purge_all": True}, []),
    (
        {"users": [ONE["users"]], "rules": [RULE]}, {"exact": ["users", "rules"], "purge_limit": "ten"},
        [
            "converge_purge_limit is 'ten': it is a number, or a percentage such as '10%'.",
        ],
    ),
    # The other variables.
    (
        {"users": []}, {"exact": ["usrs", "authorization_settings", "rules", 5, ["x"]]},
        [
            "converge_exact[0] is 'usrs', which is no section of a model (do you mean users?).",
            "converge_exact[1] is 'authorization_settings', which is no list that could be purged.",
            "converge_exact[2] is 'rules', but converge_rules is not given: nothing says what is to stay.",
            "converge_exact[3] is 5, which is no section of a model.",
            "converge_exact[4] is ['x'], which is no section of a model.",
        ],
    ),
    ({}, {"exact": "users"}, ["converge_exact has to be a list of sections."]),
    (
        {}, {"variables": ["converge_users", "converge_rulez", "converge_result", "other"]},
        ["converge_rulez is no section of a model (do you mean converge_rules?)."],
    ),
    ({"usesr": []}, {}, ["converge_usesr is no section of a model (do you mean converge_users?)."]),
    (
        {}, {"secrets": {"conectors": {}, "usernames": ["x"]}},
        [
            "converge_secrets.conectors is no part of it (do you mean converge_secrets.connectors?).",
            "converge_secrets.usernames has to be a dictionary, and is none.",
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sections", "options", "expected"), WRONG, ids=lambda value: ", ".join(value)[:40] or "none")
def test_problems(sections: dict[str, Any], options: dict[str, Any], expected: list[str]) -> None:
    found = problems(sections, **options)
    assert len(found) == len(expected), found
    for line, beginning in zip(found, expected):
        assert line.startswith(beginning), line


def test_all_problems_are_told_at_once_a_line_each() -> None:
    result = checked({"users": [{}], "rules": [{}]}, exact=["bans"])
    assert result["msg"].splitlines() == ["The model has 3 problems, and nothing was done:", *result["problems"]]
    one = checked({"rules": [{}]})
    assert one["msg"].startswith("The model has 1 problem, and nothing was done:\n")


def test_no_secret_is_told() -> None:
    """Neither those of the vault nor those in the model, wherever a module would repeat them."""
    model = {
        "users": [{"username": "a", "password": "SECRET"}, {"username": "b"}, {"username": "SECRET-2", "clientid": 1}],
        "connectors": [{"type": "http", "name": "a", "config": {"headers": {"x": "SECRET-3"}}}],
    }
    secrets = {"usernames": {"b": "SECRET-2"}, "connectors": {"http:a": {"headers": {"x": "SECRET-4"}}}}
    result = checked(model, secrets=secrets)
    assert len(result["problems"]) == 2
    assert "SECRET-2" not in str(result) and "SECRET-4" not in str(result) and "of-the-app" not in str(result)


def test_wrong_connections_are_told_first() -> None:
    assert checked({}, api_url="http://127.0.0.1:1/other")["msg"].startswith("api_url doesn't tell the generation")


def test_kinds() -> None:
    every = ["username", "clientid"]
    assert checked({}, "v4")["kinds"]["users"] == every
    assert checked({})["kinds"]["users"] == ["username"]
    assert checked({"users": [{"clientid": "a"}]}, exact=["users"])["kinds"]["users"] == []
    chain = [{"mechanism": "password_based", "backend": "built_in_database", "config": {"user_id_type": "clientid"}}]
    assert checked({"users": [], "authenticators": chain})["kinds"]["users"] == ["clientid"]
    assert checked({}, "v4")["kinds"]["bans"] == ["clientid", "username", "peerhost"]
    assert checked({})["kinds"]["acl"] == [*every, "everyone"]


def test_one_call_checks_all_users_and_halves_find_the_wrong_one(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    direct = validate_model.run_directly
    monkeypatch.setattr(validate_model, "run_directly", lambda *given: calls.append(given) or direct(*given))
    users = [{"username": f"user-{number}", "password": "x"} for number in range(10_000)]
    assert problems({"users": users}) == [] and len(calls) == 1
    assert problems({"users": [*users, {}]}) == [
        "converge_users[10000].username or converge_users[10000].clientid has to name one user: none is given."
    ]
    assert len(calls) < 40


def test_what_guards_a_purge_is_told_as_it_was_understood() -> None:
    """The role goes by that: the text of a variable on the command line is true, whatever it says."""
    result = checked({"users": [ONE["users"]]}, exact=["users"], purge_limit=0, purge_all="false")
    assert (result["exact"], result["purge_limit"], result["purge_all"]) == (["users"], "0", False)
    assert (checked({})["exact"], checked({})["purge_limit"]) == ([], None)


def test_not_more_problems_are_looked_for_than_somebody_reads() -> None:
    found = problems({"users": [{} for _number in range(3000)]})
    assert len(found) == 101 and found[-1] == "There may be more."


def test_a_model_that_does_not_fit_a_serverless_deployment_is_told():
    many = [{"username": f"user-{number}", "password": "of-a-user"} for number in range(2400)]
    rules = [{"topic": f"t/{number}", "action": "all", "permission": "deny"} for number in range(100)]
    acl = [{"username": f"user-{number}", "rules": rules} for number in range(21)]
    model = {"users": many, "acl": acl}
    assert problems(model) == []
    assert problems(model, deployment_type="serverless") == [
        f"{what} don't fit: a Serverless deployment holds 2000; leave {over} out, or set deployment_type if it is no "
        "Serverless deployment."
        for what, over in (("converge_users: 2400 users", 400), ("converge_acl: 2100 access rules", 100))
    ]
