# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says in one line why a task failed."""

from __future__ import annotations

from typing import Any

from ..plugin_utils._report import reason

DOCUMENTATION = r"""
name: failure_reason
short_description: Say in one line why a task failed
version_added: 1.0.0
description:
  - Finds the sentence in the result of a task. Where the task was a loop, it is that of the first item that failed.
author:
  - Contributors to the emqx.cloud collection (@emqx)
options:
  _input:
    description:
      - The result, such as C(ansible_failed_result) in a C(rescue).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Why the second item failed
  ansible.builtin.debug:
    msg: "{{ looped | emqx.cloud.failure_reason }}"
  vars:
    looped:
      failed: true
      msg: One or more items failed
      results: [{failed: false}, {failed: true, msg: No such user.}]
"""

RETURN = r"""
_value:
  description: The sentence.
  type: str
  sample: No such user.
"""


def failure_reason(result: Any) -> str:
    """See :func:`..plugin_utils._report.reason`."""
    return reason(result)


class FilterModule:
    """The filter of this file's name."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"failure_reason": failure_reason}
