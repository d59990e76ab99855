# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topic names and filters: what the MQTT 5 standard says, held against an independent model of matching."""

from __future__ import annotations

import re

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._topics import (
    canonical,
    filter_problem,
    matches,
    name_problem,
    split_share,
)
from hypothesis import given, settings
from hypothesis import strategies as st

LEVEL = st.text(st.sampled_from("ab$é\U0001f980 .%"), max_size=3)
NAME = st.lists(LEVEL, min_size=1, max_size=5).map("/".join).filter(bool)
PLAIN_FILTER = (
    st.tuples(st.lists(st.one_of(LEVEL, st.just("+")), max_size=4), st.sampled_from(["", "#", "+", "a"]))
    .map(lambda parts: "/".join([*parts[0], parts[1]]))
    .filter(bool)
)
GROUP = st.text(st.sampled_from("abé $"), min_size=1, max_size=3)
FILTER = st.one_of(
    PLAIN_FILTER,
    PLAIN_FILTER.map("$queue/{}".format),
    st.tuples(GROUP, PLAIN_FILTER).map(lambda pair: "$share/{}/{}".format(*pair)),
)


def short(value: object) -> str:
    """An id for a case, which no long or odd topic spoils."""
    return ascii(value)[:24]


def model(topic: str, topic_filter: str) -> bool:
    """Matching once more, as a regular expression over the text."""
    if topic_filter.startswith("$share/"):
        topic_filter = topic_filter.split("/", 2)[2]
    elif topic_filter.startswith("$queue/"):
        topic_filter = topic_filter.split("/", 1)[1]
    if topic[:1] == "$" and topic_filter[:1] in ("+", "#"):
        return False
    if topic_filter == "#":
        return True
    pattern = re.escape(topic_filter).replace(re.escape("+"), "[^/]*")
    hash_at_end = re.escape("/#")
    if pattern.endswith(hash_at_end):
        pattern = pattern[: -len(hash_at_end)] + "(/.*)?"
    return re.fullmatch(pattern, topic, re.DOTALL) is not None


@pytest.mark.parametrize(
    ("topic_filter", "yes", "no"),
    [
        # MQTT 5, 4.7.1.2
        (
            "sport/tennis/player1/#",
            ["sport/tennis/player1", "sport/tennis/player1/ranking", "sport/tennis/player1/score/wimbledon"],
            ["sport/tennis", "sport/tennis/player12"],
        ),
        ("sport/#", ["sport", "sport/"], ["sports", "a/sport"]),
        ("#", ["a", "/", "a/b/c", "/finance"], ["$SYS", "$SYS/broker", "$a/b"]),
        # 4.7.1.3
        (
            "sport/tennis/+",
            ["sport/tennis/player1", "sport/tennis/"],
            ["sport/tennis/player1/ranking", "sport/tennis"],
        ),
        ("sport/+", ["sport/"], ["sport", "sport/a/b"]),
        ("+", ["finance"], ["/finance", "$SYS"]),
        ("+/+", ["/finance", "a/b", "/"], ["a", "a/b/c", "$SYS/monitor"]),
        ("/+", ["/finance", "/"], ["finance", "/finance/x"]),
        ("+/tennis/#", ["sport/tennis", "sport/tennis/x/y", "/tennis"], ["tennis", "$x/tennis"]),
        # 4.7.2
        ("+/monitor/Clients", ["a/monitor/Clients"], ["$SYS/monitor/Clients"]),
        ("$SYS/#", ["$SYS", "$SYS/", "$SYS/monitor/Clients"], ["SYS/a"]),
        ("$SYS/monitor/+", ["$SYS/monitor/Clients"], ["$SYS/monitor"]),
        # 4.7.3: case matters, a slash at either end is a level
        ("ACCOUNTS", ["ACCOUNTS"], ["Accounts", "/ACCOUNTS", "ACCOUNTS/"]),
        # 4.8.2
        ("$share/g/sport/+", ["sport/a"], ["$share/g/sport/a", "sport"]),
        ("$share/g/#", ["a"], ["$SYS/a"]),
        ("$queue/t/#", ["t", "t/u"], ["$queue/t", "queue/t"]),
        # What means something in a regular expression or a format means nothing here.
        ("a.c/{}/%s", ["a.c/{}/%s"], ["abc/{}/%s", "a.c/x/%s"]),
    ],
)
def test_matching_is_that_of_the_standard(topic_filter, yes, no):
    assert [topic for topic in yes if not matches(topic, topic_filter)] == []
    assert [topic for topic in no if matches(topic, topic_filter)] == []


VALID_FILTERS = [
    "#", "+", "/", "a", "a/+/b", "+/+", "a/#", "/#", "a b", "é/#", "$SYS/#", "//", "a,b", "$share", "$queue",
    "$share/g/t", "$share/g/#", "$share/g//", "$queue/t", "$queue/#", "$share/$queue/t", "x/$share/g/t", "x" * 65535,
]


@pytest.mark.parametrize("topic_filter", VALID_FILTERS, ids=short)
def test_what_one_may_subscribe_to_is_accepted(topic_filter):
    assert filter_problem(topic_filter) is None


