#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: subscription
short_description: Manage the subscriptions of an MQTT client of an EMQX Cloud deployment
version_added: 1.0.0
description:
  - Subscribes and unsubscribes one client on its behalf. The client has to be connected, or to have a kept session.
  - Such a subscription lasts as long as the session of the client.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.bounded
  - emqx.cloud.attributes
  - emqx.cloud.attributes.state
attributes:
  action_group:
    membership:
      - emqx.cloud.deployment
      - emqx.cloud.purge
  idempotent:
    support: full
options:
  clientid:
    description:
      - The id of the client, taken literally.
    type: str
    required: true
  topics:
    description:
      - The subscriptions.
    type: list
    elements: dict
    required: true
    suboptions:
      topic:
        description:
          - The topic filter, also C($share/GROUP/FILTER) or C($queue/FILTER). On v4 it has no comma.
        type: str
        required: true
      qos:
        description:
          - The highest QoS that the client receives messages with. If it is not given, a new subscription has V(0), and
            one that exists stays as it is.
        type: int
        choices: [0, 1, 2]
      no_local:
        description:
          - Whether the client does not receive what it publishes itself (v5, for clients that speak MQTT 5).
        type: bool
      retain_as_published:
        description:
          - Whether messages keep their retain flag (v5, for clients that speak MQTT 5).
        type: bool
      retain_handling:
        description:
          - Whether retained messages are sent at subscribing, V(0) always, V(1) only if the subscription is new, V(2)
            never (v5).
        type: int
        choices: [0, 1, 2]
  state:
    description:
      - With V(present) the client has these subscriptions, whatever else it has.
      - With V(absent) it has none of them.
      - With V(exact) it has these and no others. They are listed once more if something was changed; if
        something else has changed them in the meantime, the task fails and says so.
    type: str
    choices: [present, absent, exact]
    default: present
  purge_all:
    description:
      - Has to be V(true) for O(state=exact) with an empty list.
    type: bool
    default: false
  purge_limit:
    description:
      - With O(state=exact), refuse to change anything if more subscriptions than so many would go, or more than such a
        share of those that the client has, such as V(10%), rounded down.
    type: str
seealso:
  - module: emqx.cloud.subscription_info
"""

EXAMPLES = r"""
- name: The gateway receives its commands
  emqx.cloud.subscription:
    clientid: gateway-7
    topics:
      - topic: plant/7/commands/#
        qos: 1

- name: And nothing else
  emqx.cloud.subscription:
    clientid: gateway-7
    topics:
      - topic: plant/7/commands/#
    state: exact
"""

RETURN = r"""
subscriptions:
  description: All subscriptions of the client as they are, or in check mode would be, afterwards.
  returned: success
  type: list
  elements: dict
  contains:
    clientid:
      description: The client.
      type: str
    topic:
      description: The topic filter.
      type: str
    qos:
      description: The highest QoS.
      type: int
    no_local:
      description: Whether the client does not receive what it publishes itself.
      returned: v5
      type: bool
    retain_as_published:
      description: Whether messages keep their retain flag.
      returned: v5
      type: bool
    retain_handling:
      description: Whether retained messages are sent at subscribing.
      returned: v5
      type: int
    node:
      description: The node that the client is connected to.
      returned: for subscriptions that existed
      type: str
  sample: [{clientid: gateway-7, topic: "plant/7/commands/#", qos: 1}]
counts:
  description: How many items were, or in check mode would be, created, updated, deleted or left unchanged, and failed.
  returned: success, and failure after changes began
  type: dict
  sample: {created: 2, updated: 0, deleted: 1, unchanged: 3, failed: 0}
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
    path: clients/gateway-7/subscriptions
failures:
  description: The changes that failed or were not attempted, each with its item and the reason.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: create, item: {clientid: dev-1, topic: t, qos: 1}, code: 112, reason: "the client is not online"}]
applied:
  description: The changes that were made before the task failed.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: create, item: {clientid: dev-1, topic: u, qos: 0}}]
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

from ansible_collections.emqx.cloud.plugins.module_utils._resources import subscriptions
from ansible_collections.emqx.cloud.plugins.module_utils._task import BOUNDED, Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(
        clientid=dict(type="str", required=True),
        topics=dict(
            type="list",
            elements="dict",
            required=True,
            options=dict(
                topic=dict(type="str", required=True),
                qos=dict(type="int", choices=[0, 1, 2]),
                no_local=dict(type="bool"),
                retain_as_published=dict(type="bool"),
                retain_handling=dict(type="int", choices=[0, 1, 2]),
            ),
        ),
        state=dict(type="str", choices=["present", "absent", "exact"], default="present"),
        purge_all=dict(type="bool", default=False),
        purge_limit=dict(type="str"),
        **BOUNDED,
    ),
)


def run(task: Task) -> Result:
    """Bring the subscriptions of one client to the state that the options describe."""
    clientid, state = task.params["clientid"], task.params["state"]
    wanted = subscriptions.subscriptions_from(clientid, task.params["topics"], unwanted=state == "absent")
    store = subscriptions.subscriptions(task.api, clientid)
    converged = task.converge(store, wanted, "topics", absent=state == "absent", purge=state == "exact", keep=True)
    return {**converged.result, "subscriptions": [found.shown() for found in converged.done.after()]}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
