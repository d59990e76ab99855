# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows a report of differences as text."""

from __future__ import annotations

from typing import Any

from ..action.api import plain
from ..plugin_utils._drift import lines
from ..plugin_utils._unsafe import no_template

DOCUMENTATION = r"""
name: drift_lines
short_description: Show a report of differences as lines of text
version_added: 1.0.0
description:
  - Shows what P(emqx.cloud.drift_report#filter) reports. Each difference is named once, with the places in which a
    deployment and its model differ.
author:
  - Contributors to the emqx.cloud collection (@emqx)
options:
  _input:
    description:
      - The report.
    type: dict
    required: true
seealso:
  - plugin: emqx.cloud.drift_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: The report as text
  ansible.builtin.debug:
    msg: "{{ ansible_play_hosts_all | emqx.cloud.drift_report(hostvars) | emqx.cloud.drift_lines }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
  sample:
    - "status: drift"
    - "plant-7: drift"
    - "  users username gateway-7: missing on the deployment"
    - "  rules alarms differs:"
    - "    enabled is false, and true in the model"
"""


def drift_lines(found: Any) -> list[str]:
    """See :func:`..plugin_utils._drift.lines`."""
    return no_template(lines(plain(found)))


class FilterModule:
    """The filter of this file's name."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"drift_lines": drift_lines}
