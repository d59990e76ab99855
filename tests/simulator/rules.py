# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule engine, as far as tests look: which topics a statement reads, counters, and republishing.

Of SQL only `FROM` counts: what is selected is the message, and a `WHERE` is always true.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import topics
from .answers import Query

if TYPE_CHECKING:
    from .state import Message, State

_STATEMENT = re.compile(r"""\s*(?:select|foreach)\b.+?\bfrom\b\s*((?:["'][^"']+["']\s*,?\s*)+)""", re.I | re.S)
_QUOTED = re.compile(r"""["']([^"']+)["']""")
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")


class ParseError(Exception):
    """The statement is none; the text is the Erlang term that brokers show."""


@dataclass
class Counters:
    """What a rule and its actions have done; `actions` counts (position, outcome)."""

    matched: int = 0
    passed: int = 0
    actions: Counter[tuple[int, str]] = field(default_factory=Counter)

    def outcome(self, name: str) -> int:
        return sum(count for (_position, outcome), count in self.actions.items() if outcome == name)


def topics_of(sql: Any) -> list[str]:
    """The topics of FROM, or ParseError."""
    found = _STATEMENT.match(sql) if isinstance(sql, str) else None
    if found:
        return _QUOTED.findall(found[1])
    words = re.findall(r"\w+", str(sql)) or [""]
    tokens = ",".join(f"{{'NAME',{len(word)},\"{word}\"}}" for word in words)
    raise ParseError(f'{{parse_error,{{"{len(words[0])}: syntax error before: \\"{words[0]}\\"",[{tokens}]}}}}')


def has_part(query: Query, name: str, texts: list[str]) -> bool:
    """Whether one of the texts contains what the query asks for under this name, if it asks."""
    part = query.get(name)
    return part is None or any(part in text for text in texts)


def has_match(query: Query, name: str, sources: list[str]) -> bool:
    """Whether one of the topics of FROM is taken by the filter that the query has under this name, if it has one."""
    topic_filter = query.get(name)
    return topic_filter is None or any(topics.matches(source, topic_filter) for source in sources)


def run(state: State, message: Message) -> None:
    """Give a message to every enabled rule that reads its topic, but not to the one that has published it."""
    for name, rule in list(state.rules.items()):
        enabled = rule.get("enable", rule.get("enabled"))
        sources = rule["from"] if "from" in rule else rule["for"]
        if not enabled or message.from_clientid == name:
            continue
        if not any(topics.matches(message.topic, source) for source in sources):
            continue
        counters = state.rule_counters.setdefault(name, Counters())
        counters.matched += 1
        counters.passed += 1
        for position, action in enumerate(rule["actions"]):
            done = _act(state, name, action, message)
            counters.actions[position, "success" if done else "failed"] += 1


def _act(state: State, name: str, action: Any, message: Message) -> bool:
    """Carry an action out. One of its own (a text, or a function with a resource) counts as carried out."""
    if not isinstance(action, Mapping) or action.get("function", action.get("name")) != "republish":
        return True
    args = action.get("args") or action.get("params") or {}
    topic = _filled(args.get("topic", args.get("target_topic", "")), message)
    if not topics.valid_name(topic):
        return False
    qos = _filled(args.get("qos", args.get("target_qos", 0)), message)
    retain = _filled(args.get("retain", args.get("target_retain", False)), message)
    payload = _filled(args.get("payload", args.get("payload_tmpl", "${payload}")), message)
    published = type(message)(
        topic=topic,
        payload=payload.encode(),
        qos=int(qos) if qos in ("0", "1", "2") else message.qos,
        retain=retain == "true",
        from_clientid=name,
        id=state.message_id(),
    )
    state.publish(published)
    return True


def _filled(template: Any, message: Message) -> str:
    """A template with its placeholders filled in."""
    values = {
        "payload": message.payload.decode(errors="replace"),
        "topic": message.topic,
        "qos": str(message.qos),
        "retain": str(message.retain).lower(),
        "flags.retain": str(message.retain).lower(),
        "clientid": message.from_clientid,
        "username": message.from_username,
    }
    text = str(template).lower() if isinstance(template, bool) else str(template)
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], "undefined"), text)
