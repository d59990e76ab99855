# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller that is killed in the middle of a converge of 5,000 items leaves nothing that the next run doesn't mend.

A kill comes right before or right after a request is carried out, or at any moment. Which it is follows from the number
in the test's name.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import random
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from faults.controllers import Controller, Job
from faults.figures import LONG, count
from simulator import Deployment, Fault, Simulator
from simulator.http import Request
from system.harness import done, environment

USERS = [f"user-{number:04}" for number in range(3000)]
SUBJECTS = [f"user-{number:04}" for number in range(1200)]
BANNED = [f"stolen-{number:03}" for number in range(500)]
TOPICS = [f"line/{number:03}/state" for number in range(300)]
PROMOTED = USERS[:40]
"""Users who change."""

RULES = [("own/#", "publish", True), ("#", "subscribe", False)]
WRONG = [("#", "publish", True)]


def prepare(deployment: Deployment) -> None:
    """Let most of what is wanted be there, some that has to change, and some that has to go."""
    deployment.reset()
    deployment.add_users([*USERS[:2700], *(f"gone-{number:02}" for number in range(60))])
    for place, name in enumerate([*SUBJECTS[:1100], *(f"gone-{number:02}" for number in range(30))]):
        deployment.add_rules("username", name, WRONG if place < 40 else RULES)
    deployment.add_bans(BANNED[:30], "an old reason")
    deployment.add_bans(BANNED[30:450], "stolen")
    deployment.add_bans([f"found-{number:02}" for number in range(30)], "stolen")
    if deployment.generation == "v4":
        deployment.load_module("emqx_mod_topic_metrics")
    deployment.count_topics([*TOPICS[:270], *(f"old/{number:02}" for number in range(20))])


def jobs(generation: str, update_password: str = "always") -> list[Job]:
    """The converge: 5,000 items, in some 400 requests where little is as it should be."""
    rules = [
        {"topic": topic, "action": action, "permission": "allow" if allow else "deny"} for topic, action, allow in RULES
    ]
    promoted: dict[str, Any] = {} if generation == "v4" else {"is_superuser": True}
    users = [{"username": name, "password": f"pw-{name}"} for name in USERS]
    changed = [{"username": name, "password": f"new-{name}", **promoted} for name in PROMOTED]
    subjects = [{"username": name, "rules": rules} for name in SUBJECTS]
    bans = [{"clientid": name, "reason": "stolen", "until": "never"} for name in BANNED]
    return [
        ("auth_users", {"users": users, "purge": True, "batch_bytes": 2000}),
        ("auth_users", {"users": changed, "update_password": update_password}),
        ("acls", {"subjects": subjects, "state": "exact", "purge": True, "batch_bytes": 4000}),
        ("banned", {"entries": bans, "purge": True}),
        ("topic_metrics", {"topics": TOPICS, "state": "exact"}),
    ]


class Watch:
    """Looks at every request whether somebody is gone who should be there."""

    def __init__(self, deployment: Deployment) -> None:
        self.absent: set[str] = set()
        self.requests = 0
        self._deployment = deployment
        self._wanted = set(USERS)
        self._known = self._wanted & set(deployment.user_names())
        deployment.on_request(self._look)

    def _look(self, _request: Request) -> None:
        self.requests += 1
        there = set(self._deployment.user_names())
        self.absent |= self._known - there
        self._known |= there & self._wanted


def compare(deployment: Deployment) -> None:
    """Check that there is what is desired, and nothing else."""
    assert sorted(deployment.user_names()) == USERS
    for name in USERS:
        assert deployment.check_password(name, f"new-{name}" if name in PROMOTED else f"pw-{name}")
        assert deployment.is_superuser(name) is (name in PROMOTED and deployment.generation == "v5")
    assert {tuple(deployment.rules("username", name)) for name in SUBJECTS} == {tuple(RULES)}
    assert sorted(deployment.bans()) == [("clientid", name) for name in BANNED]
    assert sorted(deployment.counted_topics()) == TOPICS


def mended(deployment: Deployment, watch: Watch) -> None:
    """Run the converge again and once more, which has nothing to do then."""
    generation = deployment.generation
    for module, options in jobs(generation):
        done(module, deployment, **options)
    deployment.at_once(lambda: compare(deployment))
    again = [done(module, deployment, **options) for module, options in jobs(generation, "on_create")]
    assert [(result["changed"], result["counts"]["unchanged"]) for result in again] == [
        (False, number) for number in (3000, 40, 1200, 500, 300)
    ]
    assert watch.absent == set()


