#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: publish
short_description: Publish MQTT messages through an EMQX Cloud deployment
version_added: 1.0.0
description:
  - Publishes any number of messages, in their order and in as few requests as the API allows.
  - All of them are checked before the first is sent.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.bounded
  - emqx.cloud.attributes
notes:
  - A v4 deployment neither says whether anybody received a message nor what its id is.
  - A request to publish is not repeated when its answer is lost, since the messages may have been sent; the failure
    says so.
attributes:
  check_mode:
    support: full
    details:
      - Everything is checked and nothing is sent.
  diff_mode:
    support: N/A
    details:
      - What was sent can't be compared with anything.
  idempotent:
    support: none
    details:
      - Each run publishes the messages again and reports a change.
  action_group:
    membership:
      - emqx.cloud.deployment
options:
  messages:
    description:
      - The messages.
    type: list
    elements: dict
    suboptions:
      topic:
        description:
          - The topic name. It has no wildcards, and on v4 no comma.
        type: str
        required: true
      payload:
        description:
          - The payload, at most 1 MiB. A text is sent as it is, anything else as compact JSON. V('') is an empty
            payload.
          - On ansible-core before 2.19 a template whose result is JSON arrives as a structure, and is written as
            compact JSON again.
        type: raw
        required: true
      payload_encoding:
        description:
          - V(plain) sends a text as it is, which is what happens if nothing is given. With V(base64) the payload is the
            base64 of what is sent. With V(json) a text is sent as JSON, too, in quotes.
        type: str
        choices: [plain, base64, json]
      qos:
        description:
          - The QoS, V(0) if nothing is given.
        type: int
        choices: [0, 1, 2]
      retain:
        description:
          - Whether the message is retained for those who subscribe later. An empty one removes what is retained. To
            compare first and send only what differs, see M(emqx.cloud.retained_message).
        type: bool
      properties:
        description:
          - Properties of MQTT 5 (v5), C(content_type), C(correlation_data), C(message_expiry_interval) in seconds,
            C(payload_format_indicator), C(response_topic), and C(user_properties), a dictionary of texts.
        type: dict
  topic:
    description:
      - As O(messages[].topic), for one message without a list.
    type: str
  payload:
    description:
      - As O(messages[].payload), for one message without a list.
    type: raw
  payload_encoding:
    description:
      - As O(messages[].payload_encoding), for one message without a list.
    type: str
    choices: [plain, base64, json]
  qos:
    description:
      - As O(messages[].qos), for one message without a list.
    type: int
    choices: [0, 1, 2]
  retain:
    description:
      - As O(messages[].retain), for one message without a list.
    type: bool
  properties:
    description:
      - As O(messages[].properties), for one message without a list.
    type: dict
seealso:
  - module: emqx.cloud.retained_message
  - module: emqx.cloud.topic_info
"""

EXAMPLES = r"""
- name: The pumps of plant 7 stop
  emqx.cloud.publish:
    topic: plant/7/pumps/command
    payload: {action: stop, reason: maintenance}
    qos: 1
  register: sent

- name: Two settings, also for devices that connect later
  emqx.cloud.publish:
    messages:
      - topic: plant/7/settings/interval
        payload: "60"
        retain: true
      - topic: plant/7/settings/firmware
        payload: "{{ 'binary' | b64encode }}"
        payload_encoding: base64
        retain: true
"""

RETURN = r"""
published:
  description: The messages that were, or in check mode would be, published, in their order; at most O(result_limit).
  returned: success
  type: list
  elements: dict
  contains:
    topic:
      description: The topic.
      type: str
    id:
      description: What the broker calls the message.
      returned: v5, if somebody was subscribed, and not in check mode
      type: str
    delivered:
      description: Whether somebody was subscribed. It is no failure if nobody was.
      returned: v5, and not in check mode
      type: bool
  sample: [{topic: plant/7/pumps/command, id: 000660E3B3F1EA6EF443000005AD0000, delivered: true}]
published_left_out:
  description: How many more messages were published than RV(published) shows.
  returned: if there are more than O(result_limit)
  type: int
  sample: 12
counts:
  description: How many messages were, or in check mode would be, published (C(created)), and how many failed.
  returned: success, and failure after changes began
  type: dict
  sample: {created: 2, updated: 0, deleted: 0, unchanged: 0, failed: 0}
error:
  description: The first failure, where it is one of the API or of the connection.
  returned: failure, after a request
  type: dict
  contains:
    status:
      description: The HTTP status, or V(null) if no answer came.
      type: int
    code:
      description: The result code of the API, a number or on v5 also a name, or V(null) if it sent none.
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
    code: 151
    reason: packet_too_large
    method: POST
    path: publish
failures:
  description: The changes that failed or were not attempted, each with its item and the reason.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: create, item: {topic: plant/7/a}, code: 151, reason: "POST publish failed: …"}]
applied:
  description: The changes that were made before the task failed.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: create, item: {topic: plant/7/b, delivered: false}}]
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

from ansible_collections.emqx.cloud.plugins.module_utils._resources import messages
from ansible_collections.emqx.cloud.plugins.module_utils._task import BOUNDED, Result, Spec, Task, bounded, run_module

MESSAGE = dict(
    topic=dict(type="str"),
    payload=dict(type="raw"),
    payload_encoding=dict(type="str", choices=["plain", "base64", "json"]),
    qos=dict(type="int", choices=[0, 1, 2]),
    retain=dict(type="bool"),
    properties=dict(type="dict"),
)
LISTED = {**MESSAGE, "topic": dict(type="str", required=True), "payload": dict(type="raw", required=True)}
SPEC = Spec(
    options=dict(messages=dict(type="list", elements="dict", options=LISTED), **MESSAGE, **BOUNDED),
    rules=dict(
        mutually_exclusive=[("messages", name) for name in MESSAGE],
        required_one_of=[("messages", "topic")],
        required_by={name: ("topic",) for name in MESSAGE if name != "topic"},
    ),
)


def run(task: Task) -> Result:
    """Publish the messages that the options describe."""
    wanted = messages.messages_from(task.params, task.api.generation)
    converged = task.converge(messages.publisher(task.api), wanted, "messages")
    sent = sorted(converged.done.create, key=lambda message: message.number)
    return {**converged.result, **bounded("published", [message.shown() for message in sent], task.result_limit)}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
