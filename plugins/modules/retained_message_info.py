#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: retained_message_info
short_description: Read the retained messages of an EMQX Cloud deployment (v5)
version_added: 1.0.0
description:
  - Reads for which topics messages are retained, and if asked for, their payloads.
  - Needs a v5 deployment. v4 has no call to read retained messages.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.read
  - emqx.cloud.attributes
  - emqx.cloud.attributes.info
options:
  topic:
    description:
      - Only the message of this topic.
    type: str
  match:
    description:
      - Only messages of topics that this filter matches. Without O(topic) and O(match) it is V(#).
      - Topics that begin with C($), such as those of C($SYS), are matched only by a filter that begins like them
        (V($SYS/#)).
    type: str
  with_payload:
    description:
      - Whether the payloads are read, too. Each takes a request of its own, so that O(limit) is advisable.
    type: bool
    default: false
seealso:
  - module: emqx.cloud.retained_message
"""

EXAMPLES = r"""
- name: For which topics of plant 7 is something retained?
  emqx.cloud.retained_message_info:
    match: plant/7/#
    query: "sort([].topic)"
  register: topics

- name: What are the settings?
  emqx.cloud.retained_message_info:
    topic: plant/7/settings
    with_payload: true
  register: settings
"""

RETURN = r"""
messages:
  description: The retained messages, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
  contains:
    topic:
      description: The topic.
      type: str
    qos:
      description: The QoS.
      type: int
    payload:
      description: The payload as text, or in base64 if it is no UTF-8.
      returned: with O(with_payload), unless it has more than 1 MiB or the topic is one or two dots
      type: str
    payload_encoding:
      description: V(plain) or V(base64), which of the two RV(messages[].payload) is.
      returned: with the payload
      type: str
    publish_at:
      description: When it was published, as RFC 3339 in UTC.
      type: str
    msgid:
      description: What the broker calls the message.
      type: str
    from_clientid:
      description: The client that published it.
      type: str
    from_username:
      description: Its user name.
      type: str
  sample:
    - topic: plant/7/settings
      qos: 1
      payload: '{"interval":60,"unit":"s"}'
      payload_encoding: plain
      publish_at: "2026-11-22T20:55:53.098Z"
      msgid: 000660E3B3F22AA8F443000005C50000
      from_clientid: http_api
      from_username: ""
count:
  description: How many messages were found.
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
    path: mqtt/retainer/messages
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import messages
from ansible_collections.emqx.cloud.plugins.module_utils._task import READ, Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(
        topic=dict(type="str"),
        match=dict(type="str"),
        with_payload=dict(type="bool", default=False),
        **READ,
    ),
    rules=dict(mutually_exclusive=[("topic", "match")]),
)


def run(task: Task) -> Result:
    """Return the retained messages that the options ask for."""
    return task.read("messages", lambda: messages.RetainedMessages(task.api).find(task.params))


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
