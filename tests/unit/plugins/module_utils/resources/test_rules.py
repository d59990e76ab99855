# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules: what options describe, what is sent for them, and what is made of the answers, on both generations."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._converge import Plan, make_plan
from ansible_collections.emqx.cloud.plugins.module_utils._errors import ApiError, InputError, NotOffered
from ansible_collections.emqx.cloud.plugins.module_utils._resources.rules import Rule, find, rule_from, rules
from ansible_collections.emqx.cloud.tests.unit.helpers import ANY, Call, page, v4, v5

REPUBLISH = {"function": "republish", "args": {"topic": "out", "qos": 1}}
V5_MISSING = {"code": "NOT_FOUND", "message": "Rule Id Not Found"}
V4_MISSING = {"code": 404, "message": "Not Found"}
V5_ROW = {
    "id": "mine", "sql": 'SELECT * FROM "t/+"\n', "enable": True, "description": "d", "from": ["t/+"], "name": "",
    "actions": ["http:post", {"function": "republish", "args": {"topic": "out", "qos": 0, "payload": "${payload}"}}],
    "created_at": "2026-11-22T20:55:55.158+00:00",
}
V4_ROW = {
    "id": "rule:m", "rawsql": 'SELECT * FROM "t/+"', "enabled": True, "description": "d", "for": ["t/+"],
    "created_at": 1795379849714,
    "actions": [
        {
            "name": "data_to_webserver", "id": "x", "params": {"$resource": "r", "path": "/in"},
            "metrics": [{"node": "a", "success": 3, "failed": 1}, {"node": "b", "success": 1, "failed": 0}],
            "fallbacks": [{"name": "inspect", "params": {}, "fallbacks": []}],
        }
    ],
    "metrics": [
        {"node": "a", "matched": 4, "passed": 3, "failed": 1, "exception": 1, "no_result": 0, "speed": 0.5,
         "speed_max": 1.0, "speed_last5m": 0.25},
        {"node": "b", "matched": 1, "passed": 1, "failed": 0, "exception": 0, "no_result": 0, "speed": 0.5,
         "speed_max": 1.0, "speed_last5m": 0.25},
    ],
}
V4_ACTION = {
    "function": "data_to_webserver", "resource": "r", "args": {"path": "/in"},
    "fallbacks": [{"function": "console", "fallbacks": []}],
}
METRICS = {
    "matched": 5, "passed": 4, "failed": 1, "exception": 1, "no_result": 0, "rate": 1.0, "rate_max": 2.0,
    "rate_last5m": 0.5, "actions_success": 4, "actions_failed": 1,
}
NO_FILTER = {
    "id": None, "enabled": None, "like_id": None, "like_description": None, "topic": None, "match_topic": None,
    "action": None, "with_metrics": False, "limit": None,
}


def options(**given):
    return {"id": "mine", "sql": None, "actions": None, "description": None, "enabled": None, **given}


def outcomes(found):
    return [error for unused, error in found]


# What options describe


@pytest.mark.parametrize("generation", ["v4", "v5"])
def test_options_become_a_rule(generation):
    given = options(sql="SELECT 1 \n", actions=[REPUBLISH, {"function": "console", "args": {}}], enabled=False)
    assert rule_from(given, generation) == Rule("mine", "SELECT 1", [REPUBLISH, {"function": "console"}], None, False)
    assert rule_from(options(), generation) == Rule("mine")
    unsaid = {"function": "republish", "args": {"topic": "a", "qos": None}}
    said = {"function": "republish", "args": {"topic": "a"}}
    assert rule_from(options(actions=[unsaid]), generation).actions == [said]


