# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MQTT clients that are online as hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: clients
short_description: MQTT clients that are online as hosts
version_added: 1.0.0
description:
  - Makes each MQTT client that is connected to a deployment, or to one of several, a host. C(ansible_host) is the
    address that it connects from, so gateways and edge boxes that can be reached there are an inventory.
  - Filters are passed to the API, so that only what is asked for is read, page by page. What a generation of the API
    can't filter (O(node) on v4, O(zone) and O(proto_name) on v5) is filtered by the plugin.
  - The name of a host is the client id, or what O(hostname) says. An id in which there is something else than ASCII
    letters, digits, C(.), C(_) and C(-), which begins with C(.) or C(-), or which is longer than 200 characters, is no
    name of a host. In its place stands a similar one that ends in C(--) and a hash of the id, so that no other client
    gets the same name. The variable C(emqx_client_clientid) has the id as it is.
  - A name that a group or another host has already gets the hash as well. A host is left out, with a warning, if
    O(keyed_groups) makes a group of its name. Where a host of another inventory has that name, C(_) follows the name
    of the group.
  - With several deployments C(.) and the name of the deployment follow.
  - The hosts of a deployment are in the group C(deployment_NAME).
  - If something fails, no host is added.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.plugin_deployment
  - emqx.cloud.deployment
  - emqx.cloud.plugin_connection
  - emqx.cloud.connection
  - emqx.cloud.client_filters
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description:
      - Says that a file is one for this plugin. Its name ends in V(.emqx_cloud.yml) or V(.emqx_cloud.yaml).
    type: str
    required: true
    choices: [emqx.cloud.clients]
  deployments:
    description:
      - The deployments whose clients are wanted, instead of the one that O(api_url), O(app_id) and O(app_secret) name.
      - Each may have other options of the connection as well. What it leaves out is as for the whole file, but for
        O(deployments[].api_url), O(deployments[].app_id) and O(deployments[].app_secret).
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - What the deployment is called in its group, in the names of its hosts and in the variable
            C(emqx_deployment_name).
        type: str
        required: true
      api_url:
        description:
          - The API address of the deployment.
        type: str
        required: true
      app_id:
        description:
          - Its App ID.
        type: str
        required: true
      app_secret:
        description:
          - Its App Secret.
        type: str
        required: true
  deployment_name:
    description:
      - What the deployment is called that O(api_url) names. By default it is the host in that address.
    type: str
  hostname:
    description:
      - What the hosts are named by. A client that has no user name is named by its id.
      - Use V(username) only where each client has a user name of its own. Of several clients with the same one, the
        first that is listed has the plain name.
    type: str
    choices: [clientid, username]
    default: clientid
  hostname_prefix:
    description:
      - What the names of the hosts begin with, such as V(mqtt-).
      - Devices choose their ids. Use a prefix wherever this inventory is used together with another one, so that a
        device can't take the name of one of its hosts.
    type: str
    default: ''
  fields:
    description:
      - The fields of the API, by their names on v5, that become variables. C(clientid) and C(ip_address) always do. Few
        fields need less memory.
      - The variable of a field is its name after C(emqx_client_), such as C(emqx_client_username).
    type: list
    elements: str
    default: [clientid, username, ip_address, port, node, proto_name, proto_ver, keepalive, connected_at]
notes:
  - Client ids, user names and all else that the API answers are chosen by devices. They are never evaluated as
    templates, neither here nor in a play. Quote them nevertheless where they become part of a command.
  - Options of the connection may be templates in the inventory file, such as
    C("{{ lookup('ansible.builtin.env', 'SECRET') }}"), or encrypted with Ansible Vault. Variables that templates see
    here are those of C(--extra-vars).
  - A client behind a NAT or a load balancer without the PROXY protocol shows the address of that.
seealso:
  - plugin: emqx.cloud.deployments
    plugin_type: inventory
  - module: emqx.cloud.client_info
"""

EXAMPLES = r"""
# Minimal: gateways.emqx_cloud.yml, with EMQX_API_URL, EMQX_APP_ID and EMQX_APP_SECRET in the environment
plugin: emqx.cloud.clients
like_clientid: gateway-

# ---
# # Of two deployments, grouped by user name and by version of MQTT
# plugin: emqx.cloud.clients
# deployments:
#   - name: plant-7
#     api_url: https://plant-7.example.com:8443/api/v5
#     app_id: "{{ lookup('ansible.builtin.env', 'PLANT_7_APP_ID') }}"
#     app_secret: "{{ lookup('ansible.builtin.env', 'PLANT_7_APP_SECRET') }}"
#   - name: plant-8
#     api_url: https://plant-8.example.com:8443/api/v5
#     app_id: "{{ lookup('ansible.builtin.env', 'PLANT_8_APP_ID') }}"
#     app_secret: "{{ lookup('ansible.builtin.env', 'PLANT_8_APP_SECRET') }}"
# hostname_prefix: mqtt-
# connected_after: 7d
# fields: [username, proto_ver]
# keyed_groups:
#   - key: emqx_client_username
#     prefix: user
# groups:
#   modern: emqx_client_proto_ver == 5
# compose:
#   ansible_user: "'edge'"
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from ansible.errors import AnsibleParserError

from ..action.api import plain
from ..module_utils._errors import InputError
from ..module_utils._resources.clients import Filters, clients, filters_from
from ..module_utils._task import CONNECTION, DEPLOYMENT, NEEDED
from ..plugin_utils._connection import deployment
from ..plugin_utils._inventory import Inventory, Row, marked, own_name, safe_name
from ..plugin_utils._unsafe import no_template

