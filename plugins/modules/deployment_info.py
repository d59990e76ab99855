#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deployment_info
short_description: Read the deployments of an EMQX Cloud account
version_added: 1.0.0
description:
  - Reads the deployments of the account, or one of them, from the Platform API.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.platform
  - emqx.cloud.connection
  - emqx.cloud.read
  - emqx.cloud.attributes
  - emqx.cloud.attributes.info
attributes:
  action_group:
    membership:
      - emqx.cloud.platform
options:
  id:
    description:
      - Only the deployment with this id.
    type: str
  name:
    description:
      - Only deployments with this name. Several can have the same.
    type: str
  project:
    description:
      - Only deployments in the project with this name.
    type: str
  region:
    description:
      - Only deployments in this region, such as V(eu-central-1).
    type: str
  type:
    description:
      - Only deployments of this type, such as V(serverless), V(dedicated) or V(dedicatedFlex).
    type: str
  status:
    description:
      - Only deployments in this status, such as V(running), V(starting) or V(stopped).
    type: str
notes:
  - A task is one request, with O(id) for the one deployment, otherwise for all of them; everything else is filtered
    here. EMQX Cloud allows each of the two 60 times in 60 minutes.
  - Filters compare the whole value. Upper and lower case differ.
seealso:
  - module: emqx.cloud.deployment
  - module: emqx.cloud.tls_certificate
  - module: emqx.cloud.project_info
"""

EXAMPLES = r"""
- name: Which deployments are there?
  emqx.cloud.deployment_info:
  register: account

- name: Where does the fleet connect in Frankfurt?
  emqx.cloud.deployment_info:
    project: Default Project
    region: eu-central-1
    status: running
  register: frankfurt

- name: How many clients are connected to each, the busiest first?
  emqx.cloud.deployment_info:
    query: "reverse(sort_by([], &connections))[].{name: name, connections: connections}"
  register: busy
"""

RETURN = r"""
deployments:
  description: The deployments, or what O(query) makes of them. What the API does not tell is V(null).
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The id.
      type: str
    name:
      description: The name. Several deployments can have the same.
      type: str
    type:
      description: The type, such as V(serverless), V(dedicated) or V(dedicatedFlex).
      type: str
    platform:
      description: The cloud it runs in, such as V(aws).
      type: str
    project:
      description: The name of its project.
      type: str
    region:
      description: The region of the cloud.
      type: str
    status:
      description: The status, such as V(running), V(starting) or V(stopped).
      type: str
    version:
      description: The version of EMQX.
      type: str
    connections:
      description: How many MQTT clients are connected.
      type: int
    tps:
      description: How many messages a second it handles.
      type: float
    created_at:
      description: When it was created, as RFC 3339 in UTC.
      type: str
  sample:
  - id: d0000001
    name: fleet
    type: dedicated
    platform: aws
    project: Default Project
    region: eu-central-1
    status: running
    version: 5.8.9
    connections: 1200
    tps: 340
    created_at: "2026-01-02T03:04:05Z"
count:
  description: How many deployments were found.
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
    status: 429
    code: TOO_MANY_REQUESTS
    reason: more than 60 in 60 minutes
    method: GET
    path: deployments
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 1
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import platform
from ansible_collections.emqx.cloud.plugins.module_utils._task import ACCOUNT, READ, Result, Spec, Task, run_module

SPEC = Spec(options={**{name: dict(type="str") for name in platform.FILTERS}, **READ}, connection=ACCOUNT)


def run(task: Task) -> Result:
    """Return the deployments that the options ask for."""
    return task.read("deployments", lambda: platform.find_deployments(task.platform(), task.params))


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
