# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows rows as a table of text."""

from __future__ import annotations

from typing import Any

from ..plugin_utils._report import lines

DOCUMENTATION = r"""
name: text_table
short_description: Show rows as lines of text in columns
version_added: 1.0.0
description:
  - Returns a heading and a line for each row. Columns of numbers stand at the right. Of a cell with several lines the
    first one is shown.
author:
  - Contributors to the emqx.cloud collection (@emqx)
positional: columns
options:
  _input:
    description:
      - The rows.
    type: list
    elements: dict
    required: true
  columns:
    description:
      - The keys of the rows that are shown, in this order. They are the heading, too.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: A section of a model in a line
  ansible.builtin.debug:
    msg: "{{ converge_result.sections | emqx.cloud.text_table(['section', 'created', 'deleted']) }}"
  vars:
    converge_result: {sections: [{section: users, created: 2, deleted: 0}]}
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
  sample: ["section  created  deleted", "users          2        0"]
"""


def text_table(rows: Any, columns: Any) -> list[str]:
    """See :func:`..plugin_utils._report.lines`."""
    return lines(rows, columns)


class FilterModule:
    """The filter of this file's name."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"text_table": text_table}
