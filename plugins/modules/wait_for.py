#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wait_for
short_description: Wait until an EMQX Cloud deployment, or its clients, are in some state
version_added: 1.0.0
description:
  - Looks again and again until a condition is met, such as that 500 devices are back or that no alarm is active.
  - A failure that may be over in a while, a refused or lost connection or an error inside the server, is waited over,
    since a broker may be restarting. Refused credentials fail at once, as does a condition that can't be applied.
  - Call it by its full name. C(wait_for) alone is a module of C(ansible.builtin).
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.attributes
  - emqx.cloud.attributes.info
options:
  condition:
    description:
      - A L(JMESPath, https://jmespath.org/) expression. It is met when its value is neither V(null) nor V(false), 0 or
        empty.
      - With O(gather) it is applied to a dictionary of what was gathered, with the keys and values that
        M(emqx.cloud.broker_info) returns. With O(clients) it is applied to a dictionary of C(count) and C(clients).
      - Numbers and other literals stand in backticks, and names with a dot in quotes, as in
        C(stats."connections.count" >= `500`).
    type: str
    required: true
  gather:
    description:
      - What to look at, see M(emqx.cloud.broker_info).
      - Exactly one of O(gather) and O(clients) is needed.
    type: list
    elements: str
    choices: [nodes, stats, metrics, alarms, listeners]
  clients:
    description:
      - Which clients to look at, V({}) for all. The filters are those of M(emqx.cloud.client_info).
      - A condition without C(clients) needs only their number, which the broker tells in one small request if it
        counts them itself, that is on v5 without O(clients.like_clientid) and O(clients.like_username), and on v4
        without any filter. Otherwise they are listed.
      - A time such as V(5m) means five minutes before each look.
    type: dict
    suboptions:
      clientid:
        description:
          - Only the client with this id.
        type: str
      username:
        description:
          - Only clients that connected with this user name.
        type: str
      ip_address:
        description:
          - Only clients that connect from this IP address, written in full.
        type: str
      conn_state:
        description:
          - Only clients in this state. V(connected) is who is online; V(disconnected) are kept sessions.
        type: str
        choices: [connected, disconnected]
      clean_start:
        description:
          - Only clients that connected with this clean start (clean session) flag.
        type: bool
      proto_name:
        description:
          - Only clients with this protocol, such as V(MQTT) or V(MQTT-SN).
        type: str
      proto_ver:
        description:
          - Only clients with this version of the protocol, V(3) for MQTT 3.1, V(4) for MQTT 3.1.1, V(5) for MQTT 5.
        type: int
      zone:
        description:
          - Only clients in this zone.
        type: str
      node:
        description:
          - Only clients that are connected to this node.
        type: str
      like_clientid:
        description:
          - Only clients whose id contains this text. Upper and lower case differ.
        type: str
      like_username:
        description:
          - Only clients whose user name contains this text. Upper and lower case differ.
        type: str
      connected_after:
        description:
          - Only clients that connected at this time or later. RFC 3339, epoch seconds, or how long ago, such as V(90s),
            V(2h) or V(7d).
        type: str
      connected_before:
        description:
          - Only clients that connected at this time or earlier; written as O(clients.connected_after).
        type: str
      created_after:
        description:
          - Only clients whose session began at this time or later; written as O(clients.connected_after).
        type: str
      created_before:
        description:
          - Only clients whose session began at this time or earlier; written as O(clients.connected_after).
        type: str
      fields:
        description:
          - The fields of the clients that the condition looks at. By default all that the API gives.
        type: list
        elements: str
  wait_timeout:
    description:
      - How many seconds to wait at the most. A look that has begun is finished, as long as O(timeout) and O(retries)
        let it take.
    type: float
    default: 300
  interval:
    description:
      - How many seconds to wait between two looks.
    type: float
    default: 5
requirements:
  - jmespath
notes:
  - In check mode it looks once and does not wait. A condition that is not met is no failure then.
seealso:
  - module: emqx.cloud.broker_info
  - module: emqx.cloud.client_info
"""

EXAMPLES = r"""
- name: Wait until all gateways are back
  emqx.cloud.wait_for:
    condition: count >= `1`
    clients:
      like_clientid: gateway-
      conn_state: connected
    wait_timeout: 600

- name: Wait until all nodes run
  emqx.cloud.wait_for:
    condition: length(nodes) >= `1` && length(nodes[?status != 'running']) == `0`
    gather: [nodes]

- name: Wait until no alarm is active, and few messages are kept
  emqx.cloud.wait_for:
    condition: length(alarms[?active]) == `0` && stats."retained.count" < `1000`
    gather: [alarms, stats]
    interval: 10
"""

RETURN = r"""
elapsed:
  description: How many seconds it took.
  returned: success, and failure after a look
  type: float
  sample: 12.4
value:
  description: What the condition gave at the last look.
  returned: success, and failure after a look
  type: raw
  sample: true
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

from ansible_collections.emqx.cloud.plugins.module_utils._resources import broker, clients
from ansible_collections.emqx.cloud.plugins.module_utils._task import CLIENT_FILTERS, Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(
        condition=dict(type="str", required=True),
        gather=dict(type="list", elements="str", choices=list(broker.PARTS)),
        clients=dict(type="dict", options=dict(fields=dict(type="list", elements="str"), **CLIENT_FILTERS)),
        wait_timeout=dict(type="float", default=300),
        interval=dict(type="float", default=5),
    ),
    rules=dict(mutually_exclusive=[("gather", "clients")], required_one_of=[("gather", "clients")]),
)


def run(task: Task) -> Result:
    """Look until the condition is met; in check mode look once."""
    condition, filters = task.params["condition"], task.params["clients"]
    if filters is not None:
        return task.until(condition, lambda: clients.seen(task.api, filters, condition))
    parts = broker.checked_parts(task.params["gather"])
    return task.until(condition, lambda: broker.gathered(task.api, parts))


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
