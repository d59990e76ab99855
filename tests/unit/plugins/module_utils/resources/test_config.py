# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations: what is compared, what is sent, and what is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._errors import InputError
from ansible_collections.emqx.cloud.plugins.module_utils._resources import _config
from ansible_collections.emqx.cloud.plugins.module_utils._resources._config import MASK, Configured


@dataclass(frozen=True)
class Thing(Configured):
    """A thing with a name."""

    name: str = ""
    enabled: Any = None

    @property
    def key(self) -> str:
        return self.name


def thing(**options: Any) -> Thing:
    enabled = options.pop("enabled", None)
    return Thing(name="t", enabled=enabled, **_config.config_from(options))


HELD = Thing(
    name="t", enabled=True,
    config={"url": "http://h", "pool_size": 8, "ssl": {"enable": False, "verify": "none"}, "password": MASK,
            "ttl": "1m"},
)


@pytest.mark.parametrize(
    "config",
    [
        {}, {"url": "http://h"}, {"ssl": {"enable": False}}, {"pool_size": "8"}, {"ttl": "60s"}, {"password": MASK},
        {"url": None}, {"ssl": {"verify": None}}, {"ssl": {"enable": "false"}}, {"pool_size": 8.0},
    ],
)
def test_what_the_broker_holds_already_is_no_change(config: Any) -> None:
    assert not thing(config=config).differs(HELD)


@pytest.mark.parametrize(
    "config",
    [{"url": "http://i"}, {"ssl": {"enable": True}}, {"pool_size": 9}, {"ttl": "61s"}, {"new": 1}, {"ssl": "no"}],
)
def test_what_differs_is_a_change_and_the_rest_is_kept(config: Any) -> None:
    wanted = thing(config=config)
    assert wanted.differs(HELD)
    after = wanted.completed(HELD)
    assert not wanted.differs(after)
    assert after.enabled is True
    kept = {name: value for name, value in HELD.config.items() if name not in config}
    assert {name: after.config[name] for name in kept} == kept


def test_another_field_is_a_change() -> None:
    assert thing(enabled=False).differs(HELD)
    assert not thing(enabled=True).differs(HELD)


def test_lists_are_compared_item_by_item_and_the_broker_may_complete_their_dictionaries() -> None:
    held = {"actions": [{"function": "console"}, {"function": "republish", "args": {"topic": "t", "qos": 0}}]}
    wanted = [{"function": "console"}, {"function": "republish", "args": {"topic": "t"}}]
    assert _config.covers(held, {"actions": wanted})
    assert not _config.covers(held, {"actions": wanted[::-1]})
    assert not _config.covers(held, {"actions": wanted[:1]})
    assert _config.merged(held, {"actions": wanted}) == held
    assert _config.merged(held, {"actions": wanted[:1]}) == {"actions": wanted[:1]}


def test_two_texts_that_look_alike_can_be_kept_apart():
    held = {"timeouts": ["60s", 1]}
    assert _config.covers(held, {"timeouts": ["1m", "1"]})
    assert not _config.covers(held, {"timeouts": ["1m", "1"]}, exact=True)
    assert _config.covers(held, {"timeouts": ["60s", "1"]}, exact=True)


@pytest.mark.parametrize("name", ["connect_timeout", "request_ttl", "keepalive", "hibernate_after", "max_inactive"])
def test_two_words_for_a_time_are_the_same(name):
    assert _config.covers({"opts": {name: "90s"}}, {"opts": {name: "1m30s"}})
    assert _config.merged({name: "90s"}, {name: "1m30s"}) == {name: "90s"}
    assert not _config.covers({name: "90s"}, {name: "2m"})


@pytest.mark.parametrize("name", ["topic", "username", "database", "message", "page", "after_topic"])
def test_a_text_that_looks_like_a_time_is_a_text(name):
    assert not _config.covers({"opts": {name: "60s"}}, {"opts": {name: "1m"}})
    assert _config.merged({name: "60s"}, {name: "1m"}) == {name: "1m"}


