# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugins: deployments of an account and clients of deployments, from the command line and here."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.plugins.loader import inventory_loader

from demo import PASSWORD, connected
from simulator import Deployment, Fault, Simulator
from system.harness import connection, environment, needs, one_sentence
from tooling import environments

CORES = ["main", "core216"]
CACHE = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": "cache"}
REGIONS = ("eu-central-1", "eu-west-1", "us-east-1", "ap-southeast-2")
NO_ENVIRONMENT = ("PLATFORM_URL", "PLATFORM_KEY", "PLATFORM_SECRET", "API_URL", "APP_ID", "APP_SECRET")


@pytest.fixture(params=CORES)
def core(request: pytest.FixtureRequest) -> str:
    needs(request.param)
    return str(request.param)


def account(simulator: Simulator) -> dict[str, str]:
    """The options of the Platform API."""
    platform = simulator.platform
    return {name: getattr(platform, name) for name in ("platform_url", "platform_key", "platform_secret")}


def ansible(core: str, folder: Path, program: str, *words: str, **variables: str) -> str:
    """Run a program of Ansible, which has to go well and without a warning; return what it printed."""
    done = subprocess.run(
        [environments.VENVS / core / "bin" / program, *words],
        cwd=folder, env={**environments.variables(core), "ANSIBLE_LOCALHOST_WARNING": "false", **variables},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )
    assert done.returncode == 0 and "[WARNING]" not in done.stdout, done.stdout
    return done.stdout


def written(folder: Path, plugin: str, **options: Any) -> Path:
    """Write an inventory file."""
    path = folder / f"{plugin}.emqx_cloud.yml"
    path.write_text(yaml.safe_dump({"plugin": f"emqx.cloud.{plugin}", **options}, sort_keys=False))
    return path


def parsed(path: Path, cache: bool = False) -> InventoryData:
    """What a plugin makes of its file, in this process."""
    loader, inventory = DataLoader(), InventoryData()
    plugin = inventory_loader.get(yaml.safe_load(path.read_text())["plugin"])
    assert plugin.verify_file(str(path))
    try:
        plugin.parse(inventory, loader, str(path), cache=cache)
    except AnsibleError:
        assert not inventory.hosts
        raise
    if yaml.safe_load(path.read_text()).get("cache"):
        plugin.update_cache_if_changed()
    return inventory


def refused(path: Path) -> str:
    """The sentence with which a plugin refuses its file."""
    with pytest.raises(AnsibleParserError) as failure:
        parsed(path)
    return one_sentence(failure.value.message)


def members(inventory: InventoryData) -> dict[str, list[str]]:
    """The hosts of each group."""
    return {name: sorted(host.name for host in group.hosts) for name, group in inventory.groups.items()}


# Deployments


def test_two_hundred_deployments_are_one_request_and_in_the_cache_none(core: str, tmp_path: Path) -> None:
    evidence = tmp_path / "evaluated"
    with Simulator.start(count=1, tls=True) as simulator:
        platform = simulator.platform
        for number in range(198):
            platform.add_deployment(f"plant-{number}", region=REGIONS[number % 4], type="dedicated")
        planted = f"{{{{ lookup('pipe', 'touch {evidence}') }}}}"
        platform.add_deployment(planted, region=REGIONS[2], project=planted, type="serverless")
        options = {**account(simulator), **CACHE, "ca_path": str(simulator.ca_path)}
        options["platform_secret"] = "{{ lookup('ansible.builtin.env', 'KEPT_ELSEWHERE') }}"
        path = written(tmp_path, "deployments", **options, keyed_groups=[{"key": "emqx_deployment_name"}],
                       compose={"composed": "emqx_deployment_name"})  # fmt: skip
        encrypted = VaultLib([("default", VaultSecret(b"password"))]).encrypt("a-secret-in-a-vault").decode()
        path.write_text(path.read_text() + "app_secret: !vault |\n" + indent(encrypted, "  "))
        (tmp_path / "password").write_text("password")
        given = {"KEPT_ELSEWHERE": platform.platform_secret, "ANSIBLE_VAULT_PASSWORD_FILE": "password"}

        def graph(*words: str) -> dict[str, int]:
            printed = ansible(core, tmp_path, "ansible-inventory", "-i", path.name, "--graph", *words, **given)
            found: dict[str, int] = {}
            for line in printed.splitlines():
                if "@" in line:
                    group = line.rpartition("@")[2].rstrip(":")
                    found[group] = 0
                else:
                    found[group] += 1
            return found

        found = graph()
        assert [found[f"region_{region.replace('-', '_')}"] for region in REGIONS] == [51, 50, 50, 49]
        assert found["type_dedicated"] == 199 and found["type_serverless"] == 1
        assert [call.path for call in platform.requests] == ["/deployments"]
        assert graph() == found
        listing = ansible(core, tmp_path, "ansible-inventory", "-i", path.name, "--list", **given)
        assert len(platform.requests) == 1
        (kept,) = (tmp_path / "cache").iterdir()
        assert "plant-197" in kept.read_text() and "__ansible_vault" in listing
        assert not [each for each in (platform.platform_secret, "a-secret-in") if each in kept.read_text() + listing]
    assert not evidence.exists()


