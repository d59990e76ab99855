# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on both generations, and the resources of v4, against the simulator."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator import Deployment, Fault, Request, Simulator
from system.harness import done, environment, not_ready, one_sentence, play, refused, run

GENERATIONS = pytest.mark.parametrize("generation", ["v4", "v5"])
TEMPLATE = "{{ lookup('pipe', 'id') }}"
REPUBLISH = {"function": "republish", "args": {"topic": "out", "payload": "${payload}", "qos": 1}}
RULE: dict[str, Any] = {"id": "mine", "sql": 'SELECT * FROM "t/+"', "actions": [REPUBLISH], "description": "d"}
HOOK: dict[str, Any] = {
    "name": "resource:hook",
    "type": "web_hook",
    "config": {"url": "https://hooks.example.com/in", "pool_size": 4},
}
TO_HOOK = {"function": "data_to_webserver", "resource": "resource:hook", "args": {"path": "/in"}}
NONE_CHANGED = {"created": 0, "updated": 0, "deleted": 0, "unchanged": 1, "failed": 0}


@pytest.fixture
def deployment(generation: str) -> Iterator[Deployment]:
    with Simulator.start(generation=generation) as simulator:
        yield simulator.deployments[0]


@pytest.fixture
def v4() -> Iterator[Deployment]:
    with Simulator.start(generation="v4") as simulator:
        yield simulator.deployments[0]


@pytest.fixture
def v5() -> Iterator[Deployment]:
    with Simulator.start(generation="v5") as simulator:
        yield simulator.deployments[0]


def call(deployment: Deployment, method: str, path: str, body: Any = None) -> Any:
    """What the API itself says."""
    return done("api", deployment, method=method, path=path, body=body)["json"]


def rule_on(deployment: Deployment, name: str = "mine") -> Any:
    answer = call(deployment, "GET", f"rules/{name}")
    return answer["data"] if deployment.generation == "v4" else answer


def changes(deployment: Deployment) -> list[Request]:
    return [request for request in deployment.requests if request.method != "GET"]


def as_predicted(module: str, deployment: Deployment, **options: Any) -> dict[str, Any]:
    """Run in check mode, for real and again; return the real result."""
    before = len(changes(deployment))
    predicted = done(module, deployment, check=True, **options)
    assert len(changes(deployment)) == before
    happened = done(module, deployment, **options)
    ignored = {"requests": 0}
    assert {**predicted, **ignored} == {**happened, **ignored}
    again = done(module, deployment, **options)
    assert again["changed"] is False and again["counts"]["unchanged"] == 1
    return happened


