# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authenticators, authorization sources and settings, and what real MQTT clients may do with them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from contract.mqtt_client import MqttClient
from simulator import Deployment, Fault, Simulator
from system.harness import done, refused, run

BUILT_IN = {"mechanism": "password_based", "backend": "built_in_database"}
BUILT_IN_ID = "password_based:built_in_database"
HTTP = {"mechanism": "password_based", "backend": "http", "config": {"method": "post", "url": "http://127.0.0.1:9/a"}}
JWT = {
    "mechanism": "jwt", "config": {"use_jwks": False, "algorithm": "hmac-based"}, "secret_config": {"secret": "hush"}
}
RULES = "authorization/sources/built_in_database/rules"


@pytest.fixture
def v5() -> Iterator[Deployment]:
    with Simulator.start("v5") as simulator:
        yield simulator.deployments[0]


@pytest.fixture
def bare() -> Iterator[Deployment]:
    with Simulator.start("v5", bare=True) as simulator:
        yield simulator.deployments[0]


def changes(deployment: Deployment) -> list[str]:
    """The calls that were to change something."""
    return [f"{call.method} {call.path}" for call in deployment.requests if call.method != "GET"]


def read(deployment: Deployment, path: str) -> Any:
    return done("api", deployment, path=path)["json"]


def ids(deployment: Deployment) -> list[str]:
    return [row["id"] for row in read(deployment, "authentication")]


def types(deployment: Deployment) -> list[str]:
    return [row["type"] for row in read(deployment, "authorization/sources")["sources"]]


def converge(module: str, deployment: Deployment, **options: Any) -> dict[str, Any]:
    """In check mode, for real, and again: the prediction is right, and the second run changes nothing."""
    deployment.forget_requests()
    predicted = done(module, deployment, check=True, **options)
    assert changes(deployment) == []
    result = done(module, deployment, **options)
    assert {**predicted, "requests": 0} == {**result, "requests": 0}
    if options.get("update_secrets") != "always":
        again = done(module, deployment, **options)
        assert not again["changed"] and again["counts"]["unchanged"] == 1
    return result


def may(client: MqttClient, deployment: Deployment, topic: str) -> bool:
    """Whether a message of this client arrives, as its retained copy."""
    payload = uuid.uuid4().hex
    client.publish(topic, payload, retain=True)
    return deployment.retained().get(topic) == payload.encode()


# From a bare broker


def test_a_bare_broker_becomes_what_emqx_cloud_starts_with(bare: Deployment) -> None:
    with MqttClient(bare, "anybody", "mallory", "x") as client:
        assert client.accepted
    assert "create it first" in run("auth_users", bare, users=[{"username": "alice", "password": "x"}])["msg"]

    algorithm = {"name": "sha256", "salt_position": "suffix"}
    assert converge("authenticator", bare, **BUILT_IN)["authenticator"] == {
        "id": BUILT_IN_ID, **BUILT_IN, "enabled": True, "position": 1,
        "config": {"user_id_type": "username", "password_hash_algorithm": algorithm},
    }
    source = converge("authorization_source", bare, type="built_in_database", position="before:file")["source"]
    assert source == {"type": "built_in_database", "enabled": True, "position": 1, "config": {}}

    done("auth_users", bare, users=[{"username": "alice", "password": "pw"}])
    rules = {"username": "alice", "rules": [{"topic": "no/#", "action": "publish", "permission": "deny"}]}
    done("api", bare, method="PUT", path=f"{RULES}/users/alice", body=rules, expected_status=[204])
    with MqttClient(bare, "a", "mallory", "x") as mallory, MqttClient(bare, "b", "alice", "wrong") as wrong:
        assert not mallory.accepted and not wrong.accepted
    with MqttClient(bare, "c", "alice", "pw") as alice:
        assert alice.accepted
        assert may(alice, bare, "yes/1") and not may(alice, bare, "no/1")

    with Simulator.start("v5") as cloud:
        started = cloud.deployments[0]
        for path in ("authentication", "authorization/sources", "authorization/settings"):
            assert read(started, path) == read(bare, path)


