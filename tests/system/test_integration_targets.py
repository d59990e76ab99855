# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The integration targets as playbooks: on the simulator, or on the broker that EMQX_API_URL names.

Everything that a run prints, at -vvv, is searched for secrets.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from simulator import Simulator
from system.harness import needs
from system.test_documentation import OF_THE_PLATFORM
from tooling import environments
from tooling.paths import COPY

TARGETS = COPY / "tests" / "integration" / "targets"
NAMES = sorted(path.name for path in TARGETS.iterdir() if path.is_dir() and not path.name.startswith("setup_"))
MARKER = "S3CRETmarker"
"""What every password of the targets holds."""

RESULTS = "results.jsonl"

REAL = os.environ.get("EMQX_API_URL", "")
NEEDED = ("EMQX_APP_ID", "EMQX_APP_SECRET", "EMQX_MQTT")


def _generations() -> list[str]:
    """Both on the simulator; on a real broker the one that it is."""
    if not REAL:
        return ["v4", "v5"]
    return [os.environ.get("EMQX_API_VERSION") or ("v5" if REAL.rstrip("/").endswith("v5") else "v4")]


GENERATIONS = _generations()


class Run(NamedTuple):
    """One target, on one generation, with one ansible-core and one Python for the modules."""

    target: str
    generation: str
    core: str = "main"
    python: str = "main"
    both: bool = False
    """Directly and as modules, to compare what comes of it."""

    def __str__(self) -> str:
        words = [self.target, self.generation, *(word for word in (self.core, self.python) if word != "main")]
        words += ["both"] if self.both else []
        return "-".join(dict.fromkeys(words))


BOTH = {"role_converge": "", "role_export": "", "validate_model": ""}
"""The generation on which a target is run both ways, where it isn't v5; none for what has only one way."""

# What Ansible adds to the result of a module and not to a direct one, or tells in another way.
NOT_COMPARED = {"invocation", "ansible_facts", "warnings", "deprecations"}
# And what is of the run and not of the task.
OF_THE_RUN = {"attempts", "elapsed", "returned"}
VOLATILE = {
    r"(?i)it-[a-z0-9]{8}-": "PREFIX-",
    r"\b[0-9A-F]{32}\b": "MESSAGE",
    r"\b[0-9a-f]{2}(:[0-9a-f]{2}){31}\b": "FINGERPRINT",
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(Z|[+-]\d\d:\d\d)?": "TIME",
    r"(127\.0\.0\.1|localhost):\d+": "ADDRESS",
    r'(\W(?:uptime|port|heap_size|reductions|(?:recv|send)_\w+)\W+)\d+': r"\g<1>0",
}

# What the newest of everything can't tell: some targets on the oldest ansible-core, and on the oldest Python.
OLD = [
    Run("acl", "v4", "core216", "python38"),
    Run("api", "v5", "core216", "python38"),
    Run("connector", "v5", "core216", "core216"),
]
# Starting modules takes most of the time, so each target is run both ways on one generation only; those of the Platform
# API, which has no generation, are run on nothing else.
RUNS = [
    Run(name, generation, both=generation == BOTH.get(name, "v5"))
    for name in NAMES
    for generation in (GENERATIONS[-1:] if name in OF_THE_PLATFORM else GENERATIONS)
]
RUNS += [run for run in OLD if run.target in NAMES and run.generation in GENERATIONS]


# What the platform of the simulator lists beside the deployment.
LISTED: list[dict[str, Any]] = [
    {"name": "lab", "type": "dedicatedFlex", "region": "us-east-1"},
    {"name": "twin", "region": "us-east-1"},
    {"name": "twin", "type": "serverless", "region": "eu-west-1", "status": "stopped"},
]


@contextmanager
def connection(generation: str) -> Iterator[dict[str, str]]:
    """The EMQX_* variables of a broker that runs as long as the context."""
    if REAL:
        missing = [name for name in NEEDED if not os.environ.get(name)]
        if missing:
            pytest.fail(f"EMQX_API_URL is set, and so have to be {', '.join(missing)}")
        yield {}
        return
    with Simulator.start(generation, tls=True) as simulator:
        deployment, platform = simulator.deployments[0], simulator.platform
        for fields in LISTED:
            platform.add_deployment(project="Laboratory", **fields)
        # At once, so that each run sees the same.
        platform.set(certificate_seconds=0, operation_seconds=0)
        yield {
            "EMQX_API_URL": deployment.api_url,
            "EMQX_APP_ID": deployment.app_id,
            "EMQX_APP_SECRET": deployment.app_secret,
            "EMQX_CA_PATH": str(deployment.ca_path),
            "EMQX_MQTT": f"{deployment.mqtt_host}:{deployment.mqtt_port}",
            "EMQX_SIMULATOR": deployment.control_url,
            "EMQX_PLATFORM_URL": platform.platform_url,
            "EMQX_PLATFORM_KEY": platform.platform_key,
            "EMQX_PLATFORM_SECRET": platform.platform_secret,
        }


