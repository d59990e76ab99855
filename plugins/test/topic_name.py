# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says whether a text is a topic that can be published to."""

from __future__ import annotations

from typing import Any

from ..module_utils._topics import name_problem
from ..plugin_utils._topics import text

DOCUMENTATION = r"""
name: topic_name
short_description: Whether a text is an MQTT topic name
version_added: 1.0.0
description:
  - Tells whether messages can be published to a topic. It is not empty, has no wildcards, and is not too long.
author:
  - Contributors to the emqx.cloud collection (@emqx)
options:
  _input:
    description:
      - The text. Anything else than a text is an error.
    type: str
    required: true
seealso:
  - plugin: emqx.cloud.topic_filter
    plugin_type: test
  - plugin: emqx.cloud.topic_match
    plugin_type: test
"""

EXAMPLES = r"""
- name: Where the devices publish is no filter
  ansible.builtin.assert:
    that:
      - "'plant/7/state' is emqx.cloud.topic_name"
      - "'plant/+/state' is not emqx.cloud.topic_name"
"""

RETURN = r"""
_value:
  description: Whether it is a topic name.
  type: bool
"""


def topic_name(topic: Any) -> bool:
    """Say whether a text is a topic name.

    :raises AnsibleFilterError: it is no text.
    """
    return name_problem(text(topic, "The topic")) is None


class TestModule:
    """The test of this file's name."""

    def tests(self) -> dict[str, Any]:
        """Return the test by its name."""
        return {"topic_name": topic_name}
