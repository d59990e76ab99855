# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugins on every ansible-core: what becomes of answers, and of options that are templates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import inventory_loader
from ansible.template import Templar
from ansible_collections.emqx.cloud.tests.unit.loopback import Server, answer, running_server

PLANTED = "{{ 6 * 7 }}"
SECRET = "{{ 'a-secret' ~ '-of-mine' }}"
ROWS = [
    {"deploymentID": "d1", "deploymentName": PLANTED, "deploymentType": "serverless", "region": PLANTED},
    {"deploymentID": "d2", "deploymentName": "plant-2", "deploymentType": "dedicated", "region": "eu-west-1"},
]
CLIENTS = [{"clientid": PLANTED, "username": PLANTED, "connected": True, "ip_address": "192.0.2.1", "node": [PLANTED]}]


def parsed(folder: Path, plugin: str, **options: Any) -> InventoryData:
    """What a plugin makes of a file with these options; nothing where it fails."""
    path = folder / "x.emqx_cloud.yml"
    path.write_text(json.dumps({"plugin": f"emqx.cloud.{plugin}", "retries": 0, **options}), encoding="utf-8")
    inventory = InventoryData()
    try:
        inventory_loader.get(f"emqx.cloud.{plugin}").parse(inventory, DataLoader(), str(path), cache=False)
    except AnsibleParserError:
        assert not inventory.hosts
        raise
    return inventory


def evaluated(inventory: InventoryData, host: str) -> dict[str, Any]:
    """The variables of a host as a play sees them."""
    variables = inventory.hosts[host].get_vars()
    found: dict[str, Any] = Templar(DataLoader(), variables={**variables, "ansible_playbook_python": "/it"}).template(
        variables
    )
    return found


def account(server: Server, **options: Any) -> dict[str, Any]:
    """The options of an account, the secret of which is a template."""
    url = server.url.replace("/api/v5", "/public_api/v1")
    return {"platform_url": url, "platform_key": "a-key", "platform_secret": SECRET, **options}


def deployment(server: Server, **options: Any) -> dict[str, Any]:
    """The same of a deployment."""
    return {"api_url": server.url, "app_id": "an-id", "app_secret": SECRET, **options}


def test_deployments_are_data_and_references_are_templates(tmp_path: Path) -> None:
    with running_server() as server:
        server.script = [answer(200, ROWS)]
        options = account(
            server, app_secret="{{ emqx_deployment_id ~ '-secret' }}", compose={"again": "emqx_deployment_name"},
            credentials={"d2": {"api_url": "https://{{ emqx_deployment_id }}.example.com/api/v5"}},
            keyed_groups=[{"key": "emqx_deployment_name", "prefix": "named"}], strict=True,
        )
        found = parsed(tmp_path, "deployments", **options)
        assert len(server.seen) == 1 and server.seen[0].headers["Authorization"].startswith("Basic ")
    first, second = (evaluated(found, host) for host in found.hosts)
    assert (first["emqx_deployment_name"], first["emqx_deployment_region"], first["again"]) == (PLANTED,) * 3
    assert first["emqx_app_secret"] == "d1-secret" and first["ansible_python_interpreter"] == "/it"
    assert "emqx_api_url" not in first
    assert second["emqx_api_url"] == "https://d2.example.com/api/v5"
    # Ansible's list and graph show the reference and not what it stands for.
    assert found.hosts["plant-2"].vars["emqx_app_secret"] == options["app_secret"]
    assert {"type_serverless", "type_dedicated", "region_eu_west_1", "named____6___7___"} < set(found.groups)


def test_no_word_of_the_api_gets_into_a_url_unless_it_is_plain(tmp_path: Path) -> None:
    pattern = "https://{id}.{{ 'example' }}.com:8443/api/v5"
    with running_server() as server:
        server.script = [answer(200, ROWS), answer(200, ROWS)]
        found = parsed(tmp_path, "deployments", **account(server, api_url_pattern=pattern))
        assert evaluated(found, "plant-2")["emqx_api_url"] == "https://d2.example.com:8443/api/v5"
        with pytest.raises(AnsibleParserError, match="no plain word"):
            parsed(tmp_path, "deployments", **account(server, api_url_pattern="https://{region}.example.com/api/v5"))


def test_clients_are_data(tmp_path: Path) -> None:
    with running_server() as server:
        server.script = [answer(200, {"data": CLIENTS, "meta": {"hasnext": False}})]
        options = deployment(
            server, fields=["username", "node"], compose={"again": "[emqx_client_username]"}, strict=True,
            keyed_groups=[{"key": "emqx_client_clientid", "prefix": "named"}],
        )
        found = parsed(tmp_path, "clients", **options)
    (host,) = list(found.hosts)
    told = evaluated(found, host)
    assert (told["emqx_client_clientid"], told["emqx_client_username"]) == (PLANTED, PLANTED)
    assert (told["emqx_client_node"], told["again"], told["ansible_host"]) == ([PLANTED], [PLANTED], "192.0.2.1")
    assert host.startswith("___6___7___--")
    assert [each.name for each in found.groups["named____6___7___"].hosts] == [host]


@pytest.mark.parametrize("status", [401, 500])
def test_a_failure_is_one_sentence_without_the_secret_and_leaves_no_host(tmp_path: Path, status: int) -> None:
    with running_server() as server:
        server.script = [answer(status, {"code": "NO", "message": "not with a-secret-of-mine"})] * 2
        for plugin, options in (("deployments", account(server)), ("clients", deployment(server))):
            with pytest.raises(AnsibleParserError) as failed:
                parsed(tmp_path, plugin, **options)
            message = failed.value.message
            assert str(status) in message and message.endswith(".") and "a-secret-of-mine" not in message


def test_a_constructed_variable_that_can_not_be_leaves_no_host(tmp_path: Path) -> None:
    with running_server() as server:
        server.script = [answer(200, {"data": CLIENTS, "meta": {"hasnext": False}})]
        with pytest.raises(AnsibleParserError, match="nobody"):
            parsed(tmp_path, "clients", **deployment(server, compose={"x": "nobody.has.it"}, strict=True))