def test_no_authenticator_that_is_enabled_lets_everybody_in(v5: Deployment) -> None:
    disabled = converge("authenticator", v5, **BUILT_IN, enabled=False)
    assert disabled["diff"]["after"]["authenticators"][0]["enabled"] is False
    with MqttClient(v5, "anybody") as client:
        assert client.accepted


# The order


@pytest.mark.parametrize(
    ("position", "order"),
    [
        ("front", ["jwt", BUILT_IN_ID, "password_based:http"]),
        ("rear", [BUILT_IN_ID, "password_based:http", "jwt"]),
        (f"before:{BUILT_IN_ID}", ["jwt", BUILT_IN_ID, "password_based:http"]),
        (f"after:{BUILT_IN_ID}", [BUILT_IN_ID, "jwt", "password_based:http"]),
        (None, [BUILT_IN_ID, "password_based:http", "jwt"]),
    ],
)
def test_an_authenticator_is_created_where_it_belongs(v5: Deployment, position: str | None, order: list[str]) -> None:
    done("authenticator", v5, **HTTP)
    created = converge("authenticator", v5, **JWT, **({"position": position} if position else {}))
    assert ids(v5) == order
    assert created["authenticator"]["position"] == order.index("jwt") + 1
    moves = [call for call in changes(v5) if "/position/" in call]
    assert len(moves) == (order[-1] != "jwt")


@pytest.mark.parametrize(
    ("position", "order"),
    [
        ("front", ["http", "built_in_database", "file"]), ("rear", ["built_in_database", "file", "http"]),
        ("before:file", ["built_in_database", "http", "file"]), ("after:file", ["built_in_database", "file", "http"]),
        (None, ["http", "built_in_database", "file"]),
    ],
)
def test_a_source_is_created_where_it_belongs(v5: Deployment, position: str | None, order: list[str]) -> None:
    options = {"type": "http", "config": HTTP["config"], **({"position": position} if position else {})}
    created = converge("authorization_source", v5, **options)
    assert types(v5) == order
    assert created["source"]["position"] == order.index("http") + 1
    assert sum("/move" in call for call in changes(v5)) == (order[0] != "http")


def test_only_the_place_changes_where_only_the_place_is_wrong(v5: Deployment) -> None:
    done("authenticator", v5, **JWT)
    moved = converge("authenticator", v5, mechanism="jwt", position="front")
    before, after = (moved["diff"][side]["authenticators"][0] for side in ("before", "after"))
    assert (before.pop("position"), after.pop("position")) == (2, 1)
    assert before == after
    assert changes(v5) == ["PUT /authentication/jwt/position/front"]
    converge("authorization_source", v5, type="file", position="front")
    assert changes(v5) == ["POST /authorization/sources/file/move"]
    assert types(v5) == ["file", "built_in_database"]
    # Its default rules allow everything, so that nothing behind them counts.
    deny = {"rules": [{"topic": "#", "action": "all", "permission": "deny"}]}
    done("api", v5, method="POST", path=f"{RULES}/all", body=deny, expected_status=[204])
    v5.add_user("alice", "pw")
    with MqttClient(v5, "c", "alice", "pw") as alice:
        assert may(alice, v5, "t")
        done("authorization_source", v5, type="file", position="rear")
        assert not may(alice, v5, "t")


def test_a_move_that_fails_tells_what_was_done_before_it(v5: Deployment) -> None:
    v5.faults.add(Fault("status", status=500, method="PUT"))
    result = run("authenticator", v5, **JWT, position="front", retries=0)
    assert result["failed"] and result["changed"]
    assert result["counts"] == {"created": 1, "updated": 0, "deleted": 0, "unchanged": 0, "failed": 1}
    assert result["applied"][0]["item"]["position"] == 2 and result["failures"][0]["item"]["position"] == 1
    assert "hush" not in repr(result)
    assert ids(v5) == [BUILT_IN_ID, "jwt"]


# What is sent, and what is shown


