# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports in what deployments differ from their models."""

from __future__ import annotations

from typing import Any

from ..action.api import plain
from ..plugin_utils._drift import report
from ..plugin_utils._unsafe import no_template

DOCUMENTATION = r"""
name: drift_report
short_description: Report in what deployments differ from their models
version_added: 1.0.0
description:
  - Makes the report of the playbook C(emqx.cloud.drift) out of what the role P(emqx.cloud.converge#role) found in check
    mode with diff.
author:
  - Contributors to the emqx.cloud collection (@emqx)
positional: variables
options:
  _input:
    description:
      - The names of the deployments, which are hosts.
    type: list
    elements: str
    required: true
  variables:
    description:
      - The variables of each host, such as C(hostvars). C(converge_result) is what the role has found, and
        C(drift_reason) why it failed, if it did.
    type: dict
    required: true
seealso:
  - plugin: emqx.cloud.drift_lines
    plugin_type: filter
"""

EXAMPLES = r"""
- name: The report as data
  ansible.builtin.debug:
    msg: "{{ ansible_play_hosts_all | emqx.cloud.drift_report(hostvars) }}"
"""

RETURN = r"""
_value:
  description:
    - C(status), which is V(clean), V(drift) or V(error), the worst of all deployments, and C(deployments), a list.
    - Each deployment has C(name), C(status), C(reason) (V(null) where nothing failed), C(differences) and C(left_out),
      the number of differences that the modules counted and did not list.
    - Each difference has C(section), C(name), C(action) (V(create), V(update) or V(delete), which is what would be
      done), C(before) and C(after).
  type: dict
"""


def drift_report(names: Any, variables: Any) -> dict[str, Any]:
    """See :func:`..plugin_utils._drift.report`."""
    known = ("converge_result", "drift_reason")
    told = {name: {key: plain(variables[name].get(key)) for key in known} for name in names}
    return no_template(report(plain(names), told))


class FilterModule:
    """The filter of this file's name."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"drift_report": drift_report}
