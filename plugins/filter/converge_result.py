# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums up what came of applying a model."""

from __future__ import annotations

from typing import Any

from ..plugin_utils._report import report

DOCUMENTATION = r"""
name: converge_result
short_description: Sum up what came of applying a model
version_added: 1.0.0
description:
  - Makes the fact C(converge_result) of the role P(emqx.cloud.converge#role) out of what its tasks returned.
author:
  - Contributors to the emqx.cloud collection (@emqx)
positional: results, looks
options:
  _input:
    description:
      - The names of the sections.
    type: list
    elements: str
    required: true
  results:
    description:
      - What the tasks of each section returned.
    type: dict
    required: true
  looks:
    description:
      - What the tasks returned that only looked.
    type: list
    elements: raw
    default: []
"""

EXAMPLES = r"""
- name: Two users were created
  ansible.builtin.debug:
    msg: "{{ ['users'] | emqx.cloud.converge_result({'users': done}) }}"
  vars:
    done: {changed: true, counts: {created: 2, updated: 0, deleted: 0, unchanged: 0}, requests: 3}
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:changed), RV(ignore:requests), and RV(ignore:sections), a list of dictionaries with C(section), C(state)
      (V(ok), V(changed), V(failed) or V(not reached)), C(created), C(updated), C(deleted), C(unchanged), C(failed),
      C(requests) and C(differences), which is a list of dictionaries with C(action), C(before) and C(after) and is
      filled in diff mode.
  type: dict
"""


def converge_result(sections: Any, results: Any, looks: Any = ()) -> dict[str, Any]:
    """See :func:`..plugin_utils._report.report`."""
    return report(sections, results, looks)


class FilterModule:
    """The filter of this file's name."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"converge_result": converge_result}