@pytest.mark.parametrize(
    ("generation", "given", "problem"),
    [
        ("v5", {"id": "rule:x"}, "^id is 'rule:x', which a v5 deployment refuses"),
        ("v5", {"id": "x\n"}, "^id is 'x\\\\n', which a v5 deployment refuses"),
        ("v4", {"id": ".."}, "^'..' can't be used as id"),
        ("v4", {"sql": ""}, "^sql is empty"),
        ("v4", {"actions": "inspect"}, "^actions has to be a list"),
        ("v4", {"actions": ["http:post"]}, r"^actions\[0\] is 'http:post', and an action that has a name needs a v5"),
        ("v5", {"actions": ["http:"]}, r"^actions\[0\] is 'http:', which is no action: write TYPE:NAME"),
        ("v5", {"actions": [{"function": "f", "fallbacks": []}]}, r"^actions\[0\].fallbacks needs a v4 deployment"),
        ("v4", {"actions": [{"function": ""}]}, r"^actions\[0\].function is missing, or is no text"),
        ("v4", {"actions": [{"function": "f", "resource": 7}]}, r"^actions\[0\].resource is missing, or is no text"),
        ("v4", {"actions": [{"function": "f", "fallbacks": [{}]}]}, r"^actions\[0\].fallbacks\[0\].function is miss"),
        ("v4", {"actions": [{"function": "republish", "args": {"target_topic": "+"}}]}, r"args.topic is '\+', which"),
        ("v5", {"actions": [{"function": "republish", "args": {"topic": 7}}]}, "args.topic is 7, .* it is no text"),
    ],
)
def test_options_that_a_broker_would_choke_on_are_refused(generation, given, problem):
    with pytest.raises(InputError, match=problem):
        rule_from(options(**given), generation)


# Looking up


def test_a_v5_rule_is_read():
    with v5(Call("GET", "rules/mine", gives=V5_ROW), Call("GET", "rules/mine", status=404, gives=V5_MISSING)) as api:
        found = rules(api).get(Rule("mine"))
        assert found == Rule("mine", V5_ROW["sql"].rstrip(), V5_ROW["actions"], "d", True)
        assert rules(api).get(Rule("mine")) is None


def test_a_v4_rule_is_read_in_the_common_vocabulary():
    path = "rules/rule%3Am"
    with v4(Call("GET", path, gives={"code": 0, "data": V4_ROW}), Call("GET", path, gives=V4_MISSING)) as api:
        found = rules(api).get(Rule("rule:m"))
        assert found == Rule("rule:m", V4_ROW["rawsql"], [V4_ACTION], "d", True)
        assert found.shown()["actions"] == [{**V4_ACTION, "fallbacks": [{"function": "console"}]}]
        assert rules(api).get(Rule("rule:m")) is None


@pytest.mark.parametrize("body", [None, [], {"code": 0}, {"code": 0, "data": []}, {"code": 0, "data": {"id": "x"}}])
def test_an_answer_that_is_no_rule_is_an_error(body):
    with v4(Call("GET", "rules/x", gives=body)) as api, pytest.raises(ApiError):
        rules(api).get(Rule("x"))


def test_a_deployment_without_rules_says_so():
    missing = {"code": "NOT_FOUND", "message": "Request Path Not Found"}
    with v5(Call("GET", "rules/x", status=404, gives=missing)) as api, pytest.raises(NotOffered, match="not offer"):
        rules(api).get(Rule("x"))


# Changing


def plan_of(store, wanted, absent=False):
    plan = make_plan(store.current([wanted], False), [wanted], absent=absent, fresh=store.fresh)
    store.check(plan)
    return plan


def test_a_new_v5_rule_is_sent_whole():
    body = {"id": "mine", "sql": "SELECT 1", "actions": [], "description": "", "enable": True}
    with v5(
        Call("GET", "rules/mine", status=404, gives=V5_MISSING), Call("POST", "rules", body=body, status=201, gives={})
    ) as api:
        store = rules(api)
        assert outcomes(store.create(plan_of(store, Rule("mine", "SELECT 1")).create)) == [None]


