#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: broker_info
short_description: Read the state of the brokers of an EMQX Cloud deployment
version_added: 1.0.0
description:
  - Reads the nodes of a deployment, its statistics, counters, alarms and listeners, in the same shape for both
    generations of the API.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.attributes
  - emqx.cloud.attributes.info
options:
  gather:
    description:
      - What to read. Nothing else is asked for.
    type: list
    elements: str
    choices: [nodes, stats, metrics, alarms, listeners]
    default: [nodes, stats]
  query:
    description:
      - A L(JMESPath, https://jmespath.org/) expression that is applied to everything that was gathered, as one
        dictionary. Its value is returned as RV(value), beside the rest.
      - Names with a dot are put in quotes, as in C(stats."connections.count").
      - Needs the Python library C(jmespath).
    type: str
requirements:
  - jmespath, for O(query)
seealso:
  - module: emqx.cloud.wait_for
  - module: emqx.cloud.topic_metrics_info
"""

EXAMPLES = r"""
- name: How are the nodes?
  emqx.cloud.broker_info:
  register: broker

- name: No alarm may be active
  emqx.cloud.broker_info:
    gather: [alarms]
    query: alarms[?active].[name, node, message]
  register: alarms
  failed_when: alarms.failed or alarms.value | length > 0

- name: How many clients are connected?
  emqx.cloud.broker_info:
    gather: [stats]
    query: stats."live_connections.count"
  register: online
"""

RETURN = r"""
value:
  description: What O(query) makes of what was gathered.
  returned: success, with O(query)
  type: raw
  sample: 500
nodes:
  description:
    - The nodes of the cluster. What a node does not tell is V(null); a stopped one tells little.
  returned: success, if gathered
  type: list
  elements: dict
  contains:
    node:
      description: The name of the node.
      type: str
    status:
      description: V(running) or V(stopped).
      type: str
    version:
      description: The version of EMQX.
      type: str
    edition:
      description: The edition of EMQX (v5).
      type: str
    role:
      description: V(core) or V(replicant) (v5).
      type: str
    otp_release:
      description: The version of Erlang.
      type: str
    uptime:
      description: For how many seconds it has been running.
      type: int
    connections:
      description: How many sessions it holds, of connected clients and kept ones.
      type: int
    live_connections:
      description: How many clients are connected to it.
      type: int
    memory_used:
      description: The memory that is used, in bytes. The API gives it with two decimals of its unit.
      type: int
    memory_total:
      description: The memory that there is, in bytes, as precise as RV(nodes[].memory_used).
      type: int
    load1:
      description: The load of the system over one minute.
      type: float
    load5:
      description: The load of the system over five minutes.
      type: float
    load15:
      description: The load of the system over fifteen minutes.
      type: float
    process_used:
      description: How many Erlang processes there are.
      type: int
    process_available:
      description: How many there may be.
      type: int
    max_fds:
      description: How many files and sockets the node may open.
      type: int
  sample:
    - node: emqx@10.0.0.1
      status: running
      version: 5.8.9
      edition: Opensource
      role: core
      otp_release: 25.2.3/13.1.5
      uptime: 86400
      connections: 510
      live_connections: 500
      memory_used: 719910010
      memory_total: 25275882536
      load1: 0.6
      load5: 0.82
      load15: 0.69
      process_used: 480
      process_available: 2097152
      max_fds: 20000
stats:
  description:
    - What the cluster holds now (C(.count)) and held at most (C(.max)), by the names of EMQX. Numbers of all nodes are
      summed, but those of tables that every node has a copy of (C(retained), C(topics), C(routes),
      C(subscriptions.shared)).
  returned: success, if gathered
  type: dict
  sample: {connections.count: 510, live_connections.count: 500, subscriptions.count: 1200, topics.count: 900}
metrics:
  description:
    - The counters of the cluster since its nodes have started, by the names of EMQX, summed over all nodes. The names
      of the two generations are alike where they count the same.
  returned: success, if gathered
  type: dict
  sample: {messages.received: 1200, messages.sent: 3400, messages.dropped: 2, client.connected: 510}
alarms:
  description: The alarms, those that are active first, and then the history that the deployment keeps.
  returned: success, if gathered
  type: list
  elements: dict
  contains:
    name:
      description: The name of the alarm.
      type: str
    node:
      description: The node that raised it.
      type: str
    message:
      description: What it is about.
      type: str
    details:
      description: More about it, as the API gives it.
      type: raw
    active:
      description: Whether it still is.
      type: bool
    activated_at:
      description: When it was raised, in UTC.
      type: str
    deactivated_at:
      description: When it was over, in UTC, or V(null) while it is active.
      type: str
  sample:
    - name: high_system_memory_usage
      node: emqx@10.0.0.1
      message: System memory usage is higher than 70%
      details: {high_watermark: 70}
      active: true
      activated_at: "2026-11-22T20:55:55Z"
      deactivated_at: null
listeners:
  description: The listeners, one row for each listener on each node.
  returned: success, if gathered
  type: list
  elements: dict
  contains:
    id:
      description: How the broker calls it, such as V(tcp:default) on v5 and V(mqtt:tcp:external) on v4.
      type: str
    type:
      description: What it speaks, V(tcp), V(ssl), V(ws), V(wss), V(quic), or on v4 also V(http).
      type: str
    bind:
      description: The address that it listens on.
      type: str
    node:
      description: The node.
      type: str
    enabled:
      description: Whether it is switched on. v4 lists only those that are.
      type: bool
    running:
      description: Whether it listens.
      type: bool
    current_connections:
      description: How many connections it has.
      type: int
    max_connections:
      description: How many it may have, or V(null) if there is no limit.
      type: int
  sample:
    - id: tcp:default
      type: tcp
      bind: 0.0.0.0:1883
      node: emqx@10.0.0.1
      enabled: true
      running: true
      current_connections: 500
      max_connections: null
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
    path: nodes
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._query import compiled
from ansible_collections.emqx.cloud.plugins.module_utils._resources import broker
from ansible_collections.emqx.cloud.plugins.module_utils._task import READ, Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(
        gather=dict(type="list", elements="str", choices=list(broker.PARTS), default=["nodes", "stats"]),
        query=READ["query"],
    )
)


def run(task: Task) -> Result:
    """Return what the options ask for."""
    query, parts = task.params["query"], broker.checked_parts(task.params["gather"])
    search = compiled(query)
    found = broker.gathered(task.api, parts)
    return {**found, **({} if query is None else {"value": search(found)})}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
