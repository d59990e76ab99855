# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says whether a topic is matched by a topic filter."""

from __future__ import annotations

from typing import Any

from ..module_utils._topics import matches
from ..plugin_utils._topics import checked_filter, checked_name

DOCUMENTATION = r"""
name: topic_match
short_description: Whether a topic is matched by a topic filter
version_added: 1.0.0
description:
  - Tells, as the MQTT standard says, whether messages of a topic reach whoever has subscribed to a topic filter.
  - V(+) stands for one level and V(#) for any number of them, the one above included. Neither stands for a first level
    that begins with V($), such as V($SYS).
  - A shared subscription (V($share/GROUP/FILTER), V($queue/FILTER)) is matched as its filter.
author:
  - Contributors to the emqx.cloud collection (@emqx)
options:
  _input:
    description:
      - The topic. Anything but a topic name is an error.
    type: str
    required: true
  filter:
    description:
      - The topic filter. Anything else is an error.
    type: str
    required: true
seealso:
  - plugin: emqx.cloud.topic_name
    plugin_type: test
  - plugin: emqx.cloud.topic_filter
    plugin_type: test
  - plugin: emqx.cloud.acl_decision
    plugin_type: filter
"""

EXAMPLES = r"""
- name: The gateways report where the dashboard looks
  ansible.builtin.assert:
    that:
      - "'plant/7/gateway/state' is emqx.cloud.topic_match('plant/+/gateway/#')"
      - "'plant/7/state' is not emqx.cloud.topic_match('$share/dashboards/plant/+/gateway/#')"
"""

RETURN = r"""
_value:
  description: Whether the filter matches the topic.
  type: bool
"""


def topic_match(topic: Any, filter: Any) -> bool:  # the name is what a playbook may write
    """Say whether a topic name is matched by a topic filter.

    :raises AnsibleFilterError: one of them is none.
    """
    return matches(checked_name(topic), checked_filter(filter))


class TestModule:
    """The test of this file's name."""

    def tests(self) -> dict[str, Any]:
        """Return the test by its name."""
        return {"topic_match": topic_match}
