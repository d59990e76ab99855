# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory plugins share: options, Ansible's cache, safe names, hosts that are all there or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.constants import LOCALHOST
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import (
    BaseInventoryPlugin,
    Cacheable,
    Constructable,
    to_safe_group_name,
)

from ..action.api import plain
from ..module_utils._masking import masked

SUFFIXES = (".emqx_cloud.yml", ".emqx_cloud.yaml")
"""How the names of inventory files end."""

LONGEST = 200
"""Characters of a name that are kept: Ansible makes names of files of those of hosts."""

_OTHERS = re.compile(r"[^A-Za-z0-9._-]")
_MARKED = re.compile(r".*--[0-9a-f]{16}")

Row = dict[str, Any]


def safe_name(text: str) -> str:
    """Return a text as the name of a host.

    No character in it means something in a host pattern, a template, an address or a command line; the first is a
    letter, a digit or an underscore.
    """
    safe = _OTHERS.sub("_", text)[:LONGEST]
    return safe if safe[:1].isalnum() else "_" + safe[1:]


def own_name(text: str) -> str:
    """Return a text as the name of a host that no other text gets: one that has to be changed is marked by its hash.

    So a device can't come to bear the name of another one by an id that only looks the same once it is made safe.
    """
    safe = safe_name(text)
    return safe if safe == text and not _MARKED.fullmatch(text) else marked(safe, text)


def marked(name: str, *identity: str) -> str:
    """Return a name with the hash of what it stands for."""
    digest = hashlib.sha256("\0".join(identity).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{name}--{digest[:16]}"


class Inventory(BaseInventoryPlugin, Constructable, Cacheable):
    """An inventory plugin; a subclass says with :meth:`populate` which hosts there are."""

    _config: Mapping[str, Any]
    _added: list[str]
    _mistakable: dict[str, None]
    _others: frozenset[str]

    def verify_file(self, path: str) -> bool:
        """Say whether a file may be one of this plugin's; the key ``plugin`` in it decides."""
        return bool(super().verify_file(path)) and path.endswith(SUFFIXES)

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Add the hosts; if something fails there are none of them."""
        super().parse(inventory, loader, path, cache)
        self._config = self._read_config_data(path)
        self._added, self._mistakable, self._others = [], {}, frozenset(inventory.hosts)
        try:
            # Before there are hosts, so that none can take the name of one.
            for group in self.get_option("groups"):
                self.add_group(group)
            self.populate(path, cache)
            self._construct()
        except AnsibleError as error:
            self._remove_hosts()
            raise AnsibleParserError(error.message) from error
        except Exception:
            self._remove_hosts()
            raise

    def populate(self, path: str, cache: bool) -> None:
        """Add the hosts.

        :param cache: whether Ansible's cache may be read.
        :raises AnsibleError: an option is wrong, or the API can't be read.
        """
        raise TypeError(f"{type(self).__name__} has no hosts")

    def _sanitize_group_name(self, name: Any) -> str:
        """Return the name of a group that ``keyed_groups`` makes, and see whether it is that of a host.

        Ansible would take one for the other. A host of this inventory is left out, one of another stays what it is.
        """
        safe: str = to_safe_group_name(str(name))
        while safe in self._others and safe not in self.inventory.groups:
            self.display.warning(f"The group {safe} is named {safe}_: a host of another inventory has its name.")
            safe += "_"
        if safe in self.inventory.hosts and safe not in self.inventory.groups:
            self._mistakable[safe] = None
        return safe

    # Options

    def connection(self, names: Iterable[str]) -> dict[str, Any]:
        """Return options by their names; those that stand in the file may be templates."""
        return {name: self.evaluated(self._config[name], name) if name in self._config else self.get_option(name)
                for name in names}  # fmt: skip

    def evaluated(self, value: Any, option: str) -> Any:
        """Return the value of an option that is written in the inventory file.

        :raises AnsibleParserError: it is a template that can't be evaluated.
        """
        if not isinstance(value, str):
            return value
        self.templar.available_variables = self._vars
        try:
            return self.templar.template(value)
        except AnsibleError as error:
            # Ansible-core 2.16 repeats the text, which may be a secret with braces in it.
            why = " ".join(masked(str(error), [plain(value)]).split()).rstrip(".")
            raise AnsibleParserError(f"{option} can't be evaluated: {why}.") from None

    # Cache

    def rows(
        self, path: str, cache: bool, asked: Mapping[str, Any], read: Callable[[], Iterable[Row]]
    ) -> Iterable[Row]:
        """Return what ``read`` gives, from Ansible's cache if that has the same.

        :param asked: what is asked for, without secrets: what is kept for something else doesn't count.
        """
        if not self.get_option("cache"):
            return read()
        key = self.get_cache_key(path)
        about = hashlib.sha256(json.dumps(plain(asked), sort_keys=True).encode()).hexdigest()
        kept = None
        if cache:
            # There is none, or it can't be read; what a cache plugin says of that is its own.
            with contextlib.suppress(Exception):
                kept = self._cache[key]
        if isinstance(kept, Mapping) and kept.get("asked") == about and _are_rows(kept.get("rows")):
            found: list[Row] = kept["rows"]
            return found
        rows = list(read())
        self._cache[key] = {"asked": about, "rows": rows}
        return rows

    # Hosts and groups

    def is_taken(self, name: str) -> bool:
        """Say whether a host or a group has this name, of another inventory as well, or it is that of this machine."""
        return name in self.inventory.hosts or name in self.inventory.groups or name in LOCALHOST

    def add_host(self, name: str, variables: Iterable[tuple[str, Any]]) -> None:
        """Add a host with its variables.

        :param name: one that is not taken.
        :param variables: what came from an API in it is no template.
        """
        self.inventory.add_host(name)
        self._added.append(name)
        # InventoryData.set_variable looks for a group of that name first.
        host = self.inventory.hosts[name]
        for variable, value in variables:
            host.set_variable(variable, value)

    def add_group(self, name: str) -> str:
        """Add a group, made safe, and return its name."""
        group: str = self.inventory.add_group(to_safe_group_name(str(name)))
        return group

    def add_to_group(self, host: str, group: str) -> None:
        """Add a host to a group that :meth:`add_group` has added."""
        self.inventory.add_host(host, group)

    def _construct(self) -> None:
        """Give each host what ``compose``, ``groups`` and ``keyed_groups`` make of its variables.

        A host that would be taken for one of these groups is left out.
        """
        compose, groups, keys = (self.get_option(name) for name in ("compose", "groups", "keyed_groups"))
        strict = self.get_option("strict")
        for name in self._added if compose or groups or keys else ():
            if name in self._mistakable:
                continue
            if compose:
                self._set_composite_vars(compose, self.inventory.hosts[name].get_vars(), name, strict)
            if groups:
                self._add_host_to_composed_groups(groups, {}, name, strict)
            if keys:
                self._add_host_to_keyed_groups(keys, {}, name, strict)
        for name in self._mistakable:
            self.display.warning(f"The host {name} is left out: keyed_groups makes a group of that name. Use a prefix.")
            self.inventory.remove_host(self.inventory.hosts[name])

    def _remove_hosts(self) -> None:
        for name in self._added:
            if name in self.inventory.hosts:
                self.inventory.remove_host(self.inventory.hosts[name])


def _are_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)
