#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: client_info
short_description: Read the MQTT clients of an EMQX Cloud deployment
version_added: 1.0.0
description:
  - Reads the clients that are connected to a deployment, and those that have a kept session there.
  - Filters are passed to the API, so that only what is asked for is read. What a generation of the API can't filter
    (O(node) on v4, O(zone) and O(proto_name) on v5) is filtered by the module, and refused where the deployment doesn't
    tell it of its clients.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.client_filters
  - emqx.cloud.read
  - emqx.cloud.attributes
  - emqx.cloud.attributes.info
options:
  conn_state:
    description:
      - Only clients in this state. V(connected) is who is online; V(disconnected) are kept sessions.
    type: str
    choices: [connected, disconnected]
  fields:
    description:
      - The fields that each row has. By default all that the API gives. What a client does not have is left out; v5
        refuses a field that it does not know.
    type: list
    elements: str
notes:
  - A v4 deployment gives times in the time zone of its broker. On EMQX Cloud that is UTC, and it is read as such.
seealso:
  - module: emqx.cloud.client
  - module: emqx.cloud.subscription_info
  - module: emqx.cloud.wait_for
"""

EXAMPLES = r"""
- name: Who is online?
  emqx.cloud.client_info:
    conn_state: connected
    fields: [clientid, username, ip_address, connected_at]
  register: online

- name: The ids of all gateways that came back within the last ten minutes
  emqx.cloud.client_info:
    like_clientid: gateway-
    connected_after: 10m
    query: "[].clientid"
  register: returned
"""

RETURN = r"""
clients:
  description:
    - The clients, or what O(query) makes of them. The fields are those of the API with the names of v5.
  returned: success
  type: list
  elements: dict
  contains:
    clientid:
      description: The client id.
      type: str
    username:
      description: The user name that the client connected with.
      type: str
    connected:
      description: Whether it is connected; a kept session is not.
      type: bool
    ip_address:
      description: Where it connects from.
      type: str
    connected_at:
      description: When it connected, in UTC.
      type: str
    proto_ver:
      description: The version of the protocol.
      type: int
  sample: [{clientid: gateway-7, username: gateway, connected: true, ip_address: 198.51.100.7, proto_ver: 5}]
count:
  description: How many clients were found.
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
    path: clients
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import clients
from ansible_collections.emqx.cloud.plugins.module_utils._task import (
    CLIENT_FILTERS,
    READ,
    Result,
    Spec,
    Task,
    run_module,
)

SPEC = Spec(options=dict(fields=dict(type="list", elements="str"), **CLIENT_FILTERS, **READ))


def run(task: Task) -> Result:
    """Return the clients that the options ask for."""
    filters = clients.filters_from(task.params)
    fields, limit = task.params["fields"] or (), task.params["limit"]
    return task.read("clients", lambda: clients.clients(task.api).rows(filters, fields, limit))


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
