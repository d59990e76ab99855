#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: acl_info
short_description: Read the access rules of an EMQX Cloud deployment
version_added: 1.0.0
description:
  - Reads which subjects (user names, client ids, everyone) have access rules in the built-in database, and which.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.read
  - emqx.cloud.attributes
  - emqx.cloud.attributes.info
notes:
  - O(limit) counts subjects. On v4 all rules are read even so, since the API lists them in no order across pages.
options:
  username:
    description:
      - Only the rules of this user name.
    type: str
  clientid:
    description:
      - Only the rules of this client id.
    type: str
  everyone:
    description:
      - Only the rules for everyone.
    type: bool
    default: false
  kind:
    description:
      - Only subjects of these kinds. All kinds if not given.
    type: list
    elements: str
    choices: [username, clientid, everyone]
  like:
    description:
      - Only user names and client ids that contain this text. Upper and lower case differ.
    type: str
seealso:
  - module: emqx.cloud.acl
  - module: emqx.cloud.acls
"""

EXAMPLES = r"""
- name: What may this gateway do?
  emqx.cloud.acl_info:
    username: gateway-7
  register: gateway

- name: Whose rules allow to subscribe to everything?
  emqx.cloud.acl_info:
    kind: [username, clientid]
    query: "[?rules[?topic == '#' && permission == 'allow' && action != 'publish']].[username, clientid][]"
  register: mighty
"""

RETURN = r"""
acls:
  description: The subjects that have rules, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
  contains:
    username:
      description: The user name.
      returned: for rules of a user name
      type: str
    clientid:
      description: The client id.
      returned: for rules of a client id
      type: str
    everyone:
      description: V(true).
      returned: for rules of everyone
      type: bool
    rules:
      description: The rules, in the order in which they are evaluated.
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
    - username: gateway-7
      rules: [{topic: "plant/7/#", action: publish, permission: allow, qos: [0, 1, 2], retain: all}]
count:
  description: How many subjects were found.
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
    path: authorization/sources/built_in_database/rules/users
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import acl
from ansible_collections.emqx.cloud.plugins.module_utils._task import READ, SUBJECT, Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(
        kind=dict(type="list", elements="str", choices=["username", "clientid", "everyone"]),
        like=dict(type="str"),
        **SUBJECT,
        **READ,
    ),
)


def run(task: Task) -> Result:
    """Return the subjects with rules that the options ask for."""
    return task.read("acls", lambda: (policy.shown() for policy in acl.find(task.api, task.params)))


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
