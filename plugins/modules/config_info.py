#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: config_info
short_description: Read how an EMQX Cloud deployment is set up
version_added: 1.0.0
description:
  - Reads everything that has a configuration, each thing as the options of the module that manages it, so that handing
    it back to that module changes nothing. That is what an export of the deployment writes to a file.
  - Secrets are left out, whether the broker masks them or not. Each thing names the places of its configuration that
    hold one, in C(secrets).
  - What the broker only tells, such as a status or a time, is left out, so that the result changes only when somebody
    changes something.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.attributes
  - emqx.cloud.attributes.info
notes:
  - What is a secret is told by its name, such as a password, a token or a cookie. A secret in a place that nothing
    tells, such as a header with a name of your own, is shown as the broker shows it. Name such places in
    O(secret_places).
  - The actions of rules are read with M(emqx.cloud.rule_info).
options:
  gather:
    description:
      - What to read. Nothing else is asked for, and what the deployment lacks is an error.
      - If it is not given, everything is read that the generation of the deployment has, V(resources) on v4 and the
        others on v5. What the deployment does not offer, as Serverless lacks most of it, or what the credentials may
        not read, is then left out with a warning.
    type: list
    elements: str
    choices: [authenticators, authorization_sources, authorization_settings, connectors, actions, sources, resources]
  secret_places:
    description:
      - Places of configurations that hold secrets besides those that their names tell, such as
        V(headers.x-plant). Upper and lower case are the same. They are left out of everything that is read.
    type: list
    elements: str
    default: []
  query:
    description:
      - A L(JMESPath, https://jmespath.org/) expression that is applied to everything that was gathered, as one
        dictionary. Its value is returned as RV(value), beside the rest.
      - Needs the Python library C(jmespath).
    type: str
requirements:
  - jmespath, for O(query)
seealso:
  - module: emqx.cloud.authenticator
  - module: emqx.cloud.authorization_source
  - module: emqx.cloud.authorization_settings
  - module: emqx.cloud.connector
  - module: emqx.cloud.action
  - module: emqx.cloud.source
  - module: emqx.cloud.resource
  - module: emqx.cloud.rule_info
"""

EXAMPLES = r"""
- name: How is the deployment set up?
  emqx.cloud.config_info:
  register: setup

- name: Which secrets does its configuration need?
  emqx.cloud.config_info:
    query: "*[][?secrets].{name: name, type: type || mechanism, secrets: secrets}[]"
  register: needed
"""

RETURN = r"""
value:
  description: What O(query) makes of what was gathered.
  returned: success, with O(query)
  type: raw
  sample: [{name: plant-hook, type: http, secrets: [headers.authorization]}]
left_out:
  description: Why parts were left out, by their names; see O(gather).
  returned: success
  type: dict
  sample: {}
authenticators:
  description: What is asked whether a client may connect, in its order, as options of M(emqx.cloud.authenticator).
  returned: success, if gathered (v5)
  type: list
  elements: dict
  sample:
    - mechanism: jwt
      enabled: true
      config: {use_jwks: false, algorithm: hmac-based, from: password}
      secrets: [secret]
authorization_sources:
  description:
    - What is asked whether a client may publish or subscribe, in its order, as options of
      M(emqx.cloud.authorization_source).
  returned: success, if gathered (v5)
  type: list
  elements: dict
  sample: [{type: built_in_database, enabled: true, config: {max_rules: 100}, secrets: []}]
authorization_settings:
  description: What holds where no source has an answer, as options of M(emqx.cloud.authorization_settings).
  returned: success, if gathered (v5)
  type: dict
  sample: {no_match: deny, deny_action: ignore, cache: {enable: true, max_size: 32, ttl: 1m, excludes: []}}
connectors:
  description: The connectors by type and name, as options of M(emqx.cloud.connector).
  returned: success, if gathered (v5)
  type: list
  elements: dict
  sample:
    - type: http
      name: plant-hook
      enabled: true
      config: {url: "https://hooks.example.com", pool_size: 4}
      secrets: [headers.authorization]
actions:
  description: The actions by type and name, as options of M(emqx.cloud.action).
  returned: success, if gathered (v5)
  type: list
  elements: dict
  sample:
    - type: http
      name: report
      connector: plant-hook
      enabled: true
      config: {parameters: {method: post, path: /in}}
      secrets: []
sources:
  description: The sources by type and name, as options of M(emqx.cloud.source).
  returned: success, if gathered (v5)
  type: list
  elements: dict
  sample:
    - type: mqtt
      name: orders
      connector: headquarters
      enabled: true
      config: {parameters: {topic: orders/#, qos: 1}}
      secrets: []
resources:
  description: The resources by name, as options of M(emqx.cloud.resource).
  returned: success, if gathered (v4)
  type: list
  elements: dict
  sample:
    - name: resource:hook
      type: web_hook
      description: ""
      config: {url: "https://hooks.example.com/mqtt", pool_size: 4}
      secrets: []
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
    path: connectors
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._query import compiled
from ansible_collections.emqx.cloud.plugins.module_utils._resources import configuration
from ansible_collections.emqx.cloud.plugins.module_utils._task import READ, Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(
        gather=dict(type="list", elements="str", choices=list(configuration.PARTS)),
        secret_places=dict(type="list", elements="str", default=[], no_log=False),
        query=READ["query"],
    )
)


def run(task: Task) -> Result:
    """Return what the options ask for."""
    query, parts = task.params["query"], configuration.checked_parts(task.params["gather"])
    search = compiled(query)
    found, left_out = configuration.gathered(task.api, parts, task.params["secret_places"])
    task.warnings.extend(f"{part} are left out: {reason}" for part, reason in left_out.items())
    return {**found, "left_out": left_out, **({} if query is None else {"value": search(found)})}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
