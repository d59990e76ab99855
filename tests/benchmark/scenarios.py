# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks and commands that are measured, and what stands beside each."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmark.measure import Case

BARE = str(Path(__file__).with_name("bare.py"))
PREFIX = "bench-"
AS_A_MODULE = {"vars": {"emqx_direct_execution": False}}


def users(count: int) -> list[dict[str, str]]:
    """Credentials such as devices have."""
    return [
        {"username": f"{PREFIX}device-{number:07}", "password": f"{number * 7919 % 10_000_019:07}-of-the-device"}
        for number in range(count)
    ]


def subjects(count: int) -> list[dict[str, Any]]:
    """Two access rules for each of the same devices."""
    deny = {"topic": "#", "action": "all", "permission": "deny"}
    return [
        {
            "username": row["username"],
            "rules": [{"topic": f"plant/{row['username']}/#", "action": "publish", "permission": "allow"}, deny],
        }
        for row in users(count)
    ]


class Scenarios:
    """Writes playbooks and data into a folder and makes the cases of it.

    :ivar empty: a playbook without tasks: what starting Ansible costs.
    """

    def __init__(self, folder: Path, clear: Callable[[], None]) -> None:
        self.folder = folder
        self.clear = clear
        self.empty = self._playbook("empty playbook", [])

    def _playbook(
        self, name: str, tasks: list[dict[str, Any]], *arguments: str, before: Callable[[], None] | None = None,
        hosts: str = "localhost", keywords: Mapping[str, Any] | None = None,
    ) -> Case:
        file = self.folder / f"{name.replace(' ', '-').replace(',', '')}.yml"
        play = {"hosts": hosts, "connection": "local", "gather_facts": False, **(keywords or {}), "tasks": tasks}
        file.write_text(json.dumps([play]))  # JSON is YAML
        local = () if "-i" in arguments else ("-i", "localhost,", "-e", f"ansible_python_interpreter={sys.executable}")
        return Case(name, ("ansible-playbook", *local, str(file), *arguments), before or (lambda: None))

    def _data(self, name: str, rows: list[Any]) -> str:
        file = self.folder / name
        file.write_text(json.dumps(rows))
        return str(file)

    def loop(self, items: int) -> dict[str, Case]:
        """So many tasks for one user each: directly, as modules, and as they are written with ansible.builtin.uri."""
        names = f"{{{{ range({items}) | map('regex_replace', '^', '{PREFIX}loop-') | list }}}}"
        user = {"emqx.cloud.auth_user": {"username": "{{ item }}", "password": "of-the-device"}, "loop": names}
        uri = {
            "ansible.builtin.uri": {
                "url": "{{ lookup('ansible.builtin.env', 'EMQX_API_URL') }}"
                "/authentication/password_based%3Abuilt_in_database/users",
                "method": "POST",
                "body_format": "json",
                "body": {"user_id": "{{ item }}", "password": "of-the-device"},
                "url_username": "{{ lookup('ansible.builtin.env', 'EMQX_APP_ID') }}",
                "url_password": "{{ lookup('ansible.builtin.env', 'EMQX_APP_SECRET') }}",
                "force_basic_auth": True,
                "ca_path": "{{ lookup('ansible.builtin.env', 'EMQX_CA_PATH') | default(omit, true) }}",
                "status_code": [201, 409],
            },
            "loop": names,
        }
        return {
            "direct": self._playbook("loop direct", [user], before=self.clear),
            "module": self._playbook("loop module", [{**user, **AS_A_MODULE}], before=self.clear),
            "uri": self._playbook("loop uri", [uri], before=self.clear),
        }

    def bulk(self, kind: str, count: int) -> dict[str, Case]:
        """One task for so many users or subjects from a file, on an empty broker and again, and the bare script."""
        file = self._data(f"{kind}-{count}.json", users(count) if kind == "users" else subjects(count))
        module = "emqx.cloud.auth_users" if kind == "users" else "emqx.cloud.acls"
        ours = self._playbook(f"{kind} {count}", [{module: {"src": file}}])
        bare = Case(f"bare {kind} {count}", (sys.executable, BARE, kind, file))
        return {
            "bare first": bare._replace(before=self.clear),
            "bare unchanged": bare,
            "first": ours._replace(before=self.clear),
            "unchanged": ours,
        }

    def other_ways(self, count: int) -> dict[str, Case]:
        """The same users as a variable, and by the ordinary module; all are there already."""
        file = self._data(f"users-{count}.json", users(count))
        listed = self._data(f"variable-{count}.json", [])
        Path(listed).write_text(json.dumps({"devices": users(count)}))
        from_variable = {"emqx.cloud.auth_users": {"users": "{{ devices }}"}}
        as_module = {"emqx.cloud.auth_users": {"src": file}, **AS_A_MODULE}
        return {
            "variable": self._playbook(f"variable {count}", [from_variable], "-e", f"@{listed}"),
            "module": self._playbook(f"module {count}", [as_module]),
        }

    def fleet(self, deployments: list[Mapping[str, Any]], forks: int, devices: int) -> dict[str, Case]:
        """One task on each of many deployments, for one user and for many, and as many times ansible.builtin.debug."""
        hosts = {
            f"deployment-{number:04}": {
                "emqx_api_url": one["api_url"], "emqx_app_id": one["app_id"], "emqx_app_secret": one["app_secret"],
            }
            for number, one in enumerate(deployments)
        }
        inventory = self.folder / "fleet.json"
        variables = {"ansible_python_interpreter": sys.executable}
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}))
        connection = {name: f"{{{{ emqx_{name} }}}}" for name in ("api_url", "app_id", "app_secret")}
        keywords = {"module_defaults": {"group/emqx.cloud.deployment": connection}}
        arguments = ("-i", str(inventory), "--forks", str(forks))
        debug = {"ansible.builtin.debug": {"msg": "{{ emqx_api_url }}"}}
        one = {"emqx.cloud.auth_users": {"users": [{"username": f"{PREFIX}fleet", "password": "of-the-device"}]}}
        many = {"emqx.cloud.auth_users": {"src": self._data(f"users-{devices}.json", users(devices))}}
        found = {"debug": self._playbook("fleet debug", [debug], *arguments, hosts="all")}
        for name, task in (("one user", one), (f"{devices:,} users", many)):
            again = self._playbook(f"fleet {name}", [task], *arguments, hosts="all", keywords=keywords)
            found[f"{name}, first run"] = again._replace(before=self.clear)
            found[f"{name}, unchanged run"] = again
        return found
