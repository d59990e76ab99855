# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says whether a text is a topic filter that can be subscribed to."""

from __future__ import annotations

from typing import Any

from ..module_utils._topics import filter_problem
from ..plugin_utils._topics import text

DOCUMENTATION = r"""
name: topic_filter
short_description: Whether a text is an MQTT topic filter
version_added: 1.0.0
description:
  - Tells whether a client can subscribe to it. V(+) stands for a whole level, and V(#) is the last one.
  - Filters of shared subscriptions (V($share/GROUP/FILTER), V($queue/FILTER)) are some as well.
author:
  - Contributors to the emqx.cloud collection (@emqx)
options:
  _input:
    description:
      - The text. Anything else than a text is an error.
    type: str
    required: true
seealso:
  - plugin: emqx.cloud.topic_name
    plugin_type: test
  - plugin: emqx.cloud.topic_match
    plugin_type: test
"""

EXAMPLES = r"""
- name: What the dashboards subscribe to is right
  ansible.builtin.assert:
    that:
      - "'plant/+/gateway/#' is emqx.cloud.topic_filter"
      - "'$share/dashboards/plant/#' is emqx.cloud.topic_filter"
      - "'plant/#/gateway' is not emqx.cloud.topic_filter"
"""

RETURN = r"""
_value:
  description: Whether it is a topic filter.
  type: bool
"""


def topic_filter(topic: Any) -> bool:
    """Say whether a text is a topic filter.

    :raises AnsibleFilterError: it is no text.
    """
    return filter_problem(text(topic, "The topic filter")) is None


class TestModule:
    """The test of this file's name."""

    def tests(self) -> dict[str, Any]:
        """Return the test by its name."""
        return {"topic_filter": topic_filter}
