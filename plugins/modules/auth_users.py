#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: auth_users
short_description: Manage the MQTT credentials of an EMQX Cloud deployment in bulk
version_added: 1.0.0
description:
  - Brings any number of credentials in the built-in database of a deployment to the described state, in as few requests
    as the API allows.
  - Ten thousand users are listed and created in a handful of requests; users who need not change are not sent.
  - So many had better come from a file (O(src)) than from a variable.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.purge
  - emqx.cloud.bounded
  - emqx.cloud.source
  - emqx.cloud.attributes
  - emqx.cloud.attributes.state
notes:
  - A user whom somebody else creates while the task runs keeps their password on v4, and the task fails. On v5 they get
    that of the task, since creating many users in one request overrides.
  - Ansible masks each password wherever it stands in the result, also as a part of a name. With passwords that are
    words of user names the result is hard to read.
attributes:
  action_group:
    membership:
      - emqx.cloud.deployment
      - emqx.cloud.purge
  idempotent:
    support: partial
    details:
      - With O(update_password=always) the task always reports a change for users who exist and have a
        O(users[].password), since a password can't be read.
options:
  users:
    description:
      - The users, here or in O(src). A row that another module has read from a CSV file can be given as it is (columns
        that are empty count as not given).
      - The same user twice is an error if the two differ.
    type: list
    elements: dict
    suboptions:
      username:
        description:
          - The user name. Each item has either O(users[].username) or O(users[].clientid).
        type: str
      clientid:
        description:
          - The client id.
        type: str
      password:
        description:
          - The password. Needed for users who don't exist yet. An empty string counts as not given.
        type: str
      is_superuser:
        description:
          - Whether the user is exempt from the access rules (v5). Changing it takes what M(emqx.cloud.auth_user) says.
          - An empty string counts as not given.
        type: raw
  update_password:
    description:
      - With V(on_create) the passwords of users who exist are never sent.
      - With V(always) they are set at every run.
    type: str
    choices: [on_create, always]
    default: on_create
  kind:
    description:
      - The kinds of credentials that are purged, beside those that occur in O(users). Needed to purge with an
        empty list.
      - On v4, user names and client ids are two kinds. A v5 deployment has one of them.
    type: list
    elements: str
    choices: [username, clientid]
  batch_bytes:
    description:
      - How large, in bytes, the body of one bulk request may be. A body that is refused for its size is halved and sent
        again.
    type: int
    default: 1048576
  state:
    description:
      - Whether the listed users should exist.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: emqx.cloud.auth_user
  - module: emqx.cloud.auth_user_info
  - module: emqx.cloud.authenticator
  - module: emqx.cloud.validate_model
"""

EXAMPLES = r"""
- name: These users may connect, whoever else may
  emqx.cloud.auth_users:
    users:
      - username: gateway-7
        password: "{{ vault_gateway_password }}"
      - username: ops
        password: "{{ vault_ops_password }}"

- name: Exactly these users may connect, but stop if more than a tenth would go
  emqx.cloud.auth_users:
    users: "{{ devices }}"
    purge: true
    purge_limit: "10%"

- name: The devices of a file may connect, a CSV file with the columns username and password
  emqx.cloud.auth_users:
    src: devices.csv

- name: Nobody may connect by user name
  emqx.cloud.auth_users:
    users: []
    kind: [username]
    purge: true
    purge_all: true
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
  sample: [{action: create, item: {username: dev-1}, code: existed, reason: "The username 'dev-1' was not created."}]
applied:
  description: The changes that were made before the task failed.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: create, item: {username: dev-2}}]
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

from ansible_collections.emqx.cloud.plugins.module_utils._resources import users
from ansible_collections.emqx.cloud.plugins.module_utils._task import (
    BOUNDED,
    PURGE,
    SOURCE,
    Result,
    Spec,
    Task,
    run_module,
)

SPEC = Spec(
    options=dict(
        users=dict(
            type="list",
            elements="dict",
            options=dict(
                username=dict(type="str"),
                clientid=dict(type="str"),
                password=dict(type="str", no_log=True),
                is_superuser=dict(type="raw"),
            ),
        ),
        update_password=dict(type="str", choices=["on_create", "always"], default="on_create", no_log=False),
        kind=dict(type="list", elements="str", choices=["username", "clientid"]),
        batch_bytes=dict(type="int", default=1048576),
        state=dict(type="str", choices=["present", "absent"], default="present"),
        **PURGE,
        **BOUNDED,
        **SOURCE,
    ),
    rules=dict(mutually_exclusive=[("users", "src")], required_one_of=[("users", "src")]),
    listed="users",
)


def run(task: Task) -> Result:
    """Bring the listed users to the state that the options describe."""
    options = task.params
    wanted = users.users_from(options["users"])
    rewrite = options["update_password"] == "always"
    store = users.store(task.api, users.kinds_of(wanted, options["kind"]), rewrite, options["batch_bytes"])
    absent = options["state"] == "absent"
    if not absent:
        users.check_length(task.api, wanted)
    return task.converge(store, wanted, "users", absent=absent, purge=options["purge"], rewrite=rewrite).result


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
