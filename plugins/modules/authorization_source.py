#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: authorization_source
short_description: Manage an authorization source of an EMQX Cloud deployment (v5)
version_added: 1.0.0
description:
  - Creates, configures, orders and deletes what a deployment asks whether a client may publish or subscribe (v5,
    Dedicated and self-hosted; v4 keeps access rules without a source).
  - Sources are asked in their order, and the first one that has an answer decides. Where none has, it is
    O(emqx.cloud.authorization_settings#module:no_match) that decides. There is at most one source of a type.
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
    support: partial
    details:
      - With O(update_secrets=always) the task always reports a change where the broker masks the secret.
notes:
  - A broker comes with a source V(file) that ends by allowing everything. What is asked after it is never asked.
options:
  type:
    description:
      - The type of the source, such as V(built_in_database), V(file), V(http), V(mysql), V(postgresql), V(mongodb),
        V(redis) or V(ldap).
      - The rules of V(file) are the text V(rules) of its O(config).
    type: str
    required: true
  enabled:
    description:
      - Whether it is asked. If it is not given, a new source is, and one that exists stays as it is.
    type: bool
  position:
    description:
      - Where it stands in the order, V(front), V(rear), V(before:TYPE) or V(after:TYPE), such as V(before:file). It
        then stands directly before or after the other one, which has to exist.
      - If it is not given, a new source is the first one, and one that exists stays where it is.
    type: str
  lose_rules:
    description:
      - Has to be V(true) to delete a built-in database that is enabled and holds access rules, or a file, since the
        rules are deleted with them.
      - A built-in database that is disabled first keeps its rules, and has them again once it is created again.
    type: bool
    default: false
  state:
    description:
      - Whether the source should exist.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: emqx.cloud.authenticator
  - module: emqx.cloud.authorization_settings
  - module: emqx.cloud.acl
  - module: emqx.cloud.acls
  - module: emqx.cloud.config_info
"""

EXAMPLES = r"""
- name: Access rules are kept in the built-in database, and asked before the file
  emqx.cloud.authorization_source:
    type: built_in_database
    position: before:file

- name: What it has no rule for, a server of ours may know
  emqx.cloud.authorization_source:
    type: http
    config:
      method: post
      url: https://auth.example.com/acl
      body: {username: "${username}", topic: "${topic}", action: "${action}"}
      ssl: {enable: true}
    secret_config:
      headers: {x-api-key: "{{ vault_auth_key }}"}
    position: after:built_in_database

- name: The file denies what nobody else has allowed
  emqx.cloud.authorization_source:
    type: file
    config:
      rules: |
        {deny, all}.
    position: rear
"""

RETURN = r"""
source:
  description: The source as it is, or in check mode would be, afterwards, without secrets. V(null) if it is absent.
  returned: success
  type: dict
  contains:
    type:
      description: Its type.
      type: str
    enabled:
      description: Whether it is asked.
      type: bool
    position:
      description: Its place in the order, from 1.
      type: int
    config:
      description: Its configuration. Of a new one, what was sent; the broker's defaults show from the next task on.
      type: dict
  sample: {type: built_in_database, enabled: true, position: 1, config: {max_rules: 100}}
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
    status: 400
    code: BAD_REQUEST
    reason: "required_field: root.url"
    method: POST
    path: authorization/sources
failures:
  description: The changes that failed or were not attempted, each with its item and the reason.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: update, item: {type: http}, code: BAD_REQUEST, reason: "the broker refused the request"}]
applied:
  description: The changes that were made before the task failed.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: update, item: {type: http}}]
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import authorization
from ansible_collections.emqx.cloud.plugins.module_utils._task import CONFIG, Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(
        type=dict(type="str", required=True),
        enabled=dict(type="bool"),
        position=dict(type="str"),
        lose_rules=dict(type="bool", default=False),
        state=dict(type="str", choices=["present", "absent"], default="present"),
        **CONFIG,
    ),
)


def run(task: Task) -> Result:
    """Bring one authorization source to the state that the options describe."""
    wanted = authorization.source_from(task.params)
    store = authorization.sources(task.api, task.params["lose_rules"])
    converged = task.converge(store, [wanted], "type", absent=task.params["state"] == "absent", keep=True)
    return {**converged.result, "source": converged.one()}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
