#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: action
short_description: Manage an action of the data integration of an EMQX Cloud deployment (v5)
version_added: 1.0.0
description:
  - Creates, changes and deletes an action, which is what the rules of a v5 deployment do with messages through a
    connector. A rule names it V(type:name).
  - A change keeps what O(config) does not mention. The API itself would put all of that back to its defaults.
  - On v4 actions are parts of the rules, see M(emqx.cloud.rule).
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
      - The type as the API calls it, such as V(http) or V(mqtt); that of its connector, but for a few.
    type: str
    required: true
  connector:
    description:
      - The name of the connector that it works on. Needed to create it.
      - One that isn't there is refused before anything is sent. In check mode it is only warned of, since an earlier
        task may be about to make it.
    type: str
  enabled:
    description:
      - Whether it is in use. If it is not given, something new is enabled, and what exists stays as it is.
    type: bool
  state:
    description:
      - Whether the action should exist.
      - An action that rules still use is not deleted; the task fails and names them.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: emqx.cloud.connector
  - module: emqx.cloud.source
  - module: emqx.cloud.rule
  - module: emqx.cloud.config_info
"""

EXAMPLES = r"""
- name: There is a web service to report to
  emqx.cloud.connector:
    type: http
    name: reports
    config:
      url: https://hooks.example.com

- name: Messages can be posted to it
  emqx.cloud.action:
    type: http
    name: report
    connector: reports
    config:
      parameters:
        method: post
        path: /in
        body: "${.}"
      resource_opts:
        request_ttl: 30s

- name: For now they are not
  emqx.cloud.action:
    type: http
    name: report
    enabled: false

- name: And now never again
  emqx.cloud.action:
    type: http
    name: report
    state: absent
"""

RETURN = r"""
action:
  description:
    - The action as it is, or in check mode would be, afterwards; V(null) if it is absent.
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
    connector:
      description: The name of the connector that it works on.
      type: str
    enabled:
      description: Whether it is in use.
      type: bool
    config:
      description: The configuration. Of what was just created it is what was given, without the broker's defaults.
      type: dict
  sample:
    type: http
    name: report
    connector: plant-hook
    enabled: true
    config: {parameters: {method: post, path: /in, body: "${.}"}}
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
    reason: connector_not_found_or_wrong_type
    method: POST
    path: actions
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
        connector=dict(type="str"),
        enabled=dict(type="bool"),
        state=dict(type="str", choices=["present", "absent"], default="present"),
        **CONFIG,
        **WAIT,
    ),
)


def run(task: Task) -> Result:
    """Bring one action to the state that the options describe."""
    wanted = integrations.integration_from(task.params)
    return task.converge_one(integrations.Actions(task.api), wanted, "action")


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