def secrets_of(variables: dict[str, str]) -> list[str]:
    """What may never be printed: passwords, secrets, and what a Basic header makes of them."""
    found = [MARKER, base64.b64encode(MARKER.encode()).decode().rstrip("=")[:-1]]
    for user, secret in (("EMQX_APP_ID", "EMQX_APP_SECRET"), ("EMQX_PLATFORM_KEY", "EMQX_PLATFORM_SECRET")):
        if variables.get(secret):
            found.append(variables[secret])
            found.append(base64.b64encode(f"{variables[user]}:{variables[secret]}".encode()).decode())
    return found


def play(
    run: Run, folder: Path, variables: dict[str, str], direct: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a target as a playbook; output and errors are one text."""
    settings = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {
            "ansible_python_interpreter": str(environments.python_of(run.python)),
            "mqtt_client_python": sys.executable,
            "emqx_direct_execution": direct,
            "direct": direct,
        },
        "roles": [run.target],
    }
    playbook = folder / "playbook.yml"
    playbook.write_text(json.dumps([settings]))
    program = environments.VENVS / run.core / "bin" / "ansible-playbook"
    return subprocess.run(
        [program, "-vvv", "--inventory", "localhost,", playbook],
        cwd=folder,
        env={
            **environments.variables(run.core, keep_connection=True),
            "ANSIBLE_ROLES_PATH": str(TARGETS),
            "ANSIBLE_REMOTE_TMP": str(folder / "remote"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_INJECT_FACT_VARS": "false",
            "ANSIBLE_CALLBACK_PLUGINS": str(COPY / "tests" / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "recorded_results",
            "RECORDED_RESULTS": str(folder / RESULTS),
            "OUTPUT_DIR": str(folder),
            **variables,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def failure_in(output: str) -> str:
    """The tasks that failed, without what -vvv tells about how they were started and what went well."""
    tasks = re.split(r"(?m)^(?=TASK \[|PLAY RECAP)", output)
    failed = [task for task in tasks if re.search(r"(?m)^(fatal|failed): |^\[?ERROR", task)] or tasks[-2:]
    parts = [part for task in failed for part in re.split(r"(?m)^(?=\S)", task)]
    noise = re.compile(r"<localhost>|Using module file|Pipelining|task path|(ok|changed|skipping|included): |[}\s]*$")
    return "".join(part for part in parts if not noise.match(part)).replace("\\n", "\n")


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_target(run: Run, tmp_path: Path) -> None:
    """The target succeeds and prints no secret."""
    for name in (run.core, run.python):
        needs(name)
    seen = [_results(run, tmp_path / way, way == "direct") for way in ("direct", "module")[: 1 + run.both]]
    for direct, module in zip(*seen) if run.both else ():
        assert direct == module
    assert len({len(results) for results in seen}) == 1


def _results(run: Run, folder: Path, direct: bool) -> list[Any]:
    """Run a target on a broker of its own; return what its tasks returned, without what is of this run."""
    folder.mkdir()
    with connection(run.generation) as variables:
        done = play(run, folder, variables, direct)
    (folder / "output.txt").write_text(done.stdout)
    assert done.returncode == 0, f"{failure_in(done.stdout)}\nAll of it is in {folder / 'output.txt'}"
    for secret in secrets_of({**os.environ, **variables}):
        place = done.stdout.find(secret)
        around = done.stdout[max(0, place - 300) : place] if place >= 0 else ""
        assert place < 0, f"a secret is printed ({folder / 'output.txt'}), after\n{around}"
    text = (folder / RESULTS).read_text(encoding="utf-8")
    for pattern, name in VOLATILE.items():
        text = re.sub(pattern, name, text)
    return [
        [task, module, {key: result[key] for key in set(result) - NOT_COMPARED - OF_THE_RUN}]
        for task, module, result in map(json.loads, text.splitlines())
    ]


def test_every_module_and_every_role_has_a_target() -> None:
    """None is without a target, and no target without one of them."""
    modules = {path.stem for path in COPY.glob("plugins/modules/*.py")} - {"__init__"}
    assert set(NAMES) == modules | {f"role_{path.name}" for path in COPY.glob("roles/*")}
