# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What memory the inventory of clients takes, over what Ansible takes for the same hosts and variables.

`python3 -m tooling run python tests/benchmark/inventory.py 100000 [PYTHON]` prints it. Both are the largest size of a
process of its own, in which the same is imported.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

GROUP = "deployment_plant"


def bytes_over(clients: int, python: str, folder: Path) -> float:
    """Return how many bytes more the plugin takes for each client.

    :param python: the interpreter, of any ansible-core.
    :param folder: where the inventory file comes to stand.
    """
    from simulator import Simulator

    source = folder / "clients.emqx_cloud.yml"
    with Simulator.start() as simulator:
        deployment = simulator.deployments[0]
        deployment.add_clients(clients)
        source.write_text(
            f"plugin: emqx.cloud.clients\ndeployment_name: plant\napi_url: {deployment.api_url}\n"
            f"app_id: {deployment.app_id}\napp_secret: {deployment.app_secret}\n",
            encoding="utf-8",
        )
        plugin = _peak(python, "plugin", str(source), clients)
    return (plugin - _peak(python, "bare", str(source), clients)) / clients


def _peak(python: str, how: str, source: str, clients: int) -> int:
    command = [python, __file__, how, source, str(clients)]
    return int(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()[-1])


def _measured(how: str, source: str, clients: int) -> int:
    """Make an inventory in this process; return the most bytes that it has taken."""
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader, inventory_loader

    init_plugin_loader()
    loader = DataLoader()
    inventory = InventoryManager(loader, parse=False)._inventory
    plugin = inventory_loader.get("emqx.cloud.clients")
    if how == "plugin":
        plugin.parse(inventory, loader, source, cache=False)
    else:
        _fill(inventory, clients)
    inventory.reconcile_inventory()
    if len(inventory.hosts) != clients:
        raise SystemExit(f"{len(inventory.hosts)} hosts instead of {clients}")
    # Not ru_maxrss, which is at least what the process had that started this one.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def _fill(inventory, clients: int) -> None:  # type: ignore[no-untyped-def]
    """Add hosts with the variables that the plugin would set; what they have in common is in memory once."""
    from ansible_collections.emqx.cloud.plugins.plugin_utils._unsafe import no_template

    inventory.add_group(GROUP)
    names = ("ip_address", "node", "proto_name", "connected_at")
    shared = {f"emqx_client_{name}": no_template(text) for name, text in zip(names, (
        "127.0.0.1", "emqx@127.0.0.1", "MQTT", "2026-01-02T03:04:05.678Z"
    ))}  # fmt: skip
    shared.update(emqx_client_port=50000, emqx_client_proto_ver=4, emqx_client_keepalive=60, emqx_client_username=None)
    shared.update(emqx_deployment_name=no_template("plant"), ansible_host=shared["emqx_client_ip_address"])
    for number in range(1, clients + 1):
        name = f"client-{number:06}"
        inventory.add_host(name, GROUP)
        inventory.set_variable(name, "emqx_client_clientid", no_template("".join(name)))
        for variable, value in shared.items():
            inventory.set_variable(name, variable, value)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(_measured(sys.argv[1], sys.argv[2], int(sys.argv[3])))
    else:
        sys.path.insert(0, str(Path(__file__).parents[1]))
        count, python = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else sys.executable
        with tempfile.TemporaryDirectory() as where:
            more = bytes_over(count, python, Path(where))
        print(f"{count} clients: the plugin takes {more:.0f} bytes each more than Ansible does for their hosts")
