#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: api
short_description: Make any call of the EMQX Cloud API
version_added: 1.0.0
description:
  - Makes one call of the Deployment API or of the Platform API, for what no other module of this collection covers.
  - Connection, retries, and what counts as a failure are those of the other modules. An answer of a v4 deployment that
    says HTTP 200 without C(code) 0 is a failure.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.connection
  - emqx.cloud.attributes
attributes:
  check_mode:
    support: partial
    details:
      - In check mode only GET is sent. For the other methods the task says that it would change something, and returns
        no RV(json).
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - The call is made at every run.
  action_group:
    membership:
      - emqx.cloud.deployment
      - emqx.cloud.platform
options:
  api_url:
    description:
      - The API address of the deployment, such as V(https://HOST:8443/api/v5). Needed for O(api=deployment).
      - If not set, the value of the environment variable E(EMQX_API_URL) or E(EMQXCLOUD_DEPLOYMENT_ENDPOINT) is used.
    type: str
  app_id:
    description:
      - The App ID. Needed for O(api=deployment).
      - If not set, the value of the environment variable E(EMQX_APP_ID) or E(EMQXCLOUD_DEPLOYMENT_API_KEY) is used.
    type: str
  app_secret:
    description:
      - The App Secret. Needed for O(api=deployment).
      - If not set, the value of the environment variable E(EMQX_APP_SECRET) or E(EMQXCLOUD_DEPLOYMENT_API_SECRET)
        is used.
    type: str
  deployment_type:
    description:
      - The type of the deployment, as other modules take it. Here it makes no difference.
      - If not set, the value of the environment variable E(EMQX_DEPLOYMENT_TYPE) is used.
    type: str
    default: auto
  platform_url:
    description:
      - The address of the Platform API, such as V(https://HOST/public_api/v1). Needed for O(api=platform).
      - If not set, the value of the environment variable E(EMQX_PLATFORM_URL) or E(EMQXCLOUD_PLATFORM_ENDPOINT) is
        used.
    type: str
  platform_key:
    description:
      - The API key of the account. Needed for O(api=platform).
      - If not set, the value of the environment variable E(EMQX_PLATFORM_KEY) or E(EMQXCLOUD_PLATFORM_API_KEY) is used.
    type: str
  platform_secret:
    description:
      - The secret of O(platform_key). Needed for O(api=platform).
      - If not set, the value of the environment variable E(EMQX_PLATFORM_SECRET) or E(EMQXCLOUD_PLATFORM_API_SECRET)
        is used.
    type: str
  api:
    description:
      - Which API is called.
    type: str
    choices: [deployment, platform]
    default: deployment
  method:
    description:
      - The HTTP method. The task reports a change unless it is V(GET); say otherwise with C(changed_when).
    type: str
    choices: [GET, POST, PUT, PATCH, DELETE]
    default: GET
  path:
    description:
      - The path below the base URL, such as V(nodes). Names in it have to be percent-encoded, for example with
        P(ansible.builtin.urlencode#filter). The segments C(.) and C(..) are refused, since they address something else.
    type: str
    required: true
  query_parameters:
    description:
      - Query parameters. A list as the value gives the parameter several times.
    type: dict
    default: {}
  body:
    description:
      - The body, sent as JSON.
    type: raw
  secret_body:
    description:
      - More of the body, merged deeply over O(body). Its values are not shown.
    type: dict
  expected_status:
    description:
      - The HTTP statuses that are no failure. By default all of 200 to 299.
    type: list
    elements: int
  paginate:
    description:
      - Whether to read a list page by page to its end, and return RV(rows). For V(GET) only.
      - A row that moves to the next page while pages are read comes once, but twice where O(query_parameters) has
        C(fields), since these may leave out what tells rows apart.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Which nodes does the deployment have?
  emqx.cloud.api:
    path: nodes
  register: nodes

- name: Is the client known? (404 is an answer, too)
  emqx.cloud.api:
    path: "clients/{{ 'floor/7 north' | urlencode | replace('/', '%2F') }}"
    expected_status: [200, 404]
  register: client

- name: Everybody who is banned
  emqx.cloud.api:
    path: banned
    paginate: true
  register: banned

- name: Say something
  emqx.cloud.api:
    method: POST
    path: publish
    body:
      topic: plant/7/commands
      payload: stop
    expected_status: [200, 202]
"""

RETURN = r"""
status:
  description: The HTTP status.
  returned: if a single request was sent
  type: int
  sample: 200
json:
  description: The body of the answer, parsed; V(null) if it is empty.
  returned: if a single request was sent
  type: raw
  sample: [{node: emqx@10.0.0.1, node_status: running}]
rows:
  description: The rows of all pages.
  returned: with O(paginate=true)
  type: list
  elements: dict
  sample: [{who: gateway-7, as: clientid}]
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
    path: nodes
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import calls
from ansible_collections.emqx.cloud.plugins.module_utils._task import (
    CONNECTION,
    DEPLOYMENT,
    NEEDED,
    PLATFORM,
    Result,
    Spec,
    Task,
    run_module,
)

SPEC = Spec(
    options=dict(
        api=dict(type="str", choices=["deployment", "platform"], default="deployment"),
        method=dict(type="str", choices=["GET", "POST", "PUT", "PATCH", "DELETE"], default="GET"),
        path=dict(type="str", required=True),
        query_parameters=dict(type="dict", default={}),
        body=dict(type="raw"),
        secret_body=dict(type="dict", no_log=True),
        expected_status=dict(type="list", elements="int"),
        paginate=dict(type="bool", default=False),
    ),
    rules=dict(required_if=[("api", "deployment", NEEDED), ("api", "platform", tuple(PLATFORM))]),
    connection={
        **{name: {**option, "required": False} for name, option in {**DEPLOYMENT, **PLATFORM}.items()},
        **CONNECTION,
    },
)


def run(task: Task) -> Result:
    """Make the call."""
    call = calls.call_from(task.params)
    changed = call.method != "GET"
    if changed and task.check_mode:
        return {"changed": True}
    api = task.platform() if task.params["api"] == "platform" else task.api
    if task.params["paginate"]:
        return {"rows": list(calls.rows(api, call))}
    answer = calls.send(api, call)
    return {"changed": changed, "status": answer.status, "json": answer.json}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
