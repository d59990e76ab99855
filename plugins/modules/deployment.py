#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment
short_description: Start and stop a deployment of an EMQX Cloud account
version_added: 1.0.0
description:
  - Starts or stops a deployment through the Platform API.
  - B(EMQX Cloud lets a deployment be started, and be stopped, once in 60 minutes.) So nothing is sent if it is in that
    state already or on the way there, and what was sent is never sent again by itself. Past the limit the task fails,
    and says when it may be tried again.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.platform
  - emqx.cloud.connection
  - emqx.cloud.attributes
  - emqx.cloud.attributes.state
attributes:
  idempotent:
    support: full
    details:
      - A deployment that is on the way to O(state) counts as there.
  action_group:
    membership:
      - emqx.cloud.platform
options:
  id:
    description:
      - The id of the deployment. Looking it up is one request for this deployment.
      - Exactly one of O(id) and O(name) is needed.
    type: str
  name:
    description:
      - The name of the deployment. If several have it, the task fails and names their ids. Looking it up is one request
        for all deployments.
    type: str
  state:
    description:
      - What the deployment should be.
      - A deployment that is on the way to the opposite can be turned round only once it is there. With O(wait=true)
        that is waited for first, otherwise the task fails.
    type: str
    choices: [started, stopped]
    required: true
  wait:
    description:
      - Whether to wait until the deployment is V(running), or V(stopped).
    type: bool
    default: false
  wait_timeout:
    description:
      - How many seconds to wait at the most, and as many for the way to the opposite where that has to end first. If it
        takes longer the task fails; what was asked for goes on all the same.
      - A twentieth of this time, but at most two minutes, lie between two looks. So one task reads at most 45 times an
        hour, of the 60 that EMQX Cloud allows the account. That the limit is reached all the same, by other tasks, is
        waited over.
    type: float
    default: 600
seealso:
  - module: emqx.cloud.deployment_info
"""

EXAMPLES = r"""
- name: The test bench runs
  emqx.cloud.deployment:
    name: test-bench
    state: started
    wait: true

- name: It is not needed over night
  emqx.cloud.deployment:
    name: test-bench
    state: stopped
"""

RETURN = r"""
deployment:
  description: The deployment as it is, or in check mode would be, afterwards.
  returned: success, and if it was waited for in vain
  type: dict
  contains:
    id:
      description: The id.
      type: str
    name:
      description: The name. Several deployments can have the same.
      type: str
    type:
      description: The type, such as V(serverless), V(dedicated) or V(dedicatedFlex).
      type: str
    platform:
      description: The cloud it runs in, such as V(aws).
      type: str
    project:
      description: The name of its project.
      type: str
    region:
      description: The region of the cloud.
      type: str
    status:
      description: The status. Without O(wait=true) it is V(starting) or V(stopping) if that was just asked for.
      type: str
    version:
      description: The version of EMQX.
      type: str
    connections:
      description: How many MQTT clients are connected when the task began.
      type: int
    tps:
      description: How many messages a second it handles when the task began.
      type: float
    created_at:
      description: When it was created, as RFC 3339 in UTC.
      type: str
  sample:
    id: d0000001
    name: fleet
    type: dedicated
    platform: aws
    project: Default Project
    region: eu-central-1
    status: running
    version: 5.8.9
    connections: 1200
    tps: 340
    created_at: "2026-01-02T03:04:05Z"
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
    status: 429
    code: TOO_MANY_REQUESTS
    reason: more than 1 in 60 minutes
    method: POST
    path: deployments/d0000001/stop
failures:
  description: The changes that failed or were not attempted, each with its item and the reason.
  returned: failure after changes began
  type: list
  elements: dict
  sample:
    - action: update
      item: {id: d0000001, name: fleet, status: stopping}
      code: TOO_MANY_REQUESTS
      reason: "POST deployments/d0000001/stop failed: …"
applied:
  description: The changes that were made before the task failed.
  returned: failure after changes began
  type: list
  elements: dict
  sample: []
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 2
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import platform
from ansible_collections.emqx.cloud.plugins.module_utils._task import ACCOUNT, WAIT, Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(
        id=dict(type="str"),
        name=dict(type="str"),
        state=dict(type="str", choices=list(platform.OPERATIONS), required=True),
        **{**WAIT, "wait_timeout": dict(type="float", default=600)},
    ),
    rules=dict(mutually_exclusive=[("id", "name")], required_one_of=[("id", "name")]),
    connection=ACCOUNT,
)


def run(task: Task) -> Result:
    """Start or stop the deployment."""
    patience = task.seconds("wait_timeout")
    interval = platform.interval(patience)
    store = platform.power(task.platform(), task.params)
    if store.is_turning() and task.params["wait"] and not task.check_mode:
        task.wait(store.turned, patience, {"deployment": store.found.shown()}, interval)
    return task.converge_one(store, store.wanted, "deployment", interval)


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
