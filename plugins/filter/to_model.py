# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what was read from a deployment as a variable file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..action.api import plain
from ..plugin_utils._export import text_of
from ..plugin_utils._unsafe import no_template

DOCUMENTATION = r"""
name: to_model
short_description: Write a deployment as a variable file
version_added: 1.0.0
description:
  - Makes the variable file of the role P(emqx.cloud.converge#role) out of what the info modules returned. The role
    P(emqx.cloud.export#role) does the reading as well.
  - The same deployment gives the same text. Sections, items and their keys have a fixed order.
  - What could be taken for a template, since names and payloads come from devices, gets the tag C(!unsafe). Every other
    text is written so that Ansible reads exactly the same text.
  - What a module could not take back is named in a comment, such as a user whose id is no text.
author:
  - Contributors to the emqx.cloud collection (@emqx)
positional: generation
options:
  _input:
    description:
      - What tasks have returned, by the names of the sections. C(users) is of M(emqx.cloud.auth_user_info), C(acl) of
        M(emqx.cloud.acl_info), C(bans) of M(emqx.cloud.banned_info), C(rules) of M(emqx.cloud.rule_info),
        C(topic_metrics) of M(emqx.cloud.topic_metrics), C(retained_messages) of M(emqx.cloud.retained_message_info),
        and C(config), which has the other sections, of M(emqx.cloud.config_info).
      - Tasks that were skipped don't count. Of one that failed, a comment says why.
    type: dict
    required: true
  generation:
    description:
      - The generation of the deployment, which decides what its modules take back.
    type: str
    choices: [v4, v5]
    required: true
  sections:
    description:
      - The sections that are written. Everything if it is empty.
    type: list
    elements: str
    default: []
  temporary_bans:
    description:
      - Whether bans that end are written, too. They go by themselves, and a file that names one which has ended is no
        longer valid.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Who may connect?
  emqx.cloud.auth_user_info:
  register: credentials

- name: The users as a variable file
  ansible.builtin.debug:
    msg: "{{ {'users': credentials} | emqx.cloud.to_model('v5') }}"
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""


def to_model(results: Any, generation: str, sections: Any = (), temporary_bans: bool = False) -> str:
    """See :func:`..plugin_utils._export.text_of`.

    :raises AnsibleFilterError: the input is no dictionary of results, or there is no such generation.
    """
    if not isinstance(results, Mapping) or not all(isinstance(result, Mapping) for result in results.values()):
        raise AnsibleFilterError("to_model takes a dictionary of results of tasks.")
    if generation not in ("v4", "v5"):
        raise AnsibleFilterError(f"The generation of a deployment is v4 or v5, and not {generation!r}.")
    try:
        text = text_of(plain(results), plain(generation), plain(sections), bool(temporary_bans))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"to_model can't use what it was given: {error}") from error
    return no_template(text)


class FilterModule:
    """The filter of this file's name."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"to_model": to_model}
