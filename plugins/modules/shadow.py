#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: shadow
short_description: Manage a shadow model of an EMQX Cloud deployment (v4)
version_added: 1.0.0
description:
  - Creates, changes and deletes a shadow model and its JSON document (v4 on EMQX Cloud, where the shadow service is
    enabled).
  - The document is merged. What O(document) does not mention stays, and only what differs is sent, so that what a
    device changes at the same time is kept.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.attributes
  - emqx.cloud.attributes.state
attributes:
  idempotent:
    support: full
notes:
  - The service adds objects to a document level by level, so that a change takes a request for each level that is new.
  - This follows the documentation of EMQX Cloud; it was not tried on the service itself.
options:
  shadow_id:
    description:
      - The id of the shadow, which is a part of its topics. A new one has 8 to 64 letters, digits, C(-) and C(_).
    type: str
    required: true
  name:
    description:
      - The name, 3 to 50 letters, digits, C(-), C(_) and C(.). If it is not given, a new shadow has its id as name, and
        one that exists keeps its name.
    type: str
  description:
    description:
      - A description.
    type: str
  document:
    description:
      - What is in the document. Objects in it are merged deeply, lists are replaced, and what is V(null) counts as not
        mentioned. Nothing is removed.
    type: dict
  state:
    description:
      - Whether the shadow should exist. With V(absent) its document is deleted as well.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: emqx.cloud.shadow_info
"""

EXAMPLES = r"""
- name: A shadow for the gateway, with what it should do
  emqx.cloud.shadow:
    shadow_id: gateway-7
    name: gateway
    document:
      desired:
        interval: 30
        valve: {open: false}

- name: It should measure more often; whatever else is there stays
  emqx.cloud.shadow:
    shadow_id: gateway-7
    document:
      desired:
        interval: 5
"""

RETURN = r"""
shadow:
  description: The shadow as it is, or in check mode would be, afterwards. V(null) if it is absent.
  returned: success
  type: dict
  contains:
    shadow_id:
      description: Its id.
      type: str
    name:
      description: Its name.
      type: str
    description:
      description: The note.
      type: str
    document:
      description: The whole document.
      type: dict
  sample: {shadow_id: gateway-7, name: gateway, description: "", document: {desired: {interval: 30}}}
counts:
  description: How many items were, or in check mode would be, created, updated, deleted or left unchanged, and failed.
  returned: success, and failure after changes began
  type: dict
  sample: {created: 1, updated: 0, deleted: 0, unchanged: 0, failed: 0}
error:
  description: The first failure, where it is one of the API or of the connection.
  returned: failure, after a request
  type: dict
  contains:
    status:
      description: The HTTP status, or V(null) if no answer came.
      type: int
    code:
      description: The result code of the API, a number on v4 and a name on v5, or V(null) if it sent none.
      type: raw
    reason:
      description: What the API said.
      type: str
    method:
      description: The HTTP method of the request that failed.
      type: str
    path:
      description: Its path below the base URL.
      type: str
  sample:
    status: 409
    code: null
    reason: shadow exists
    method: POST
    path: shadows
failures:
  description: The changes that failed or were not attempted, each with its item and the reason.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: create, item: {shadow_id: gateway-7}, code: null, reason: "an error inside the server"}]
applied:
  description: The changes that were made before the task failed.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: create, item: {shadow_id: gateway-7}}]
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import shadows
from ansible_collections.emqx.cloud.plugins.module_utils._task import Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(
        shadow_id=dict(type="str", required=True),
        name=dict(type="str"),
        description=dict(type="str"),
        document=dict(type="dict"),
        state=dict(type="str", choices=["present", "absent"], default="present"),
    ),
)


def run(task: Task) -> Result:
    """Bring one shadow to the state that the options describe."""
    wanted = shadows.shadow_from(task.params)
    absent = task.params["state"] == "absent"
    converged = task.converge(shadows.shadows(task.api), [wanted], "shadow_id", absent=absent, keep=True)
    return {**converged.result, "shadow": converged.one()}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
