# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any name, topic, payload or text comes back exactly as it was given, or is refused before a request.

Each test writes with one module, reads with the one that goes with it, writes again, which changes nothing, and
deletes, which deletes exactly that: names that could be mistaken for it stay.
"""

from __future__ import annotations

import base64
import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.mqtt_client import MqttClient
from faults.figures import LONG, count
from simulator import Deployment, Simulator
from system.harness import done, one_sentence, run

fuzzed = settings(
    max_examples=1000 if LONG else 12, derandomize=not LONG, database=None, deadline=None,
    suppress_health_check=list(HealthCheck),
)

ODD = [
    " ", "  a", "a  ", "\t", "\n", "a\nb", "\r\n", "\0", "a\0b", "\x1b[2J", "\x7f", "\x85", "\u2028", "\ufeff", "\ufffe",
    ".", "..", "...", "./a", "../a", "a/..", "a/./b", "/", "//", "a/b", "%", "%2e", "%2E%2E", "%2F", "%00", "%s", "%c", "100%",
    "*", "?", "#", "&", "=", "+", "a+b", "a b", "a,b", ";", ":", "a:b", "@", "$", "$all", "$SYS", "all", "~", "|",
    "null", "None", "true", "True", "no", "0", "007", "1e3", "1.0", "0x10", "-1", "2026-01-01", "[]", "{}", "- a", "a: b",
    "'", '"', "\\", "\\n", "it's", '"quoted"', "a\\", "{{ 7 * 7 }}", "{% raw %}", "{# a #}", "${clientid}", "%u",
    "\u202eabc", "\u05e9\u05dc\u05d5\u05dd", "\u0645\u0631\u062d\u0628\u0627", "\U0001f600", "\U0001f468\u200d\U0001f469",
    "caf\u00e9", "cafe\u0301", "\u212b", "\u00c5", "\uff21", "\u0130", "\u00df", "ss", "A", "a", "\u00a0", "\u200b", "\ue000",
    "\U0010ffff", "\ud800", "a\udc80", "\udcff\ud800", "x" * 600, "x" * 7400, "\U0001f600" * 620, "x" * 7600, "\u00fc" * 1300,
    "x" * 65536, "\U0001f600" * 16384,
]
TEXTS = st.one_of(
    st.sampled_from(ODD), st.text(st.characters(), max_size=12), st.text(max_size=40),
    st.builds(str.__add__, st.sampled_from(ODD), st.sampled_from(ODD)),
)
LISTS = st.lists(TEXTS.filter(bool), min_size=1, max_size=6, unique=True)


@pytest.fixture(scope="module", params=["v4", "v5"])
def deployment(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    with Simulator.start(generation=request.param) as simulator:
        yield simulator.deployments[0]


def is_text(text: str) -> bool:
    """Whether UTF-8 can carry it."""
    return text == text.encode("utf-8", "ignore").decode("utf-8")


def is_name(text: str) -> bool:
    """Whether it can be one segment of a path."""
    return text not in ("", ".", "..") and is_text(text) and len(quote(text, safe="")) <= 7500


def is_topic(text: str) -> bool:
    """Whether it can be a topic to publish to."""
    return text != "" and is_text(text) and len(text.encode()) < 65536 and not {"\0", "+", "#"} & set(text)


def is_filter(text: str) -> bool:
    """Whether it can be subscribed to."""
    levels = text.split("/")
    wrong = [level for level in levels if len(level) > 1 and {"+", "#"} & set(level)]
    return is_topic(text.replace("+", "x").replace("#", "x")) and not wrong and "#" not in levels[:-1]


def alike(names: Iterable[str]) -> list[str]:
    """Other names that somebody could take for these."""
    ways: list[Callable[[str], str]] = [
        lambda name: unicodedata.normalize("NFC", name), lambda name: unicodedata.normalize("NFD", name),
        lambda name: unicodedata.normalize("NFKC", name), str.strip, str.lower, str.upper, str.casefold,
        lambda name: quote(name, safe=""), lambda name: name.partition("\0")[0], lambda name: name + " ",
        lambda name: name + "/x", lambda name: name.partition("/")[0], lambda name: name.replace("\\", ""),
    ]
    names = set(names)
    found = {way(name) for name in names if len(name) < 1000 for way in ways}
    return sorted(name for name in found - names if is_name(name))


def refused(module: str, deployment: Deployment, **options: Any) -> None:
    """A task that fails before it sends anything, and says why in one sentence."""
    before = len(deployment.requests)
    result = run(module, deployment, **options)
    assert result.get("failed"), (module, options, result)
    assert len(one_sentence(result["msg"])) <= 4200
    assert len(deployment.requests) == before
    assert result["changed"] is False
    count("fuzz cases")


def there_and_back(
    module: str, deployment: Deployment, read: Callable[[], Any], wanted: Any, **options: Any
) -> None:
    """Write, read what was wanted, write again."""
    deployment.forget_requests()
    assert done(module, deployment, **options)["changed"]
    assert read() == wanted
    assert not done(module, deployment, **options)["changed"]
    count("fuzz cases")


def gone(module: str, deployment: Deployment, **options: Any) -> None:
    """Delete, and delete again."""
    assert done(module, deployment, state="absent", **options)["changed"]
    assert not done(module, deployment, state="absent", **options)["changed"]


def users(deployment: Deployment, kind: str, **options: Any) -> list[str]:
    return sorted(user[kind] for user in done("auth_user_info", deployment, **options)["users"])


@fuzzed
@given(names=LISTS, password=TEXTS.filter(bool), data=st.data())
def test_users(deployment: Deployment, names: list[str], password: str, data: st.DataObject) -> None:
    deployment.reset()
    kind = data.draw(st.sampled_from(["username", "clientid"] if deployment.generation == "v4" else ["username"]))
    if not is_text(password):
        refused("auth_user", deployment, **{kind: "a"}, password=password)
        password = "right"
    for name in names:
        if not is_name(name):
            refused("auth_user", deployment, **{kind: name}, password=password)
    names = [name for name in names if is_name(name)]
    if not names:
        return
    others = alike(names)
    deployment.add_users(others, kind)
    rows = [{kind: name, "password": password} for name in names]
    everybody = sorted([*names, *others])
    kinds = {"kind": [kind]} if deployment.generation == "v4" else {}
    there_and_back("auth_users", deployment, lambda: users(deployment, kind, **kinds), everybody, users=rows)
    for name in names:
        assert users(deployment, kind, **{kind: name}) == [name]
        assert deployment.check_password(name, password, kind)
        assert name in users(deployment, kind, like=name)
    gone("auth_user", deployment, **{kind: names[0]})
    assert sorted(deployment.user_names(kind)) == sorted({*everybody} - {names[0]})
    there_and_back("auth_user", deployment, lambda: users(deployment, kind, **{kind: names[0]}), [names[0]], **rows[0])
    gone("auth_users", deployment, users=[{kind: name} for name in names])
    assert sorted(deployment.user_names(kind)) == others


@fuzzed
@given(names=LISTS, topics=LISTS, kind=st.sampled_from(["username", "clientid"]))
def test_access_rules(deployment: Deployment, names: list[str], topics: list[str], kind: str) -> None:
    deployment.reset()
    rule = {"topic": "t/1", "action": "publish", "permission": "allow"}
    for name in names:
        if not is_name(name):
            refused("acl", deployment, **{kind: name}, rules=[rule])
    rules = [{**rule, "topic": topic} for topic in topics]
    for each in rules:
        if not is_filter(each["topic"]):
            refused("acl", deployment, **{kind: "a"}, rules=[each])
    names = [name for name in names if is_name(name)]
    rules = [each for each in rules if is_filter(each["topic"]) and not _is_special(each["topic"], deployment)]
    if not names or not rules:
        return

    def read(*found: str) -> dict[str, list[str]]:
        options = {kind: found[0]} if found else {"kind": [kind]}
        acls = done("acl_info", deployment, **options)["acls"]
        return {subject[kind]: [each["topic"] for each in subject["rules"]] for subject in acls}

    others = alike(names)
    for other in others:
        deployment.add_rules(kind, other, [("other", "publish", True)])
    kept = {other: ["other"] for other in others}
    texts = [each["topic"] for each in rules]
    everybody = {**kept, **{name: texts for name in names}}
    subjects = [{kind: name, "rules": rules} for name in names]
    there_and_back("acls", deployment, read, everybody, subjects=subjects)
    assert read(names[0]) == {names[0]: texts}
    gone("acl", deployment, **{kind: names[0]}, rules=[{"topic": texts[0], "action": "publish"}])
    assert read(names[0]) == ({names[0]: texts[1:]} if texts[1:] else {})
    gone("acls", deployment, subjects=[{kind: name} for name in [*names[1:], *(names[:1] if texts[1:] else [])]] or [
        {kind: others[0]}] if others else []) if False else None
    done("acls", deployment, state="absent", subjects=[{kind: name} for name in names])
    assert read() == kept


def _is_special(topic: str, deployment: Deployment) -> bool:
    """Whether a rule means something else by it, or it can't be deleted one day."""
    words = {"%c", "%u"} & set(topic.split("/"))
    if deployment.generation == "v4":
        return topic in (".", "..") or "%c" in topic or "%u" in topic or "${" in topic or not is_name(topic)
    return bool(words) or topic.startswith("eq ")