@pytest.mark.parametrize(("core", "count"), [("main", 50), ("core216", 5)], indirect=["core"])
def test_many_deployments_are_converged_at_once_each_with_its_own_credentials(
    core: str, count: int, tmp_path: Path
) -> None:
    with Simulator.start(count=count, serverless=True) as simulator:
        simulator.platform.add_deployment("dedicated-1", type="dedicated")
        secrets = {one.id: {"app_id": one.app_id, "app_secret": one.app_secret} for one in simulator.deployments}
        urls = {one.id: {"api_url": one.api_url} for one in simulator.deployments}
        (tmp_path / "group_vars").mkdir()
        (tmp_path / "group_vars" / "all.yml").write_text(yaml.safe_dump({"vault_emqx": secrets}))
        reached = {name: f"{{{{ vault_emqx[emqx_deployment_id].{name} }}}}" for name in ("app_id", "app_secret")}
        written(tmp_path, "deployments", **account(simulator), credentials=urls, **reached)
        users = [{"username": f"{{{{ inventory_hostname }}}}-{number}", "password": "of-it"} for number in range(2)]
        converge = {
            "hosts": "type_serverless",
            "gather_facts": False,
            "module_defaults": {
                "group/emqx.cloud.deployment": {
                    name: f"{{{{ emqx_{name} }}}}" for name in ("api_url", "app_id", "app_secret")
                }
            },
            "tasks": [{"emqx.cloud.auth_users": {"users": users}}],
        }
        (tmp_path / "site.yml").write_text(yaml.safe_dump([converge]))
        words = ("-i", "deployments.emqx_cloud.yml", "--forks", "20", "site.yml", "-v")
        printed = ansible(core, tmp_path, "ansible-playbook", *words)
        assert printed.count("changed=1 ") == count and "runs as a module" not in printed
        for one in simulator.deployments:
            assert one.user_names() == [f"{one.name}-0", f"{one.name}-1"]
            assert one.app_secret not in printed
        assert len(simulator.platform.requests) == 1
        words = ("-i", "deployments.emqx_cloud.yml", "--list")
        listing = json.loads(ansible(core, tmp_path, "ansible-inventory", *words))["_meta"]["hostvars"]
        one = simulator.deployments[0]
        assert listing[one.name]["emqx_api_url"] == one.api_url
        # A deployment without an address has the references all the same, and no address.
        assert listing["dedicated-1"].keys() >= {"emqx_app_id", "ansible_connection"}
        assert "emqx_api_url" not in listing["dedicated-1"]


@pytest.fixture
def plants(tmp_path: Path) -> Iterator[tuple[Simulator, Path]]:
    """An account with deployments whose names are not easy."""
    with Simulator.start(listed=[{"name": "plant-1", "project": "North", "region": "eu-west-1"}]) as simulator:
        platform = simulator.platform
        platform.add_deployment("plant 2", project="North", region="eu-west-1", type="serverless")
        platform.add_deployment("plant/2", project="South", region="us-east-1", type="serverless", status="stopped")
        platform.add_deployment("type_serverless", project="South", region="us-east-1", type="dedicated")
        yield simulator, tmp_path


