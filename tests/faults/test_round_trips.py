# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any name, topic, payload or text comes back exactly as it was given, or is refused before a request.

Each test writes with one module, reads with the one that goes with it, writes again, which changes nothing, and
deletes, which deletes exactly that: names that could be mistaken for it stay.
"""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.emqx.cloud.plugins.plugin_utils._export import text_of
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contract.mqtt_client import MqttClient
from faults.figures import LONG, count
from simulator import Deployment, Simulator
from system.harness import done, one_sentence, run

fuzzed = settings(
    max_examples=150 if LONG else 25, derandomize=not LONG, database=None, deadline=None,
    suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink),
)

ODD = [
    " ", "  a", "a  ", "\t", "\n", "a\nb", "\r\n", "\0", "a\0b", "\x1b[2J", "\x7f", "\x85", "\u2028", "\ufeff",
    "\ufffe", ".", "..", "...", "./a", "../a", "a/..", "a/./b", "/", "//", "a/b", "%", "%2e", "%2E%2E", "%2F", "%00",
    "%s", "%c", "100%",
    "*", "?", "#", "&", "=", "+", "a+b", "a b", "a,b", ";", ":", "a:b", "@", "$", "$all", "$SYS", "all", "~", "|",
    "null", "None", "true", "True", "no", "0", "007", "1e3", "1.0", "0x10", "-1", "2026-01-01", "[]", "{}", "- a",
    "a: b", "'", '"', "\\", "\\n", "it's", '"quoted"', "a\\", "{{ 7 * 7 }}", "{% raw %}", "{# a #}",
    "${clientid}", "%u",
    "\u202eabc", "\u05e9\u05dc\u05d5\u05dd", "\u0645\u0631\u062d\u0628\u0627", "\U0001f600",
    "\U0001f468\u200d\U0001f469",
    "caf\u00e9", "cafe\u0301", "\u212b", "\u00c5", "\uff21", "\u0130", "\u00df", "ss", "A", "a", "\u00a0", "\u200b",
    "\ue000",
    "\U0010ffff", "\ud800", "a\udc80", "\udcff\ud800", "x" * 600, "x" * 7400, "\U0001f600" * 620, "x" * 7600,
    "\u00fc" * 1300, "x" * 65536, "\U0001f600" * 16384,
]
TEXTS = st.one_of(
    st.sampled_from(ODD), st.text(st.characters(), max_size=12), st.text(max_size=40),
    st.builds(str.__add__, st.sampled_from(ODD), st.sampled_from(ODD)),
)
TREES = st.recursive(
    st.one_of(TEXTS, st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)), max_leaves=6,
)
LISTS = st.lists(TEXTS.filter(bool), min_size=1, max_size=6, unique=True)

pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")  # texts of 64 KiB


@pytest.fixture(scope="module", params=["v4", "v5"])
def deployment(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    with Simulator.start(generation=request.param) as simulator:
        yield simulator.deployments[0]


def is_text(value: Any) -> bool:
    """Whether UTF-8 can carry a text, or each text of a tree."""
    if isinstance(value, dict):
        return all(is_text(name) and is_text(each) for name, each in value.items())
    if isinstance(value, list):
        return all(map(is_text, value))
    return not isinstance(value, str) or value == value.encode("utf-8", "ignore").decode("utf-8")


def is_name(text: str) -> bool:
    """Whether it can be one segment of a path."""
    return text not in ("", ".", "..") and is_text(text) and len(quote(text, safe="")) <= 7500


def is_word(text: str) -> bool:
    """Whether it can be the id of a rule of v5."""
    return text.isascii() and text[:1].isalnum() and text.replace("-", "").replace("_", "").isalnum() and is_name(text)


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


def users(deployment: Deployment, field: str, **options: Any) -> list[str]:
    return sorted(user[field] for user in done("auth_user_info", deployment, **options)["users"])


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
        long = deployment.generation == "v4" and is_text(each["topic"]) and len(quote(each["topic"], safe="")) > 7500
        if long or not is_filter(each["topic"]):
            refused("acl", deployment, **{kind: "a"}, rules=[each])
    names = [name for name in names if is_name(name)]
    rules = [each for each in rules if is_filter(each["topic"]) and not _is_special(each["topic"], deployment)]
    if deployment.generation == "v4":  # a path holds both
        names = [name for name in names if all(is_name(name + each["topic"]) for each in rules)]
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
    everybody = {**kept, **dict.fromkeys(names, texts)}
    subjects = [{kind: name, "rules": rules} for name in names]
    there_and_back("acls", deployment, read, everybody, subjects=subjects)
    assert read(names[0]) == {names[0]: texts}
    gone("acl", deployment, **{kind: names[0]}, rules=[{"topic": texts[0], "action": "publish"}])
    assert read(names[0]) == ({names[0]: texts[1:]} if texts[1:] else {})
    done("acls", deployment, state="absent", subjects=[{kind: name} for name in names])
    assert read() == kept


def _is_special(topic: str, deployment: Deployment) -> bool:
    """Whether a rule means something else by it, or it can't be deleted one day."""
    words = {"%c", "%u"} & set(topic.split("/"))
    if deployment.generation == "v4":
        return topic in (".", "..") or "%c" in topic or "%u" in topic or "${" in topic or not is_name(topic)
    return bool(words) or topic.startswith("eq ")


