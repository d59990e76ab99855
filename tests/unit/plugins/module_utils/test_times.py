# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as users write them, and as the two generations send them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._errors import InputError
from ansible_collections.emqx.cloud.plugins.module_utils._times import future, normal, parse, past, rfc3339
from hypothesis import given, settings
from hypothesis import strategies as st

MOMENT = datetime(2026, 11, 22, 20, 55, 51, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T20:55:51Z", MOMENT),
        ("2026-11-22t20:55:51z", MOMENT),
        ("2026-11-22 20:55:51", MOMENT),  # EMQX 4.4, in UTC
        (" 2026-11-22T20:55:51Z\n", MOMENT),
        ("2026-11-22T22:55:51+02:00", MOMENT),
        ("2026-11-22T15:25:51-05:30", MOMENT),
        ("2026-11-22T20:55:51.5Z", MOMENT + timedelta(milliseconds=500)),
        ("2026-11-22T20:55:51.123456789+00:00", MOMENT + timedelta(microseconds=123456)),
    ],
)
def test_rfc_3339_is_read_with_any_offset_and_precision(text, moment):
    assert parse(text) == moment


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-11-22", "20:55:51", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-22T25:00:00Z",
     "2026-11-22T20:55:51+2:00", "2026-11-22T20:55Z", "x2026-11-22T20:55:51Z", "2026-11-22T20:55:51Zx"],
)
def test_what_is_no_rfc_3339_is_refused(text):
    with pytest.raises(ValueError):
        parse(text)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (MOMENT, "2026-11-22T20:55:51Z"),
        (MOMENT.astimezone(timezone(timedelta(hours=-7))), "2026-11-22T20:55:51Z"),
        (MOMENT + timedelta(milliseconds=42), "2026-11-22T20:55:51.042Z"),
        (MOMENT + timedelta(microseconds=999), "2026-11-22T20:55:51Z"),
    ],
)
def test_times_are_shown_in_utc_with_milliseconds_only_where_there_are_some(moment, text):
    assert rfc3339(moment) == text


@settings(deadline=None)
@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),
    st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_what_is_shown_can_be_given_back(moment, zone):
    whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=zone)
    assert parse(rfc3339(whole)) == whole
    assert parse(whole.isoformat()) == whole
    assert normal(whole.isoformat()) == rfc3339(whole)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-11-22T20:55:51Z", MOMENT),
        ("1795380951", MOMENT),
        (1795380951, MOMENT),
        (" 1795380951.25 ", MOMENT + timedelta(milliseconds=250)),
        (1795380951.5, MOMENT + timedelta(milliseconds=500)),
        (0, datetime(1970, 1, 1, tzinfo=timezone.utc)),
    ],
)
def test_a_filter_by_time_takes_rfc_3339_and_epoch_seconds(value, moment):
    assert past("connected_after", value) == moment


@pytest.mark.parametrize(
    ("value", "ago"),
    [
        ("0s", timedelta(0)), ("90s", timedelta(seconds=90)), ("5m", timedelta(minutes=5)), ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)), ("3w", timedelta(weeks=3)),
    ],
)
def test_a_filter_by_time_takes_how_long_ago(value, ago):
    before = datetime.now(timezone.utc)
    found = past("connected_after", value)
    assert before <= found + ago <= datetime.now(timezone.utc)


@pytest.mark.parametrize(
    "value",
    ["", "soon", "2 h", "h", "-5", "1e3", "5y", "90S", True, "2026-11-22", "9" * 30, "9" * 5000, "9" * 30 + "w",
     "99999999w", "2026-11-22T20:55:61Z"],
)
def test_what_is_no_time_is_refused_and_the_option_named(value):
    with pytest.raises(InputError, match="^connected_after is .*which is no time"):
        past("connected_after", value)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-11-22T20:55:52.9Z", MOMENT + timedelta(seconds=1)),
        ("2026-11-22T21:55:52+01:00", MOMENT + timedelta(seconds=1)),
        (1795380952, MOMENT + timedelta(seconds=1)),
        ("90s", MOMENT + timedelta(seconds=90)),
        (" 3w ", MOMENT + timedelta(weeks=3)),
    ],
)
def test_an_end_takes_rfc_3339_epoch_seconds_and_how_long_from_now(value, moment):
    assert future("until", value, MOMENT) == moment


@pytest.mark.parametrize("value", ["2026-11-22T20:55:51Z", "2026-11-22T20:55:51.9Z", "0s", 0, "1999-01-01T00:00:00Z"])
def test_an_end_that_has_passed_is_refused(value):
    with pytest.raises(InputError, match="^until is .*, which has passed: write a time to come.$"):
        future("until", value, MOMENT)


@pytest.mark.parametrize("value", ["", "soon", "2 h", "-5", "9" * 30 + "w", "99999999w", True, None])
def test_an_end_that_is_no_time_is_refused(value):
    with pytest.raises(InputError, match=r"^until is .*which is no time: .*now \('90s', '2h', '7d'\), or never\.$"):
        future("until", value, MOMENT)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2026-11-22T21:55:51.123+01:00", "2026-11-22T20:55:51.123Z"),  # v5
        ("2026-11-22 20:55:51", "2026-11-22T20:55:51Z"),  # v4, clients
        (1795380951042, "2026-11-22T20:55:51.042Z"),  # v4, credentials
        (0, "1970-01-01T00:00:00Z"),
    ],
)
def test_both_generations_give_times_of_one_form(value, shown):
    assert normal(value) == shown


@pytest.mark.parametrize(
    "value", ["infinity", "", "0001-01-01T00:00:00+05:00", 10**30, -(10**30), True, False, None, 1.5, ["x"], {"a": 1}]
)
def test_what_a_broker_sends_in_place_of_a_time_is_left_alone(value):
    assert normal(value) is value
