# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""MQTT topic names and topic filters: whether they are valid, and what matches what.

Brokers check less than the MQTT standard asks for: EMQX 5.8 subscribes a client to ``a/#/b`` and then fails
every ``GET /topics``. So names and filters are checked here, before any request.
"""

from __future__ import annotations

from typing import Optional, Tuple

MAX_BYTES = 65535
"""The longest topic in bytes of UTF-8 (MQTT 5, section 1.5.4)."""


def _problem_of_text(topic: str) -> Optional[str]:
    if not topic:
        return "it is empty"
    try:
        size = len(topic.encode("utf-8"))
    except UnicodeEncodeError:
        return "it is not valid Unicode text"
    if size > MAX_BYTES:
        return f"it is longer than {MAX_BYTES} bytes"
    if "\0" in topic:
        return "it contains the character U+0000"
    return None


def name_problem(topic: str) -> Optional[str]:
    """Return why ``topic`` is no valid topic name to publish to, or None if it is one."""
    problem = _problem_of_text(topic)
    if problem is None and ("+" in topic or "#" in topic):
        problem = "a topic name has no wildcards ('+' and '#')"
    return problem


def filter_problem(topic_filter: str) -> Optional[str]:
    """Return why ``topic_filter`` is no valid filter to subscribe to (``$share/…`` and ``$queue/…`` too), or None."""
    problem = _problem_of_text(topic_filter)
    if problem is not None:
        return problem
    group, plain = split_share(topic_filter)
    if topic_filter.startswith("$share/"):
        if group is None:
            return "a shared subscription is written '$share/GROUP/FILTER'"
        if not group or "+" in group or "#" in group:
            return "the group of a shared subscription is a name without '+' and '#'"
    if group is not None:
        if not plain:
            return "a shared subscription is written '$share/GROUP/FILTER' or '$queue/FILTER'"
        if plain.startswith(("$share/", "$queue/")):
            return "a shared subscription can't hold another one"
    levels = plain.split("/")
    if any("#" in level for level in levels[:-1]) or ("#" in levels[-1] and levels[-1] != "#"):
        return "'#' stands alone as the last level"
    if any("+" in level and level != "+" for level in levels):
        return "'+' stands for a whole level"
    return None


def split_share(topic_filter: str) -> Tuple[Optional[str], str]:
    """Split a filter into its share group and the filter itself.

    ``$share/g/t/#`` gives ``("g", "t/#")``, ``$queue/t`` gives ``("$queue", "t")``, anything else ``(None, filter)``.
    """
    if topic_filter.startswith("$queue/"):
        return "$queue", topic_filter[len("$queue/"):]
    if topic_filter.startswith("$share/"):
        group, slash, plain = topic_filter[len("$share/"):].partition("/")
        if slash:
            return group, plain
    return None, topic_filter


def canonical(topic_filter: str) -> str:
    """Return the one way of writing a filter: ``$share/$queue/t`` is ``$queue/t``, as EMQX stores both alike."""
    group, plain = split_share(topic_filter)
    return "$queue/" + plain if group == "$queue" else topic_filter


def matches(topic: str, topic_filter: str) -> bool:
    """Say whether the topic name ``topic`` is matched by the filter; a share group makes no difference.

    ``#`` also matches the level above it, and no wildcard on the first level matches a name that begins with ``$``
    (MQTT 5, sections 4.7.1.2 and 4.7.2).
    """
    return takes(split_share(topic_filter)[1], topic)


def takes(topic_filter: str, topic: str) -> bool:
    """Say whether a filter, which has no share group, takes a topic name or another filter, as brokers decide it.

    The wildcards of the other filter are levels like any other: ``a/+`` takes ``a/#``.
    """
    names, patterns = topic.split("/"), topic_filter.split("/")
    if topic.startswith("$") and patterns[0] in ("+", "#"):
        return False
    for position, pattern in enumerate(patterns):
        if pattern == "#":
            return position == len(patterns) - 1
        if position >= len(names) or pattern not in ("+", names[position]):
            return False
    return len(names) == len(patterns)
