#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: retained_message
short_description: Manage the retained message of a topic of an EMQX Cloud deployment (v5)
version_added: 1.0.0
description:
  - Retains a message for a topic, or removes it. A message is published only if another or none is retained.
  - Needs a v5 deployment. v4 has no call to read retained messages; M(emqx.cloud.publish) sends them there.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.bounded
  - emqx.cloud.attributes
  - emqx.cloud.attributes.state
notes:
  - Who is subscribed to the topic receives a message that is retained anew. Removing one sends nothing.
  - After publishing, the task looks whether the broker has retained the message, and fails if not.
  - Of a payload of more than 4096 bytes a diff shows the beginning, the size and the SHA-256.
attributes:
  idempotent:
    support: full
options:
  topic:
    description:
      - The topic name. It has no wildcards.
    type: str
    required: true
  payload:
    description:
      - The payload, at most 1 MiB and not empty. A text is retained as it is, anything else as compact JSON. Required
        for O(state=present).
      - On ansible-core before 2.19 a template whose result is JSON arrives as a structure, and is written as compact
        JSON again.
    type: raw
  payload_encoding:
    description:
      - V(plain) takes a text as it is. With V(base64) the payload is the base64 of what is retained. With V(json) a
        text is retained as JSON, too, in quotes.
    type: str
    choices: [plain, base64, json]
    default: plain
  qos:
    description:
      - The QoS. If it is not given, a new message has V(0), and that of a message that exists stays.
    type: int
    choices: [0, 1, 2]
  state:
    description:
      - Whether a message should be retained for the topic.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: emqx.cloud.retained_message_info
  - module: emqx.cloud.publish
"""

EXAMPLES = r"""
- name: Devices of plant 7 find their settings whenever they connect
  emqx.cloud.retained_message:
    topic: plant/7/settings
    payload: {interval: 60, unit: s}
    qos: 1

- name: The settings of a plant that is gone
  emqx.cloud.retained_message:
    topic: plant/6/settings
    state: absent
"""

RETURN = r"""
message:
  description: The message that is, or in check mode would be, retained afterwards, or V(null).
  returned: success
  type: dict
  contains:
    topic:
      description: The topic.
      type: str
    qos:
      description: The QoS.
      type: int
    payload:
      description: The payload as text, or in base64 if it is no UTF-8.
      type: str
    payload_encoding:
      description: V(plain) or V(base64), which of the two RV(message.payload) is.
      type: str
  sample: {topic: plant/7/settings, qos: 1, payload: '{"interval":60,"unit":"s"}', payload_encoding: plain}
counts:
  description: How many items were, or in check mode would be, created, updated, deleted or left unchanged, and failed.
  returned: success, and failure after changes began
  type: dict
  sample: {created: 1, updated: 0, deleted: 0, unchanged: 0, failed: 0}
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
  sample:
    - action: create
      item: {topic: plant/7/a, qos: 0, payload: x, payload_encoding: plain}
      code: 151
      reason: "POST publish failed: …"
applied:
  description: The changes that were made before the task failed.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: create, item: {topic: plant/7/a, qos: 0, payload: x, payload_encoding: plain}}]
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
from ansible_collections.emqx.cloud.plugins.module_utils._task import BOUNDED, Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(
        topic=dict(type="str", required=True),
        payload=dict(type="raw"),
        payload_encoding=dict(type="str", choices=["plain", "base64", "json"], default="plain"),
        qos=dict(type="int", choices=[0, 1, 2]),
        state=dict(type="str", choices=["present", "absent"], default="present"),
        **BOUNDED,
    ),
    rules=dict(required_if=[("state", "present", ["payload"])]),
)


def run(task: Task) -> Result:
    """Bring the retained message of a topic to the state that the options describe."""
    wanted, store = messages.retained_from(task.params), messages.RetainedMessages(task.api)
    absent = task.params["state"] == "absent"
    converged = task.converge(store, [wanted], "topic", absent=absent, keep=True)
    after = converged.done.after()
    return {**converged.result, "message": after[0].whole() if after else None}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