def test_what_is_not_mentioned_is_sent_back_and_secrets_are_kept(v5: Deployment) -> None:
    secret = {"headers": {"Authorization": "Bearer hush", "x-api-key": "hush2"}}
    converge("authenticator", v5, **HTTP, secret_config=secret)
    changed = converge("authenticator", v5, mechanism="password_based", backend="http", config={"pool_size": 4})
    assert changed["counts"]["updated"] == 1 and "hush" not in repr(changed)
    held = v5.authenticator("password_based:http")
    assert held["headers"]["authorization"] == "Bearer hush" and held["headers"]["x-api-key"] == "hush2"
    assert (held["url"], held["pool_size"]) == ("http://127.0.0.1:9/a", 4)
    converge("authenticator", v5, **HTTP, enabled=False)
    assert held["headers"] == v5.authenticator("password_based:http")["headers"]
    new = {"headers": {"authorization": "Bearer hush3"}}
    result = converge("authenticator", v5, **HTTP, secret_config=new, update_secrets="always")
    assert result["changed"] and "hush" not in repr(result)
    held = v5.authenticator("password_based:http")
    assert (held["headers"]["authorization"], held["headers"]["x-api-key"]) == ("Bearer hush3", "hush2")
    assert held["enable"] is False


def test_a_source_of_a_database_keeps_its_password(v5: Deployment) -> None:
    config = {"server": "db:3306", "database": "mqtt", "query": "SELECT 1"}
    created = converge("authorization_source", v5, type="mysql", config=config, secret_config={"password": "hush"})
    assert "hush" not in repr(created)
    changed = converge("authorization_source", v5, type="mysql", config={"database": "other"}, enabled=False)
    source = v5.source("mysql")
    assert (source["password"], source["database"], source["enable"]) == ("hush", "other", False)
    assert changed["source"]["config"]["password"] == "******"


def test_an_empty_secret_is_none(v5: Deployment) -> None:
    """EMQX completes a missing password with an empty one."""
    config = {"server": "db:3306", "database": "mqtt", "query": "SELECT 1"}
    converge("authorization_source", v5, type="mysql", config=config)
    assert v5.source("mysql")["password"] == ""
    assert converge("authorization_source", v5, type="mysql", secret_config={"password": "hush"})["changed"]
    assert v5.source("mysql")["password"] == "hush"


def test_what_is_given_as_a_secret_is_one_in_what_was_there_too(v5: Deployment) -> None:
    done("authenticator", v5, **HTTP, secret_config={"headers": {"odd": "hush-old"}})
    new = {"headers": {"Odd": "hush-new"}}
    result = converge("authenticator", v5, **HTTP, secret_config=new, update_secrets="always")
    assert result["changed"] and "hush" not in repr(result)
    assert v5.authenticator("password_based:http")["headers"]["odd"] == "hush-new"


def test_a_field_that_selects_others_takes_them_with_it(v5: Deployment) -> None:
    done("authenticator", v5, **JWT)
    key = "-----BEGIN PUBLIC KEY-----"
    config = {"algorithm": "public-key", "public_key": key, "use_jwks": False}
    converge("authenticator", v5, mechanism="jwt", config=config)
    assert "secret" not in v5.authenticator("jwt")
    algorithm = {"password_hash_algorithm": {"name": "bcrypt", "salt_rounds": 7}}
    converge("authenticator", v5, **BUILT_IN, config=algorithm)
    assert v5.authenticator(BUILT_IN_ID)["password_hash_algorithm"] == {"name": "bcrypt", "salt_rounds": 7}


def test_an_error_of_the_broker_repeats_no_secret(v5: Deployment) -> None:
    answer = {"code": "BAD_REQUEST", "message": "bad secret hush-token"}
    v5.faults.add(Fault("body", status=400, body=answer, method="POST"))
    result = run("authenticator", v5, **{**JWT, "secret_config": {"secret": "hush-token"}})
    assert result["failed"] and "hush-token" not in repr(result)


