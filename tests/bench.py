# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark: measures everything in one run, side by side, and writes the figures.

Against the simulator, in a process of its own; or against a real v5 broker where EMQX_API_URL, EMQX_APP_ID and
EMQX_APP_SECRET are set: there it creates and deletes users and access rules that begin with `bench-`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests

from benchmark import report
from benchmark.measure import Case, Cost, measure, median
from benchmark.report import Row
from benchmark.scenarios import PREFIX, Scenarios
from tooling.simulators import started

FORKS = 20
DEVICES = 2000
"""Of each deployment, where they are many."""

CLEAR = [
    {"emqx.cloud.auth_user_info": {"like": PREFIX}, "register": "found"},
    {"emqx.cloud.auth_users": {"users": "{{ found.users }}", "state": "absent"}},
    {"emqx.cloud.acl_info": {"like": PREFIX, "kind": ["username"]}, "register": "found"},
    {"emqx.cloud.acls": {"subjects": "{{ found.acls }}", "state": "absent"}},
]


class Bench:
    """Runs cases in turns, so that what disturbs the machine disturbs all that is compared."""

    def __init__(self, folder: Path, runs: int, variables: Mapping[str, str], simulator: int | None) -> None:
        self.folder = folder
        self.runs = runs
        self.variables = variables
        self.simulator = simulator
        self.rows: list[Row] = []

    def costs(self, cases: Mapping[str, Case]) -> dict[str, list[Cost]]:
        """Every case so many times, in turns."""
        found: dict[str, list[Cost]] = {name: [] for name in cases}
        for turn in range(self.runs):
            for name, case in cases.items():
                found[name].append(measure(case, self.variables, self.folder, self.simulator))
                print(f"   {case.name}, {turn + 1} of {self.runs}: {found[name][-1].seconds:.2f} s", flush=True)
        return found

    def add(
        self, what: str, costs: list[Cost], beside: str = "", others: list[Cost] | None = None, target: float = 0
    ) -> None:
        """Add a line: the median of the times, and the median of the ratios of each turn."""
        cost, ratio = median(costs), 0.0
        if others:
            ratio = statistics.median(one.seconds / other.seconds for one, other in zip(costs, others))
        self.rows.append(Row(
            what, cost.seconds, beside, median(others).seconds if others else 0, ratio, target, cost.megabytes,
            cost.simulator,
        ))

    def loop(self, scenarios: Scenarios, items: int) -> None:
        costs = self.costs({"empty": scenarios.empty, **scenarios.loop(items)})
        empty = costs.pop("empty")
        net = {
            name: [
                Cost((cost.seconds - none.seconds) / items, cost.simulator / items, cost.megabytes)
                for cost, none in zip(found, empty)
            ]
            for name, found in costs.items()
        }
        self.add("an empty playbook", empty)
        self.add("one user in a loop, an item", net["direct"], "ansible.builtin.uri", net["uri"], 1 / 12)
        self.add("one user in a loop, an item", net["direct"], "as a module", net["module"], 1 / 10)

    def bulk(self, scenarios: Scenarios, kind: str, count: int, target: float) -> None:
        costs = self.costs({"empty": scenarios.empty, **scenarios.bulk(kind, count)})
        for run in ("first", "unchanged"):
            least = [
                Cost(none.seconds + cost.seconds, cost.simulator, max(none.megabytes, cost.megabytes))
                for none, cost in zip(costs["empty"], costs[f"bare {run}"])
            ]
            what = f"{count:,} {'users' if kind == 'users' else 'ACL subjects'}, {run} run"
            self.add(what, costs[run], "bare script + empty playbook", least, target)
            self.add(f"  bare script of {what}", costs[f"bare {run}"])

    def other_ways(self, scenarios: Scenarios, count: int) -> None:
        scenarios.clear()
        cases = {**scenarios.bulk("users", count), **scenarios.other_ways(count)}
        costs = self.costs({name: cases[name] for name in ("first", "unchanged", "variable", "module")})
        for name, words in (("variable", "from a variable"), ("module", "as a module")):
            self.add(f"{count:,} users {words}, unchanged", costs[name], "from a file, directly", costs["unchanged"])

    def fleet(self, scenarios: Scenarios, deployments: list[Mapping[str, Any]]) -> None:
        costs = self.costs(scenarios.fleet(deployments, FORKS, DEVICES))
        debug = costs.pop("debug")
        for name, found in costs.items():
            what = f"{len(deployments)} deployments, {name}"
            self.add(what, found, "ansible.builtin.debug", debug, 2.5 if name.startswith("one user") else 0)


