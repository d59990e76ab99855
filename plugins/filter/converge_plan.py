# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says which items of a model are applied, and which are removed."""

from __future__ import annotations

from typing import Any

from ..plugin_utils._model import plan

DOCUMENTATION = r"""
name: converge_plan
short_description: Say which items of a model are applied and which are removed
version_added: 1.0.0
description:
  - Compares the sections of a model of which each item is a call of a module with what a deployment has. The role
    P(emqx.cloud.converge#role) works off what comes of it.
author:
  - Contributors to the emqx.cloud collection (@emqx)
positional: live, exact, purge_limit, purge_all
options:
  _input:
    description:
      - The sections by their names. What is V(null) is left out.
    type: dict
    required: true
  live:
    description:
      - What the deployment has, by section. Needed for sections that are purged, and for the order of authenticators
        and authorization sources.
    type: dict
    required: true
  exact:
    description:
      - The names of the sections that are purged.
    type: list
    elements: str
    required: true
  purge_limit:
    description:
      - How many items of a section may be removed that are not listed, or which share of what there is, such as
        V(10%).
    type: str
  purge_all:
    description:
      - Whether a section may be purged with an empty list.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: What would go?
  ansible.builtin.debug:
    msg: "{{ {'rules': [{'id': 'alarms'}]} | emqx.cloud.converge_plan({'rules': rules.rules}, ['rules'], '10%') }}"
  vars:
    rules: {rules: [{id: alarms}, {id: forgotten}]}
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:problems) is a list of sentences, that too much would go for example.
    - RV(ignore:apply) has for each section a list of dictionaries, in the order in which they are applied, with
      C(place), the index of the item, C(name), and C(position) where it has to be moved.
    - RV(ignore:remove) has for each section a list of what is to go, C(place) and C(name) for what is listed with
      C(state=absent), C(name) and C(item) for what is not listed.
  type: dict
"""


def converge_plan(
    sections: Any, live: Any, exact: Any, purge_limit: Any = None, purge_all: bool = False
) -> dict[str, Any]:
    """See :func:`..plugin_utils._model.plan`."""
    return plan(sections, live, exact or (), None if purge_limit is None else str(purge_limit), bool(purge_all))


class FilterModule:
    """The filter of this file's name."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"converge_plan": converge_plan}
