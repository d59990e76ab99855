#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: topic_metrics_info
short_description: Read how many messages an EMQX Cloud deployment has counted by topic
version_added: 1.0.0
description:
  - Reads the counters of the topics that are registered for it, see M(emqx.cloud.topic_metrics).
  - A v4 deployment counts only while its module C(emqx_mod_topic_metrics) is loaded. If it isn't, the task fails and
    says so.
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
      - Only this topic.
    type: str
seealso:
  - module: emqx.cloud.topic_metrics
  - module: emqx.cloud.broker_info
"""

EXAMPLES = r"""
- name: The commands of plant 7 are counted
  emqx.cloud.topic_metrics:
    topics: [plant/7/commands]
    enable: true

- name: How many messages were there?
  emqx.cloud.topic_metrics_info:
    topic: plant/7/commands
    query: '[].metrics."messages.in.count" | [0]'
  register: received
"""

RETURN = r"""
topics:
  description: The registered topics in their order, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
  contains:
    topic:
      description: The topic name.
      type: str
    metrics:
      description:
        - The counters since the topic was registered or reset, and their rates in messages a second, summed over all
          nodes. The names are C(messages.in), C(messages.out) and C(messages.dropped), C(messages.qos0.in) and so on,
          each with C(.count) and C(.rate).
      type: dict
    created_at:
      description: Since when it is registered, in UTC; V(null) on v4.
      type: str
  sample:
    - topic: plant/7/commands
      created_at: "2026-11-22T20:55:55Z"
      metrics: {messages.in.count: 12, messages.in.rate: 0.2, messages.out.count: 24, messages.dropped.count: 0}
count:
  description: How many topics were found.
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
    path: topic-metrics
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import topic_metrics
from ansible_collections.emqx.cloud.plugins.module_utils._task import READ, Result, Spec, Task, run_module

SPEC = Spec(options=dict(topic=dict(type="str"), **READ))


def run(task: Task) -> Result:
    """Return the counters that the options ask for."""
    return task.read("topics", lambda: topic_metrics.find(task.api, task.params["topic"]))


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