def test_an_error_repeats_no_secret_that_was_only_sent_back(v5: Deployment) -> None:
    done("authenticator", v5, **HTTP, secret_config={"headers": {"x-api-key": "hush-key"}})
    v5.faults.add(Fault("body", status=400, body={"code": "BAD_REQUEST", "message": "no: hush-key"}, method="PUT"))
    result = run("authenticator", v5, **HTTP, enabled=False)
    assert result["failed"] and "hush-key" not in repr(result)


def test_stars_are_never_stored(v5: Deployment) -> None:
    stars = {"headers": {"x-api-key": "******"}}
    source = {"type": "http", "config": HTTP["config"]}
    for module, names in (("authenticator", HTTP), ("authorization_source", source)):
        assert "stands for a secret" in refused(module, v5, **names, secret_config=stars)
        done(module, v5, **names)
        for option in ("config", "secret_config"):
            assert "keeps no such secret" in refused(module, v5, **{**names, option: stars})
        position = "front" if module == "authenticator" else "rear"
        assert done(module, v5, **names, position=position)["changed"]


def test_what_the_broker_refuses_is_a_clear_sentence(v5: Deployment) -> None:
    result = run("authenticator", v5, **{**HTTP, "config": {**HTTP["config"], "colour": "red"}})
    assert result["failed"] and "unknown_fields" in result["msg"] and not result["changed"]


def test_what_somebody_else_has_deleted_meanwhile_is_gone(v5: Deployment) -> None:
    done("authenticator", v5, **HTTP)
    answer = {"code": "NOT_FOUND", "message": "not found"}
    v5.faults.add(Fault("body", status=404, body=answer, method="DELETE"))
    assert done("authenticator", v5, mechanism="password_based", backend="http", state="absent")["changed"]


# What would be lost


def test_users_are_not_lost_by_accident(v5: Deployment) -> None:
    v5.add_user("alice", "pw")
    absent = refused("authenticator", v5, **BUILT_IN, state="absent")
    assert absent == (
        f"The authenticator '{BUILT_IN_ID}' holds users, who would be deleted with it: set lose_users: true if that is "
        "what you want."
    )
    plain = {"name": "plain", "salt_position": "disable"}
    for config in ({"user_id_type": "clientid"}, {"password_hash_algorithm": plain}):
        sentence = refused("authenticator", v5, **BUILT_IN, config=config)
        assert f"who can't connect any more once {next(iter(config))} changes: set lose_users: true" in sentence
    assert v5.user_names() == ["alice"] and v5.check_password("alice", "pw")
    converge("authenticator", v5, **BUILT_IN, config={"bootstrap_type": "hash"})
    converge("authenticator", v5, **BUILT_IN, config={"user_id_type": "clientid"}, lose_users=True)
    assert v5.user_names("clientid") == ["alice"]
    assert converge("authenticator", v5, **BUILT_IN, state="absent", lose_users=True)["authenticator"] is None
    assert v5.user_names("clientid") == []


def test_how_often_new_passwords_are_hashed_may_change(v5: Deployment) -> None:
    done("authenticator", v5, **BUILT_IN, config={"password_hash_algorithm": {"name": "bcrypt", "salt_rounds": 5}})
    v5.add_user("alice", "pw")
    more = {"password_hash_algorithm": {"salt_rounds": 6}}
    assert converge("authenticator", v5, **BUILT_IN, config=more)["counts"]["updated"] == 1
    assert v5.check_password("alice", "pw")


def test_without_users_nothing_is_lost(v5: Deployment) -> None:
    converge("authenticator", v5, **BUILT_IN, config={"user_id_type": "clientid"})
    assert v5.requests[1].path.endswith("/users") and v5.requests[1].query == "page=1&limit=1"
    converge("authenticator", v5, **BUILT_IN, state="absent")
    assert ids(v5) == []