def clearing(deployments: list[dict[str, Any]], folder: Path, variables: Mapping[str, str]) -> Callable[[], None]:
    """Return what makes every deployment as it was: the simulator's at once, a real one by deleting what is ours."""
    def reset() -> None:
        for one in deployments:
            requests.post(one["control_url"] + "/reset", timeout=60).raise_for_status()

    def delete() -> None:
        subprocess.run(["ansible-playbook", "-i", "localhost,", str(playbook)], env=variables, check=True)

    if "control_url" in deployments[0]:
        return reset
    playbook = folder / "clear.yml"
    playbook.write_text(json.dumps([
        {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": CLEAR}
    ]))
    return delete


def main() -> int:
    """Measure; return 0 if every target is met."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="how often each is measured; the median counts")
    parser.add_argument("--items", type=int, default=200, help="of the loop")
    parser.add_argument("--users", type=int, nargs="+", default=[10_000, 100_000], help="how many a task has")
    parser.add_argument("--subjects", type=int, default=10_000, help="how many a task gives access rules")
    parser.add_argument("--deployments", type=int, default=500, help="of the fleet")
    parser.add_argument("--only", nargs="*", default=["loop", "bulk", "ways", "fleet"], metavar="PART")
    parser.add_argument("--output", type=Path, help="the folder for benchmark.json and benchmark.svg")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="emqx-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        process = None
        if os.environ.get("EMQX_API_URL"):
            names = ("api_url", "app_id", "app_secret")
            one = {name: os.environ[f"EMQX_{name.upper()}"] for name in names}
            deployments, broker = [one] * options.deployments, "a real broker"
        else:
            words, ready = ("--deployments", str(options.deployments)), folder / "ready.json"
            simulator = started(Path(sys.executable), Path(__file__).parent, ready, os.environ, *words)
            facts, process = stack.enter_context(simulator)
            deployments, broker = facts["deployments"], "the simulator"
        first = deployments[0]
        connection = {f"EMQX_{name.upper()}": first[name] for name in ("api_url", "app_id", "app_secret")}
        variables = {**os.environ, **connection, "ANSIBLE_LOCALHOST_WARNING": "false"}
        bench = Bench(folder, options.runs, variables, process)
        scenarios = Scenarios(folder, clearing([first], folder, variables))
        if "bulk" in options.only:
            for count in options.users:
                bench.bulk(scenarios, "users", count, 1.25 if count <= 10_000 else 1.5)
            bench.bulk(scenarios, "acl", options.subjects, 0)
        if "ways" in options.only:
            for count in (size for size in (100, 1000, 10_000) if size <= max(options.users)):
                bench.other_ways(scenarios, count)
        if "fleet" in options.only:
            fleet = Scenarios(folder, clearing(deployments, folder, variables))
            bench.fleet(fleet, deployments)
        if "loop" in options.only:
            bench.loop(scenarios, options.items)
    core = importlib.metadata.version("ansible-core")
    machine = f"{os.cpu_count()} cores, ansible-core {core}, Python {platform.python_version()}, {broker}"
    about = {"machine": machine, "runs": options.runs, "date": time.strftime("%Y-%m-%d")}
    print(f"\n{machine}; the median of {options.runs} runs\n\n{report.table(bench.rows)}")
    if options.output:
        report.write(options.output, about, bench.rows)
    return int(not all(row.met for row in bench.rows))


if __name__ == "__main__":
    sys.exit(main())
