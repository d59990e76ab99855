# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded exchanges that the simulator does not answer yet. The list may only become shorter."""

from __future__ import annotations

from dataclasses import dataclass

# These the simulator covers for good.
FORBIDDEN = frozenset(
    {
        "auth_username",
        "auth_clientid",
        "acl",
        "users",
        "authentication of the API itself",
        "authenticators and authorization sources",
        "banned",
        "clients and subscriptions",
        "publish",
        "retained messages",
        "topic metrics",
        "observability",
        "kick",
        "rules",
        "rules and resources",
        "clean up",
    }
)


@dataclass(frozen=True)
class Uncovered:
    """A whole group of a file, or some numbers of it."""

    file: str
    group: str
    reason: str
    numbers: frozenset[int] | None = None


LATER = "not simulated yet"
NO_ALARMS = "these alarms come from connectors and actions, which are not simulated yet"

UNCOVERED = (
    Uncovered(
        "emqx-5.8.9", "rules, connectors, actions", LATER, frozenset({*range(235, 247), 248, *range(250, 255)})
    ),
    Uncovered("emqx-5.8.9", "observability and the rest", NO_ALARMS, frozenset({271})),
    Uncovered("emqx-5.8.9-traps", "rules, connectors, actions", LATER, frozenset(range(59, 66))),
)