@pytest.mark.parametrize("kind", ["users/alice", "clients/alice", "all"])
def test_rules_are_not_lost_by_accident(v5: Deployment, kind: str) -> None:
    body: dict[str, Any] = {"rules": [{"topic": "t", "action": "all", "permission": "allow"}]}
    who = {"users/alice": "username", "clients/alice": "clientid"}.get(kind)
    body, method = ({who: "alice", **body}, "PUT") if who else (body, "POST")
    done("api", v5, method=method, path=f"{RULES}/{kind}", body=body, expected_status=[204])
    options = {"type": "built_in_database", "state": "absent"}
    assert "holds access rules, which would be deleted with it: set lose_rules" in refused(
        "authorization_source", v5, **options
    )
    done("authorization_source", v5, type="built_in_database", enabled=False)
    converge("authorization_source", v5, **options)
    assert types(v5) == ["file"]
    done("authorization_source", v5, type="built_in_database")
    rows = read(v5, f"{RULES}/{kind.partition('/')[0]}")
    assert rows.get("data", rows.get("rules"))
    converge("authorization_source", v5, **options, lose_rules=True)
    done("authorization_source", v5, type="built_in_database")
    assert read(v5, f"{RULES}/all")["rules"] == [] and read(v5, f"{RULES}/users")["data"] == []


def test_the_rules_of_a_file_are_its_configuration(v5: Deployment) -> None:
    assert "lose_rules" in refused("authorization_source", v5, type="file", state="absent")
    converge("authorization_source", v5, type="file", state="absent", lose_rules=True)
    converge("authorization_source", v5, type="file", config={"rules": "{deny, all}.\n"}, position="rear")
    v5.add_user("alice", "pw")
    with MqttClient(v5, "c", "alice", "pw") as alice:
        assert not may(alice, v5, "t")


# Settings


def test_settings_are_enforced(v5: Deployment) -> None:
    v5.add_user("alice", "pw")
    done("authorization_source", v5, type="file", state="absent", lose_rules=True)
    rules = {"rules": [{"topic": "ok/#", "action": "all", "permission": "allow"}]}
    done("api", v5, method="POST", path=f"{RULES}/all", body=rules, expected_status=[204])
    with MqttClient(v5, "c", "alice", "pw") as alice:
        assert may(alice, v5, "other")
        changed = converge("authorization_settings", v5, no_match="deny")
        assert changed["settings"]["no_match"] == "deny" and changed["settings"]["cache"]["ttl"] == "1m"
        before, after = (changed["diff"][side]["settings"][0] for side in ("before", "after"))
        assert {name for name in before if before[name] != after[name]} == {"no_match"}
        assert may(alice, v5, "other"), "the decision is cached"
        assert may(alice, v5, "ok/1") and not may(alice, v5, "another")
        converge("authorization_settings", v5, cache={"enable": False})
        assert not may(alice, v5, "other")
        converge("authorization_settings", v5, deny_action="disconnect")
        alice._client.publish("other", "x", qos=1)
        alice.wait_until_closed()
    assert read(v5, "authorization/settings") == {
        "no_match": "deny", "deny_action": "disconnect",
        "cache": {"enable": False, "excludes": [], "max_size": 32, "ttl": "1m"},
    }


def test_settings_that_are_the_same_in_other_words_are_no_change(v5: Deployment) -> None:
    assert not done("authorization_settings", v5, cache={"ttl": "60s", "max_size": 32}, no_match="allow")["changed"]
    converge("authorization_settings", v5, cache={"excludes": ["alarm/#"], "ttl": "1ms"})
    v5.add_user("alice", "pw")
    with MqttClient(v5, "c", "alice", "pw") as alice:
        assert may(alice, v5, "alarm/1")
        assert read(v5, "clients/c/authorization/cache") == []


@pytest.mark.parametrize(
    ("cache", "sentence"),
    [
        ({"max_size": 0}, "cache.max_size is 0: it is between 1 and 1048576."),
        ({"ttl": "soon"}, "cache.ttl is 'soon': it is a time such as '30s', '1m' or '1h30m'."),
        ({"ttl": 60}, "cache.ttl is '60': it is a time such as '30s', '1m' or '1h30m'."),
        ({"excludes": ["a", "b/#/c"]},
         "cache.excludes[1] is 'b/#/c', which is no topic filter: '#' stands alone as the last level."),
    ],
)
def test_settings_that_cant_be_are_refused(v5: Deployment, cache: dict[str, Any], sentence: str) -> None:
    assert refused("authorization_settings", v5, cache=cache) == sentence
    assert v5.requests == []


