# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of hosts that devices can choose only for themselves."""

from __future__ import annotations

import re

import pytest
from ansible_collections.emqx.cloud.plugins.plugin_utils._inventory import LONGEST, marked, own_name, safe_name

SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
UNSAFE = [
    "", "-oProxyCommand=x", ".", "..", "~root", "a b", "a:b", "a;b", "a,b", "!a", "&a", "a[1:3]", "{{ a }}", "{% a",
    "a/../b", "ü", "\udc80", "\n", "*", "x" * (LONGEST + 1),
]  # fmt: skip


@pytest.mark.parametrize("text", ["gateway-7", "00:11".replace(":", ""), "_x", "A.b-c_d", "x" * LONGEST])
def test_a_safe_id_is_the_name(text: str) -> None:
    assert safe_name(text) == own_name(text) == text


@pytest.mark.parametrize("text", UNSAFE)
def test_any_other_id_is_made_safe_and_marked(text: str) -> None:
    assert SAFE.fullmatch(safe_name(text)) and len(safe_name(text)) <= LONGEST
    assert own_name(text) == marked(safe_name(text), text)
    assert SAFE.fullmatch(own_name(text))


def test_no_id_gets_the_name_of_another() -> None:
    texts = [*UNSAFE, *(own_name(text) for text in UNSAFE), *(safe_name(text) for text in UNSAFE)]
    assert len({own_name(text) for text in texts}) == len(set(texts))
