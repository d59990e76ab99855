# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of the info modules for templates."""

from __future__ import annotations

DOCUMENTATION = r"""
name: query
short_description: Read things of an EMQX Cloud deployment in a template
version_added: 1.0.0
description:
  - Gives templates the rows that the info modules read, with the same filters. Where a task will do, a module is the
    better choice. It has check mode, and its result tells the number of requests.
  - The connection comes from the arguments of the lookup, from variables of the host (C(emqx_) in front of the name of
    an option, such as C(emqx_api_url), C(emqx_app_id), C(emqx_app_secret)), or from the environment of the controller,
    in this order.
  - It is read anew each time that the template is evaluated. Take M(ansible.builtin.set_fact) to read once.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.plugin_deployment
  - emqx.cloud.plugin_deployment.variables
  - emqx.cloud.deployment
  - emqx.cloud.plugin_platform
  - emqx.cloud.plugin_platform.variables
  - emqx.cloud.platform
  - emqx.cloud.plugin_connection
  - emqx.cloud.plugin_connection.variables
  - emqx.cloud.connection
  - emqx.cloud.read
options:
  _terms:
    description:
      - What is read. Of several, all rows come in this order.
      - V(users) has the rows and filters of M(emqx.cloud.auth_user_info), V(acl) of M(emqx.cloud.acl_info), V(clients)
        of M(emqx.cloud.client_info), V(subscriptions) of M(emqx.cloud.subscription_info), V(topics) of
        M(emqx.cloud.topic_info), V(bans) of M(emqx.cloud.banned_info), V(retained) of
        M(emqx.cloud.retained_message_info), V(rules) of M(emqx.cloud.rule_info), and V(deployments) of
        M(emqx.cloud.deployment_info).
    type: list
    elements: str
    choices: [users, acl, clients, subscriptions, topics, bans, retained, rules, deployments]
    required: true
notes:
  - Any other argument is a filter, that is an option of the module that reads these rows.
  - O(platform_url), O(platform_key) and O(platform_secret) are needed for V(deployments), and O(api_url), O(app_id) and
    O(app_secret) for everything else.
  - C(query) always gives a list; C(lookup) gives a single row as it is, and joins texts with commas.
seealso:
  - module: emqx.cloud.auth_user_info
  - module: emqx.cloud.client_info
"""

EXAMPLES = r"""
- name: Names that a template needs
  ansible.builtin.debug:
    msg: "{{ query('emqx.cloud.query', 'users', like='gateway', query='[].username') }}"

- name: One task for each client that is online
  ansible.builtin.debug:
    msg: "{{ item.clientid }} comes from {{ item.ip_address }}"
  loop: "{{ query('emqx.cloud.query', 'clients', conn_state='connected', limit=100) }}"
  loop_control:
    label: "{{ item.clientid }}"

- name: How many are subscribed to alarms?
  ansible.builtin.debug:
    msg: "{{ lookup('emqx.cloud.query', 'subscriptions', topic='alarms/#', query='length(@)') }}"

- name: Deployments that don't run
  ansible.builtin.debug:
    msg: "{{ query('emqx.cloud.query', 'deployments', query=stopped, **account) }}"
  vars:
    stopped: "[?status != 'running'].name"
    account:
      platform_url: https://api.example.com/public_api/v1
      platform_key: "{{ vault_platform_key }}"
      platform_secret: "{{ vault_platform_secret }}"
"""

RETURN = r"""
_raw:
  description:
    - The rows, or what O(query) makes of them. What is no list is its only item, and V(null) is none.
  type: list
  elements: raw
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ..action.api import plain
from ..module_utils._http import kept
from ..module_utils._task import CONNECTION, DEPLOYMENT, PLATFORM, run_directly
from ..modules import (
    acl_info,
    auth_user_info,
    banned_info,
    client_info,
    deployment_info,
    retained_message_info,
    rule_info,
    subscription_info,
    topic_info,
)
from ..plugin_utils._unsafe import no_template

KINDS = {
    "users": (auth_user_info, "users"),
    "acl": (acl_info, "acls"),
    "clients": (client_info, "clients"),
    "subscriptions": (subscription_info, "subscriptions"),
    "topics": (topic_info, "topics"),
    "bans": (banned_info, "banned"),
    "retained": (retained_message_info, "messages"),
    "rules": (rule_info, "rules"),
    "deployments": (deployment_info, "deployments"),
}
"""What can be read: the module that does it, and what its result calls the rows."""

CONNECTIONS = {**DEPLOYMENT, **PLATFORM, **CONNECTION}


class LookupModule(LookupBase):
    """Runs the function of an info module and gives its rows."""

    def run(self, terms: list[Any], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        """Return the rows.

        :raises AnsibleLookupError: an argument is wrong, or a request failed.
        """
        kwargs.pop("wantlist", None)  # what `with_` says before ansible-core 2.19, and what is true anyway
        if not terms:
            raise AnsibleLookupError(f"Nothing is said to be read: it is one of {', '.join(KINDS)}.")
        given = {name: value for name, value in kwargs.items() if not _is_omit(value, variables or {})}
        rows: list[Any] = []
        for term in terms:
            kind = plain(term)
            if not isinstance(kind, str) or kind not in KINDS:
                raise AnsibleLookupError(f"{kind!r} can't be read: it is one of {', '.join(KINDS)}.")
            found = self._read(kind, given, variables or {})
            rows += found if isinstance(found, list) else [] if found is None else [found]
        result: list[Any] = no_template(rows)
        return result

    def _read(self, kind: str, arguments: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
        module, name = KINDS[kind]
        filters = {option: value for option, value in arguments.items() if option not in CONNECTIONS}
        options = plain({**self._connection(module.SPEC.connection, arguments, variables), **filters})
        module_name = "emqx.cloud." + module.__name__.rpartition(".")[2]
        result = run_directly(module_name, module.SPEC, module.run, options, False, False, kept)
        for warning in result.get("warnings", ()):
            Display().warning(warning)
        if result.get("failed"):
            raise AnsibleLookupError(f"The lookup emqx.cloud.query can't read {kind}: {result['msg']}")
        return result[name]

    def _connection(
        self, names: Iterable[str], arguments: Mapping[str, Any], variables: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the options of the connection: from the arguments, otherwise from the variables of the host.

        No other variable is evaluated, since what is not needed may be undefined.
        """
        found = {}
        for name in names:
            value = arguments.get(name)
            if value is None:
                value = self._templar.template(variables.get(f"emqx_{name}"))
            if value is not None:
                found[name] = value
        return found


def _is_omit(value: Any, variables: Mapping[str, Any]) -> bool:
    """Say whether a value is what ``default(omit)`` gives: before ansible-core 2.19 it is a variable of the host."""
    return str(value) in ("<<Omit>>", variables.get("omit"))
