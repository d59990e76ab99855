# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes from the secrets of a model those that belong to single items."""

from __future__ import annotations

from typing import Any

from ..action.api import plain
from ..plugin_utils._model import item_secrets as of_items
from ..plugin_utils._unsafe import no_template

DOCUMENTATION = r"""
name: item_secrets
short_description: Take from the secrets of a model those that belong to single items
version_added: 1.0.0
description:
  - Returns the variable C(converge_secrets) of the role P(emqx.cloud.converge#role) without the passwords of users.
    There can be many thousands, and a task that runs once an item would have all of them evaluated each time.
author:
  - Contributors to the emqx.cloud collection (@emqx)
options:
  _input:
    description:
      - The secrets. What is no dictionary holds none.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: The secrets of connectors, actions and their like
  ansible.builtin.set_fact:
    few: "{{ secrets | emqx.cloud.item_secrets }}"
  no_log: true
  vars:
    secrets: {usernames: {gateway-7: "{{ vault_gateway_password }}"}}
"""

RETURN = r"""
_value:
  description: The secrets by the names of sections.
  type: dict
"""


def item_secrets(secrets: Any) -> dict[str, Any]:
    """See :func:`..plugin_utils._model.item_secrets`."""
    found: dict[str, Any] = no_template(plain(of_items(secrets)))
    return found


class FilterModule:
    """The filter of this file's name."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"item_secrets": item_secrets}
