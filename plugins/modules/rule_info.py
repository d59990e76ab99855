#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rule_info
short_description: Read the rules of an EMQX Cloud deployment
version_added: 1.0.0
description:
  - Reads rules, and if asked what they have done.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.read
  - emqx.cloud.attributes
  - emqx.cloud.attributes.info
options:
  id:
    description:
      - Only the rule with this id.
    type: str
  like_id:
    description:
      - Only rules whose id contains this text. Upper and lower case differ.
    type: str
  like_description:
    description:
      - Only rules whose description contains this text. Upper and lower case differ.
    type: str
  enabled:
    description:
      - Only rules that are enabled, or only those that are not.
    type: bool
  topic:
    description:
      - Only rules that have this topic filter or event in C(FROM), as it stands there.
    type: str
  match_topic:
    description:
      - Only rules that a message published to this topic goes to. This is filtered after reading.
    type: str
  action:
    description:
      - Only rules with this action, C(TYPE:NAME) on v5, with this function, or with this resource of v4. Of these only
        C(TYPE:NAME) is filtered by the broker.
    type: str
  with_metrics:
    description:
      - Whether the counters of the rules are read, too. On v5 that is a request more for each rule.
    type: bool
    default: false
seealso:
  - module: emqx.cloud.rule
  - module: emqx.cloud.config_info
"""

EXAMPLES = r"""
- name: Which rules does an alarm go to?
  emqx.cloud.rule_info:
    match_topic: plant/7/alarm
    query: "[].id"
  register: listening

- name: Which rules fail?
  emqx.cloud.rule_info:
    with_metrics: true
    query: "[?metrics.failed > `0` || metrics.actions_failed > `0`].id"
  register: failing
"""

RETURN = r"""
rules:
  description: The rules, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Its id.
      type: str
    sql:
      description: The statement, without white space at its end.
      type: str
    from:
      description: The topic filters and events that it reads.
      type: list
      elements: str
    actions:
      description: The actions, in the form of the option of M(emqx.cloud.rule).
      type: list
      elements: raw
    description:
      description: The description.
      type: str
    enabled:
      description: Whether it works.
      type: bool
    created_at:
      description: When it was created, in UTC.
      type: str
    metrics:
      description: What it has done on all nodes together.
      returned: with O(with_metrics=true)
      type: dict
      contains:
        matched:
          description: How many messages and events there were for it.
          type: int
        passed:
          description: How many of them gave a result.
          type: int
        failed:
          description: How many gave none; the sum of C(exception) and C(no_result).
          type: int
        exception:
          description: How many ended in an error of the statement.
          type: int
        no_result:
          description: How many the condition of the statement kept out.
          type: int
        actions_success:
          description: How many times an action went well.
          type: int
        actions_failed:
          description: How many times an action failed.
          type: int
        rate:
          description: Matches a second.
          type: float
        rate_max:
          description: The most that it has been.
          type: float
        rate_last5m:
          description: Its mean over the last five minutes.
          type: float
  sample:
    - id: alarms
      sql: SELECT * FROM "plant/+/alarm"
      from: [plant/+/alarm]
      actions: [{function: republish, args: {topic: alarms/all, payload: "${payload}", qos: 1}}]
      description: Alarms of all plants
      enabled: true
      created_at: "2026-11-22T20:55:55.158Z"
count:
  description: How many rules were found.
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
    path: rules
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 1
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import rules
from ansible_collections.emqx.cloud.plugins.module_utils._task import READ, Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(
        id=dict(type="str"),
        like_id=dict(type="str"),
        like_description=dict(type="str"),
        enabled=dict(type="bool"),
        topic=dict(type="str"),
        match_topic=dict(type="str"),
        action=dict(type="str"),
        with_metrics=dict(type="bool", default=False),
        **READ,
    ),
    rules=dict(mutually_exclusive=[("id", "like_id")]),
)


def run(task: Task) -> Result:
    """Return the rules that the options ask for."""
    return task.read("rules", lambda: rules.find(task.api, task.params))


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
