#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: connector
short_description: Manage a connector of the data integration of an EMQX Cloud deployment (v5)
version_added: 1.0.0
description:
  - Creates, changes and deletes a connector, which is how a v5 deployment reaches another system.
  - A change keeps what O(config) does not mention, secrets included. The API itself would put all of that back to its
    defaults.
  - On v4 there are resources instead, see M(emqx.cloud.resource).
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.config
  - emqx.cloud.wait
  - emqx.cloud.attributes
  - emqx.cloud.attributes.state
attributes:
  idempotent:
    support: partial
    details:
      - With O(update_secrets=always) the task always reports a change if O(secret_config) holds what the broker masks.
options:
  name:
    description:
      - The name. It consists of letters, digits, C(-) and C(_).
    type: str
    required: true
  type:
    description:
      - The type as the API calls it, such as V(http) or V(mqtt).
    type: str
    required: true
  enabled:
    description:
      - Whether it is in use. If it is not given, something new is enabled, and what exists stays as it is.
    type: bool
  state:
    description:
      - Whether the connector should exist.
      - A connector that actions or sources still use is not deleted; the task fails and names them.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: emqx.cloud.action
  - module: emqx.cloud.source
  - module: emqx.cloud.resource
  - module: emqx.cloud.config_info
"""

EXAMPLES = r"""
- name: The plant's web service is known
  emqx.cloud.connector:
    type: http
    name: plant-hook
    config:
      url: https://hooks.example.com
      pool_size: 4
    secret_config:
      headers:
        authorization: "Bearer {{ vault_hook_token }}"

- name: Its token is replaced
  emqx.cloud.connector:
    type: http
    name: plant-hook
    secret_config:
      headers:
        authorization: "Bearer {{ vault_new_hook_token }}"
    update_secrets: always

- name: The broker of the headquarters is known, and reached
  emqx.cloud.connector:
    type: mqtt
    name: headquarters
    config:
      server: "{{ headquarters_address }}"
      username: plant-7
      ssl:
        enable: false
    secret_config:
      password: "{{ vault_headquarters_password }}"
    wait: true

- name: A connector that is no longer used is removed
  emqx.cloud.connector:
    type: http
    name: old-hook
    state: absent
"""

RETURN = r"""
connector:
  description:
    - The connector as it is, or in check mode would be, afterwards; V(null) if it is absent.
    - Secrets in it are masked.
  returned: success, and if it was waited for in vain
  type: dict
  contains:
    type:
      description: The type.
      type: str
    name:
      description: The name.
      type: str
    enabled:
      description: Whether it is in use.
      type: bool
    config:
      description: The configuration. Of what was just created it is what was given, without the broker's defaults.
      type: dict
  sample:
    type: http
    name: plant-hook
    enabled: true
    config: {url: "https://hooks.example.com", pool_size: 4, headers: {authorization: "******"}}
status:
  description: What the broker says of its state, such as V(connected), V(connecting), V(disconnected) or V(stopped).
  returned: success with O(state=present), and if it was waited for in vain, unless in check mode
  type: str
  sample: connected
status_reason:
  description: Why it is not connected, if the broker says so.
  returned: as RV(status)
  type: str
  sample: Connection refused
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
    reason: "unknown_fields: root: colour"
    method: POST
    path: connectors
failures:
  description: The changes that failed or were not attempted, each with its item and the reason.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: create, item: {type: http, name: hook, enabled: true, config: {}}, code: BAD_REQUEST, reason: "…"}]
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

from ansible_collections.emqx.cloud.plugins.module_utils._resources import integrations
from ansible_collections.emqx.cloud.plugins.module_utils._task import CONFIG, WAIT, Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(
        name=dict(type="str", required=True),
        type=dict(type="str", required=True),
        enabled=dict(type="bool"),
        state=dict(type="str", choices=["present", "absent"], default="present"),
        **CONFIG,
        **WAIT,
    ),
)


def run(task: Task) -> Result:
    """Bring one connector to the state that the options describe."""
    wanted = integrations.integration_from(task.params)
    return task.converge_one(integrations.Connectors(task.api), wanted, "connector")


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