# What is refused


def test_a_text_is_no_list_of_filters(v5: Deployment) -> None:
    sentence = refused("authorization_settings", v5, cache={"excludes": "a,b"})
    assert sentence.startswith("cache.excludes has to be a list")
    assert v5.requests == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"mechanism": "jwt", "backend": "http"}, "backend is given, but the mechanism jwt has none."),
        ({"mechanism": "scram"}, "The mechanism scram needs a backend, such as built_in_database."),
        ({"mechanism": "../x"}, "mechanism is '../x': it is one word of lower case letters, digits and '_'."),
        ({"mechanism": "password_based", "backend": "My:SQL"},
         "backend is 'My:SQL': it is one word of lower case letters, digits and '_'."),
        ({**JWT, "position": "first"}, "position is 'first': it is front, rear, before:NAME or after:NAME."),
        ({**JWT, "position": "before:"}, "position is 'before:': it is front, rear, before:NAME or after:NAME."),
        ({**JWT, "position": "after:jwt"}, "position is 'after:jwt', which names the thing itself: name another one."),
        ({**JWT, "config": {"enable": True}}, "config can't hold enable: the module has an option for it."),
        ({**JWT, "config": {"secret": "x"}},
         "secret is given both in config and in secret_config: give it in secret_config."),
    ],
)
def test_authenticators_that_cant_be_are_refused(v5: Deployment, options: dict[str, Any], sentence: str) -> None:
    assert refused("authenticator", v5, **options) == sentence
    assert v5.requests == []


def test_a_neighbour_has_to_be_there(v5: Deployment) -> None:
    assert refused("authenticator", v5, **JWT, position="before:scram:x") == (
        f"position is 'before:scram:x', but this deployment has no authenticator 'scram:x': it has {BUILT_IN_ID}."
    )
    assert refused("authorization_source", v5, type="file", position="after:redis") == (
        "position is 'after:redis', but this deployment has no authorization source 'redis': it has built_in_database."
    )


def test_a_mask_is_not_created(v5: Deployment) -> None:
    config = {**HTTP["config"], "headers": {"authorization": "******"}}
    sentence = refused("authenticator", v5, **{**HTTP, "config": config})
    assert "The authenticator 'password_based:http' does not exist" in sentence


@pytest.mark.parametrize(
    ("module", "options", "sentence"),
    [
        ("authenticator", BUILT_IN,
         "An authenticator needs a v5 deployment: v4 keeps users without one, see emqx.cloud.auth_users."),
        ("authorization_source", {"type": "file"},
         "An authorization source needs a v5 deployment: v4 keeps access rules without one, see emqx.cloud.acls."),
        ("authorization_settings", {"no_match": "deny"}, "An authorization setting needs a v5 deployment."),
    ],
)
def test_v4_has_none_of_these(module: str, options: dict[str, Any], sentence: str) -> None:
    with Simulator.start("v4") as simulator:
        assert refused(module, simulator.deployments[0], **options) == sentence
        assert simulator.deployments[0].requests == []


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("authenticator", BUILT_IN), ("authorization_source", {"type": "file"}),
        ("authorization_settings", {"no_match": "deny"}),
    ],
)
@pytest.mark.parametrize("answer", [{"sources": 1, "cache": 1}, [1], None, [{"id": 1, "type": 1}], {"sources": [{}]}])
def test_answers_of_another_shape_are_clear_errors(
    v5: Deployment, module: str, options: dict[str, Any], answer: Any
) -> None:
    v5.faults.add(Fault("body", status=200, body=answer))
    assert "can't be used" in refused(module, v5, **options)


def test_a_deployment_that_lacks_the_call_is_said_to(v5: Deployment) -> None:
    answer = {"code": "NOT_FOUND", "message": "Request Path Not Found"}
    v5.faults.add(Fault("body", status=404, body=answer))
    assert "this deployment does not offer the call" in refused("authenticator", v5, **BUILT_IN)
