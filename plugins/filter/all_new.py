# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predicts a section of a model of which nothing can be there yet."""

from __future__ import annotations

from typing import Any

from ..plugin_utils._report import all_new

DOCUMENTATION = r"""
name: all_new
short_description: Predict a section of a model of which nothing can be there yet
version_added: 1.0.0
description:
  - In check mode, users can't be looked up in a database that an earlier task is about to create. Returns what
    M(emqx.cloud.auth_users) or M(emqx.cloud.acls) would, once it is there.
author:
  - Contributors to the emqx.cloud collection (@emqx)
positional: section, diff_mode
options:
  _input:
    description:
      - The items of the section.
    type: list
    elements: dict
    required: true
  section:
    description:
      - The name of the section.
    type: str
    choices: [users, acl]
    required: true
  diff_mode:
    description:
      - Whether the result has a C(diff).
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: One would be created
  ansible.builtin.debug:
    msg: "{{ [{'username': 'gateway-7'}] | emqx.cloud.all_new('users') }}"
"""

RETURN = r"""
_value:
  description: The result, with RV(ignore:changed), RV(ignore:counts), RV(ignore:requests) and maybe RV(ignore:diff).
  type: dict
"""


class FilterModule:
    """The filter of this file's name."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"all_new": lambda items, section, diff_mode=False: all_new(section, items, diff_mode)}
