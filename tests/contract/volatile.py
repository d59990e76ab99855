# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may differ between a recording and a replay. Everything else must be the same."""

from __future__ import annotations

import json
import re
from typing import Any

# New at each run. The field must be there, with a value of the same type.
TIMES = {
    "activate_at",
    "at",
    "connected_at",
    "create_time",
    "created_at",
    "datetime",
    "deactivate_at",
    "disconnected_at",
    "duration",
    "last_modified_at",
    "publish_at",
    "updated_time",
    "uptime",
}
IDS = {"id", "msgid", "cursor"}
PLACES = {"node", "port", "memory_total", "memory_used", "load1", "load5", "load15", "process_used"}
# Counters of packets and bytes, and of the process behind a client: brokers bring them up to date some time later.
COUNTERS = {
    "heap_size",
    "reductions",
    "recv_cnt",
    "recv_oct",
    "recv_pkt",
    "send_cnt",
    "send_oct",
    "send_pkt",
}

# Where a listener listens, which holds the port.
ADDRESSES = {"bind", "listen_on"}
# Rates are those of the last seconds.
RATES = {"dropped_msg_rate", "received_msg_rate", "sent_msg_rate"}

NAMES = TIMES | IDS | PLACES | COUNTERS | ADDRESSES | RATES

# The counters of /metrics alike, by the beginning of their names; all others have to be the same.
PACKETS = re.compile(r"(packets|bytes)\.")
# The statistics of /stats: a broker looks at its tables once a second or so, what was meanwhile it has not seen.
SAMPLED = re.compile(
    r"(channels|cluster_sessions|connections|live_connections|routes|sessions|suboptions|subscribers|subscriptions|topics)"
    r"\.(count|max)"
)

# `id` names things as well; there it must be the same.
KEPT_IDS = re.compile(r"^/authentication(/[^/]*)?$")
# The end of a ban is five minutes from now on v4 where none was given; a given one is before 2001 or after 2030.
DEFAULT_END = range(1_000_000_000, 1_890_000_000)
# So is its beginning: a given one must be the same.
GIVEN_START = re.compile(r'"(?:2030-[^"]*|x)"|1000|1900000000')

# Rows of a table that the broker keeps in a hash (ETS set): it lists them in the order of the hash. Here they are
# compared as sets. v5's users are missing on purpose: those come in descending order of name.
HASH_ORDERED = {
    "4": re.compile(r"^/(clients|subscriptions(/.*)?|routes|banned)$"),
    "5": re.compile(
        r"^/(clients(/\.|/[^/]*/subscriptions)?|clients_v2|subscriptions|topics|banned|mqtt/retainer/messages)$"
    ),
}

# And this is where such a table is read in small pages: which rows fall on which page is the order of the hash, too.
# Only how many there are is compared.
HASH_PAGED = {
    ("emqx-4.4.19", 45),
    ("emqx-4.4.19", 46),
    ("emqx-4.4.19", 96),
    ("emqx-4.4.19", 97),
    ("emqx-4.4.19", 124),
    ("emqx-4.4.19", 125),
    ("emqx-4.4.19", 157),
    ("emqx-5.8.9", 151),
    ("emqx-5.8.9-traps", 27),
}

# The broker had not counted yet what was subscribed through the API.
STALE = {("emqx-5.8.9", 186): {"subscriptions_cnt"}}

# An Erlang stack trace begins here; only what stands before it is compared.
STACK_TRACE = re.compile(r"\[\{(?!<<).*", re.DOTALL)
# And here stands a time within a printed Erlang term.
TIME_IN_TERM = re.compile(r"(created_at|last_modified_at) => \d+")


def comparable(data: Any, path: str) -> Any:
    """A body with everything that may differ made the same."""
    return _masked(data, keep_ids=KEPT_IDS.match(path) is not None)


def _masked(data: Any, keep_ids: bool) -> Any:
    if isinstance(data, list):
        return [_masked(item, keep_ids) for item in data]
    if isinstance(data, dict):
        return {name: _masked_field(name, value, keep_ids) for name, value in data.items()}
    return data


def _masked_field(name: str, value: Any, keep_ids: bool) -> Any:
    if name == "message" and isinstance(value, str):
        return _masked_message(value, keep_ids)
    if name == "until" and isinstance(value, int) and value in DEFAULT_END:
        return "<int>"
    if name == "at" and GIVEN_START.fullmatch(json.dumps(value)):
        return value
    if PACKETS.match(name) or SAMPLED.fullmatch(name):
        return f"<{type(value).__name__}>"
    if name in NAMES and not (name == "id" and keep_ids):
        return f"<{type(value).__name__}>"
    return _masked(value, keep_ids)


def _masked_message(message: str, keep_ids: bool) -> Any:
    """A message may be JSON in a string, or end in a stack trace."""
    if message.startswith('{"'):
        return _masked(json.loads(message), keep_ids)
    return TIME_IN_TERM.sub(r"\1 => <int>", STACK_TRACE.sub("", message))
