#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: subscription_info
short_description: Read the subscriptions of an EMQX Cloud deployment
version_added: 1.0.0
description:
  - Reads which client is subscribed to which topic filter.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.read
  - emqx.cloud.attributes
  - emqx.cloud.attributes.info
options:
  clientid:
    description:
      - Only subscriptions of this client.
    type: str
  topic:
    description:
      - Only subscriptions to exactly this topic filter.
    type: str
  match_topic:
    description:
      - Only subscriptions whose filter matches this topic name, that is, who would receive a message to it.
    type: str
  qos:
    description:
      - Only subscriptions with this QoS.
    type: int
    choices: [0, 1, 2]
  share_group:
    description:
      - Only shared subscriptions of this group.
    type: str
seealso:
  - module: emqx.cloud.subscription
  - module: emqx.cloud.topic_info
  - module: emqx.cloud.client_info
"""

EXAMPLES = r"""
- name: Who receives the alarms of plant 7?
  emqx.cloud.subscription_info:
    match_topic: plant/7/alarms
    query: "[].clientid"
  register: receivers

- name: What is this gateway subscribed to?
  emqx.cloud.subscription_info:
    clientid: gateway-7
  register: subscribed
"""

RETURN = r"""
subscriptions:
  description: The subscriptions, or what O(query) makes of them.
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
      type: str
  sample: [{clientid: gateway-7, topic: "plant/7/commands/#", qos: 1, node: emqx@10.0.0.1}]
count:
  description: How many subscriptions were found.
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
    path: subscriptions
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import subscriptions
from ansible_collections.emqx.cloud.plugins.module_utils._task import READ, Result, Spec, Task, run_module

FILTERS = dict(
    clientid=dict(type="str"),
    topic=dict(type="str"),
    match_topic=dict(type="str"),
    qos=dict(type="int", choices=[0, 1, 2]),
    share_group=dict(type="str"),
)
SPEC = Spec(options={**FILTERS, **READ})


def run(task: Task) -> Result:
    """Return the subscriptions that the options ask for."""
    filters = subscriptions.filters_from({name: task.params[name] for name in FILTERS})
    return task.read(
        "subscriptions",
        lambda: (
            found.shown()
            for found in subscriptions.subscriptions(task.api).find(filters, task.params["limit"])
        ),
    )


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