@fuzzed
@given(names=LISTS, reason=TEXTS, by=TEXTS.filter(bool), kind=st.sampled_from(["username", "clientid"]))
def test_bans(deployment: Deployment, names: list[str], reason: str, by: str, kind: str) -> None:
    deployment.reset()
    for name in names:
        if not is_name(name):
            refused("banned", deployment, **{kind: name})
    for option, text in (("reason", reason), ("by", by)):
        if not is_text(text):
            refused("banned", deployment, clientid="a", **{option: text})
    names = [name for name in names if is_name(name)]
    if not names or not is_text(reason + by):
        return
    others = alike(names)
    done("banned", deployment, entries=[{kind: other} for other in others])

    def read(*found: str) -> list[tuple[str, str, str]]:
        options = {kind: found[0]} if found else {}
        bans = done("banned_info", deployment, **options)["banned"]
        return sorted((ban[kind], ban["reason"], ban["by"]) for ban in bans if ban[kind] not in others)

    wanted = sorted((name, reason, by) for name in names)
    entries = [{kind: name, "reason": reason, "by": by, "until": "7d"} for name in names]
    there_and_back("banned", deployment, read, wanted, entries=entries)
    assert read(names[0]) == [(names[0], reason, by)]
    gone("banned", deployment, **{kind: names[0]})
    assert read() == sorted((name, reason, by) for name in names[1:])
    done("banned", deployment, state="absent", entries=[{kind: name} for name in names])
    assert sorted(deployment.bans()) == sorted((kind, other) for other in others)


@fuzzed
@given(topics=LISTS, payload=st.one_of(TEXTS, st.binary(max_size=300)))
def test_messages(deployment: Deployment, topics: list[str], payload: str | bytes) -> None:
    deployment.reset()
    deployment.add_user("a", "a")
    v4 = deployment.generation == "v4"
    given: dict[str, Any] = {"payload": payload}
    if isinstance(payload, bytes):
        given = {"payload": base64.b64encode(payload).decode(), "payload_encoding": "base64"}
    elif not is_text(payload):
        refused("publish", deployment, topic="t", payload=payload)
        given = {"payload": "right"}
    sent = payload if isinstance(payload, bytes) else given["payload"].encode()
    for topic in topics:
        if not is_topic(topic) or (v4 and "," in topic):
            refused("publish", deployment, topic=topic, payload="x")
    topics = [topic for topic in topics if is_topic(topic) and not (v4 and "," in topic) and topic[0] != "$"]
    with MqttClient(deployment, "listener", "a", "a") as listener:
        assert listener.subscribe("#")
        done("publish", deployment, messages=[{"topic": topic, **given} for topic in topics])
        assert [listener.next_message()[:2] for _topic in topics] == [(topic, sent) for topic in topics]
    count("fuzz cases", len(topics))


@fuzzed
@given(topics=LISTS, payload=TEXTS.filter(bool))
def test_retained_messages(deployment: Deployment, topics: list[str], payload: str) -> None:
    if deployment.generation == "v4":
        refused("retained_message", deployment, topic=topics[0], payload=payload)
        return
    deployment.reset()
    if not is_text(payload):
        refused("retained_message", deployment, topic="t", payload=payload)
        payload = "right"
    for topic in topics:
        if not (is_topic(topic) and is_name(topic)):
            refused("retained_message", deployment, topic=topic, payload="x")
            refused("retained_message", deployment, topic=topic, state="absent")
    topics = [topic for topic in topics if is_topic(topic) and is_name(topic)]
    if not topics:
        return
    others = [topic for topic in alike(topics) if is_topic(topic)]
    done("publish", deployment, messages=[{"topic": other, "payload": "other", "retain": True} for other in others])
    kept = dict.fromkeys(others, b"other")

    def read() -> Any:
        found = done("retained_message_info", deployment, topic=topics[0], with_payload=True)["messages"]
        return [(each["topic"], each["payload"]) for each in found]

    there_and_back("retained_message", deployment, read, [(topics[0], payload)], topic=topics[0], payload=payload)
    assert deployment.retained() == {**kept, topics[0]: payload.encode()}
    gone("retained_message", deployment, topic=topics[0])
    assert deployment.retained() == kept