@pytest.fixture
def listener() -> Iterator[str]:
    """The URL of something on this machine that answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


# Rules on both generations


@GENERATIONS
def test_a_rule_comes_stays_and_goes(deployment: Deployment) -> None:
    made = as_predicted("rule", deployment, **RULE)
    assert made["rule"] == {**RULE, "enabled": True}
    assert made["diff"] == {"before": {"rules": []}, "after": {"rules": [made["rule"]]}}
    gone = as_predicted("rule", deployment, id="mine", state="absent")
    assert gone["rule"] is None and gone["counts"]["deleted"] == 1
    assert done("rule_info", deployment)["rules"] == []


@GENERATIONS
@pytest.mark.parametrize(
    "change",
    [
        {"sql": 'SELECT qos FROM "t/b"'},
        {"description": "e"},
        {"description": ""},
        {"enabled": False},
        {"actions": []},
        {"actions": [{"function": "console"}]},
    ],
    ids=lambda change: "-".join(map(str, *change.items())),
)
def test_one_edited_field_is_all_that_differs_and_all_that_is_sent(
    deployment: Deployment, change: dict[str, Any]
) -> None:
    done("rule", deployment, **RULE)
    deployment.forget_requests()
    result = as_predicted("rule", deployment, id="mine", **change)
    before, after = (result["diff"][side]["rules"][0] for side in ("before", "after"))
    assert {name for name in after if after[name] != before[name]} == set(change)
    assert {name: after[name] for name in change} == change
    assert [request.method for request in changes(deployment)] == ["PUT"]
    row = rule_on(deployment)
    kept = {"description": row["description"], "sql": row.get("sql", row.get("rawsql"))}
    assert kept == {name: {**RULE, **change}[name] for name in kept}
    assert row.get("enable", row.get("enabled")) is change.get("enabled", True)


@GENERATIONS
def test_an_edited_argument_keeps_the_others_and_an_added_action_the_first(deployment: Deployment) -> None:
    done("rule", deployment, **RULE)
    result = as_predicted("rule", deployment, id="mine", actions=[{"function": "republish", "args": {"topic": "new"}}])
    args = result["rule"]["actions"][0]["args"]
    assert (args["topic"], args["payload"], args["qos"]) == ("new", "${payload}", 1)
    wanted = [{"function": "console"}, {"function": "republish"}]
    result = as_predicted("rule", deployment, id="mine", actions=wanted)
    assert result["rule"]["actions"] == [{"function": "console"}, {"function": "republish", "args": args}]


@GENERATIONS
def test_an_action_that_stays_takes_nothing_from_one_that_goes_or_comes(deployment: Deployment) -> None:
    first = {"function": "republish", "args": {"topic": "first", "payload": "first", "qos": 2}}
    second = {"function": "republish", "args": {"topic": "second", "payload": "second", "qos": 1}}
    third = {"function": "republish", "args": {"topic": "third", "payload": "third", "qos": 0}}
    bare = {"function": "republish", "args": {"topic": "second"}}
    done("rule", deployment, **{**RULE, "actions": [first, second]})
    left = as_predicted("rule", deployment, id="mine", actions=[bare])["rule"]["actions"]
    assert [(left[0]["args"][name]) for name in ("payload", "qos")] == ["second", 1]
    both = as_predicted("rule", deployment, id="mine", actions=[third, bare])["rule"]["actions"]
    assert [action["args"]["payload"] for action in both] == ["third", "second"]


@GENERATIONS
def test_what_the_broker_fills_in_is_no_change_and_what_looks_alike_is_one(deployment: Deployment) -> None:
    sparse = {"function": "republish", "args": {"topic": "out"}}
    done("rule", deployment, id="mine", sql='SELECT * FROM "t"', actions=[sparse])
    shown = done("rule", deployment, id="mine", sql='SELECT * FROM "t" \n', actions=[sparse])
    assert shown["counts"] == NONE_CHANGED
    assert set(shown["rule"]["actions"][0]["args"]) >= {"topic", "payload", "qos", "retain"}
    for payload in ("60s", "1m"):  # as durations these would be the same
        edited = {"function": "republish", "args": {"payload": payload}}
        assert done("rule", deployment, id="mine", actions=[edited])["changed"]


@GENERATIONS
def test_templates_in_rules_are_data(tmp_path: Path, generation: str) -> None:
    with Simulator.start(generation=generation, tls=True) as simulator:
        deployment = simulator.deployments[0]
        sql = f'SELECT "{TEMPLATE}" FROM "t"'
        name = "rawsql" if generation == "v4" else "sql"
        call(deployment, "POST", "rules", {"id": "evil", name: sql, "actions": [], "description": TEMPLATE})
        tasks = [
            {"emqx.cloud.rule_info": {}, "register": "found"},
            {"emqx.cloud.rule": {"id": "evil", "enabled": False}, "register": "changed"},
            {"ansible.builtin.copy": {"content": "{{ found.rules + [changed.rule] }}", "dest": str(tmp_path / "seen")}},
        ]
        printed = play(tmp_path, tasks, environment(deployment))
        assert printed.returncode == 0, printed.stdout
        seen = json.loads((tmp_path / "seen").read_text())
        assert [(row["sql"], row["description"]) for row in seen] == [(sql, TEMPLATE)] * 2


@GENERATIONS
def test_a_rule_runs_and_its_metrics_have_one_shape(deployment: Deployment) -> None:
    done("rule", deployment, **RULE)
    done("rule", deployment, id="idle", sql='SELECT * FROM "other"')
    deployment.add_client("dev", subscriptions=["out"])
    path = "publish" if deployment.generation == "v5" else "mqtt/publish"
    for topic in ("t/1", "t/2", "u"):
        who = {"clientid": "c"} if deployment.generation == "v4" else {}
        call(deployment, "POST", path, {"topic": topic, "payload": "hi", **who})
    deployment.forget_requests()
    found = done("rule_info", deployment, with_metrics=True, query="[].[id, metrics]")["rules"]
    zero = dict.fromkeys(
        ["matched", "passed", "failed", "exception", "no_result", "actions_success", "actions_failed", "rate",
         "rate_max", "rate_last5m"], 0,
    )
    assert dict(found) == {"idle": zero, "mine": {**zero, "matched": 2, "passed": 2, "actions_success": 2}}
    assert len(deployment.requests) == (1 if deployment.generation == "v4" else 3)
    deployment.forget_requests()
    assert "metrics" not in done("rule_info", deployment)["rules"][0]
    assert len(deployment.requests) == 1
    deployment.forget_requests()
    done("rule_info", deployment, with_metrics=True, limit=1)
    assert len(deployment.requests) == (1 if deployment.generation == "v4" else 2)


@GENERATIONS
@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ({}, ["all-1", "Events", "odd"]),
        ({"id": "odd"}, ["odd"]),
        ({"id": "none"}, []),
        ({"id": "odd", "enabled": True}, []),
        ({"like_id": "all-"}, ["all-1"]),
        ({"like_id": "events"}, []),
        ({"like_description": "of 7"}, ["odd"]),
        ({"enabled": False}, ["odd"]),
        ({"enabled": True}, ["all-1", "Events"]),
        ({"topic": "t/+/7"}, ["odd"]),
        ({"topic": "t/1/7"}, []),
        ({"topic": "t"}, []),
        ({"match_topic": "t/1/7"}, ["all-1", "odd"]),
        ({"match_topic": "u", "enabled": True}, []),
        ({"action": "republish"}, ["odd"]),
        ({"action": "console"}, ["Events"]),
        ({"action": "http:none"}, []),
    ],
    ids=lambda value: "-".join(f"{name}={text}" for name, text in value.items()) if isinstance(value, dict) else "",
)
def test_rules_are_found(deployment: Deployment, options: dict[str, Any], ids: list[str]) -> None:
    done("rule", deployment, id="all-1", sql='SELECT * FROM "t/#"')
    events = 'SELECT * FROM "$events/client_connected"'
    done("rule", deployment, id="Events", sql=events, actions=[{"function": "console"}])
    sql = 'SELECT * FROM "t/+/7", "u"'
    done("rule", deployment, id="odd", sql=sql, enabled=False, description="those of 7", actions=[REPUBLISH])
    found = done("rule_info", deployment, **options, query="sort([].id)")
    assert (found["rules"], found["count"]) == (sorted(ids), len(ids))
    whole = done("rule_info", deployment, id="odd")["rules"][0]
    assert whole["from"] == ["t/+/7", "u"] and whole["created_at"].endswith("Z")


@GENERATIONS
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"id": ".."}, "'..' can't be used as id: the API would take it for another path."),
        ({"id": ""}, "'' can't be used as id: the API would take it for another path."),
        ({"sql": " \n"}, 'sql is empty: write a statement such as SELECT * FROM "t/#".'),
        ({"actions": [7]}, "actions[0] is neither a text TYPE:NAME nor a dictionary with a function."),
        (
            {"actions": [{"name": "inspect"}]},
            "actions[0] has 'name', and an action has only function, args, resource, fallbacks.",
        ),
        ({"actions": [REPUBLISH, {"args": {}}]}, "actions[1].function is missing, or is no text."),
        ({"actions": [{"function": "console", "args": "a=1"}]}, "actions[0].args has to be a dictionary."),
        (
            {"actions": [{"function": "republish", "args": {"topic": "a/#"}}]},
            "actions[0].args.topic is 'a/#', which is no topic name: a topic name has no wildcards ('+' and '#').",
        ),
        (
            {"actions": [{"function": "republish", "args": {"topic": "a", "qos": 3}}]},
            "actions[0].args.qos is 3: it is 0, 1, 2, or a placeholder such as '${qos}'.",
        ),
        (
            {"actions": [{"function": "republish", "args": {"topic": "a", "retain": "yes"}}]},
            "actions[0].args.retain is 'yes': it is true, false, or a placeholder such as '${retain}'.",
        ),
    ],
)
def test_what_cant_be_right_is_refused_before_any_request(
    deployment: Deployment, options: dict[str, Any], sentence: str
) -> None:
    assert refused("rule", deployment, **{**RULE, **options}) == sentence
    assert deployment.requests == []


@GENERATIONS
@pytest.mark.parametrize("check", [True, False])
def test_what_the_broker_would_choke_on_is_refused_in_check_mode_too(deployment: Deployment, check: bool) -> None:
    sentence = "The rule 'mine' does not exist, and sql is not given: it is needed to create it."
    assert refused("rule", deployment, id="mine", check=check) == sentence
    sentence = "An action republishes and has no args.topic: write the topic to publish to."
    assert refused("rule", deployment, check=check, **{**RULE, "actions": [{"function": "republish"}]}) == sentence
    masked = {"function": "republish", "args": {"topic": "t", "payload": "******"}}
    sentence = refused("rule", deployment, check=check, **{**RULE, "actions": [masked]})
    assert sentence.startswith("args.payload of an action has ****** in it")
    done("rule", deployment, **RULE)
    part = {"function": "republish", "args": {"payload": "https://******@h"}}
    assert "has ****** in it" in refused("rule", deployment, check=check, id="mine", actions=[part])


@GENERATIONS
def test_sql_that_cant_be_parsed_is_one_readable_sentence(deployment: Deployment) -> None:
    result = run("rule", deployment, id="mine", sql="selec nothing")
    assert result["failed"] and not result["changed"]
    assert one_sentence(result["msg"]).endswith('SQL syntax error before: "selec").')
    assert "parse_error" not in result["msg"] and result["error"]["method"] == "POST"


@GENERATIONS
def test_match_topic_is_a_topic_name(deployment: Deployment) -> None:
    assert "'t/#', which is no topic name" in refused("rule_info", deployment, match_topic="t/#")
    assert refused("rule_info", deployment, id=".").startswith("'.' can't be used as id")
    assert deployment.requests == []


# What is different on v5


def test_an_id_that_v5_refuses_is_refused_before_any_request(v5: Deployment) -> None:
    for name in ("rule:x", "-a", "_a", "ä", "a b", "a\n"):
        assert refused("rule", v5, id=name, state="absent").startswith(f"id is {name!r}, which a v5 deployment refuses")
    assert v5.requests == []


def test_actions_that_v5_lacks_are_refused(v5: Deployment) -> None:
    sentence = refused("rule", v5, **{**RULE, "actions": [TO_HOOK]})
    assert sentence == "actions[0].resource needs a v4 deployment: on v5 write an action of its own, TYPE:NAME."
    sentence = refused("rule", v5, **{**RULE, "actions": ["console"]})
    assert sentence.startswith("actions[0] is 'console', which is no action")
    assert v5.requests == []


@pytest.mark.parametrize("check", [True, False])
def test_an_action_that_is_not_there_is_refused_as_far_as_one_may_look(v5: Deployment, check: bool) -> None:
    listed = [{"type": "http", "name": "post"}, {"type": "redis", "name": "cache"}]
    v5.faults.add(Fault("body", status=200, body=listed, path="/actions", times=1000))
    sentence = "actions names 'http:nosuch', and there is no such action: make it first (emqx.cloud.action)."
    assert not_ready("rule", v5, check, **{**RULE, "actions": ["http:post", "http:nosuch"]}) == sentence
    names = ["http:post", "webhook:post", "redis_single:cache"]  # rules know bridges by old names
    assert done("rule", v5, **{**RULE, "actions": names})["rule"]["actions"] == names


@pytest.mark.parametrize("status", [403, 404])
def test_where_actions_may_not_be_read_they_are_let_through(v5: Deployment, status: int) -> None:
    body = {"code": "FORBIDDEN", "message": "no"}
    v5.faults.add(Fault("body", status=status, body=body, path="/actions", times=1000))
    made = as_predicted("rule", v5, **{**RULE, "actions": ["http:post"]})
    assert made["rule"]["actions"] == ["http:post"]
    # What a rule holds already is not looked up again.
    v5.forget_requests()
    done("rule", v5, id="mine", actions=["http:post"], description="new")
    assert [request.path for request in v5.requests] == ["/rules/mine", "/rules/mine"]


def test_a_rule_that_goes_while_its_metrics_are_read_is_left_out(v5: Deployment) -> None:
    done("rule", v5, **RULE)
    missing = {"code": "NOT_FOUND", "message": "Rule Id Not Found"}
    v5.faults.add(Fault("body", status=404, body=missing, path="/rules/mine/metrics"))
    assert done("rule_info", v5, with_metrics=True)["rules"] == []


def test_an_argument_that_v5_does_not_know_is_one_readable_sentence(v5: Deployment) -> None:
    wanted = {"function": "republish", "args": {"topic": "t", "colour": "red"}}
    message = one_sentence(run("rule", v5, **{**RULE, "actions": [wanted]})["msg"])
    assert "unknown_fields: rule_engine.rules.mine.actions.1.args: colour" in message


# What is different on v4


def test_any_text_is_an_id_on_v4(v4: Deployment) -> None:
    for name in ("rule:x", "a b/ü?#"):
        assert as_predicted("rule", v4, **{**RULE, "id": name})["rule"]["id"] == name
        assert as_predicted("rule", v4, id=name, state="absent")["counts"]["deleted"] == 1


def test_the_words_of_v4_are_taken_and_the_common_ones_are_shown(v4: Deployment) -> None:
    native = {"target_topic": "out", "payload_tmpl": "p", "target_qos": 2, "target_retain": "${flags.retain}"}
    common = {"topic": "out", "payload": "p", "qos": 2, "retain": "${retain}"}
    inspect, console = {"function": "inspect"}, {"function": "console"}
    actions = [inspect, {"function": "republish", "args": native, "fallbacks": [inspect]}]
    shown = [console, {"function": "republish", "args": common, "fallbacks": [console]}]
    assert as_predicted("rule", v4, **{**RULE, "actions": actions})["rule"]["actions"] == shown
    assert done("rule", v4, id="mine", actions=shown)["changed"] is False
    held = rule_on(v4)["actions"]
    assert [action["name"] for action in held] == ["inspect", "republish"] and held[1]["params"] == native
    assert held[1]["fallbacks"][0]["name"] == "inspect"
    without = [{"function": "console"}, {"function": "republish", "fallbacks": []}]
    as_predicted("rule", v4, id="mine", actions=without)
    assert rule_on(v4)["actions"][1]["fallbacks"] == [] and rule_on(v4)["actions"][1]["params"] == native


@pytest.mark.parametrize("check", [True, False])
def test_what_v4_answers_with_500_is_refused(v4: Deployment, check: bool) -> None:
    for actions in ([{"function": "nope"}], [{"function": "console", "fallbacks": [{"function": "nope"}]}]):
        assert refused("rule", v4, check=check, **{**RULE, "actions": actions}) == (
            "actions has the function 'nope', which this deployment lacks: it has data_to_webserver, do_nothing, "
            "inspect, republish."
        )
    assert not_ready("rule", v4, check, **{**RULE, "actions": [TO_HOOK]}) == (
        "actions uses the resource 'resource:hook', and there is none of that name: make it first "
        "(emqx.cloud.resource)."
    )
    assert "needs a v5 deployment" in refused("rule", v4, check=check, **{**RULE, "actions": ["http:post"]})


def test_a_rule_that_v4_disables_by_itself_is_a_failure_that_says_so(v4: Deployment, listener: str) -> None:
    port = listener.rpartition(":")[2]
    done("resource", v4, **{**HOOK, "config": {"url": "http://127.0.0.1:9"}})
    result = run("rule", v4, **{**RULE, "actions": [TO_HOOK]})
    assert result["failed"] and result["counts"]["failed"] == 1
    assert one_sentence(result["msg"]).startswith("The rule 'mine' is there, but the broker has disabled it")
    assert done("rule_info", v4, id="mine", query="[].enabled")["rules"] == [False]
    result = run("rule", v4, id="mine", enabled=True)
    assert result["failed"] and one_sentence(result["msg"]).startswith("The rule 'mine' is not changed: a resource")
    done("resource", v4, name="resource:hook", config={"url": f"http://127.0.0.1:{port}"})
    assert as_predicted("rule", v4, id="mine", enabled=True)["rule"]["enabled"] is True


def test_secrets_in_actions_are_not_shown(v4: Deployment) -> None:
    done("resource", v4, **HOOK)
    action = {**TO_HOOK, "args": {"headers": {"authorization": "hush", "x": "y"}, "body": "${payload}"}}
    made = as_predicted("rule", v4, **{**RULE, "actions": [action]})
    assert made["rule"]["actions"][0]["args"]["headers"] == {"authorization": "******", "x": "y"}
    found = done("rule_info", v4)
    assert "hush" not in json.dumps([made, found])
    echo = {"code": 400, "message": "you sent hush"}
    v4.faults.add(Fault("body", status=400, body=echo, path="/rules", method="PUT", times=1))
    failed = run("rule", v4, id="mine", description="new")
    assert failed["failed"] and "hush" not in json.dumps(failed)
    # What is shown can be given back: the secret stays.
    again = done("rule", v4, id="mine", actions=found["rules"][0]["actions"], description="newer")
    assert again["changed"] and rule_on(v4)["actions"][0]["params"]["headers"]["authorization"] == "hush"


# Resources


def resource_on(deployment: Deployment) -> Any:
    return call(deployment, "GET", "resources/resource%3Ahook")["data"]


def test_a_resource_comes_changes_and_goes(v4: Deployment) -> None:
    made = as_predicted("resource", v4, **HOOK, description="d")
    assert made["resource"] == {**HOOK, "description": "d"}
    changed = as_predicted("resource", v4, name="resource:hook", config={"pool_size": 5})
    before, after = (changed["diff"][side]["resources"][0] for side in ("before", "after"))
    assert {**before, "config": {**before["config"], "pool_size": 5}} == after
    assert resource_on(v4)["config"]["url"] == HOOK["config"]["url"] and resource_on(v4)["description"] == "d"
    as_predicted("resource", v4, name="resource:hook", description="")
    assert resource_on(v4)["config"]["pool_size"] == 5
    assert as_predicted("resource", v4, name="resource:hook", state="absent")["resource"] is None


def test_secrets_of_a_resource_are_compared_kept_and_never_shown(v4: Deployment) -> None:
    def options(token: str) -> dict[str, Any]:
        return {**HOOK, "secret_config": {"headers": {"authorization": token, "odd": "hush-too"}}}

    results = [as_predicted("resource", v4, **options("hush-1"))]
    results.append(done("resource", v4, **options("hush-2")))
    assert results[-1]["changed"] is False
    results.append(as_predicted("resource", v4, **options("hush-2"), update_secrets="always"))
    assert resource_on(v4)["config"]["headers"] == {"authorization": "hush-2", "odd": "hush-too"}
    results.append(as_predicted("resource", v4, name="resource:hook", config={"pool_size": 9}))
    assert resource_on(v4)["config"]["headers"]["authorization"] == "hush-2"
    echo = {"code": 400, "message": "you sent hush-2 and hush-too"}
    v4.faults.add(Fault("body", status=200, body=echo, path="/resources", method="PUT"))
    results.append(run("resource", v4, **options("hush-2"), description="new"))
    assert results[-1]["failed"] and "hush-2" not in json.dumps(results[-1]) and "hush" not in results[-1]["msg"]
    assert "hush-1" not in json.dumps(results) and "hush-2" not in json.dumps(results)
    assert "hush-too" not in json.dumps([results[index] for index in (0, 1, 2, 4)])


@pytest.mark.parametrize("check", [True, False])
def test_what_cant_be_done_to_a_resource_is_refused(v4: Deployment, check: bool) -> None:
    sentence = "The resource 'new' does not exist, and type is not given: it is needed to create it."
    assert refused("resource", v4, check=check, name="new") == sentence
    sentence = "type is 'nope', which this deployment lacks: it has web_hook."
    assert refused("resource", v4, check=check, name="new", type="nope") == sentence
    assert "which stands for a secret" in refused("resource", v4, check=check, **{**HOOK, "config": {"url": "******"}})
    assert "can't be used as name" in refused("resource", v4, check=check, name="..")
    assert "wait_timeout is -1" in refused("resource", v4, check=check, name="new", wait_timeout=-1)
    done("resource", v4, **HOOK)
    assert refused("resource", v4, check=check, name="resource:hook", type="mysql") == (
        "The resource 'resource:hook' has the type 'web_hook', which can't change: delete it first, or take another "
        "name."
    )


def test_stars_are_never_stored_in_a_resource(v4: Deployment) -> None:
    stars = {"headers": {"x-api-key": "******"}}
    assert "stands for a secret" in refused("resource", v4, **HOOK, secret_config=stars)
    done("resource", v4, **HOOK)
    for option in ("config", "secret_config"):
        assert "keeps no such secret" in refused("resource", v4, **{"name": HOOK["name"], option: stars})
    url = {"url": "https://******@h"}
    assert "can't have ****** in a text, url" in refused("resource", v4, name=HOOK["name"], config=url)


def test_what_seems_secret_is_hidden_wherever_it_stands(v4: Deployment) -> None:
    config = {
        "url": "http://user:hush@example.com/?sig=hush&page=2", "password": 4711, "token_lifetime": 300,
        "headers": {"X-Functions-Key": "hush", "COOKIE": "hush"}, "list": [{"api_key": "hush"}],
        "keyfile": {"file": "-----BEGIN PRIVATE KEY-----hush", "filename": "key.pem"},
    }
    results = [as_predicted("resource", v4, **{**HOOK, "config": config})]
    results.append(as_predicted("resource", v4, name=HOOK["name"], config={"pool_size": 2}))
    echo = {"code": 400, "message": "bad user:hush, 4711"}
    v4.faults.add(*(Fault("body", body=echo, path="/resources", method=method) for method in ("POST", "DELETE")))
    results.append(run("resource", v4, name=HOOK["name"], state="absent"))
    results.append(run("resource", v4, **{**HOOK, "name": "new", "config": config}))
    assert results[-2]["failed"] and results[-1]["failed"]
    assert "hush" not in json.dumps(results) and "4711" not in json.dumps(results)
    assert results[0]["resource"]["config"]["token_lifetime"] == 300
    assert {name: resource_on(v4)["config"][name] for name in config} == config


@pytest.mark.parametrize("check", [True, False])
def test_a_resource_that_enabled_rules_use_stays_as_it_is(v4: Deployment, check: bool) -> None:
    done("resource", v4, **HOOK)
    for name in ("b", "a"):
        done("rule", v4, **{**RULE, "id": name, "actions": [TO_HOOK]})
    done("rule", v4, id="c", sql='SELECT * FROM "t"', actions=[{"function": "console", "fallbacks": [TO_HOOK]}])
    start = "The resource 'resource:hook' can't be "
    end = " while enabled rules use it (a, b): disable or delete them first."
    gone = {"name": "resource:hook", "state": "absent"}
    assert not_ready("resource", v4, check, **gone) == f"{start}deleted{end}"
    assert not_ready("resource", v4, check, name="resource:hook", description="x") == f"{start}changed{end}"
    assert done("resource", v4, check=check, **HOOK)["changed"] is False
    for name in ("b", "a"):
        done("rule", v4, id=name, enabled=False)
    assert as_predicted("resource", v4, **gone)["counts"]["deleted"] == 1


def test_where_rules_may_not_be_read_the_broker_says_it(v4: Deployment) -> None:
    done("resource", v4, **HOOK)
    done("rule", v4, **{**RULE, "actions": [TO_HOOK]})
    v4.faults.add(Fault("body", status=403, body="no", path="/rules", method="GET", times=1000))
    result = run("resource", v4, name="resource:hook", state="absent")
    assert result["failed"] and "depends on this resource" in one_sentence(result["msg"])


def test_a_configuration_that_does_not_connect_is_not_taken(v4: Deployment) -> None:
    done("resource", v4, **HOOK)
    result = run("resource", v4, name="resource:hook", config={"url": "http://127.0.0.1:9"})
    assert result["failed"] and not result["changed"]
    assert one_sentence(result["msg"]) == (
        "The resource 'resource:hook' is not changed: the broker tries a new configuration first, and with this one "
        "there is no connection."
    )
    assert result["error"]["code"] == 400 and resource_on(v4)["config"]["url"] == HOOK["config"]["url"]


def test_waiting_ends_when_it_is_connected_or_the_time_is_over(v4: Deployment, listener: str) -> None:
    assert done("resource", v4, **HOOK, wait=True, wait_timeout=0)["changed"]
    lost = {**HOOK, "name": "lost", "config": {"url": "http://127.0.0.1:9"}}
    assert done("resource", v4, check=True, **lost, wait=True, wait_timeout=0)["changed"]
    result = run("resource", v4, **lost, wait=True, wait_timeout=0.2)
    assert result["failed"] and result["changed"] and result["resource"]["name"] == "lost"
    assert one_sentence(result["msg"]) == (
        "After 0.2 s (wait_timeout) it is still waited for the resource 'lost' on emqx4@127.0.0.1."
    )
    assert done("resource", v4, **{**HOOK, "name": "here", "config": {"url": listener}}, wait=True)["changed"]
    assert done("resource", v4, name="lost", state="absent", wait=True, wait_timeout=0)["changed"]


def test_v5_has_no_resources(v5: Deployment) -> None:
    sentence = "A resource needs a v4 deployment: v5 has connectors (emqx.cloud.connector)."
    assert refused("resource", v5, **HOOK) == sentence
    assert v5.requests == []


# Answers that can't be right


@GENERATIONS
@pytest.mark.parametrize("odd", [{}, [], {"id": "mine"}, {"id": 7, "sql": "s", "rawsql": "s", "actions": []},
                                 {"id": "mine", "sql": "s", "rawsql": "s", "actions": [7]},
                                 {"id": "mine", "sql": "s", "rawsql": "s", "actions": [{"name": 7, "params": {}}]}])
def test_an_odd_answer_is_a_clear_error(deployment: Deployment, odd: Any) -> None:
    body = {"code": 0, "data": odd} if deployment.generation == "v4" else odd
    deployment.faults.add(Fault("body", status=200, body=body, path="/rules", times=1000))
    assert "can't be used" in one_sentence(run("rule", deployment, **RULE)["msg"])
    if odd != []:
        rows = {"code": 0, "data": [odd], "meta": {}}
        deployment.faults.clear()
        deployment.faults.add(Fault("body", status=200, body=rows, path="/rules", times=1000))
        assert "can't be used" in one_sentence(run("rule_info", deployment, with_metrics=True)["msg"])