def test_of_a_v5_rule_only_what_differs_is_sent():
    actions = [V5_ROW["actions"][0], {**V5_ROW["actions"][1], "args": {**V5_ROW["actions"][1]["args"], "qos": 1}}]
    with v5(
        Call("GET", "rules/mine", gives=V5_ROW), Call("PUT", "rules/mine", body={"actions": actions}, gives={})
    ) as api:
        store = rules(api)
        plan = plan_of(store, Rule("mine", actions=["http:post", {"function": "republish", "args": {"qos": 1}}]))
        (before, after), = plan.update
        assert before.actions == V5_ROW["actions"] and after.actions == actions
        assert outcomes(store.update([after])) == [None]


def test_a_new_v4_rule_has_what_a_republish_needs():
    action = {
        "name": "republish", "fallbacks": [],
        "params": {
            "target_topic": "out", "target_qos": 0, "payload_tmpl": "${payload}", "target_retain": "${flags.retain}",
        },
    }
    body = {"id": "mine", "rawsql": "SELECT 1", "actions": [action], "description": "", "enabled": True}
    republish = {"function": "republish", "args": {"topic": "out", "retain": "${retain}"}}
    wanted = rule_from(options(sql="SELECT 1", actions=[republish]), "v4")
    with v4(
        Call("GET", "rules/mine", gives=V4_MISSING), Call("GET", "actions", ANY, gives=page([{"name": "republish"}])),
        Call("POST", "rules", body=body, gives={"code": 0, "data": {"enabled": True}}),
    ) as api:
        store = rules(api)
        assert outcomes(store.create(plan_of(store, wanted).create)) == [None]


def test_a_v4_rule_that_the_broker_disables_is_a_failure():
    answer = {"code": 0, "data": {"enabled": False}}
    with v4(Call("POST", "rules", body=ANY, gives=answer)) as api:
        error, = outcomes(rules(api).create([Rule("mine", "SELECT 1", [], "", True)]))
        assert str(error).startswith("The rule 'mine' is there, but the broker has disabled it")
    with v4(Call("POST", "rules", body=ANY, gives=answer)) as api:
        assert outcomes(rules(api).create([Rule("mine", "SELECT 1", [], "", False)])) == [None]


def test_deleting_what_is_gone_is_a_success():
    with v5(Call("DELETE", "rules/mine", status=404, gives=V5_MISSING)) as api:
        assert outcomes(rules(api).delete([Rule("mine")])) == [None]
    with v4(Call("DELETE", "rules/mine", gives={"code": 0})) as api:
        assert outcomes(rules(api).delete([Rule("mine")])) == [None]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Call("GET", "actions", ANY, gives=[{"type": "http", "name": "other"}]), "no such action: make it first"),
        (Call("GET", "actions", ANY, gives=[{"type": "mqtt", "name": "post"}]), "no such action: make it first"),
        (Call("GET", "actions", ANY, gives=[{"type": "http", "name": "post"}]), None),
        (Call("GET", "actions", ANY, status=403, gives={"code": "FORBIDDEN", "message": "no"}), None),
    ],
)
def test_v5_actions_have_to_be_there(answer, problem):
    plan = Plan(create=[Rule("mine", "SELECT 1", ["http:post"], "", True)])
    with v5(answer) as api:
        if problem is None:
            rules(api).check(plan)
            return
        with pytest.raises(InputError, match=problem):
            rules(api).check(plan)


@pytest.mark.parametrize(
    ("functions", "resources", "problem"),
    [
        (["inspect"], None, "function 'data_to_webserver', which this deployment lacks: it has inspect"),
        (["data_to_webserver"], [], "function 'inspect'"),
        (["data_to_webserver", "inspect"], ["other"], "resource 'r', and there is none of that name"),
        (["data_to_webserver", "inspect"], ["r"], None),
    ],
)
def test_v4_functions_and_resources_have_to_be_there(functions, resources, problem):
    plan = Plan(create=[Rule("mine", "SELECT 1", [V4_ACTION], "", True)])
    script = [Call("GET", "actions", ANY, gives=page([{"name": name} for name in functions]))]
    if resources is not None and len(functions) == 2:
        script.append(Call("GET", "resources", ANY, gives=page([{"id": name} for name in resources])))
    with v4(*script) as api:
        if problem is None:
            rules(api).check(plan)
            return
        with pytest.raises(InputError, match=problem):
            rules(api).check(plan)


