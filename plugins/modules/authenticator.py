#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: authenticator
short_description: Manage an authenticator of an EMQX Cloud deployment (v5)
version_added: 1.0.0
description:
  - Creates, configures, orders and deletes what a deployment asks whether a client may connect (v5, Dedicated and
    self-hosted; v4 keeps users without an authenticator).
  - Authenticators are asked in their order. Where one does not know a client, the next one is asked, and a client that
    none of them knows is refused. Without an enabled authenticator everybody may connect, and the task that leaves none
    warns of it.
  - A mechanism and a backend together name an authenticator, so that another mechanism or backend is another
    authenticator.
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
  - On V(password_based) with V(built_in_database), a new authenticator gets V(user_id_type) V(username) and the
    V(password_hash_algorithm) V(sha256) with the salt as suffix, unless O(config) says otherwise.
  - Where a field of O(config) that selects others changes, what O(config) does not mention beside it goes back to the
    broker's defaults. Such fields are V(password_hash_algorithm.name), V(use_jwks), V(algorithm), V(redis_type) and
    V(mongo_type).
options:
  mechanism:
    description:
      - How clients authenticate, such as V(password_based), V(jwt) or V(scram).
    type: str
    required: true
  backend:
    description:
      - Where they are looked up, such as V(built_in_database), V(http), V(mysql), V(postgresql), V(mongodb), V(redis)
        or V(ldap). V(jwt) has none.
    type: str
  enabled:
    description:
      - Whether it is asked. If it is not given, a new authenticator is, and one that exists stays as it is.
    type: bool
  position:
    description:
      - Where it stands in the order, V(front), V(rear), V(before:ID) or V(after:ID), such as
        V(before:password_based:built_in_database). It then stands directly before or after the other one, which has to
        exist.
      - If it is not given, a new authenticator is the last one, and one that exists stays where it is.
    type: str
  lose_users:
    description:
      - Has to be V(true) to delete a built-in database that holds users, since they are deleted with it, even if it is
        disabled.
      - Also to change its V(user_id_type), after which user names count as client ids, or its way of hashing, after
        which no password fits any more.
    type: bool
    default: false
  state:
    description:
      - Whether the authenticator should exist.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: emqx.cloud.auth_user
  - module: emqx.cloud.auth_users
  - module: emqx.cloud.authorization_source
  - module: emqx.cloud.config_info
"""

EXAMPLES = r"""
- name: Users are kept in the built-in database, by user name
  emqx.cloud.authenticator:
    mechanism: password_based
    backend: built_in_database

- name: Devices may also come with a token, which is looked at first
  emqx.cloud.authenticator:
    mechanism: jwt
    config:
      use_jwks: false
      algorithm: hmac-based
      from: password
      verify_claims: {username: "${username}"}
    secret_config:
      secret: "{{ vault_token_secret }}"
    position: before:password_based:built_in_database

- name: And whom neither knows, a server of ours may know
  emqx.cloud.authenticator:
    mechanism: password_based
    backend: http
    config:
      method: post
      url: https://auth.example.com/mqtt
      body: {username: "${username}", password: "${password}"}
      ssl: {enable: true}
    secret_config:
      headers: {x-api-key: "{{ vault_auth_key }}"}
    enabled: false
    position: rear

- name: No tokens any more
  emqx.cloud.authenticator:
    mechanism: jwt
    state: absent
"""

RETURN = r"""
authenticator:
  description: The authenticator as it is, or in check mode would be, afterwards, without secrets. V(null) if absent.
  returned: success
  type: dict
  contains:
    id:
      description: Its name in the API.
      type: str
    mechanism:
      description: How clients authenticate.
      type: str
    backend:
      description: Where they are looked up.
      returned: if the mechanism has one
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
  sample:
    id: password_based:built_in_database
    mechanism: password_based
    backend: built_in_database
    enabled: true
    position: 1
    config:
      user_id_type: username
      password_hash_algorithm: {name: sha256, salt_position: suffix}
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
    path: authentication
failures:
  description: The changes that failed or were not attempted, each with its item and the reason.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: update, item: {id: jwt}, code: BAD_REQUEST, reason: "the broker refused the request"}]
applied:
  description: The changes that were made before the task failed.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: update, item: {id: jwt}}]
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import authentication
from ansible_collections.emqx.cloud.plugins.module_utils._task import CONFIG, Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(
        mechanism=dict(type="str", required=True),
        backend=dict(type="str"),
        enabled=dict(type="bool"),
        position=dict(type="str"),
        lose_users=dict(type="bool", default=False),
        state=dict(type="str", choices=["present", "absent"], default="present"),
        **CONFIG,
    ),
)


def run(task: Task) -> Result:
    """Bring one authenticator to the state that the options describe."""
    wanted = authentication.authenticator_from(task.params)
    store = authentication.authenticators(task.api, task.params["lose_users"])
    converged = task.converge(store, [wanted], "mechanism", absent=task.params["state"] == "absent", keep=True)
    return {**converged.result, "authenticator": converged.one()}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
