# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the secrets of a vault into a section of a model."""

from __future__ import annotations

from typing import Any

from ..plugin_utils._model import with_secrets

DOCUMENTATION = r"""
name: with_secrets
short_description: Put secrets into a section of a model
version_added: 1.0.0
description:
  - Returns the items of a section of the role P(emqx.cloud.converge#role), or one of them, with the secrets that belong
    to them. The items themselves can then stand in a repository.
  - A password that an item has already stays as it is.
author:
  - Contributors to the emqx.cloud collection (@emqx)
positional: section, secrets
options:
  _input:
    description:
      - The items, or one item.
    type: raw
    required: true
  section:
    description:
      - The name of the section, such as V(users) or V(connectors).
    type: str
    required: true
  secrets:
    description:
      - The role's variable C(converge_secrets).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Users of a repository, with passwords of a vault
  emqx.cloud.auth_users:
    users: "{{ users | emqx.cloud.with_secrets('users', secrets) }}"
  vars:
    users: [{username: gateway-7}]
    secrets: {usernames: {gateway-7: "{{ vault_gateway_password }}"}}
"""

RETURN = r"""
_value:
  description: The items, or the one item, with their secrets.
  type: raw
"""


class FilterModule:
    """The filter of this file's name."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"with_secrets": with_secrets}