def test_what_is_not_shown_whole_is_found():
    tree = {"url": "http://h/?token=hush", "headers": [{"cookie": "c", "accept": "a"}], "odd": "o"}
    assert _config.hidden_in(tree) == ["http://h/?token=hush", "hush", "c"]
    assert _config.hidden_in(tree, _config.paths_of({"odd": "o"})) == ["http://h/?token=hush", "hush", "c", "o"]


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("Bearer hush", {"hush"}), ("http://u:p%40ss@h/?sig=hu%2Fsh", {"u:p%40ss", "u:p@ss", "p%40ss", "p@ss",
                                                                       "hu%2Fsh", "hu/sh"}),
        ("http://only-a-token@h", {"only-a-token"}), ("one two", set()),
    ],
)
def test_what_is_secret_in_a_value_is_found_by_itself(value, parts):
    assert set(_config.hidden_in({"x": value}, _config.paths_of({"x": ""}))) == {value, *parts}


def test_secrets_are_sent_when_the_broker_lacks_them_or_always() -> None:
    secrets = {"password": "hush", "headers": {"x-api-key": "hush2"}}
    once = thing(secret_config=secrets)
    assert once.differs(HELD)
    assert once.completed(HELD).secret_config == {"headers": {"x-api-key": "hush2"}}
    assert once.completed(HELD).whole()["password"] == MASK
    held = _config.merged(HELD.config, {"headers": {"x-api-key": "other"}})
    held = Thing(name="t", config=held)
    assert not once.differs(held)
    always = thing(secret_config=secrets, update_secrets="always")
    assert always.differs(held)
    assert always.completed(held).whole()["headers"] == {"x-api-key": "hush2"}
    assert always.completed(held).whole()["password"] == "hush"


def test_a_secret_that_the_broker_shows_is_compared() -> None:
    held = Thing(name="t", config={"headers": {"x-api-key": "hush2"}})
    wanted = thing(secret_config={"headers": {"x-api-key": "hush2"}}, update_secrets="always")
    assert not wanted.differs(held)


def test_nothing_secret_is_shown() -> None:
    config = {
        "url": "http://user:hush@h/p?access_token=hush&page=2",
        "headers": {"x-api-key": "hush", "Cookie": "hush", "accept": "text/plain"},
        "odd": "hush",
        "pin": 4711,
        "body": {"password": "${password}", "name": "%u"},
        "ssl": {"keyfile": "-----BEGIN PRIVATE KEY-----hush", "enable": True},
        "servers": [{"client_secret": "hush", "host": "h"}],
        "password": 4711,
        "token_lifetime": 300,
        "jwt": "hush",
        "amqp": "amqp://user:hush@hush@h",
        "blob": "https://h/?sig=hush&key=hush&auth=hush&page=2",
        "account_key": "hush",
    }
    config["headers"].update({"X-Functions-Key": "hush", "x-auth": 4711, "odd-one": "hush"})
    hidden = _config.paths_of({"odd": "hush", "pin": 4711, "headers": {"Odd-One": "hush"}})
    wanted = Thing(name="t", config=config, hidden=hidden, secret_config={"more": {"deep": "hush"}})
    shown = wanted.shown()
    assert "hush" not in repr(shown) and "4711" not in repr(shown)
    assert shown["config"]["url"] == f"http://{MASK}@h/p?access_token={MASK}&page=2"
    assert shown["config"]["body"] == {"password": "${password}", "name": "%u"}
    assert shown["config"]["headers"]["accept"] == "text/plain"
    assert shown["config"]["token_lifetime"] == 300
    assert shown["config"]["amqp"] == f"amqp://{MASK}@h"
    assert shown["config"]["blob"] == f"https://h/?sig={MASK}&key={MASK}&auth={MASK}&page=2"
    assert shown["config"]["servers"] == [{"client_secret": MASK, "host": "h"}]
    assert set(shown) == {"name", "config"}


def test_one_value_has_one_place() -> None:
    with pytest.raises(InputError, match=r"^headers.a is given both in config and in secret_config"):
        thing(config={"headers": {"a": "1"}}, secret_config={"headers": {"A": "2"}})


def test_a_mask_is_not_created() -> None:
    with pytest.raises(InputError, match=r"^The thing 't' does not exist, and a.b of its config is \*{6}"):
        _config.refuse_mask({"a": {"b": MASK}}, "The thing 't'")
    _config.refuse_mask({"a": {"b": "***"}}, "The thing 't'")