@fuzzed
@given(topics=LISTS)
def test_topic_metrics(deployment: Deployment, topics: list[str]) -> None:
    deployment.reset()
    deployment.load_module("emqx_mod_topic_metrics")
    for topic in topics:
        if not (is_topic(topic) and is_name(topic)):
            refused("topic_metrics", deployment, topics=[topic])
    topics = [topic for topic in topics if is_topic(topic) and is_name(topic)]
    if not topics:
        return
    others = [topic for topic in alike(topics) if is_topic(topic)]
    deployment.count_topics(others)

    def read(*topic: str) -> list[str]:
        options = {"topic": topic[0]} if topic else {}
        return sorted(each["topic"] for each in done("topic_metrics_info", deployment, **options)["topics"])

    there_and_back("topic_metrics", deployment, read, sorted([*topics, *others]), topics=topics)
    assert read(topics[0]) == [topics[0]]
    gone("topic_metrics", deployment, topics=topics)
    assert sorted(deployment.counted_topics()) == others


@fuzzed
@given(clientid=TEXTS, topics=LISTS)
def test_subscriptions(deployment: Deployment, clientid: str, topics: list[str]) -> None:
    deployment.reset()
    rows = [{"topic": topic, "qos": 1} for topic in topics]
    if not is_name(clientid):
        refused("subscription", deployment, clientid=clientid, topics=[{"topic": "t"}])
        clientid = "a"
    for row in rows:
        if not is_filter(row["topic"]):
            refused("subscription", deployment, clientid="a", topics=[row])
    v4 = deployment.generation == "v4"
    rows = [
        row for row in rows
        if is_filter(row["topic"]) and not (v4 and "," in row["topic"]) and not row["topic"].startswith("$")
    ]
    deployment.add_client(clientid, subscriptions=["kept"])
    for other in alike([clientid]):
        deployment.add_client(other)
    if not rows:
        return

    def read() -> list[str]:
        found = done("subscription_info", deployment, clientid=clientid)["subscriptions"]
        return sorted(each["topic"] for each in found)

    wanted = sorted(["kept", *(row["topic"] for row in rows)])
    there_and_back("subscription", deployment, read, wanted, clientid=clientid, topics=rows)
    assert [found for found in alike([clientid]) if deployment.subscriptions(found)] == []
    gone("subscription", deployment, clientid=clientid, topics=rows)
    assert read() == ["kept"]


@fuzzed
@given(names=LISTS)
def test_kicks(deployment: Deployment, names: list[str]) -> None:
    deployment.reset()
    v5 = deployment.generation == "v5"
    dots = {".", ".."} if v5 else set()  # v5 takes them in a body
    for name in names:
        if not is_name(name) and name not in dots:
            refused("client", deployment, clientids=[name], state="absent")
    names = [name for name in names if is_name(name) or name in dots]
    if not names:
        return
    others = alike(names)
    deployment.add_clients([*names, *others])
    assert done("client", deployment, clientids=names, state="absent")["kicked"] == sorted(names)
    assert sorted(deployment.client_ids()) == others
    assert not done("client", deployment, clientids=names, state="absent")["changed"]
    count("fuzz cases", len(names))


@fuzzed
@given(name=TEXTS, description=TEXTS, text=TEXTS.map(lambda text: text.replace("'", "")))
def test_rules(deployment: Deployment, name: str, description: str, text: str) -> None:
    deployment.reset()
    v4 = deployment.generation == "v4"
    rule = {"sql": f"SELECT * FROM \"t/1\" WHERE payload = '{text}'", "description": description}
    if not (is_name(name) if v4 else is_word(name)):
        refused("rule", deployment, id=name, **rule)
        name = "a"
    if not is_text(rule["sql"] + description):
        refused("rule", deployment, id=name, **rule)
        return
    # Names that v5 takes are few.
    others = [other for other in alike([name]) if v4]
    for other in others:
        done("rule", deployment, id=other, sql='SELECT * FROM "t/1"')

    def read() -> list[tuple[str, str]]:
        return [(each["sql"], each["description"]) for each in done("rule_info", deployment, id=name)["rules"]]

    there_and_back("rule", deployment, read, [(rule["sql"], description)], id=name, **rule)
    gone("rule", deployment, id=name)
    assert sorted(each["id"] for each in done("rule_info", deployment)["rules"]) == others


