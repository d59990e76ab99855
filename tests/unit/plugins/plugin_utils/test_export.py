# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment as a file: what is written, in which order, and what is left out and named."""

from __future__ import annotations

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.emqx.cloud.plugins.filter.to_model import to_model
from ansible_collections.emqx.cloud.plugins.plugin_utils._export import text_of


def model(text):
    return yaml.safe_load(text)


def left_out(text):
    return [line[len("# Left out, "):] for line in text.splitlines() if line.startswith("# Left out, ")]


USERS = {"users": [{"username": "b", "is_superuser": False}, {"username": "a", "is_superuser": True}], "count": 2}
RULE = {"topic": "t", "action": "publish", "permission": "allow", "qos": [0, 1, 2], "retain": "all"}


def test_sections_and_items_have_an_order_and_defaults_are_not_written():
    acls = [
        {"everyone": True, "rules": [RULE]},
        {"clientid": "c", "rules": [{**RULE, "qos": [1], "retain": False}, {**RULE, "permission": "deny"}]},
        {"username": "z", "rules": [RULE]},
    ]
    results = {"topic_metrics": {"topics": ["b", "a"]}, "acl": {"acls": acls}, "users": USERS}
    text = text_of(results, "v5")
    found = model(text)
    short = {"topic": "t", "action": "publish", "permission": "allow"}
    assert list(found) == ["converge_secrets", "converge_users", "converge_acl", "converge_topic_metrics"]
    assert found["converge_users"] == [
        {"username": "a", "is_superuser": True}, {"username": "b", "is_superuser": False},
    ]
    assert found["converge_acl"] == [
        {"username": "z", "rules": [short]},
        {"clientid": "c", "rules": [{**short, "qos": [1], "retain": False}, {**short, "permission": "deny"}]},
        {"everyone": True, "rules": [short]},
    ]
    assert found["converge_topic_metrics"] == ["a", "b"]
    assert found["converge_secrets"] == "{{ vault_converge_secrets | default({}) }}"
    turned = {
        name: {key: value[::-1] if isinstance(value, list) else value for key, value in result.items()}
        for name, result in reversed(results.items())
    }
    assert text_of(turned, "v5") == text


def test_what_changes_by_itself_is_not_written():
    bans = [
        {"clientid": "c", "reason": "r", "by": "ansible", "at": "2026-01-01T00:00:00Z", "until": "never"},
        {"username": "u", "at": "2026-01-01T00:00:00Z", "until": "2999-01-01T00:00:00Z"},
    ]
    rules = [{"id": "r", "sql": "SELECT 1", "from": ["t"], "created_at": "x", "actions": [], "enabled": False}]
    messages = [
        {"topic": "$SYS/brokers", "qos": 0, "payload": "n", "payload_encoding": "plain"},
        {"topic": "t", "qos": 1, "payload": "x", "payload_encoding": "plain", "publish_at": "x", "msgid": "1"},
    ]
    results = {"bans": {"banned": bans}, "rules": {"rules": rules}, "retained_messages": {"messages": messages}}
    text = text_of(results, "v5")
    found = model(text)
    assert found["converge_bans"] == [{"clientid": "c", "reason": "r", "by": "ansible", "until": "never"}]
    assert found["converge_rules"] == [{"id": "r", "enabled": False, "sql": "SELECT 1", "actions": []}]
    assert found["converge_retained_messages"] == [{"topic": "t", "qos": 1, "payload": "x"}]
    assert "Bans that end are not in this file" in text
    every = text_of(results, "v5", temporary_bans=True)
    assert "Bans that end" not in every
    assert model(every)["converge_bans"][1] == {"username": "u", "until": "2999-01-01T00:00:00Z"}


def test_configurations_keep_their_order_where_it_means_something_and_name_their_secrets():
    hook = {"type": "http", "name": "z", "enabled": True, "config": {"url": "u", "a": {"c": 1, "b": 2}}, "secrets": []}
    config = {
        "authenticators": [
            {"mechanism": "jwt", "enabled": True, "config": {}, "secrets": ["secret"]},
            {"mechanism": "password_based", "backend": "http", "enabled": True, "config": {}, "secrets": ["headers.k"]},
        ],
        "authorization_settings": {"no_match": "deny", "deny_action": "ignore", "cache": {"ttl": "1m", "enable": True}},
        "connectors": [hook, {**hook, "name": "a", "secrets": ["headers.x", "headers.authorization", "url"]}],
        "actions": [], "left_out": {"sources": "GET sources failed: no."},
    }
    text = text_of({"config": config}, "v5")
    found = model(text)
    assert [item["mechanism"] for item in found["converge_authenticators"]] == ["jwt", "password_based"]
    assert [item["name"] for item in found["converge_connectors"]] == ["a", "z"]
    assert list(found["converge_connectors"][0]["config"]["a"]) == ["b", "c"]
    assert "secrets" not in found["converge_connectors"][0] and "converge_sources" not in found
    assert left_out(text) == ["sources: GET sources failed: no."]
    comments = "\n".join(line[4:] for line in text.splitlines() if line.startswith("#   "))
    assert model(comments)["vault_converge_secrets"] == {
        "authenticators": {"jwt": {"secret": "..."}, "password_based:http": {"headers": {"k": "..."}}},
        "connectors": {"http:a": {"headers": {"x": "...", "authorization": "..."}, "url": "..."}},
    }


