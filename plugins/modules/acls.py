#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: acls
short_description: Manage the access rules of an EMQX Cloud deployment in bulk
version_added: 1.0.0
description:
  - Brings the access rules of any number of subjects (user names, client ids, everyone) in the built-in database of a
    deployment to the described state, in as few requests as the API allows.
  - Ten thousand subjects are listed and created in a handful of requests. Subjects that need not change are not sent.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.acl.subjects
  - emqx.cloud.purge
  - emqx.cloud.bounded
  - emqx.cloud.source
  - emqx.cloud.attributes
  - emqx.cloud.attributes.state
notes:
  - RV(counts) and O(purge_limit) count subjects, not rules.
  - On v4, M(emqx.cloud.acl) says how the rules of a subject change.
attributes:
  action_group:
    membership:
      - emqx.cloud.deployment
      - emqx.cloud.purge
  idempotent:
    support: full
options:
  purge_all:
    description:
      - Has to be V(true) to purge with an empty list, and for O(state=exact) with a subject whose list of rules is
        empty.
    type: bool
    default: false
  kind:
    description:
      - The kinds of subjects that are purged, beside those that occur in O(subjects). Needed to purge with an
        empty list.
      - The rules for everyone are purged only if V(everyone) is listed here.
    type: list
    elements: str
    choices: [username, clientid, everyone]
  batch_bytes:
    description:
      - How large, in bytes, the body of one bulk request may be. A body that is refused for its size is halved and sent
        again.
    type: int
    default: 1048576
seealso:
  - module: emqx.cloud.acl
  - module: emqx.cloud.acl_info
  - module: emqx.cloud.authorization_cache
  - module: emqx.cloud.authorization_source
"""

EXAMPLES = r"""
- name: What two devices may do, whatever else they may
  emqx.cloud.acls:
    subjects:
      - clientid: sensor-1
        rules:
          - {topic: measured/1, action: publish, permission: allow}
      - clientid: sensor-2
        rules:
          - {topic: measured/2, action: publish, permission: allow}

- name: Exactly these client ids have rules, and exactly these, but stop if more than half of them would go
  emqx.cloud.acls:
    subjects:
      - clientid: sensor-1
        rules:
          - {topic: measured/1, action: publish, permission: allow}
          - {topic: "#", action: all, permission: deny}
    state: exact
    purge: true
    purge_limit: "50%"

- name: No client id has rules of its own
  emqx.cloud.acls:
    subjects: []
    kind: [clientid]
    purge: true
    purge_all: true

- name: What the devices of a JSON file may do
  emqx.cloud.acls:
    src: rules.json
"""

RETURN = r"""
counts:
  description: How many items were, or in check mode would be, created, updated, deleted or left unchanged, and failed.
  returned: success, and failure after changes began
  type: dict
  sample: {created: 2, updated: 0, deleted: 1, unchanged: 997, failed: 0}
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
    status: 401
    code: BAD_API_KEY_OR_SECRET
    reason: Check api_key/api_secret
    method: GET
    path: authorization/sources/built_in_database/rules/users
failures:
  description: The changes that failed or were not attempted, each with its item and the reason.
  returned: failure after changes began
  type: list
  elements: dict
  sample:
    - action: update
      item: {username: dev-1, rules: [{topic: "#", action: all, permission: deny}]}
      code: null
      reason: the connection was lost
applied:
  description: The changes that were made before the task failed.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: delete, item: {username: dev-2, rules: []}}]
failures_left_out:
  description: How many more failures there are than RV(failures) shows.
  returned: if there are more than O(result_limit)
  type: int
  sample: 12
applied_left_out:
  description: How many more changes were made than RV(applied) shows.
  returned: if there are more than O(result_limit)
  type: int
  sample: 250
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import acl
from ansible_collections.emqx.cloud.plugins.module_utils._task import (
    BOUNDED,
    POLICY,
    PURGE,
    RULES,
    SOURCE,
    Result,
    Spec,
    Task,
    run_module,
)

SPEC = Spec(
    options=dict(
        subjects=dict(type="list", elements="dict", options=POLICY),
        kind=dict(type="list", elements="str", choices=["username", "clientid", "everyone"]),
        batch_bytes=dict(type="int", default=1048576),
        **RULES,
        **PURGE,
        **BOUNDED,
        **SOURCE,
    ),
    rules=dict(mutually_exclusive=[("subjects", "src")], required_one_of=[("subjects", "src")]),
    listed="subjects",
)


def run(task: Task) -> Result:
    """Bring the rules of the listed subjects to the state that the options describe."""
    store, wanted = acl.desired(task.api, task.params)
    absent, then = task.params["state"] == "absent", acl.dropping(task.api, task.params)
    converged = task.converge(store, wanted, "subjects", absent=absent, purge=task.params["purge"], then=then)
    task.warnings.extend(acl.unreachable(converged.done))
    return converged.result


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
