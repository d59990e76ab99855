# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deployments of an account as hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: deployments
short_description: The deployments of an EMQX Cloud account as hosts
version_added: 1.0.0
description:
  - Makes each deployment that the Platform API lists a host, with what is listed as its variables, and puts it into
    groups.
  - One request lists all deployments. The Platform API allows 60 of them in 60 minutes, so let Ansible cache them.
  - Tasks for such a host run on the controller, since a deployment is managed through its API. The plugin sets
    C(ansible_connection) to C(local) and C(ansible_python_interpreter) to C({{ ansible_playbook_python }}). There are
    no facts to gather, so use C(gather_facts=false).
  - The name of a host is that of its deployment, in which each character is replaced by C(_) that is not an ASCII
    letter, a digit, C(.), C(_) or C(-). Where several deployments would be the same host, or a group or another host
    has the name already, C(-) and the id of the deployment follow.
  - If something fails, no host is added.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.plugin_platform
  - emqx.cloud.platform
  - emqx.cloud.plugin_connection
  - emqx.cloud.connection
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description:
      - Says that a file is one for this plugin. Its name ends in V(.emqx_cloud.yml) or V(.emqx_cloud.yaml).
    type: str
    required: true
    choices: [emqx.cloud.deployments]
  project:
    description:
      - Only deployments in these projects, given by their names.
    type: list
    elements: str
  region:
    description:
      - Only deployments in these regions, such as V(eu-central-1).
    type: list
    elements: str
  type:
    description:
      - Only deployments of these types, such as V(serverless), V(dedicated) or V(dedicatedFlex).
    type: list
    elements: str
  status:
    description:
      - Only deployments in these states, such as V(running) or V(stopped).
    type: list
    elements: str
  group_by:
    description:
      - By which fields hosts are grouped. The group is named by the field and its value, such as C(type_serverless),
        C(region_eu_central_1) or C(version_5_8_9). An empty list makes no groups.
      - Further groups are made by O(groups) and O(keyed_groups).
    type: list
    elements: str
    choices: [project, region, type, status, version, platform]
    default: [project, region, type, status, version]
  credentials:
    description:
      - How deployments are reached. The keys are ids or names of deployments; an id comes before a name.
      - Each value is a dictionary with C(api_url), C(app_id) and C(app_secret), which become the variables
        C(emqx_api_url), C(emqx_app_id) and C(emqx_app_secret) of the host. What it leaves out is taken from
        O(api_url_pattern), O(app_id) and O(app_secret).
      - Values are passed on as they are written, and templates in them are evaluated only where they are used. So write
        a secret as a reference, such as C("{{ vault_plant_7_secret }}"), or encrypt it with C(ansible-vault
        encrypt_string). C(ansible-inventory --list) then shows that and not the secret.
      - A deployment for which there is nothing has none of these variables.
    type: dict
    default: {}
  api_url_pattern:
    description:
      - The API address of deployments. C({id}) and C({region}) in it stand for those of the deployment, and are put in
        only if they consist of ASCII letters, digits and C(-).
    type: raw
  app_id:
    description:
      - The App ID of deployments, passed on as it is written. A template in it sees the variables of the host, such as
        C(emqx_deployment_id).
    type: raw
  app_secret:
    description:
      - The App Secret of deployments, passed on as it is written. Write it as a reference.
    type: raw
notes:
  - The variables of a host are C(emqx_deployment_id), C(emqx_deployment_name), C(emqx_deployment_type),
    C(emqx_deployment_platform), C(emqx_deployment_project), C(emqx_deployment_region), C(emqx_deployment_status),
    C(emqx_deployment_version), C(emqx_deployment_connections), C(emqx_deployment_tps) and
    C(emqx_deployment_created_at).
  - O(platform_url), O(platform_key), O(platform_secret) and other options of the connection may be templates in the
    inventory file, such as C("{{ lookup('ansible.builtin.env', 'KEY') }}"), or encrypted with Ansible Vault. Variables
    that templates see here are those of C(--extra-vars).
  - What the API answers is never evaluated as a template.
seealso:
  - plugin: emqx.cloud.clients
    plugin_type: inventory
"""

EXAMPLES = r"""
# Minimal: plants.emqx_cloud.yml, with EMQX_PLATFORM_URL, EMQX_PLATFORM_KEY and EMQX_PLATFORM_SECRET in the environment
plugin: emqx.cloud.deployments
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: .cache/emqx
cache_timeout: 900

# ---
# # With credentials by id, from a vault that has them in one dictionary
# plugin: emqx.cloud.deployments
# status: [running]
# api_url_pattern: https://{id}.example.com:8443/api/v5
# app_id: "{{ vault_emqx[emqx_deployment_id].app_id }}"
# app_secret: "{{ vault_emqx[emqx_deployment_id].app_secret }}"

# ---
# # With credentials for each deployment, and groups of one's own
# plugin: emqx.cloud.deployments
# type: [dedicated, dedicatedFlex]
# group_by: [region, type]
# credentials:
#   plant-7:
#     api_url: https://plant-7.example.com:8443/api/v5
#     app_id: "{{ vault_plant_7_id }}"
#     app_secret: "{{ vault_plant_7_secret }}"
# compose:
#   emqx_rate_limit: 10 if emqx_deployment_type == 'serverless' else 100
# groups:
#   outdated: emqx_deployment_version is version('5.8', '<')
# keyed_groups:
#   - key: emqx_deployment_project
#     prefix: plant
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleParserError

from ..module_utils._resources.platform import DEPLOYMENT, deployments
from ..module_utils._task import ACCOUNT
from ..plugin_utils._connection import platform
from ..plugin_utils._inventory import Inventory, Row, marked, safe_name
from ..plugin_utils._unsafe import no_template, template

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_PLACES = re.compile(r"\{(id|region)\}")
_REACHED_BY = ("api_url", "app_id", "app_secret")
_PYTHON = "{{ ansible_playbook_python }}"


class InventoryModule(Inventory):
    """The plugin."""

    NAME = "emqx.cloud.deployments"

    def populate(self, path: str, cache: bool) -> None:
        """Add a host for each deployment that is asked for."""
        options = self.connection(ACCOUNT)

        def read() -> list[Row]:
            with platform(options) as api:
                return list(deployments(api))

        asked = {name: options[name] for name in ("platform_url", "platform_key")}
        rows = list(self.rows(path, cache, asked, read))
        for row in rows:
            if not row.get("id"):
                raise AnsibleParserError("The Platform API lists a deployment that has no id.")
        credentials = self._credentials(rows)
        # Groups come before hosts, so that no deployment can take the name of one.
        groups = [self._groups(row) if self._is_asked_for(row) else None for row in rows]
        names = [safe_name(str(row.get("name") or row["id"])) for row in rows]
        times = Counter(names)
        for row, name, into in zip(rows, names, groups):
            if into is None:
                continue
            if times[name] > 1 or self.is_taken(name):
                name = safe_name(f"{name}-{row['id']}")
            if self.is_taken(name):
                name = marked(name, str(row["id"]))
            self.add_host(name, self._variables(row, credentials.get(str(row["id"]), {})))
            for group in into:
                self.add_to_group(name, group)

    def _groups(self, row: Row) -> list[str]:
        """Add the groups that ``group_by`` makes of a deployment, and return their names."""
        named = (field for field in self.get_option("group_by") if isinstance(row.get(field), str) and row[field])
        return [self.add_group(f"{field}_{row[field]}") for field in named]

    def _is_asked_for(self, row: Row) -> bool:
        filters = {name: self.get_option(name) for name in ("project", "region", "type", "status")}
        return all(not wanted or row.get(name) in wanted for name, wanted in filters.items())

    def _credentials(self, rows: list[Row]) -> dict[str, Mapping[str, Any]]:
        """Return what ``credentials`` says of each deployment, by its id.

        :raises AnsibleParserError: what it says can't be right, or a name in it is that of several deployments.
        """
        found: dict[str, Mapping[str, Any]] = {}
        ids = {str(row["id"]) for row in rows}
        for key, given in self.get_option("credentials").items():
            if not isinstance(given, Mapping) or not set(given) <= set(_REACHED_BY):
                raise AnsibleParserError(f"credentials: {key} has to be a dictionary of {', '.join(_REACHED_BY)}.")
            named = [str(row["id"]) for row in rows if row.get("name") == key and str(key) not in ids]
            if len(named) > 1:
                raise AnsibleParserError(
                    f"credentials: {len(named)} deployments have the name {key}: write their ids, which are "
                    f"{', '.join(named)}."
                )
            if str(key) in ids:
                found[str(key)] = given
            elif named:
                found.setdefault(named[0], given)
            else:
                self.display.warning(f"credentials: the account has no deployment {key}.")
        return found

    def _variables(self, row: Row, given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield the variables of a host; those that say how it is reached are as the user wrote them."""
        for name in DEPLOYMENT:
            yield f"emqx_deployment_{name}", no_template(row.get(name))
        yield "ansible_connection", template("local")
        yield "ansible_python_interpreter", template(_PYTHON)
        for name in _REACHED_BY:
            # As it stands in the file: on ansible-core 2.16 an option is what Ansible Vault has decrypted.
            value = given[name] if name in given else self._url(row) if name == "api_url" else self._config.get(name)
            if value is not None:
                yield f"emqx_{name}", value

    def _url(self, row: Row) -> str | None:
        """Return what ``api_url_pattern`` makes of a deployment; only plain words of the API get into it.

        :raises AnsibleParserError: the pattern is none, or the API's word is not plain.
        """
        pattern = self.get_option("api_url_pattern")
        if pattern is None:
            return None
        if not isinstance(pattern, str):
            raise AnsibleParserError("api_url_pattern has to be a text such as https://{id}.example.com:8443/api/v5.")

        def word(place: re.Match[str]) -> str:
            value = row.get(place[1])
            if not isinstance(value, str) or not _PLAIN.fullmatch(value):
                raise AnsibleParserError(
                    f"api_url_pattern: the {place[1]} of deployment {row['id']!r} is {value!r}, which is no plain word "
                    "of ASCII letters, digits and hyphens, so it can't stand in a URL."
                )
            return value

        return template(_PLACES.sub(word, pattern))