def test_deployments_have_safe_names_that_are_theirs_alone(plants: tuple[Simulator, Path]) -> None:
    simulator, folder = plants
    names = ["plant-1", "plant_2-d0000002", "plant_2-d0000003", "type_serverless-d0000004"]
    found = parsed(written(folder, "deployments", **account(simulator)))
    assert sorted(found.hosts) == names
    groups = members(found)
    assert groups["type_serverless"] == names[1:3] and groups["project_South"] == names[2:]
    assert groups["status_stopped"] == [names[2]] and groups["version_5_8_9"] == names
    variables = found.hosts["plant_2-d0000003"].vars
    assert variables["emqx_deployment_name"] == "plant/2" and variables["ansible_connection"] == "local"
    assert not [name for host in found.hosts.values() for name in host.vars if name.startswith("emqx_app")]


def test_deployments_are_filtered_and_grouped_as_asked(plants: tuple[Simulator, Path]) -> None:
    simulator, folder = plants
    options = {**account(simulator), **CACHE, "cache_connection": str(folder / "cache")}
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"region": ["us-east-1"]}, ["plant_2-d0000003", "type_serverless-d0000004"]),
        ({"type": "serverless", "status": ["running"]}, ["plant_2-d0000002"]),
        ({"project": ["North", "South"], "region": ["eu-west-1"]}, ["plant-1", "plant_2-d0000002"]),
        ({"project": ["East"]}, []),
    ]
    for filters, names in cases:
        found = parsed(written(folder, "deployments", **options, **filters), cache=True)
        assert sorted(found.hosts) == names, filters
    assert len(simulator.platform.requests) == 1, "filters look at what is kept"
    made = {
        "group_by": ["region"],
        "keyed_groups": [{"key": "emqx_deployment_type", "prefix": "kind"}],
        "groups": {"north": "emqx_deployment_project == 'North'", "nobody": "false"},
        "compose": {"where": "emqx_deployment_region[:2]"},
    }
    found = parsed(written(folder, "deployments", **options, **made), cache=True)
    groups = members(found)
    assert set(groups) == {
        "all", "ungrouped", "region_eu_west_1", "region_us_east_1", "kind_serverless", "kind_dedicated", "north",
        "nobody",
    }  # fmt: skip
    assert groups["north"] == ["plant-1", "plant_2-d0000002"] and groups["nobody"] == []
    assert found.hosts["plant-1"].vars["where"] == "eu"
    # Another key may see other deployments, so what is kept for one is none for another.
    with pytest.raises(AnsibleParserError, match="401"):
        parsed(written(folder, "deployments", **{**options, "platform_key": "another"}), cache=True)


def test_credentials_are_of_one_deployment_and_stay_as_they_are_written(plants: tuple[Simulator, Path]) -> None:
    simulator, folder = plants
    reference = "{{ vault_of_plant_1 }}"
    given = {
        "credentials": {"plant-1": {"app_secret": reference}, "d0000002": {"api_url": "https://own.example.com/api/v5"}},
        "api_url_pattern": "https://{id}.{region}.example.com:8443/api/v5",
        "app_secret": "{{ vault[emqx_deployment_id] }}",
    }
    found = parsed(written(folder, "deployments", **account(simulator), **given)).hosts
    told = [
        (host.vars["emqx_api_url"], host.vars["emqx_app_secret"], host.vars.get("emqx_app_id"))
        for host in found.values()
    ]
    assert told[0] == ("https://d0000001.eu-west-1.example.com:8443/api/v5", reference, None)
    assert told[1] == ("https://own.example.com/api/v5", given["app_secret"], None)


