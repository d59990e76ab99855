# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controllers: processes that run modules one after the other, so that one can be killed and several can compete.

They are forked from a process that has Ansible and the modules imported already, which takes milliseconds.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils import _task

from simulator import Deployment
from system.harness import PLUGINS, run

MODULES = ("acl", "acls", "auth_users", "banned", "subscription", "topic_metrics")
Job = tuple[str, dict[str, Any]]
"""A module and its options."""

for _module in MODULES:
    importlib.import_module(f"{PLUGINS}modules.{_module}")


@dataclass(frozen=True)
class Endpoint:
    """What is known of a deployment in another process than the simulator's."""

    api_url: str
    app_id: str
    app_secret: str
    ca_path: None = None


class Controller:
    """A process that runs jobs, once it is started."""

    def __init__(self, deployment: Deployment, jobs: Iterable[Job]) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        endpoint = Endpoint(deployment.api_url, deployment.app_id, deployment.app_secret)
        self._results: Any = context.SimpleQueue()
        self._process = context.Process(target=_work, args=(endpoint, list(jobs), self._results), daemon=True)

    def start(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # where the first one looks for what is preloaded
            self._process.start()

    def kill(self) -> None:
        """End it with SIGKILL, wherever it is."""
        self._process.kill()

    def ended(self) -> int | None:
        """Wait until it has ended; return its exit code, which is negative where a signal ended it."""
        self._process.join(60)
        return self._process.exitcode

    def results(self) -> list[dict[str, Any]]:
        """Wait until it has ended by itself; return the results of its jobs."""
        found = []
        while self._process.is_alive() or not self._results.empty():
            if self._results.empty():
                self._process.join(0.005)
            else:
                found.append(self._results.get())
        assert self._process.exitcode == 0
        return found


def _work(endpoint: Any, jobs: list[Job], results: Any) -> None:
    _task.LOOKS = (0, 0.02, 0.06, 0.12)  # who competes with another one waits for nothing else
    for module, options in jobs:
        results.put(run(module, endpoint, **options))
