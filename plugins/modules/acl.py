#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: acl
short_description: Manage the access rules of a subject of an EMQX Cloud deployment
version_added: 1.0.0
description:
  - Says what the clients with a user name, the client with an id, or all clients may publish and subscribe to, in the
    built-in database of a deployment.
  - The rules of a subject are an ordered list, and the first one that matches decides. Those of the client id come
    first, then those of the user name, then those for everyone.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.acl
  - emqx.cloud.bounded
  - emqx.cloud.attributes
  - emqx.cloud.attributes.state
notes:
  - A subject of a v5 deployment has at most 100 rules, unless the authorization source says otherwise.
  - RV(counts) counts subjects, not rules.
  - On v4, rules can't be changed all at once. They are sent from the last one to the first, so that for some
    milliseconds only the last ones are there. A topic that is only allowed goes before the others come, one that is
    denied goes after them.
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
      - Has to be V(true) for O(state=exact) with an empty list.
    type: bool
    default: false
  purge_limit:
    description:
      - With O(state=exact), refuse to change anything if more rules than so many would go, or more than such a share of
        those that the subject has, such as V(10%), rounded down.
    type: str
seealso:
  - module: emqx.cloud.acls
  - module: emqx.cloud.acl_info
  - module: emqx.cloud.authorization_cache
  - module: emqx.cloud.authorization_source
"""

EXAMPLES = r"""
- name: The gateway may publish what plant 7 measures, and nothing else
  emqx.cloud.acl:
    username: gateway-7
    rules:
      - {topic: "plant/7/#", action: publish, permission: allow}
      - {topic: "#", action: all, permission: deny}
    state: exact

- name: For now it may not publish alarms, from this moment on
  emqx.cloud.acl:
    username: gateway-7
    rules:
      - {topic: plant/7/alarms, action: publish, permission: deny}
    position: front
    drop_cache: true

- name: It may again
  emqx.cloud.acl:
    username: gateway-7
    rules:
      - {topic: plant/7/alarms, action: publish}
    state: absent

- name: Nobody reads what brokers say of themselves
  emqx.cloud.acl:
    everyone: true
    rules:
      - {topic: "$SYS/#", action: subscribe, permission: deny}
"""

RETURN = r"""
rules:
  description: The rules as they are, or in check mode would be, afterwards, in their order.
  returned: success
  type: list
  elements: dict
  contains:
    topic:
      description: The topic filter.
      type: str
    action:
      description: V(publish), V(subscribe) or V(all).
      type: str
    permission:
      description: V(allow) or V(deny).
      type: str
    qos:
      description: The QoS levels that it is for.
      returned: v5
      type: list
      elements: int
    retain:
      description: V(true), V(false) or V(all).
      returned: v5
      type: raw
  sample:
    - {topic: "plant/7/#", action: publish, permission: allow, qos: [0, 1, 2], retain: all}
    - {topic: "#", action: all, permission: deny, qos: [0, 1, 2], retain: all}
counts:
  description: How many items were, or in check mode would be, created, updated, deleted or left unchanged, and failed.
  returned: success, and failure after changes began
  type: dict
  sample: {created: 0, updated: 1, deleted: 0, unchanged: 0, failed: 0}
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
    RULES,
    Result,
    Spec,
    Task,
    run_module,
)

SPEC = Spec(
    options=dict(
        purge_all=dict(type="bool", default=False),
        purge_limit=dict(type="str"),
        **POLICY,
        **RULES,
        **BOUNDED,
    )
)


def run(task: Task) -> Result:
    """Bring the rules of one subject to the state that the options describe."""
    store, wanted = acl.desired(task.api, task.params)
    absent, then = task.params["state"] == "absent", acl.dropping(task.api, task.params)
    going = acl.unlisted if task.params["state"] == "exact" else None
    converged = task.converge(store, wanted, "rules", absent=absent, keep=True, then=then, going=going)
    task.warnings.extend(acl.unreachable(converged.done))
    return {**converged.result, "rules": (converged.one() or {}).get("rules", [])}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
