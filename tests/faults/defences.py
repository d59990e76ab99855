# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection defends itself with, and how each defence is turned off."""

from __future__ import annotations

from typing import NamedTuple


class Defence(NamedTuple):
    """One defence: a text of the source that occurs once, what turns it off, and the tests that fail then."""

    what: str
    file: str
    text: str
    instead: str
    tests: str


DEFENCES = [
    Defence(
        "a POST is not sent again once it may have been carried out",
        "plugins/module_utils/_http.py",
        'SAFE_TO_REPEAT = frozenset(("GET", "PUT", "DELETE"))',
        'SAFE_TO_REPEAT = frozenset(("GET", "PUT", "DELETE", "POST"))',
        "tests/unit/plugins/module_utils/test_http.py",
    ),
]
