#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: validate_model
short_description: Check the model of an EMQX Cloud deployment without any request
version_added: 1.0.0
description:
  - Checks the model that the role P(emqx.cloud.converge#role) applies. No request is made. What is wrong is told at
    once, a line for each problem, which begins with its place, such as C(converge_users[3].username).
  - Each section is checked by the module that applies it, as far as that can tell without asking the deployment.
  - The connection options say of which generation the deployment is.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.attributes
  - emqx.cloud.attributes.info
notes:
  - It runs on the controller, whatever the host and its connection are.
options:
  sections:
    description:
      - The sections of the model by their names, such as C(users) or C(rules). What is V(null) is left out.
    type: dict
    required: true
  exact:
    description:
      - The names of the sections that are purged.
    type: raw
  purge_limit:
    description:
      - How much a purge may delete, as in M(emqx.cloud.auth_users).
    type: str
  purge_all:
    description:
      - Whether a section may be purged with an empty list.
    type: bool
    default: false
  secrets:
    description:
      - The secrets that belong to the items of the sections, as in the role's variable C(converge_secrets).
    type: dict
  update_password:
    description:
      - When passwords are sent, as in M(emqx.cloud.auth_users).
    type: str
    choices: [on_create, always]
    default: on_create
  variables:
    description:
      - Names of variables. One that begins with C(converge_) and is none of the role is a problem.
    type: raw
seealso:
  - module: emqx.cloud.auth_users
"""

EXAMPLES = r"""
- name: Is this a model?
  emqx.cloud.validate_model:
    sections:
      users:
        - username: gateway-7
      acl:
        - username: gateway-7
          rules:
            - {topic: "plant/7/#", action: all, permission: allow}
    exact: [acl]
    purge_limit: "10%"
"""

RETURN = r"""
problems:
  description: What is wrong, at most 100 sentences.
  returned: failure, if the model is wrong
  type: list
  elements: str
  sample: ["converge_users[3].username or converge_users[3].clientid has to name one user: none is given."]
generation:
  description: V(v4) or V(v5), of which generation the deployment is.
  returned: success
  type: str
  sample: v5
sections:
  description: The sections of the model, in the order in which they are applied.
  returned: success
  type: list
  elements: str
  sample: [users, acl]
look:
  description: The sections of which the role has to know what there is.
  returned: success
  type: list
  elements: str
  sample: []
exact:
  description: The names of the sections that are purged.
  returned: success
  type: list
  elements: str
  sample: [acl]
purge_limit:
  description: How much a purge may delete, or V(null) where that is not limited.
  returned: success
  type: str
  sample: "10%"
purge_all:
  description: Whether a section may be purged with an empty list.
  returned: success
  type: bool
  sample: false
kinds:
  description: What belongs to the sections C(users), C(acl) and C(bans) when they are purged.
  returned: success
  type: dict
  sample:
    users: []
    acl: [username, clientid, everyone]
    bans: [clientid, username, peerhost, peerhost_net, clientid_re, username_re]
secret_places:
  description: The places in configurations at which the model has secrets.
  returned: success
  type: list
  elements: str
  sample: [headers.authorization]
check_mode:
  description:
    - Whether the task is in check mode. C(ansible_check_mode) says so only of the command line, not of the keyword
      C(check_mode).
  returned: success
  type: bool
  sample: false
diff_mode:
  description: Whether the task is in diff mode.
  returned: success
  type: bool
  sample: false
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 0
"""
