#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: client
short_description: Disconnect MQTT clients from an EMQX Cloud deployment
version_added: 1.0.0
description:
  - Kicks clients, that is, closes their connections. A client may connect again at once; to keep it out, change its
    credentials or ban it first.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.bounded
  - emqx.cloud.attributes
  - emqx.cloud.attributes.state
attributes:
  idempotent:
    support: full
    details:
      - Nothing changes if none of the clients is online. A client that connects again is kicked again.
options:
  clientid:
    description:
      - The id of one client, taken literally.
      - Exactly one of O(clientid) and O(clientids) is needed.
    type: str
  clientids:
    description:
      - The ids of several clients. It has to be a list, since an id may contain commas.
    type: raw
  sessions:
    description:
      - Whether kept sessions of clients that are not connected are removed as well.
    type: bool
    default: false
  state:
    description:
      - V(absent) disconnects the clients.
    type: str
    choices: [absent]
    required: true
  wait:
    description:
      - Whether to wait until the kicked clients are gone, or have come back with a new connection.
    type: bool
    default: false
  wait_timeout:
    description:
      - How many seconds to wait at the most.
    type: float
    default: 30
seealso:
  - module: emqx.cloud.client_info
  - module: emqx.cloud.banned
"""

EXAMPLES = r"""
- name: Disconnect one device
  emqx.cloud.client:
    clientid: gateway-7
    state: absent

- name: Disconnect several, and see which of them come back at once
  emqx.cloud.client:
    clientids:
      - gateway-7
      - "sensor,with,commas"
    state: absent
    wait: true
  register: kicked
"""

RETURN = r"""
kicked:
  description: The clients that were online (or had a kept session, with O(sessions)) and were kicked, or would be.
  returned: success, and if it was waited for in vain
  type: list
  elements: str
  sample: [gateway-7]
offline:
  description: The clients that were not online.
  returned: success, and if it was waited for in vain
  type: list
  elements: str
  sample: ["sensor,with,commas"]
returned:
  description: The kicked clients that were seen to be back with a new connection.
  returned: success with O(wait=true) if clients were kicked, unless in check mode
  type: list
  elements: str
  sample: []
counts:
  description: How many items were, or in check mode would be, created, updated, deleted or left unchanged, and failed.
  returned: success, and failure after changes began
  type: dict
  sample: {created: 0, updated: 0, deleted: 1, unchanged: 1, failed: 0}
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
    path: clients
failures:
  description: The changes that failed or were not attempted, each with its item and the reason.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: delete, item: {clientid: dev-1, connected: true}, code: null, reason: "the connection was lost"}]
applied:
  description: The changes that were made before the task failed.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: delete, item: {clientid: dev-2, connected: true}}]
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

from ansible_collections.emqx.cloud.plugins.module_utils._resources import clients
from ansible_collections.emqx.cloud.plugins.module_utils._task import (
    BOUNDED,
    WAIT,
    Result,
    Spec,
    Task,
    run_module,
    strings,
)

SPEC = Spec(
    options=dict(
        clientid=dict(type="str"),
        clientids=dict(type="raw"),
        sessions=dict(type="bool", default=False),
        state=dict(type="str", choices=["absent"], required=True),
        **WAIT,
        **BOUNDED,
    ),
    rules=dict(mutually_exclusive=[("clientid", "clientids")], required_one_of=[("clientid", "clientids")]),
)


def run(task: Task) -> Result:
    """Kick the clients that are online."""
    options, patience = task.params, task.seconds("wait_timeout")
    option = "clientids" if options["clientid"] is None else "clientid"
    names = strings("clientids", options["clientids"]) if option == "clientids" else [options["clientid"]]
    wanted = clients.clients_from(option, names, task.api.generation)
    store = clients.clients(task.api, options["sessions"])
    converged = task.converge(store, wanted, "clientids", absent=True)
    kicked = converged.done.delete
    offline = {client.clientid for client in wanted} - {client.clientid for client in kicked}
    result = {
        **converged.result,
        "kicked": sorted(client.clientid for client in kicked),
        "offline": sorted(offline),
    }
    if options["wait"] and kicked and not task.check_mode:
        result["returned"] = task.wait(lambda: clients.returned(store, kicked), patience, result)
    return result


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
