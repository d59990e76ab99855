# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""MQTT topic names and filters (MQTT 3.1.1, section 4.7)."""

from __future__ import annotations


def valid_name(topic: object) -> bool:
    """Whether a message can be published to it."""
    return isinstance(topic, str) and 0 < len(topic.encode()) <= 65535 and not set(topic) & set("+#\0")


def valid_filter(topic_filter: object) -> bool:
    """Whether a client can subscribe to it."""
    if not isinstance(topic_filter, str) or not 0 < len(topic_filter.encode()) <= 65535 or "\0" in topic_filter:
        return False
    bare = split_share(topic_filter)[1]
    return not misplaced_hash(bare) and not any("+" in level and level != "+" for level in bare.split("/"))


def misplaced_hash(topic_filter: str) -> bool:
    """Whether a `#` stands anywhere but alone on the last level."""
    levels = topic_filter.split("/")
    return any("#" in level for level in levels[:-1]) or ("#" in levels[-1] and levels[-1] != "#")


def has_wildcard(topic_filter: str) -> bool:
    """Whether the filter can match more than one topic."""
    return "+" in topic_filter or "#" in topic_filter


def split_share(topic_filter: str) -> tuple[str | None, str]:
    """`$share/group/filter` as (group, filter); an ordinary filter has no group."""
    if topic_filter.startswith("$share/"):
        group, slash, rest = topic_filter[len("$share/") :].partition("/")
        if slash:
            return group, rest
    return None, topic_filter


def matches(topic: str, topic_filter: str) -> bool:
    """Whether a filter (without `$share/…/`) takes a topic."""
    if topic.startswith("$") and topic_filter[:1] in ("+", "#"):
        return False
    names, levels = topic.split("/"), topic_filter.split("/")
    for position, level in enumerate(levels):
        if level == "#":
            return position == len(levels) - 1
        if position >= len(names) or level not in ("+", names[position]):
            return False
    return len(names) == len(levels)