def test_a_mask_is_not_sent_where_no_secret_is_kept() -> None:
    held = {"a": {"b": MASK}, "c": None}
    _config.refuse_mask({"a": {"b": MASK}}, "The thing 't'", held)
    for path, config in (("a.x", {"a": {"x": MASK}}), ("c", {"c": MASK})):
        with pytest.raises(InputError, match=rf"^The thing 't' keeps no such secret, and {path} of its config is "):
            _config.refuse_mask(config, "The thing 't'", held)


@pytest.mark.parametrize("text", [f"http://{MASK}@h", f"Bearer {MASK}"])
def test_a_mask_in_a_text_is_not_sent(text: str) -> None:
    for held in (None, {"url": "u"}):
        with pytest.raises(InputError, match=r"^The thing 't' can't have \*{6} in a text, url of its config"):
            _config.refuse_mask({"url": text}, "The thing 't'", held)
    _config.refuse_mask({"url": text}, "The thing 't'", {"url": text})


def test_a_mask_in_a_list_is_not_sent() -> None:
    ids = {"ids": [{"name": "a", "password": MASK}]}
    with pytest.raises(InputError, match=r"^The thing 't' has \*{6} in a list, ids.password: the broker would store "):
        _config.refuse_mask(ids, "The thing 't'", ids)
    with pytest.raises(InputError, match=r"^The thing 't' does not exist, and ids.password of its config"):
        _config.refuse_mask(ids, "The thing 't'")


def test_the_same_in_other_words_stays_as_it_is() -> None:
    held = {"n": 5, "ttl": "60s", "on": True, "list": [{"n": 5}], "tree": {"a": 1}}
    wanted = {"n": "5", "ttl": "1m", "on": "true", "list": [{"n": "5"}]}
    assert repr(_config.merged(held, wanted)) == repr(held)
    assert _config.merged(held, {"n": 6, "tree": "5"}) == {**held, "n": 6, "tree": "5"}


def test_what_is_sent_and_not_shown_is_masked_in_errors() -> None:
    headers = {"x-api-key": "key", "accept": "text", "authorization": MASK}
    config = {"url": "http://u:p@h", "headers": headers, "odd": "odd-one"}
    hidden = _config.paths_of({"odd": "x", "pin": 1})
    record = Thing(name="t", config=config, hidden=hidden, secret_config={"pin": 4711})
    assert sorted(record.secrets()) == ["4711", "http://u:p@h", "key", "odd-one", "p", "u:p"]


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ({"hash": {"name": "bcrypt"}}, {"kind", "url"}),
        ({"hash": {"name": "sha256", "salt": "prefix"}}, {"kind", "url", "hash"}),
        ({"kind": "b", "url": "v"}, set()),
        ({"hash": "none"}, {"kind", "url", "hash"}),
        ({"url": "v"}, {"kind", "url", "hash"}),
    ],
)
def test_what_a_field_selects_goes_when_the_field_changes(wanted: Any, kept: Any) -> None:
    held = {"kind": "a", "url": "u", "hash": {"name": "sha256", "salt": 1}}
    found = _config.without_stale(held, wanted, [("hash", "name"), ("kind",)])
    assert found == {name: held[name] for name in kept}


def test_what_is_written_down_has_no_secret_and_says_where_they_belong() -> None:
    config = {
        "url": "http://user:hush@h", "password": MASK, "unset": None, "empty": {}, "note": f"stars {MASK}",
        "headers": {"Authorization": "hush", "x-plant": "hush", "accept": "text/plain"},
        "ssl": {"keyfile": "-----BEGIN PRIVATE KEY-----hush"}, "servers": [{"client_secret": "hush", "host": "h"}],
        "body": {"password": "${password}"}, "tree": {"deep": {"a": "hush"}}, "topics": ["a", "b"],
    }
    shown = Thing(name="t", config=config).handed_back({"headers.x-plant", "tree.deep"})
    assert shown == {
        "name": "t",
        "config": {
            "headers": {"accept": "text/plain"}, "body": {"password": "${password}"}, "empty": {},
            "topics": ["a", "b"],
        },
        "secrets": [
            "headers.Authorization", "headers.x-plant", "note", "password", "servers", "ssl.keyfile", "tree.deep",
            "url",
        ],
    }
    assert not thing(config=shown["config"]).differs(Thing(name="t", config=config))