_CLIENTID = "emqx_client_clientid"
_DEPLOYMENT = "emqx_deployment_name"
_VARIABLE = re.compile(r"[A-Za-z0-9_]+")
_SHARED = 10000
"""How many values are kept to be shared: many clients have the same node, user name or version."""


class InventoryModule(Inventory):
    """The plugin."""

    NAME = "emqx.cloud.clients"

    def populate(self, path: str, cache: bool) -> None:
        """Add a host for each client that is asked for."""
        try:
            names = [name for name in Filters.__dataclass_fields__ if name != "conn_state"]
            given = {name: plain(self.get_option(name)) for name in names}
            filters = replace(filters_from(given), conn_state="connected")
            filters.query()
        except InputError as error:
            raise AnsibleParserError(str(error)) from None
        fields = self._fields()
        sources = self._deployments()
        asked = {
            "filters": given,
            "fields": fields,
            "deployments": [{name: each[name] for name in ("name", "api_url", "app_id")} for each in sources],
        }
        # Groups come before hosts, so that no device can take the name of one.
        groups = {each["name"]: self.add_group(f"deployment_{each['name']}") for each in sources}
        variables, called = _Variables(fields), self.get_option("hostname")
        prefix = plain(self.get_option("hostname_prefix"))
        for row in self.rows(path, cache, asked, lambda: _read(sources, filters, fields)):
            name = self._name(row, prefix, called, len(sources) > 1)
            if name is not None:
                self.add_host(name, variables.of(row))
                self.add_to_group(name, groups[row["deployment"]])

    def _fields(self) -> list[str]:
        fields = sorted({"clientid", "ip_address", *plain(self.get_option("fields") or ())})
        for name in fields:
            if not _VARIABLE.fullmatch(name):
                raise AnsibleParserError(f"fields: {name!r} is no name of a field: it has letters, digits and _ only.")
        return fields

    def _deployments(self) -> list[dict[str, Any]]:
        """Return the options of each deployment, with its ``name``.

        :raises AnsibleParserError: one is incomplete, has unknown options, or has the same name as another.
        """
        shared = self.connection(CONNECTION)
        listed = self.get_option("deployments")
        if not listed:
            one = {**shared, **self.connection(DEPLOYMENT)}
            missing = [name for name in NEEDED if not one[name]]
            if missing:
                needed = ", ".join(NEEDED)
                raise AnsibleParserError(f"{', '.join(missing)} not given: give {needed}, or deployments.")
            name = self.get_option("deployment_name") or _host(str(plain(one["api_url"])))
            return [{**one, "name": str(plain(name))}]
        found: list[dict[str, Any]] = []
        known = {"name", *DEPLOYMENT, *CONNECTION}
        for place, entry in enumerate(listed):
            where = f"deployments[{place}]"
            if not isinstance(entry, Mapping) or not set(entry) <= known:
                raise AnsibleParserError(f"{where} has to be a dictionary of {', '.join(sorted(known))}.")
            one = {name: self.evaluated(value, f"{where}.{name}") for name, value in entry.items()}
            missing = [name for name in ("name", *NEEDED) if not one.get(name)]
            if missing:
                raise AnsibleParserError(f"{where} lacks {' and '.join(missing)}.")
            one["name"] = str(plain(one["name"]))
            if _label(one["name"]) in {_label(each["name"]) for each in found}:
                raise AnsibleParserError(f"{where}: an earlier deployment has the name {one['name']} as well.")
            found.append({**shared, **one})
        return found

    def _name(self, row: Row, prefix: str, called: str, several: bool) -> str | None:
        """Return the name of a client's host, or None if it is there already: while pages are read, rows move."""
        source, clientid = row["deployment"], row.get("clientid")
        if not isinstance(clientid, str):
            raise AnsibleParserError("The API lists a client that has no id.")
        base = own_name(prefix + str(row.get(called) or clientid))
        tail = "." + _label(source) if several else ""
        name = base + tail
        if self.is_taken(name):
            held = self.inventory.hosts.get(name)
            if held and (held.vars.get(_CLIENTID), held.vars.get(_DEPLOYMENT)) == (clientid, source):
                return None
            name = marked(base, clientid, source) + tail
        return None if self.is_taken(name) else name


class _Variables:
    """Makes variables of rows; what many clients have in common is in memory once."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._names = {field: f"emqx_client_{field}" for field in fields}
        self._shared: dict[str, Any] = {}

    def of(self, row: Row) -> Iterator[tuple[str, Any]]:
        """Yield the variables of a client, which Ansible doesn't evaluate."""
        for field, name in self._names.items():
            if field in row:
                yield name, self._value(row[field])
        yield _DEPLOYMENT, self._value(row["deployment"])
        address = row.get("ip_address")
        if isinstance(address, str) and _is_address(address):
            yield "ansible_host", self._value(address)

    def _value(self, value: Any) -> Any:
        if not isinstance(value, str):
            return no_template(value)
        shared = self._shared.get(value)
        if shared is None:
            shared = no_template(value)
            if len(self._shared) < _SHARED:
                self._shared[value] = shared
        return shared


def _read(sources: Sequence[Mapping[str, Any]], filters: Filters, fields: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of the clients of all deployments, page by page, each with the name of its ``deployment``."""
    for source in sources:
        with deployment(source) as api:
            for row in clients(api).rows(filters, fields):
                yield {**row, "deployment": source["name"]}


def _label(name: str) -> str:
    """Return the name of a deployment as it ends the name of a host: without dots, so that its beginning is clear."""
    return safe_name(name).replace(".", "_")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "unnamed"
    except ValueError:
        return "unnamed"  # and the connection says what is wrong with it


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text