def test_what_can_not_be_right_of_deployments_is_one_sentence(
    plants: tuple[Simulator, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    simulator, folder = plants
    whole = account(simulator)

    def told(**options: Any) -> str:
        return refused(written(folder, "deployments", **{**whole, **options}))

    assert "platform_secret" in told(platform_secret="")
    assert "platform_secret can't be evaluated: " in told(platform_secret="{{ nobody_has_it }}")
    wrong = told(platform_secret="a-wrong-secret")
    assert "401" in wrong and "a-wrong-secret" not in wrong
    assert told(credentials={"plant-1": "hush"}) == (
        "credentials: plant-1 has to be a dictionary of api_url, app_id, app_secret."
    )
    assert "hush" not in told(credentials={"plant-1": {"secret": "hush"}})
    simulator.platform.add_deployment("plant-1")
    assert told(credentials={"plant-1": {"app_id": "x"}}) == (
        "credentials: 2 deployments have the name plant-1: write their ids, which are d0000001, d0000005."
    )
    assert "has to be a text" in told(api_url_pattern=5)
    parsed(written(folder, "deployments", **whole, credentials={"plant-9": {"app_id": "x"}}))
    assert "credentials: the account has no deployment plant-9." in " ".join(capsys.readouterr().err.split())
    for region in ("{{ 1 + 1 }}", "evil.example.com/", "", None):
        simulator.platform.change_deployment("d0000003", region=region)
        assert "is no plain word" in told(api_url_pattern="https://{region}.example.com/api/v5")
    odd: Any
    for odd, words in (
        ({}, "a list of objects was expected"),
        ("no JSON", "the answer is no JSON"),
        ([1], "a list of objects was expected"),
        ([{"deploymentName": "x"}], "has no id"),
        ([{"deploymentID": ""}], "has no id"),
    ):
        simulator.platform.faults.add(Fault("body", body=odd, times=1))
        assert words in told()


def test_a_failure_is_not_kept(plants: tuple[Simulator, Path]) -> None:
    simulator, folder = plants
    path = written(folder, "deployments", **account(simulator), **CACHE, cache_prefix="x", retries=0)
    path.write_text(path.read_text().replace("cache_connection: cache", f"cache_connection: {folder / 'cache'}"))
    simulator.platform.faults.add(Fault("status", status=500, times=1))
    with pytest.raises(AnsibleParserError, match="500"):
        parsed(path, cache=True)
    assert not list(folder.glob("cache/*"))
    assert len(parsed(path, cache=True).hosts) == 4
    (kept,) = folder.glob("cache/*")
    simulator.platform.forget_requests()
    assert len(parsed(path, cache=True).hosts) == 4
    assert not simulator.platform.requests
    for damage in ("no JSON", '{"asked": 1}', "[]"):
        kept.write_text(damage)
        assert len(parsed(path, cache=True).hosts) == 4
    # As with --flush-cache.
    assert len(parsed(path).hosts) == 4
    assert len(simulator.platform.requests) == 4


# Clients


def test_what_devices_chose_is_never_evaluated(core: str, tmp_path: Path) -> None:
    """In ids and user names, of real clients, in lists, graphs and plays, and in what is made of them."""
    evidence = tmp_path / "evaluated"
    planted = f"{{{{ lookup('pipe', 'touch {evidence}') }}}}"
    with Simulator.start(count=2) as simulator:
        first, second = simulator.deployments
        first.add_user(planted, PASSWORD)
        second.add_client("gateway-7", username="{% include '/etc/hosts' %}", ip_address="198.51.100.7")
        made = {
            "compose": {"again": "emqx_client_username", "louder": "[emqx_client_clientid ~ '!']"},
            "keyed_groups": [{"key": "emqx_client_username", "prefix": "user"}, {"key": "emqx_client_clientid"}],
            "groups": {"planted": "'lookup' in emqx_client_clientid"},
            "strict": True,
        }
        reached = [{"name": one.name, **connection(one)} for one in simulator.deployments]
        reached[0]["app_secret"] = "{{ lookup('ansible.builtin.env', 'KEPT_ELSEWHERE') }}"
        written(tmp_path, "clients", deployments=reached, **made, **CACHE)
        shown = {"ansible.builtin.debug": {"var": "hostvars[inventory_hostname]"}}
        words = "{{ emqx_client_clientid }} {{ again }} {{ louder }} {{ group_names }}"
        each = {"ansible.builtin.debug": {"msg": words}}
        play = {"hosts": "all", "gather_facts": False, "connection": "local", "tasks": [shown, each]}
        (tmp_path / "site.yml").write_text(yaml.safe_dump([play]))
        source, given = ("-i", "clients.emqx_cloud.yml"), {"KEPT_ELSEWHERE": first.app_secret}
        with connected(first, planted):
            listing = ansible(core, tmp_path, "ansible-inventory", *source, "--list", **given)
        # From here on it comes from the cache.
        graph = ansible(core, tmp_path, "ansible-inventory", *source, "--graph", **given)
        played = ansible(core, tmp_path, "ansible-playbook", *source, "site.yml", "-v", **given)
        assert [len(one.requests) for one in simulator.deployments] == [1, 1]
    assert not evidence.exists()
    assert re.search(r"(?m)^  \|  \|--___lookup_.+--[0-9a-f]{16}\.deployment-1$", graph)
    assert "@planted:" in graph and "@deployment_deployment_2:" in graph and "--gateway-7.deployment-2" in graph
    assert played.count(planted) >= 6 and "failed=0" in played
    assert "'planted'" in played or '"planted"' in played
    for text in (listing, graph, played):
        assert first.app_secret not in text and second.app_secret not in text


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    """A deployment with clients whose ids are no names of hosts, or those of others."""
    with Simulator.start() as simulator:
        one = simulator.deployments[0]
        for clientid in ("gateway-1", "all", "modern", "localhost", "aa:bb", "aa;bb", "-o", "x" * 300, "aa_bb"):
            one.add_client(clientid, username="shared", ip_address="192.0.2.1")
        one.add_client("aa_bb--0123456789abcdef", username="user_x", proto_ver=5, ip_address="2001:db8::7")
        one.add_client("deployment_plant_1", username="user_y", ip_address="no address; -o x")
        one.add_client("gone", connected=False)
        yield one


def test_clients_have_safe_names_that_no_other_client_gets(deployment: Deployment, tmp_path: Path) -> None:
    def names(**options: Any) -> list[str]:
        reached = {**connection(deployment), "deployment_name": "plant-1"}
        found = parsed(written(tmp_path, "clients", **reached, groups={"modern": "false"}, **options))
        assert members(found)["deployment_plant_1"] == sorted(found.hosts)
        assert all(re.fullmatch("[A-Za-z0-9_][A-Za-z0-9._-]*", name) for name in found.hosts)
        return sorted(found.hosts)

    found = names()
    assert [name for name in found if "--" not in name] == ["aa_bb", "gateway-1"]
    stems = sorted(name.rpartition("--")[0] for name in found if "--" in name)
    assert stems == [
        "_o", "aa_bb", "aa_bb", "aa_bb--0123456789abcdef", "all", "deployment_plant_1", "localhost", "modern", "x" * 200
    ]  # fmt: skip
    for clientid in ("aa_bb", "gateway-1"):
        deployment.remove_client(clientid)
    assert names() == [name for name in found if name not in ("aa_bb", "gateway-1")], "a name depends on nobody else"
    prefixed = names(hostname_prefix="mqtt-")
    assert {"mqtt-all", "mqtt-localhost", "mqtt-deployment_plant_1"} < set(prefixed)
    named = names(hostname="username")
    assert {"shared", "user_x", "user_y"} < set(named) and len(named) == 9


def test_the_variables_of_clients(deployment: Deployment, tmp_path: Path) -> None:
    reached = {**connection(deployment), "deployment_name": "plant-1", "hostname_prefix": "mqtt-"}
    found = parsed(written(tmp_path, "clients", **reached)).hosts
    told = found["mqtt-gateway-1"].vars
    assert told["ansible_host"] == told["emqx_client_ip_address"] == "192.0.2.1"
    assert told["emqx_client_clientid"] == "gateway-1" and told["emqx_deployment_name"] == "plant-1"
    assert {f"emqx_client_{name}" for name in ("username", "node", "port", "proto_ver", "connected_at")} < set(told)
    # What is no address is none to connect to.
    assert "ansible_host" not in found["mqtt-deployment_plant_1"].vars
    few = parsed(written(tmp_path, "clients", **reached, fields=["proto_ver"])).hosts["mqtt-gateway-1"].vars
    assert {name for name in few if name.startswith("emqx_client_")} == {
        "emqx_client_clientid", "emqx_client_ip_address", "emqx_client_proto_ver",
    }  # fmt: skip


@pytest.mark.parametrize("generation", ["v4", "v5"])
def test_clients_are_filtered_by_the_api(generation: str, tmp_path: Path) -> None:
    with Simulator.start(generation) as simulator:
        (one,) = simulator.deployments
        one.add_client("gateway-1", username="gateway", proto_ver=5)
        one.add_client("gateway-2", username="gateway")
        one.add_client("sensor-1", username="sensor")
        one.add_client("gateway-gone", connected=False)
        cases: list[tuple[dict[str, Any], list[str]]] = [
            ({"like_clientid": "gateway-"}, ["gateway-1", "gateway-2"]),
            ({"username": "gateway", "proto_ver": 5}, ["gateway-1"]),
            ({"clientid": "sensor-1"}, ["sensor-1"]),
            ({"connected_before": "1h"}, []),
            ({"connected_after": "1h", "like_username": "sens"}, ["sensor-1"]),
            ({"node": "elsewhere@127.0.0.1"}, []),
        ]
        for filters, names in cases:
            found = parsed(written(tmp_path, "clients", **connection(one), **filters))
            assert sorted(found.hosts) == names, filters
        assert all("conn_state=connected" in call.query or call.path.endswith("sensor-1") for call in one.requests)


def test_a_host_is_never_taken_for_a_group(deployment: Deployment, tmp_path: Path) -> None:
    """Not even if a device brings about the group: that would give its variables to others."""
    deployment.add_client("user_shared", username="shared")
    path = written(tmp_path, "clients", **connection(deployment), compose={"mine": "emqx_client_clientid"},
                   keyed_groups=[{"key": "emqx_client_username", "prefix": "user"}])  # fmt: skip
    found = parsed(path)
    assert "user_shared" not in found.hosts and "gateway-1" in members(found)["user_shared"]
    assert not [name for name, group in found.groups.items() if group.vars]
    assert not set(found.hosts) & set(found.groups)


def test_hosts_of_another_inventory_stay_what_they_are(deployment: Deployment, tmp_path: Path) -> None:
    """Not even a device that brings about a group of their name takes their place."""
    deployment.add_client("sly", username="1")
    inventory, loader = InventoryData(), DataLoader()
    for name in ("gateway-1", "web_1", "chosen"):
        inventory.add_host(name)
        inventory.set_variable(name, "ansible_host", "10.0.0.1")
    path = written(tmp_path, "clients", **connection(deployment), groups={"chosen": "true"},
                   keyed_groups=[{"key": "emqx_client_username", "prefix": "web"}])  # fmt: skip
    inventory_loader.get("emqx.cloud.clients").parse(inventory, loader, str(path), cache=False)
    for name in ("gateway-1", "web_1", "chosen"):
        assert inventory.hosts[name].vars["ansible_host"] == "10.0.0.1"
    assert any(name.startswith("gateway-1--") for name in inventory.hosts)
    assert members(inventory)["web_1_"] == ["sly"] and "web_1" not in inventory.groups
    assert "sly" in members(inventory)["chosen"]


def test_pages_are_read_one_after_the_other_and_a_failure_leaves_no_host(tmp_path: Path) -> None:
    with Simulator.start() as simulator:
        (one,) = simulator.deployments
        one.add_clients(10001)
        path = written(tmp_path, "clients", **connection(one), retries=0)
        one.faults.add(Fault("status", status=500, nth=2))
        assert "500" in refused(path)
        assert len(parsed(path).hosts) == 10001
        assert [re.findall(r"page=(\d)", call.query) for call in one.requests] == [["1"], ["2"]] * 2


def test_what_can_not_be_right_of_clients_is_one_sentence(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NO_ENVIRONMENT:
        monkeypatch.delenv(f"EMQX_{name}", raising=False)
    whole = connection(deployment)

    def told(**options: Any) -> str:
        return refused(written(tmp_path, "clients", **options))

    assert told() == "api_url, app_id, app_secret not given: give api_url, app_id, app_secret, or deployments."
    assert "ip_address is 'x', which is no address" in told(**whole, ip_address="x")
    assert "connected_after" in told(**whole, connected_after="soon")
    assert told(**whole, fields=["{{ x }}"]).startswith("fields: '{{ x }}' is no name of a field")
    assert told(deployments=[{"name": "a"}]) == "deployments[0] lacks api_url and app_id and app_secret."
    assert "hush" not in told(deployments=[{"name": "a", "password": "hush"}])
    same = [{"name": "a.b", **whole}, {"name": "a_b", **whole}]
    assert told(deployments=same) == "deployments[1]: an earlier deployment has the name a_b as well."
    unknown = told(deployments=[{"name": "a", **whole, "app_id": "{{ no }}"}])
    assert unknown.startswith("deployments[0].app_id can't be evaluated: ")
    wrong = told(**{**whole, "app_secret": "a-wrong-secret"})
    assert "401" in wrong and "a-wrong-secret" not in wrong
    assert "/public_api/" not in told(**{**whole, "api_url": "https://HOST/public_api/v1"})
    one_sentence(told(**{**whole, "api_url": "http://[/api/v5"}))
    for odd in ({}, {"clientid": None}, {"clientid": 5}):
        deployment.faults.add(Fault("body", body={"data": [{**odd, "connected": True}]}, times=1))
        assert told(**whole) == "The API lists a client that has no id."


def test_the_inventory_of_many_clients_takes_little_memory(tmp_path: Path) -> None:
    """What a page takes counts for less the more clients there are: 100,000 took 103 bytes each, measured by hand."""
    from benchmark.inventory import bytes_over

    assert bytes_over(20000, sys.executable, tmp_path) < 500


# Documentation


@pytest.fixture(scope="module")
def documented() -> dict[str, Any]:
    command = ["ansible-doc", "-t", "inventory", "--json", "emqx.cloud.clients", "emqx.cloud.deployments"]
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def test_the_filters_of_clients_are_those_of_the_module(documented: dict[str, Any]) -> None:
    command = ["ansible-doc", "--json", "emqx.cloud.client_info"]
    module = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    said = module["emqx.cloud.client_info"]["doc"]["options"]
    options = documented["emqx.cloud.clients"]["doc"]["options"]
    filters = set(said) - {"fields", "limit", "query", "conn_state"}
    for name in filters:
        assert {key: options[name].get(key) for key in ("description", "type", "default")} == {
            key: said[name].get(key) for key in ("description", "type", "default")
        }, name


def test_every_variable_of_a_deployment_is_documented(
    documented: dict[str, Any], plants: tuple[Simulator, Path]
) -> None:
    found = parsed(written(plants[1], "deployments", **account(plants[0]))).hosts["plant-1"].vars
    text = " ".join(documented["emqx.cloud.deployments"]["doc"]["notes"])
    assert set(re.findall(r"C\((emqx_deployment_\w+)\)", text)) == {
        name for name in found if name.startswith("emqx_deployment_")
    }


@pytest.mark.parametrize("plugin", ["clients", "deployments"])
def test_the_examples_of_inventories_are_read(
    plugin: str, documented: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Simulator.start(count=2, listed=[{"name": "plant-7"}, {"name": "plant-8"}]) as simulator:
        for name, value in {**environment(simulator.deployments[0])}.items():
            monkeypatch.setenv(name, value)
        for name, value in account(simulator).items():
            monkeypatch.setenv(f"EMQX_{name.upper()}", value)
        for number, one in zip((7, 8), simulator.deployments):
            one.add_client("gateway-1", username="edge", proto_ver=5)
            monkeypatch.setenv(f"PLANT_{number}_APP_ID", one.app_id)
            monkeypatch.setenv(f"PLANT_{number}_APP_SECRET", one.app_secret)
        # Examples are one YAML document, so all but the first are in comments.
        first, *others = documented[f"emqx.cloud.{plugin}"]["examples"].split("\n# ---\n")
        for number, example in enumerate([first, *(re.sub("(?m)^# ?", "", other) for other in others)]):
            for plant, one in zip((7, 8), simulator.deployments):
                example = example.replace(f"https://plant-{plant}.example.com:8443/api/v5", one.api_url)
            path = tmp_path / f"{number}.emqx_cloud.yaml"
            path.write_text(example)
            assert parsed(path).hosts, example
    assert others
