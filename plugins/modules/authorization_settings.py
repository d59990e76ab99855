#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: authorization_settings
short_description: Manage the authorization settings of an EMQX Cloud deployment (v5)
version_added: 1.0.0
description:
  - Sets what holds where no authorization source has an answer, what happens to a client that is denied something, and
    how long decisions are cached (v5, Dedicated and self-hosted).
  - What is not given stays as it is.
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
  no_match:
    description:
      - Whether a client may do what no source knows an answer for.
    type: str
    choices: [allow, deny]
  deny_action:
    description:
      - What happens to a client that may not publish or subscribe, besides that it doesn't.
    type: str
    choices: [ignore, disconnect]
  cache:
    description:
      - The cache of decisions, which each client has.
    type: dict
    suboptions:
      enable:
        description:
          - Whether decisions are cached.
        type: bool
      max_size:
        description:
          - How many decisions a client's cache holds, at the most 1048576.
        type: int
      ttl:
        description:
          - How long a decision holds, such as V(30s), V(1m) or V(1h30m). A change of access rules takes so long to
            reach everybody, unless the cache is dropped.
        type: str
      excludes:
        description:
          - A list of topic filters for which decisions are not cached. It replaces the one that is there.
        type: raw
seealso:
  - module: emqx.cloud.authorization_source
  - module: emqx.cloud.authorization_cache
  - module: emqx.cloud.config_info
"""

EXAMPLES = r"""
- name: What no rule allows is denied, and whoever tries is disconnected
  emqx.cloud.authorization_settings:
    no_match: deny
    deny_action: disconnect

- name: A change of rules reaches everybody within ten seconds, and at once for alarms
  emqx.cloud.authorization_settings:
    cache:
      ttl: 10s
      excludes: ["plant/+/alarms"]
"""

RETURN = r"""
settings:
  description: The settings as they are, or in check mode would be, afterwards.
  returned: success
  type: dict
  contains:
    no_match:
      description: What holds where no source has an answer.
      type: str
    deny_action:
      description: What happens to a client that is denied something.
      type: str
    cache:
      description: The cache of decisions.
      type: dict
  sample:
    no_match: deny
    deny_action: disconnect
    cache: {enable: true, max_size: 32, ttl: 1m, excludes: []}
counts:
  description: How many items were, or in check mode would be, created, updated, deleted or left unchanged, and failed.
  returned: success, and failure after changes began
  type: dict
  sample: {created: 0, updated: 1, deleted: 0, unchanged: 0, failed: 0}
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
    reason: "required_field: root.cache"
    method: PUT
    path: authorization/settings
failures:
  description: The changes that failed or were not attempted, each with its item and the reason.
  returned: failure after changes began
  type: list
  elements: dict
  sample:
    - action: update
      item: {no_match: deny}
      code: BAD_REQUEST
      reason: "PUT authorization/settings failed: …"
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
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import authorization
from ansible_collections.emqx.cloud.plugins.module_utils._task import Result, Spec, Task, run_module, strings

SPEC = Spec(
    options=dict(
        no_match=dict(type="str", choices=["allow", "deny"]),
        deny_action=dict(type="str", choices=["ignore", "disconnect"]),
        cache=dict(
            type="dict",
            options=dict(
                enable=dict(type="bool"),
                max_size=dict(type="int"),
                ttl=dict(type="str"),
                excludes=dict(type="raw"),
            ),
        ),
    ),
    rules=dict(required_one_of=[("no_match", "deny_action", "cache")]),
)


def run(task: Task) -> Result:
    """Bring the authorization settings to what the options describe."""
    cache = dict(task.params["cache"] or {})
    if cache.get("excludes") is not None:
        cache["excludes"] = strings("cache.excludes", cache["excludes"])
    wanted = authorization.settings_from({**task.params, "cache": cache})
    converged = task.converge(authorization.settings(task.api), [wanted], "cache", keep=True)
    return {**converged.result, "settings": converged.one()}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