@fuzzed
@given(name=TEXTS, value=TEXTS)
def test_configurations(deployment: Deployment, name: str, value: str) -> None:
    deployment.reset()
    v4 = deployment.generation == "v4"
    module, kind = ("resource", "web_hook") if v4 else ("connector", "http")
    config = {"url": "http://127.0.0.1:9/", "headers": {"x-note": value}}
    if not (is_name(name) if v4 else is_word(name) and len(name) < 256):
        refused(module, deployment, name=name, type=kind, config=config)
        name = "a"
    if not is_text(value):
        refused(module, deployment, name=name, type=kind, config=config)
        return
    others = [other for other in alike([name]) if v4]
    for other in others:
        done(module, deployment, name=other, type=kind, config={"url": "http://127.0.0.1:9/"})

    def read() -> list[tuple[str, str]]:
        rows = done("config_info", deployment, gather=[module + "s"])[module + "s"]
        return [(each["name"], each["config"]["headers"]["x-note"]) for each in rows if each["name"] not in others]

    there_and_back(module, deployment, read, [(name, value)], name=name, type=kind, config=config)
    gone(module, deployment, name=name, type=kind)
    assert read() == []


@fuzzed
@given(shadow_id=TEXTS, description=TEXTS, document=st.dictionaries(TEXTS, TREES, max_size=4))
def test_shadows(deployment: Deployment, shadow_id: str, description: str, document: dict[str, Any]) -> None:
    given = {"description": description, "document": document}
    if deployment.generation == "v5":
        refused("shadow", deployment, shadow_id="gateway-1", **given)
        return
    deployment.reset()
    if not is_name(shadow_id):
        refused("shadow", deployment, shadow_id=shadow_id, **given)
    if not is_text(given):
        refused("shadow", deployment, shadow_id="gateway-1", **given)
        return
    deployment.reset()
    done("shadow", deployment, shadow_id="gateway-2", document={"kept": 1})

    def read() -> list[Any]:
        rows = done("shadow_info", deployment, shadow_id="gateway-1", with_document=True)["shadows"]
        return [(each["description"], each["document"]) for each in rows]

    there_and_back("shadow", deployment, read, [(description, document)], shadow_id="gateway-1", **given)
    gone("shadow", deployment, shadow_id="gateway-1")
    assert deployment.document("gateway-2") == {"kept": 1}


@fuzzed
@given(name=TEXTS, reason=TEXTS)
def test_calls(deployment: Deployment, name: str, reason: str) -> None:
    deployment.reset()
    body = {"as": "clientid", "who": name, "reason": reason, "by": "a"}
    if not is_text(body):
        refused("api", deployment, method="POST", path="banned", body=body)
        refused("api", deployment, path="banned", query_parameters={"clientid": name + reason})
        return
    if not is_name(name):
        if len(name) < 3:
            refused("api", deployment, method="DELETE", path=f"banned/clientid/{quote(name, safe='')}")
        return
    done("api", deployment, method="POST", path="banned", body=body)
    (ban,) = done("api", deployment, path="banned", paginate=True)["rows"]
    assert (ban["who"], ban["reason"]) == (name, reason)
    done("api", deployment, method="DELETE", path=f"banned/clientid/{quote(name, safe='')}")
    assert deployment.bans() == []
    count("fuzz cases")


@fuzzed
@given(names=LISTS, payload=TEXTS.filter(bool))
def test_model_files(deployment: Deployment, names: list[str], payload: str) -> None:
    """What is exported is read back by Ansible as it was, and evaluated nowhere."""
    names = [name for name in names if is_name(name) and is_topic(name)]
    rows = {
        "users": {"users": [{"username": name} for name in names]},
        "bans": {"banned": [{"clientid": name, "reason": payload, "by": "a", "until": "never"} for name in names]},
        "topic_metrics": {"topics": names},
    }
    if not is_text(payload):
        return
    model = DataLoader().load(text_of(rows, deployment.generation), file_name="/model.yml")
    assert sorted(each["username"] for each in model["converge_users"]) == sorted(names)
    assert sorted(each["clientid"] for each in model["converge_bans"]) == sorted(names)
    assert {each["reason"] for each in model["converge_bans"]} <= {payload}
    assert sorted(model["converge_topic_metrics"]) == sorted(names)
    count("fuzz cases", len(names))
