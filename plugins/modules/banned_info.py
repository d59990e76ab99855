#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: banned_info
short_description: Read who is banned from an EMQX Cloud deployment
version_added: 1.0.0
description:
  - Reads the bans that are in force. Those whose end has passed are left out, also where the broker still lists them.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.read
  - emqx.cloud.attributes
  - emqx.cloud.attributes.info
notes:
  - A v5 deployment looks for O(clientid), O(username) and O(peerhost) itself, and for O(like) together with one O(kind)
    that is no regular expression. Everything else, and everything on v4, is filtered here.
options:
  clientid:
    description:
      - Only the ban of this client id.
    type: str
  username:
    description:
      - Only the ban of this user name.
    type: str
  peerhost:
    description:
      - Only the ban of this IP address, written in full. The bans of networks it is in are not looked for.
    type: str
  kind:
    description:
      - Only bans of these kinds. A v4 deployment has V(clientid), V(username) and V(peerhost).
    type: list
    elements: str
    choices: [clientid, username, peerhost, peerhost_net, clientid_re, username_re]
  like:
    description:
      - Only bans of names, addresses or expressions that contain this text. Upper and lower case differ.
    type: str
seealso:
  - module: emqx.cloud.banned
"""

EXAMPLES = r"""
- name: Is the gateway banned?
  emqx.cloud.banned_info:
    clientid: gateway-7
  register: found

- name: Who was banned because of flooding?
  emqx.cloud.banned_info:
    query: "[?reason == 'flooding']"
  register: flooders

- name: Which addresses are banned for good?
  emqx.cloud.banned_info:
    kind: [peerhost]
    query: "[?until == 'never'].peerhost"
  register: addresses
"""

RETURN = r"""
banned:
  description: The bans, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
  contains:
    clientid:
      description: The client id; or RV(banned[].username), RV(banned[].peerhost), RV(banned[].peerhost_net),
        RV(banned[].clientid_re) or RV(banned[].username_re).
      type: str
    username:
      description: The user name.
      type: str
    peerhost:
      description: The IP address.
      type: str
    peerhost_net:
      description: The network.
      type: str
    clientid_re:
      description: The regular expression that client ids match.
      type: str
    username_re:
      description: The regular expression that user names match.
      type: str
    reason:
      description: Why.
      type: str
    by:
      description: Who made the ban.
      type: str
    at:
      description: When it was made, as RFC 3339 in UTC.
      type: str
    until:
      description: When it ends, as RFC 3339 in UTC, or V(never).
      type: str
  sample: [{clientid: stolen-7, reason: reported stolen, by: ansible, at: "2026-11-22T20:55:51Z", until: never}]
count:
  description: How many bans were found.
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
    path: banned
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import bans
from ansible_collections.emqx.cloud.plugins.module_utils._task import READ, Result, Spec, Task, run_module

KINDS = ("clientid", "username", "peerhost", "peerhost_net", "clientid_re", "username_re")
SPEC = Spec(
    options=dict(
        clientid=dict(type="str"),
        username=dict(type="str"),
        peerhost=dict(type="str"),
        kind=dict(type="list", elements="str", choices=list(KINDS)),
        like=dict(type="str"),
        **READ,
    ),
    rules=dict(mutually_exclusive=[("clientid", "username", "peerhost")]),
)


def run(task: Task) -> Result:
    """Return the bans that the options ask for."""
    return task.read("banned", lambda: (ban.whole() for ban in bans.find(task.api, task.params)))


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