def test_resources_of_v4():
    row = {"name": "r", "type": "web_hook", "description": "d", "config": {"url": "u"}, "secrets": ["headers.token"]}
    text = text_of({"config": {"resources": [row], "left_out": {}}}, "v4")
    assert model(text)["converge_resources"] == [{key: row[key] for key in ("name", "type", "description", "config")}]
    assert "resources:\n#       r:\n#         headers:\n#           token: '...'" in text


@pytest.mark.parametrize(
    ("section", "row", "said"),
    [
        ("users", {"username": 7, "is_superuser": False}, "users: 7: username is no text"),
        ("users", {"username": "."}, "users: .: '.' can't be used as username"),
        ("users", {"username": ""}, "users: : username or clientid has to name one user"),
        ("users", {"username": "a\ud800"}, "users: a\\\\ud800: it holds what is no valid Unicode text"),
        ("users", {"username": "..\n{{ x }}"}, ""),
        ("acl", {"username": "u", "rules": [{**RULE, "topic": "a/#/b"}]}, "acl: u: rules[0].topic is 'a/#/b'"),
        ("acl", {"username": "..", "rules": [RULE]}, "acl: ..: '..' can't be used as username"),
        ("bans", {"clientid": ".", "until": "never"}, "bans: .: '.' can't be used as clientid"),
        ("topic_metrics", "a/#", "topic_metrics: a/#: topics[0] is 'a/#', which is no topic name"),
        ("retained_messages", {"topic": "..", "qos": 0}, "retained_messages: ..: its payload was not read"),
        ("retained_messages", {"topic": "t", "qos": 0, "payload": ""}, "retained_messages: t: payload is empty"),
        ("rules", {"id": "..", "sql": "S", "actions": []}, "rules: ..: '..' can't be used as id"),
    ],
)
def test_what_no_module_takes_back_is_named_in_one_line(section, row, said):
    names = {"acl": "acls", "bans": "banned", "topic_metrics": "topics", "retained_messages": "messages"}
    text = text_of({section: {names.get(section, section): [row]}}, "v5")
    assert all(line.startswith(said.replace("\\\\", "\\")) for line in left_out(text))
    assert len(left_out(text)) == (1 if said else 0)
    assert len(text.split(f"converge_{section}:")) == 2 and ("[]" in text.splitlines()[-1]) is bool(said)


def test_a_comment_stays_a_comment():
    text = text_of({"users": {"users": [{"username": 'a\ud800\nconverge_rules: [{"id": "x"}]\r\u2028\x85b: c'}]}}, "v5")
    assert list(model(text)) == ["converge_secrets", "converge_users"]
    hook = {"type": "http", "name": "a", "enabled": True, "config": {}, "secrets": ["headers.a\nconverge_x: 1"]}
    text = text_of({"config": {"connectors": [hook]}}, "v5")
    assert list(model(text)) == ["converge_secrets", "converge_connectors"]


def test_skipped_tasks_dont_count_and_failed_ones_are_named():
    results = {"users": {"skipped": True}, "rules": {"msg": "GET rules failed: refused."}, "acl": {"acls": []}}
    text = text_of(results, "v4")
    assert list(model(text)) == ["converge_secrets", "converge_acl"]
    assert left_out(text) == ["rules: GET rules failed: refused."]


def test_only_the_sections_that_are_asked_for():
    assert list(model(text_of({"users": USERS, "acl": {"acls": []}}, "v5", ["acl"]))) == [
        "converge_secrets", "converge_acl",
    ]


@pytest.mark.parametrize(
    ("results", "generation", "said"),
    [
        ([], "v5", "takes a dictionary of results"), ({"users": []}, "v5", "takes a dictionary of results"),
        ({}, "v6", "is v4 or v5, and not 'v6'"), ({"people": {}}, "v5", "'people' is no section"),
        ({"users": {"users": 7}}, "v5", "can't use what it was given"), ({"users": {}}, "v5", "can't use what it was"),
    ],
)
def test_what_it_can_not_use_is_one_sentence(results, generation, said):
    with pytest.raises(AnsibleFilterError, match=said):
        to_model(results, generation)
