#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rule
short_description: Manage a rule of an EMQX Cloud deployment
version_added: 1.0.0
description:
  - Creates, changes and deletes a rule, an SQL statement over messages and events whose results go to actions.
  - Only what is given is compared and changed, and of an action only the arguments that are given.
  - Actions have the same form on both generations, that of v5.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.attributes
  - emqx.cloud.attributes.state
attributes:
  idempotent:
    support: full
options:
  id:
    description:
      - The id of the rule, which is taken as it is.
      - On v5 it begins with a letter or digit of ASCII, and goes on with those, C(-) and C(_). On v4 it can be any
        text; the console of v4 gives ids such as V(rule:e71691a6). An id for both generations is one that v5 takes.
    type: str
    required: true
  sql:
    description:
      - The statement. Needed to create the rule. White space at its end doesn't count.
    type: str
  actions:
    description:
      - What is done with a result, in this order. The list is compared as a whole; an empty list leaves no action. A
        new rule has none if they are not given.
      - A text C(TYPE:NAME), such as V(http:post), is an action of its own (v5, see M(emqx.cloud.action)).
      - A dictionary with C(function), a text, and C(args), a dictionary, is a built-in action. V(console) shows the
        result in the log of the broker (v4 calls it C(inspect)), and V(republish) publishes it, with C(topic),
        C(payload), C(qos) and C(retain) in C(args), and more on v5. Placeholders such as V(${payload}) are filled in.
      - On v4 every other action is a dictionary, too. C(function) is its name, such as V(data_to_webserver), C(args)
        are its parameters, C(resource) is the resource that it uses (see M(emqx.cloud.resource)), and C(fallbacks) is a
        list of actions for when it fails.
      - An action of its own, a function or a resource that isn't there is refused before anything is sent, as far as
        the credentials may read what is there. In check mode a missing action or resource is only warned of, since an
        earlier task may be about to make it.
    type: list
    elements: raw
  description:
    description:
      - A description.
    type: str
  enabled:
    description:
      - Whether the rule works. A new rule does if it is not given.
      - A v4 deployment disables a rule whose resource is not connected, and the task then fails and says so.
    type: bool
  state:
    description:
      - Whether the rule should exist.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: emqx.cloud.rule_info
  - module: emqx.cloud.action
  - module: emqx.cloud.source
  - module: emqx.cloud.resource
"""

EXAMPLES = r"""
- name: Alarms of all plants also go to one topic
  emqx.cloud.rule:
    id: alarms
    sql: SELECT * FROM "plant/+/alarm"
    actions:
      - function: republish
        args:
          topic: alarms/all
          payload: "${payload}"
          qos: 1
    description: Alarms of all plants

- name: It rests, and stays as it is
  emqx.cloud.rule:
    id: alarms
    enabled: false

- name: Who connects is shown in the log of the broker
  emqx.cloud.rule:
    id: connections
    sql: SELECT clientid, username FROM "$events/client_connected"
    actions:
      - function: console

- name: No longer
  emqx.cloud.rule:
    id: connections
    state: absent
"""

RETURN = r"""
rule:
  description:
    - The rule as it is, or in check mode would be, afterwards; V(null) if it is absent. What seems to be a secret in
      its actions is shown as V(******).
  returned: success
  type: dict
  contains:
    id:
      description: Its id.
      type: str
    sql:
      description: The statement.
      type: str
    actions:
      description: The actions, in the form of the option.
      type: list
      elements: raw
    description:
      description: The description.
      type: str
    enabled:
      description: Whether it works.
      type: bool
  sample:
    id: alarms
    sql: SELECT * FROM "plant/+/alarm"
    actions: [{function: republish, args: {topic: alarms/all, payload: "${payload}", qos: 1}}]
    description: Alarms of all plants
    enabled: true
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
    status: 400
    code: BAD_REQUEST
    reason: 'SQL syntax error before: "selec"'
    method: POST
    path: rules
failures:
  description: The changes that failed or were not attempted, each with its item and the reason.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: create, item: {id: alarms, enabled: true}, code: BAD_REQUEST, reason: "POST rules failed: …"}]
applied:
  description: The changes that were made before the task failed.
  returned: failure after changes began
  type: list
  elements: dict
  sample: []
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 2
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import rules
from ansible_collections.emqx.cloud.plugins.module_utils._task import Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(
        id=dict(type="str", required=True),
        sql=dict(type="str"),
        actions=dict(type="list", elements="raw"),
        description=dict(type="str"),
        enabled=dict(type="bool"),
        state=dict(type="str", choices=["present", "absent"], default="present"),
    ),
)


def run(task: Task) -> Result:
    """Bring one rule to the state that the options describe."""
    rule = rules.rule_from(task.params, task.api.generation)
    absent = task.params["state"] == "absent"
    converged = task.converge(rules.rules(task.api), [rule], "id", absent=absent, keep=True)
    return {**converged.result, "rule": converged.one()}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
