#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: topic_info
short_description: Read the topics of an EMQX Cloud deployment that have subscribers
version_added: 1.0.0
description:
  - Reads the topic filters that somebody is subscribed to, and on which node.
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
      - Only this topic filter, taken literally.
    type: str
  match:
    description:
      - Only what this topic filter matches, such as V(plant/7/#). The API has no such filter, so that topics are
        read until O(limit) of them match, and all of them without it.
    type: str
seealso:
  - module: emqx.cloud.subscription_info
  - module: emqx.cloud.publish
"""

EXAMPLES = r"""
- name: Which topics of plant 7 have subscribers?
  emqx.cloud.topic_info:
    match: plant/7/#
  register: topics
"""

RETURN = r"""
topics:
  description: The topics, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
  contains:
    topic:
      description: The topic filter.
      type: str
    node:
      description: The node that messages to it are routed to.
      type: str
  sample: [{topic: "plant/7/commands/#", node: emqx@10.0.0.1}]
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
    path: topics
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import topics
from ansible_collections.emqx.cloud.plugins.module_utils._task import READ, Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(topic=dict(type="str"), match=dict(type="str"), **READ),
    rules=dict(mutually_exclusive=[("topic", "match")]),
)


def run(task: Task) -> Result:
    """Return the topics that the options ask for."""
    options = task.params
    return task.read("topics", lambda: topics.find(task.api, options["topic"], options["match"], options["limit"]))


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