def test_secrets_in_actions_do_not_show_in_errors():
    action = {"function": "f", "args": {"headers": {"authorization": "hush"}}}
    echo = {"code": 400, "message": "you sent hush"}
    with v4(Call("POST", "rules", body=ANY, gives=echo)) as api:
        error, = outcomes(rules(api).create([Rule("mine", "SELECT 1", [action], "", True)]))
        assert "hush" not in str(error) and "you sent" in str(error)


# Finding


@pytest.mark.parametrize(
    ("given", "v5_query", "v4_query"),
    [
        ({"enabled": True}, [("enable", "true")], [("enabled", "true")]),
        ({"like_id": "m"}, [("like_id", "m")], [("_like_id", "m")]),
        ({"like_description": "d"}, [("like_description", "d")], [("_like_description", "d")]),
        ({"topic": "t/+"}, [("from", "t/+")], [("_like_for", "t/+")]),
        ({"match_topic": "t/1"}, [], []),
        ({"action": "http:post"}, [("action", "http:post")], None),
        ({"action": "republish"}, [], None),
        ({"action": "r"}, None, []),
    ],
)
def test_filters_go_to_the_broker_as_far_as_it_has_them(given, v5_query, v4_query):
    pages = {"v5": [("page", 1), ("limit", 10000)], "v4": [("_page", 1), ("_limit", 10000)]}
    for kind, query, row in (("v5", v5_query, V5_ROW), ("v4", v4_query, V4_ROW)):
        if query is not None:
            script = Call("GET", "rules", [*query, *pages[kind]], gives=page([row]))
            with (v5 if kind == "v5" else v4)(script) as api:
                assert [found["id"] for found in find(api, {**NO_FILTER, **given})] == [row["id"]]


@pytest.mark.parametrize(
    "given", [{"enabled": False}, {"like_id": "M"}, {"topic": "t/1"}, {"match_topic": "t"}, {"action": "x:y"}]
)
def test_what_a_broker_gives_all_the_same_is_left_out(given):
    with v5(Call("GET", "rules", ANY, gives=page([V5_ROW]))) as api:
        assert list(find(api, {**NO_FILTER, **given})) == []


def test_metrics_of_v4_come_with_the_rule_and_are_added_up():
    with v4(Call("GET", "rules", ANY, gives=page([V4_ROW]))) as api:
        found, = find(api, {**NO_FILTER, "with_metrics": True})
        assert found["metrics"] == METRICS
        assert (found["from"], found["created_at"]) == (["t/+"], "2026-11-22T20:37:29.714Z")


def test_metrics_of_v5_are_a_call_for_each_rule():
    metrics = {
        "matched": 5, "passed": 4, "failed": 1, "failed.exception": 1, "failed.no_result": 0, "matched.rate": 1.0,
        "matched.rate.max": 2.0, "matched.rate.last5m": 0.5, "actions.success": 4, "actions.failed": 1, "new": 1,
    }
    with v5(
        Call("GET", "rules", [("page", 1), ("limit", 1)], gives=page([V5_ROW])),
        Call("GET", "rules/mine/metrics", gives={"id": "mine", "metrics": metrics, "node_metrics": []}),
    ) as api:
        found, = find(api, {**NO_FILTER, "with_metrics": True, "limit": 1})
        assert found["metrics"] == METRICS
    script = [Call("GET", "rules/mine", gives=V5_ROW), Call("GET", "rules/mine/metrics", gives=[])]
    with v5(*script) as api, pytest.raises(ApiError, match="metrics were expected"):
        list(find(api, {**NO_FILTER, "id": "mine", "with_metrics": True}))
