#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: project_info
short_description: Read the projects of an EMQX Cloud account
version_added: 1.0.0
description:
  - Reads the projects that the deployments of the account are in, from the Platform API.
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
      - Only the project with this id.
    type: str
  name:
    description:
      - Only projects with this name. Upper and lower case differ.
    type: str
notes:
  - A task is one request, whatever is asked for. EMQX Cloud allows it 60 times in 60 minutes.
seealso:
  - module: emqx.cloud.deployment_info
"""

EXAMPLES = r"""
- name: Which projects are there?
  emqx.cloud.project_info:
    query: "sort([].name)"
  register: projects
"""

RETURN = r"""
projects:
  description: The projects, or what O(query) makes of them. What the API does not tell is V(null).
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The id.
      type: str
    name:
      description: The name.
      type: str
    description:
      description: What it is for.
      type: str
  sample: [{id: p0000001, name: Default Project, description: ""}]
count:
  description: How many projects were found.
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
    path: projects
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 1
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import platform
from ansible_collections.emqx.cloud.plugins.module_utils._task import ACCOUNT, READ, Result, Spec, Task, run_module

SPEC = Spec(options=dict(id=dict(type="str"), name=dict(type="str"), **READ), connection=ACCOUNT)


def run(task: Task) -> Result:
    """Return the projects that the options ask for."""
    return task.read("projects", lambda: platform.find_projects(task.platform(), task.params))


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