@pytest.mark.parametrize(
    ("topic_filter", "problem"),
    [
        ("", "empty"),
        ("a/#/b", "'#' stands alone"),
        ("#/b", "'#' stands alone"),
        ("a#", "'#' stands alone"),
        ("a/b#", "'#' stands alone"),
        ("a/#b", "'#' stands alone"),
        ("##", "'#' stands alone"),
        ("x+", "'+' stands for"),
        ("+x/a", "'+' stands for"),
        ("a/++", "'+' stands for"),
        ("a\0b", "U+0000"),
        ("\udc80", "Unicode"),
        ("a/\ud800", "Unicode"),
        ("x" * 65536, "65535 bytes"),
        ("é" * 32768, "65535 bytes"),  # fewer characters, more bytes
        ("$share/g", "$share/GROUP/FILTER"),
        ("$share/", "$share/GROUP/FILTER"),
        ("$share//t", "group"),
        ("$share/g+/t", "group"),
        ("$share/#/t", "group"),
        ("$share/g/", "$share/GROUP/FILTER"),
        ("$queue/", "$queue/FILTER"),
        ("$share/g/a/#/b", "'#' stands alone"),
        ("$queue/x+", "'+' stands for"),
        ("$share/g/$share/h/t", "another one"),
        ("$share/g/$share/t", "another one"),
        ("$queue/$share/g/t", "another one"),
        ("$share/g/$queue/t", "another one"),
        ("$queue/$queue/t", "another one"),
    ],
    ids=short,
)
def test_a_filter_that_would_break_a_broker_is_refused_and_the_reason_named(topic_filter, problem):
    assert problem in (filter_problem(topic_filter) or "")


@pytest.mark.parametrize(
    "topic", ["a", "/", "a/b", "$SYS/a", "a b", "é", "$share/g/t", "x" * 65535, "é" * 32767], ids=short
)
def test_what_one_may_publish_to_is_accepted(topic):
    assert name_problem(topic) is None


@pytest.mark.parametrize(
    ("topic", "problem"),
    [
        ("", "empty"), ("a/+", "wildcards"), ("#", "wildcards"), ("a+", "wildcards"), ("b#c", "wildcards"),
        ("\0", "U+0000"), ("\udfff", "Unicode"), ("x" * 65536, "65535 bytes"), ("é" * 32768, "65535 bytes"),
    ],
    ids=short,
)
def test_a_name_that_nobody_can_publish_to_is_refused_and_the_reason_named(topic, problem):
    assert problem in (name_problem(topic) or "")


@pytest.mark.parametrize(
    ("topic_filter", "parts"),
    [
        ("$share/g/t/#", ("g", "t/#")), ("$share/g//t", ("g", "/t")), ("$share/g/", ("g", "")),
        ("$share//t", ("", "t")), ("$share/g", (None, "$share/g")), ("$queue/t", ("$queue", "t")),
        ("$queue", (None, "$queue")), ("$sharex/g/t", (None, "$sharex/g/t")), ("t/$share/g/u", (None, "t/$share/g/u")),
    ],
)
def test_a_share_group_is_told_from_its_filter(topic_filter, parts):
    assert split_share(topic_filter) == parts


@pytest.mark.parametrize(
    ("topic_filter", "stored"),
    [
        ("$share/$queue/t/#", "$queue/t/#"), ("$queue/t", "$queue/t"), ("$share/g/t", "$share/g/t"),
        ("t/$queue/x", "t/$queue/x"), ("#", "#"),
    ],
)
def test_two_ways_of_writing_a_queue_count_as_one(topic_filter, stored):
    assert canonical(topic_filter) == stored


@settings(deadline=None)
@given(NAME, FILTER)
def test_matching_agrees_with_an_independent_model(topic, topic_filter):
    assert matches(topic, topic_filter) == model(topic, topic_filter)


@settings(deadline=None)
@given(NAME, st.data())
def test_matching_agrees_with_the_model_on_filters_made_from_the_name(topic, data):
    levels = topic.split("/")
    chosen = [data.draw(st.sampled_from([level, level, "+", "b"])) for level in levels]
    end = data.draw(st.integers(0, len(levels)))
    topic_filter = "/".join(chosen[:end] + ["#"]) if data.draw(st.booleans()) else "/".join(chosen)
    assert matches(topic, topic_filter) == model(topic, topic_filter)


@settings(deadline=None)
@given(NAME)
def test_every_name_is_matched_by_itself_and_by_the_hash_unless_it_begins_with_a_dollar(topic):
    assert name_problem(topic) is None
    assert matches(topic, topic) and matches(topic, topic + "/#")
    assert matches(topic, "#") is not topic.startswith("$")


@settings(deadline=None)
@given(FILTER)
def test_canonical_is_idempotent_and_changes_neither_validity_nor_matching(topic_filter):
    once = canonical(topic_filter)
    assert canonical(once) == once
    assert filter_problem(once) == filter_problem(topic_filter)
    assert split_share(once) == split_share(topic_filter)


@settings(deadline=None)
@given(FILTER)
def test_every_well_formed_filter_is_accepted(topic_filter):
    assert filter_problem(topic_filter) is None


@settings(deadline=None)
@given(FILTER, st.sampled_from(["x#", "#/x", "x+", "+x", "#/#", "\0", "\ud800", "++"]))
def test_every_malformed_level_makes_a_filter_refused(topic_filter, wrong):
    assert filter_problem(f"{topic_filter}/{wrong}") is not None
    assert filter_problem(f"{wrong}/{topic_filter}") is not None
