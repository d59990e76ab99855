#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: authorization_cache
short_description: Drop cached authorization decisions of an EMQX Cloud deployment
version_added: 1.0.0
description:
  - A broker remembers for each client what it may do. What it has allowed a moment ago stays allowed after the rules
    have changed, until that memory is dropped or expires (on v5, after one minute).
  - This module drops it for one client, or for all of them.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.attributes
  - emqx.cloud.attributes.state
notes:
  - A v4 deployment that has no call for all clients is asked once for each client that is online.
attributes:
  diff_mode:
    support: N/A
    details:
      - Nothing is kept that could be compared.
  idempotent:
    support: none
    details:
      - The module always reports a change. In check mode it sends nothing.
options:
  clientid:
    description:
      - The client whose decisions are dropped. Those of all clients if not given. A client that is not there has none.
    type: str
  state:
    description:
      - V(absent) drops the decisions.
    type: str
    choices: [absent]
    required: true
seealso:
  - module: emqx.cloud.acl
  - module: emqx.cloud.acls
  - module: emqx.cloud.authorization_settings
"""

EXAMPLES = r"""
- name: What the gateway may do is decided anew
  emqx.cloud.authorization_cache:
    clientid: gateway-7
    state: absent

- name: What anybody may do is decided anew
  emqx.cloud.authorization_cache:
    state: absent
"""

RETURN = r"""
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
    method: DELETE
    path: authorization/cache
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 1
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import acl
from ansible_collections.emqx.cloud.plugins.module_utils._task import Result, Spec, Task, run_module

SPEC = Spec(options=dict(clientid=dict(type="str"), state=dict(type="str", choices=["absent"], required=True)))


def run(task: Task) -> Result:
    """Drop the cached decisions of one client, or of all."""
    api, clientid = task.api, acl.client_from(task.params["clientid"])
    if not task.check_mode:
        acl.drop_cache(api, clientid)
    return {"changed": True}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
