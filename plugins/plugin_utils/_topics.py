# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topics that a template gives to a test."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError

from ..action.api import plain
from ..module_utils._topics import filter_problem, name_problem


def text(value: Any, what: str) -> str:
    """Return a text without Ansible's tags.

    :param what: begins the message, such as ``The topic``.
    :raises AnsibleFilterError: it is no text.
    """
    if not isinstance(value, str):
        raise AnsibleFilterError(f"{what} is {plain(value)!r}: it has to be a text.")
    return str(plain(value))


def checked_name(value: Any) -> str:
    """Return a topic name.

    :raises AnsibleFilterError: it is none.
    """
    topic = text(value, "The topic")
    problem = name_problem(topic)
    if problem:
        raise AnsibleFilterError(f"{topic!r} is no topic name: {problem}.")
    return topic


def checked_filter(value: Any) -> str:
    """Return a topic filter.

    :raises AnsibleFilterError: it is none.
    """
    topic = text(value, "The topic filter")
    problem = filter_problem(topic)
    if problem:
        raise AnsibleFilterError(f"{topic!r} is no topic filter: {problem}.")
    return topic
