#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: shadow_info
short_description: Read the shadow models of an EMQX Cloud deployment (v4)
version_added: 1.0.0
description:
  - Reads the shadow models of a deployment, and if asked their JSON documents (v4 on EMQX Cloud, where the shadow
    service is enabled).
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.read
  - emqx.cloud.attributes
  - emqx.cloud.attributes.info
notes:
  - This follows the documentation of EMQX Cloud; it was not tried on the service itself.
options:
  shadow_id:
    description:
      - Only the shadow with this id.
    type: str
  with_document:
    description:
      - Whether documents are read as well, which takes a request for each shadow.
    type: bool
    default: false
seealso:
  - module: emqx.cloud.shadow
"""

EXAMPLES = r"""
- name: Which shadows are there?
  emqx.cloud.shadow_info:
    query: "[].shadow_id"
  register: shadows

- name: What did this gateway report?
  emqx.cloud.shadow_info:
    shadow_id: gateway-7
    with_document: true
  register: gateway
"""

RETURN = r"""
shadows:
  description: The shadows, or what O(query) makes of them.
  returned: success
  type: list
  elements: dict
  contains:
    shadow_id:
      description: The id.
      type: str
    name:
      description: The name.
      type: str
    description:
      description: The note.
      type: str
    document:
      description: The document.
      returned: with O(with_document=true)
      type: dict
    created_at:
      description: When it was created, in UTC.
      type: str
    updated_at:
      description: When it was changed last, in UTC.
      type: str
  sample:
    - shadow_id: gateway-7
      name: gateway
      description: ""
      created_at: "2026-06-10T03:20:00Z"
      updated_at: "2026-06-10T03:20:00Z"
count:
  description: How many shadows were found.
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
    code: null
    reason: UNAUTHORIZED
    method: GET
    path: shadows
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import shadows
from ansible_collections.emqx.cloud.plugins.module_utils._task import READ, Result, Spec, Task, run_module

SPEC = Spec(
    options=dict(shadow_id=dict(type="str"), with_document=dict(type="bool", default=False), **READ),
)


def run(task: Task) -> Result:
    """Return the shadows that the options ask for."""
    options = task.params
    return task.read(
        "shadows",
        lambda: shadows.find(task.api, options["shadow_id"], options["limit"], options["with_document"]),
    )


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
