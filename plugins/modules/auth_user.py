#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: auth_user
short_description: Manage an MQTT credential of an EMQX Cloud deployment
version_added: 1.0.0
description:
  - Creates, changes and deletes one credential in the built-in database of a deployment, by user name or by client id.
  - For a list of them use M(emqx.cloud.auth_users), which needs a handful of requests instead of one task each.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.attributes
  - emqx.cloud.attributes.state
attributes:
  idempotent:
    support: partial
    details:
      - With O(update_password=always) and a O(password) the task always reports a change for a user who exists, since a
        password can't be read.
options:
  username:
    description:
      - The user name.
      - Exactly one of O(username) and O(clientid) is needed. On v4 these are two kinds of credentials; the
        authenticator of a v5 deployment has one kind, and the task fails if it is the other.
    type: str
  clientid:
    description:
      - The client id; see O(username).
    type: str
  password:
    description:
      - The password. Needed to create the user, and to change O(is_superuser). It is never empty.
    type: str
  is_superuser:
    description:
      - Whether the user is exempt from the access rules (v5). If it is not given, a new user is none, and a user who
        exists stays as they are.
      - It can't change without setting the password, so that O(update_password=always) is needed for it.
    type: bool
  update_password:
    description:
      - With V(on_create) the password of a user who exists is never sent.
      - With V(always) it is set at every run.
    type: str
    choices: [on_create, always]
    default: on_create
  state:
    description:
      - Whether the user should exist.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: emqx.cloud.auth_users
  - module: emqx.cloud.auth_user_info
  - module: emqx.cloud.authenticator
"""

EXAMPLES = r"""
- name: The gateway may connect
  emqx.cloud.auth_user:
    username: gateway-7
    password: "{{ vault_gateway_password }}"

- name: Its password is changed
  emqx.cloud.auth_user:
    username: gateway-7
    password: "{{ vault_new_gateway_password }}"
    update_password: always

- name: It may no longer connect
  emqx.cloud.auth_user:
    username: gateway-7
    state: absent
"""

RETURN = r"""
user:
  description: The user as it is, or in check mode would be, afterwards; V(null) if it is absent.
  returned: success
  type: dict
  contains:
    username:
      description: The user name, if it is known by that.
      returned: if O(username) was given
      type: str
    clientid:
      description: The client id, if it is known by that.
      returned: if O(clientid) was given
      type: str
    is_superuser:
      description: Whether it is exempt from the access rules.
      returned: v5
      type: bool
    created_at:
      description: When it was created, in UTC.
      returned: v4, for a user that existed
      type: str
  sample: {username: gateway-7, is_superuser: false}
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
    code: ALREADY_EXISTS
    reason: User already exists
    method: POST
    path: authentication/password_based%3Abuilt_in_database/users
failures:
  description: The changes that failed or were not attempted, each with its item and the reason.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: create, item: {username: gateway-7}, code: 500, reason: "POST auth_username failed: …"}]
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

from ansible_collections.emqx.cloud.plugins.module_utils._resources import users
from ansible_collections.emqx.cloud.plugins.module_utils._task import Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(
        username=dict(type="str"),
        clientid=dict(type="str"),
        password=dict(type="str", no_log=True),
        is_superuser=dict(type="bool"),
        update_password=dict(type="str", choices=["on_create", "always"], default="on_create", no_log=False),
        state=dict(type="str", choices=["present", "absent"], default="present"),
    ),
    rules=dict(mutually_exclusive=[("username", "clientid")], required_one_of=[("username", "clientid")]),
)


def run(task: Task) -> Result:
    """Bring one user to the state that the options describe."""
    user = users.one_user_from(task.params)
    rewrite = task.params["update_password"] == "always"
    store = users.store(task.api, [user.kind], rewrite)
    absent = task.params["state"] == "absent"
    converged = task.converge(store, [user], "username", absent=absent, rewrite=rewrite, keep=True)
    return {**converged.result, "user": converged.one()}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
