#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: resource
short_description: Manage a resource that rules of an EMQX Cloud deployment use (v4)
version_added: 1.0.0
description:
  - Creates, changes and deletes a resource, which is what the actions of rules connect to, such as a web hook.
  - Resources are of v4 deployments. v5 has connectors, see M(emqx.cloud.connector).
  - A resource that enabled rules use can't be changed or deleted. The task then fails before it changes anything, and
    names the rules.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.config
  - emqx.cloud.attributes
  - emqx.cloud.attributes.state
attributes:
  idempotent:
    support: full
    details:
      - v4 shows secrets, so that they are compared with O(update_secrets=always), too.
options:
  name:
    description:
      - The name of the resource, any text. It is the id that the API and the actions of rules know the resource by; the
        console of v4 gives ids such as V(resource:d9a2e443).
    type: str
    required: true
  type:
    description:
      - What it is, such as V(web_hook). Needed to create it, and it can't change. The task names the types of the
        deployment if it is none of them.
    type: str
  description:
    description:
      - A description.
    type: str
  wait:
    description:
      - Whether to wait until it is connected on all nodes.
    type: bool
    default: false
  wait_timeout:
    description:
      - How many seconds to wait at the most.
    type: float
    default: 60
  state:
    description:
      - Whether the resource should exist.
      - A new one is made also if there is no connection. One that exists is changed only if the broker can connect with
        the new configuration.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: emqx.cloud.rule
  - module: emqx.cloud.connector
  - module: emqx.cloud.config_info
"""

EXAMPLES = r"""
- name: Rules can post to a web server
  emqx.cloud.resource:
    name: resource:hook
    type: web_hook
    config:
      url: https://hooks.example.com/mqtt
      pool_size: 4
    secret_config:
      headers:
        authorization: "Bearer {{ vault_hook_token }}"
    wait: true

- name: What plants say goes there
  emqx.cloud.rule:
    id: plants
    sql: SELECT * FROM "plant/#"
    actions:
      - function: data_to_webserver
        resource: resource:hook
        args:
          method: POST
          path: /plants
        fallbacks:
          - function: console

- name: The rule rests while its resource is changed
  emqx.cloud.rule:
    id: plants
    enabled: false

- name: The token is another one
  emqx.cloud.resource:
    name: resource:hook
    secret_config:
      headers:
        authorization: "Bearer {{ vault_new_hook_token }}"
    update_secrets: always

- name: And on
  emqx.cloud.rule:
    id: plants
    enabled: true
"""

RETURN = r"""
resource:
  description:
    - The resource as it is, or in check mode would be, afterwards; V(null) if it is absent. Secrets in its
      configuration are shown as V(******).
  returned: success, and if it was waited for in vain
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    type:
      description: What it is.
      type: str
    config:
      description: The configuration; of a new resource what was given, without the broker's defaults.
      type: dict
    description:
      description: The description.
      type: str
  sample:
    name: resource:hook
    type: web_hook
    config: {url: "https://hooks.example.com/mqtt", pool_size: 4}
    description: ""
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
    status: 200
    code: 400
    reason: 'Bad Arguments: {required_field_missing,url}'
    method: POST
    path: resources
failures:
  description: The changes that failed or were not attempted, each with its item and the reason.
  returned: failure after changes began
  type: list
  elements: dict
  sample:
    - action: create
      item: {name: resource:hook, type: web_hook}
      code: 400
      reason: "POST resources failed: …"
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
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import v4_resources
from ansible_collections.emqx.cloud.plugins.module_utils._task import CONFIG, Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(
        name=dict(type="str", required=True),
        type=dict(type="str"),
        description=dict(type="str"),
        wait=dict(type="bool", default=False),
        wait_timeout=dict(type="float", default=60),
        state=dict(type="str", choices=["present", "absent"], default="present"),
        **CONFIG,
    ),
)


def run(task: Task) -> Result:
    """Bring one resource to the state that the options describe, and wait for it if asked to."""
    store, seconds = v4_resources.Resources(task.api), task.seconds("wait_timeout")
    wanted = v4_resources.resource_from(task.params)
    absent = task.params["state"] == "absent"
    converged = task.converge(store, [wanted], "name", absent=absent, keep=True)
    result = {**converged.result, "resource": converged.one()}
    if task.params["wait"] and not absent and not task.check_mode:
        task.wait(lambda: (store.down(wanted.name), []), seconds, result)
    return result


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