@pytest.fixture(name="deployment", scope="module", params=["v4", "v5"])
def fixture_deployment(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    with Simulator.start(generation=request.param) as simulator:
        yield simulator.deployments[0]


@functools.cache
def length_of(generation: str) -> int:
    """How many requests the converge takes where nothing disturbs it."""
    with Simulator.start(generation=generation) as simulator:
        deployment = simulator.deployments[0]
        deployment.at_once(lambda: prepare(deployment))
        watch = Watch(deployment)
        controller = Controller(deployment, jobs(generation))
        controller.start()
        assert [result.get("msg") for result in controller.results()] == [None] * 5
        length = watch.requests
        mended(deployment, watch)
        return length


def strike(watch: Watch, deployment: Deployment, number: int, kill: Callable[[], None]) -> str:
    """Arrange for a kill at random; return when that will be."""
    length, chance = length_of(deployment.generation), random.Random(number)
    when = ("before", "after", "moment")[number % 3]
    # Whatever the speed of the machine, a moment is over before the requests that are left.
    at, moment = chance.randint(1, length * 3 // 4 if when == "moment" else length), chance.uniform(0, 0.02)

    def look(request: Request) -> None:
        if (when == "after" and watch.requests == at) or request.status == 0:
            kill()
        elif when == "moment" and watch.requests == at:
            threading.Timer(moment, kill).start()

    if when == "before":
        deployment.faults.add(Fault("reset", nth=at))  # it is not carried out
    deployment.on_request(look)
    return f"{moment:.3f} s after request {at}" if when == "moment" else f"{when} request {at}"


@pytest.mark.parametrize("number", range(25 if LONG else 3))
def test_a_controller_that_is_killed(deployment: Deployment, number: int) -> None:
    deployment.at_once(lambda: prepare(deployment))
    watch = Watch(deployment)
    controller = Controller(deployment, jobs(deployment.generation))
    told = strike(watch, deployment, number, controller.kill)
    controller.start()
    assert controller.ended() == -signal.SIGKILL, told
    mended(deployment, watch)
    count("kills")


class Playbook:
    """The same as a playbook of its own."""

    def __init__(self, folder: Path, deployment: Deployment, only_worker: bool) -> None:
        tasks = [{f"emqx.cloud.{module}": options} for module, options in jobs(deployment.generation)]
        self._book = folder / "playbook.yml"
        self._book.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
        self._variables = {**os.environ, **environment(deployment), "ANSIBLE_LOCALHOST_WARNING": "false"}
        self._only_worker = only_worker

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["ansible-playbook", "-i", "localhost,", "-c", "local", str(self._book)], env=self._variables,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def kill(self) -> None:
        """End all of its processes with SIGKILL, or only those that it has forked.

        Each of these is the first of a process group of its own, so to kill the group of the playbook isn't enough.
        """
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text(encoding="utf-8")
        if not self._only_worker:
            self._process.kill()
        for child in children.split():
            os.kill(int(child), signal.SIGKILL)

    def ended(self) -> tuple[int, str]:
        """Wait until it has ended; return its exit code and what it printed."""
        printed, _errors = self._process.communicate(timeout=120)
        return self._process.returncode, printed


@pytest.mark.parametrize(
    ("deployment", "only_worker", "number"),
    [(*way, number) for way in itertools.product(("v4", "v5"), (False, True)) for number in range(6)] if LONG
    else [("v4", True, 0), ("v5", False, 0)],
    indirect=["deployment"],
)
def test_a_playbook_that_is_killed(tmp_path: Path, deployment: Deployment, only_worker: bool, number: int) -> None:
    deployment.at_once(lambda: prepare(deployment))
    watch = Watch(deployment)
    playbook = Playbook(tmp_path, deployment, only_worker)
    told = strike(watch, deployment, number + only_worker, playbook.kill)
    playbook.start()
    code, printed = playbook.ended()
    assert (code > 0 and "Traceback" not in printed) if only_worker else code == -signal.SIGKILL, f"{told}: {printed}"
    mended(deployment, watch)
    count("kills")
