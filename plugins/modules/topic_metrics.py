#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: topic_metrics
short_description: Manage the topics that an EMQX Cloud deployment counts messages of
version_added: 1.0.0
description:
  - Registers topics, so that the deployment counts their messages, and sets the counters to zero. They are read with
    M(emqx.cloud.topic_metrics_info).
  - A deployment counts at most 512 topics. Where new ones have no room beside those that go, these go first; otherwise
    topics are registered before others are removed.
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
    support: partial
    details:
      - With O(state=reset) each run sets the counters to zero, and that is a change.
options:
  topics:
    description:
      - The topic names, without wildcards. It has to be a list, since a topic may contain commas.
    type: raw
    required: true
  state:
    description:
      - With V(present) these topics are counted, whatever else is.
      - With V(absent) none of them is.
      - With V(exact) these are counted and no others. They are listed once more if something was changed; if
        something else has changed them in the meantime, the task fails and says so.
      - With V(reset) the counters of these topics, which have to be registered, are set to zero. v4 has no call for
        that; there each topic is removed and registered again at once, and what comes in between is not counted.
    type: str
    choices: [present, absent, exact, reset]
    default: present
  enable:
    description:
      - Whether the module C(emqx_mod_topic_metrics) of a v4 deployment is loaded if a topic is to be registered and it
        is not. Without it such a task fails.
      - v5 always counts, and there it means nothing.
    type: bool
    default: false
  purge_all:
    description:
      - Has to be V(true) for O(state=exact) with an empty list.
    type: bool
    default: false
  purge_limit:
    description:
      - With O(state=exact), refuse to change anything if more topics than so many would go, or more than such a share
        of those there are, such as V(10%), rounded down.
    type: str
seealso:
  - module: emqx.cloud.topic_metrics_info
"""

EXAMPLES = r"""
- name: The commands and the alarms of plant 7 are counted, on v4 after its module is loaded
  emqx.cloud.topic_metrics:
    topics:
      - plant/7/commands
      - plant/7/alarms
    enable: true

- name: And nothing else is
  emqx.cloud.topic_metrics:
    topics: [plant/7/commands]
    state: exact

- name: Begin at zero before a load test
  emqx.cloud.topic_metrics:
    topics: [plant/7/commands]
    state: reset
"""

RETURN = r"""
topics:
  description: The names of all topics that are, or in check mode would be, registered afterwards, in their order.
  returned: success
  type: list
  elements: str
  sample: [plant/7/alarms, plant/7/commands]
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
    path: mqtt/topic_metrics
failures:
  description: The changes that failed or were not attempted, each with its item and the reason.
  returned: failure after changes began
  type: list
  elements: dict
  sample:
    - action: create
      item: {topic: plant/7/alarms}
      code: EXCEED_LIMIT
      reason: "POST mqtt/topic_metrics failed: …"
applied:
  description: The changes that were made before the task failed.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: create, item: {topic: plant/7/commands}}]
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

from ansible_collections.emqx.cloud.plugins.module_utils._resources import topic_metrics
from ansible_collections.emqx.cloud.plugins.module_utils._task import BOUNDED, Result, Spec, Task, run_module, strings

SPEC = Spec(
    options=dict(
        topics=dict(type="raw", required=True),
        state=dict(type="str", choices=["present", "absent", "exact", "reset"], default="present"),
        enable=dict(type="bool", default=False),
        purge_all=dict(type="bool", default=False),
        purge_limit=dict(type="str"),
        **BOUNDED,
    )
)


def run(task: Task) -> Result:
    """Bring the registered topics to the state that the options describe."""
    state, names = task.params["state"], strings("topics", task.params["topics"])
    wanted = topic_metrics.topics_from(names, reset=state == "reset")
    converged = task.converge(
        topic_metrics.topic_metrics(task.api, task.params["enable"]), wanted, "topics", absent=state == "absent",
        purge=state == "exact", rewrite=state == "reset", keep=True,
    )
    return {**converged.result, "topics": [found.topic for found in converged.done.after()]}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
