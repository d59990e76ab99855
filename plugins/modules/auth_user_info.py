#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: auth_user_info
short_description: Read the MQTT credentials of an EMQX Cloud deployment
version_added: 1.0.0
description:
  - Reads the credentials in the built-in database of a deployment, never their passwords.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.read
  - emqx.cloud.attributes
  - emqx.cloud.attributes.info
options:
  username:
    description:
      - Only the user with this name.
    type: str
  clientid:
    description:
      - Only the user with this client id.
    type: str
  like:
    description:
      - Only users whose name, or client id, contains this text. Upper and lower case differ.
    type: str
  kind:
    description:
      - Only credentials of these kinds. By default both on v4, and on v5 the one that the deployment has.
    type: list
    elements: str
    choices: [username, clientid]
  is_superuser:
    description:
      - Only users who are superusers, or only those who are none (v5).
    type: bool
seealso:
  - module: emqx.cloud.auth_user
  - module: emqx.cloud.auth_users
"""

EXAMPLES = r"""
- name: Who may connect?
  emqx.cloud.auth_user_info:
  register: credentials

- name: The names of all gateways
  emqx.cloud.auth_user_info:
    like: gateway-
    query: "[].username"
  register: gateways

- name: Is there an account for this device?
  emqx.cloud.auth_user_info:
    username: gateway-7
  register: gateway
"""

RETURN = r"""
users:
  description: The users, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
  contains:
    username:
      description: The user name.
      returned: if users are known by it
      type: str
    clientid:
      description: The client id.
      returned: if users are known by it
      type: str
    is_superuser:
      description: Whether the user is exempt from the access rules.
      returned: v5
      type: bool
    created_at:
      description: When it was created, in UTC.
      returned: v4
      type: str
  sample: [{username: gateway-7, is_superuser: false}]
count:
  description: How many users were found.
  returned: success
  type: int
  sample: 1
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
    path: authentication/password_based%3Abuilt_in_database/users
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import users
from ansible_collections.emqx.cloud.plugins.module_utils._task import READ, Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(
        username=dict(type="str"),
        clientid=dict(type="str"),
        like=dict(type="str"),
        kind=dict(type="list", elements="str", choices=["username", "clientid"]),
        is_superuser=dict(type="bool"),
        **READ,
    ),
    rules=dict(mutually_exclusive=[("username", "clientid", "like"), ("username", "kind"), ("clientid", "kind")]),
)


def run(task: Task) -> Result:
    """Return the users that the options ask for."""
    return task.read("users", lambda: (user.shown() for user in users.find(task.api, task.params)))


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
