# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets every module meet every trouble, and writes what comes of it: `make faults`.

What must hold whatever comes of it is asserted on the way.
"""

from __future__ import annotations

import dataclasses
import importlib
import re
import socket
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from faults.cases import GENERATIONS, Case, case_of, furnish, modules_of
from faults.troubles import TROUBLES, Trouble
from simulator import Deployment, Platform, Request, Simulator
from system import loader
from system.harness import PLUGINS, one_sentence, run

FILE = Path(__file__).parents[2] / "docs" / "faults.md"
FIELDS = {"retries": 1, "retry_wait_max": 0.5}
READING, CHANGING = "reading", "changing"
POSITIONS = (READING, CHANGING)

# Bounds of answers and lists that are soon reached.
PAGES, TIMES, MOST = 20, 2, 4 << 20

OUTCOMES = {
    "done": "The task succeeds, and its result is the right one: the trouble passed, was waited over or is harmless.",
    "fails": "The task fails with one sentence that says why. Nothing was changed, and the result says so.",
    "partly": "The task fails with one sentence. Something was changed: `changed` is true, and `applied` lists it.",
    "unsure": "The task fails, and its sentence says which call may have been carried out: no answer told.",
    "–": "The module makes no such call, or gets no answer that can be so.",
}

TITLES = {
    "connection": "The connection",
    "time": "Time",
    "status": "HTTP statuses",
    "body": "Bodies",
    "members": "Members of the JSON, of the right answer to a call that was carried out",
    "lists": "Lists",
}
HEADINGS = {"v4": "v4", "v5": "v5", "platform": "Platform API"}

# Times, counters and what is counted up.
VOLATILE = re.compile(r".*_at|at|until|via|serial|version|id|rule_counters|counts|counters|alarms")


class World:
    """A deployment or the account, as it begins."""

    def __init__(self, endpoint: Deployment | Platform) -> None:
        self.endpoint = endpoint
        self.caches = False
        self.beginning = endpoint.kept()

    def put_back(self, kept: Any = None) -> None:
        """Make it what it was, with no trouble and no requests so far."""
        self.endpoint.put_back(self.beginning if kept is None else kept)
        self.forget()

    def forget(self) -> None:
        """No trouble, no requests so far, and no limit of the hour reached."""
        self.endpoint.faults.clear()
        self.endpoint.callbacks.clear()
        self.endpoint.forget_requests()
        if isinstance(self.endpoint, Platform):
            self.endpoint.forget_limits()

    def seen(self) -> Any:
        """What it holds, so that it can be compared."""
        return plain(self.endpoint.kept(), self.caches)


def plain(value: Any, caches: bool) -> Any:
    """Return a structure without what changes by itself, and without caches unless they are wanted."""
    if dataclasses.is_dataclass(value):
        value = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    elif hasattr(value, "__dict__") and not callable(value):
        value = vars(value)
    if isinstance(value, Mapping):
        names = [name for name in value if not VOLATILE.fullmatch(str(name)) and (caches or name != "cache")]
        return {str(name): plain(value[name], caches) for name in names}
    if isinstance(value, (list, tuple, set)):
        items = [plain(item, caches) for item in value]
        return sorted(items, key=repr) if isinstance(value, set) else items
    return value if isinstance(value, (str, bytes, int, float, type(None))) else repr(type(value))


@dataclasses.dataclass(frozen=True)
class Clean:
    """What a task does where nothing goes wrong: its result, how the world is afterwards, and its requests."""

    result: Mapping[str, Any]
    goal: Any
    seen: Any
    log: list[Request]

    @classmethod
    def of(cls, world: World, module: str, options: Mapping[str, Any]) -> Clean:
        """Do it."""
        result = run(module, world.endpoint, **options)
        assert not result.get("failed"), (module, result)
        return cls(result, world.endpoint.kept(), world.seen(), world.endpoint.requests)

    def calls(self, position: str) -> int:
        """How many calls of a position there are."""
        return sum((call.method == "GET") is (position == READING) for call in self.log)


class Meeting:
    """A module in a world, which meets troubles."""

    def __init__(self, world: World, generation: str, module: str) -> None:
        self.world, self.module = world, module
        self.case: Case = case_of(module, generation)
        world.caches = self.case.caches
        world.put_back()
        self.clean = Clean.of(world, module, self.case.options)
        again = run(module, world.endpoint, **self.case.options)
        assert not again.get("failed") and again["changed"] is self.case.repeats, (module, again)
        assert world.seen() == self.clean.seen, module
        world.put_back()
        self.look = self.clean if self.case.look is None else Clean.of(world, module, self.case.look)

    def outcomes(self, troubles: Iterable[tuple[Trouble, str]]) -> Iterator[tuple[Trouble, str, str]]:
        """Meet troubles, each in a position; yield the outcome of each."""
        for trouble, position in troubles:
            try:
                with near_bounds():
                    outcome = self.outcome(trouble, position)
            except AssertionError as error:
                raise AssertionError(f"{self.module} met {trouble.name!r} in a {position} call: {error}") from error
            yield trouble, position, outcome

    def outcome(self, trouble: Trouble, position: str) -> str:
        """Meet one trouble in one position, and repair what it left."""
        if trouble.happens in ("appears", "vanishes"):
            return self._crossed(trouble.happens) if position == CHANGING else "–"
        looks = position == READING and self.case.look is not None
        clean, options = (self.look, self.case.look) if looks else (self.clean, self.case.options)
        assert options is not None
        if not clean.calls(position):
            return "–"
        self.world.put_back()
        before, faults = self.world.seen(), trouble.faults(position == CHANGING)
        self.world.endpoint.faults.add(*faults)
        given = {**FIELDS, **trouble.options, **options}
        if trouble.happens == "refused":
            name = "platform_url" if isinstance(self.world.endpoint, Platform) else "api_url"
            given[name] = re.sub(r":\d+", f":{closed_port()}", getattr(self.world.endpoint, name))
        result = run(self.module, self.world.endpoint, **given)
        changed = self.world.seen() != before
        assert trouble.happens == "refused" or result["requests"] == len(self.world.endpoint.requests), result
        outcome = self._judged(result, clean, changed)
        self._check_log(clean)
        if not trouble.happens and not any(fault.struck > 0 for fault in faults):
            assert outcome == "done", result
            outcome = "–"
        self._repair(options if looks else self.case.options)
        return outcome

    def _judged(self, result: Mapping[str, Any], clean: Clean, changed: bool) -> str:
        """The outcome of a task, if all that it says is right."""
        if not result.get("failed"):
            assert shape(result) == shape(clean.result), (result, clean.result)
            assert self.world.seen() == clean.seen, result
            return "done"
        message = one_sentence(result["msg"])
        if "may have been carried out" in message:
            assert changed or not result["changed"], result
            return "unsure"
        assert result["changed"] is changed, (result, changed)
        return "partly" if changed else "fails"

    def _check_log(self, clean: Clean) -> None:
        """Nothing without end, and nothing twice that is not the same when it is done twice."""
        log = self.world.endpoint.requests
        assert len(log) <= 2 * len(clean.log) + 2 * PAGES, log
        sent = Counter((call.path, call.query, call.size) for call in log if call.method in ("POST", "PATCH"))
        usual = Counter((call.path, call.query, call.size) for call in clean.log)
        refused = Counter(
            (call.path, call.query, call.size) for call in log if call.status in (429, 503)
        )
        twice = [call for call, times in sent.items() if times - refused[call] > max(usual[call], 1)]
        assert not twice, log

    def _repair(self, options: Mapping[str, Any]) -> None:
        """Without trouble, the next task ends as it should, and the one after that has nothing to do."""
        self.world.forget()
        goal = self.look.seen if options is self.case.look else self.clean.seen
        result = run(self.module, self.world.endpoint, **options)
        assert not result.get("failed"), f"the next task fails: {result}"
        assert self.world.seen() == goal, "the next task doesn't repair it"
        if not self.case.repeats:
            self.world.forget()
            result = run(self.module, self.world.endpoint, **options)
            assert not result.get("failed") and result["changed"] is False, f"the task after the next: {result}"
            assert self.world.seen() == goal

    def _crossed(self, happens: str) -> str:
        """Between the look and the change, somebody else does the same or undoes what is there."""
        options = self.case.options if happens == "appears" else self.case.undo
        beginning, other = self.world.beginning, self.clean.goal
        if happens == "vanishes":
            beginning, other = other, beginning
        if options is None or not self.clean.calls(READING) or not self.clean.calls(CHANGING):
            return "–"
        self.world.put_back(beginning)
        clean = Clean.of(self.world, self.module, options)
        methods = [call.method for call in clean.log]
        looks = next(place for place, method in enumerate(methods) if method != "GET")
        self.world.put_back(beginning)
        calls: list[Request] = []

        def cross(call: Request) -> None:
            calls.append(call)
            if len(calls) == looks:
                self.world.endpoint.put_back(other)

        listen = self.world.endpoint.callbacks
        listen.append(cross)
        result = run(self.module, self.world.endpoint, **FIELDS, **options)
        listen.clear()
        outcome = "done"
        if result.get("failed"):
            one_sentence(result["msg"])
            outcome = "partly" if result["changed"] else "fails"
        assert len(calls) >= looks, "nobody has crossed"
        self._check_log(clean)
        self.world.forget()
        result = run(self.module, self.world.endpoint, **options)
        assert not result.get("failed"), f"the next task fails: {result}"
        assert self.world.seen() == clean.seen, "the next task doesn't repair it"
        return outcome


def shape(result: Mapping[str, Any]) -> Any:
    """What a result says that doesn't change by itself: `changed`, its counts, and how long its lists are."""
    lists = {name: len(value) for name, value in result.items() if isinstance(value, list) and name != "json"}
    return result["changed"], result.get("count"), result.get("counts"), lists


def closed_port() -> int:
    """A port of the loopback address on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def worlds() -> Iterator[dict[str, World]]:
    """A world of each generation and one of the account."""
    with Simulator.start(generation="v4") as v4, Simulator.start(generation="v5") as v5:
        for simulator in (v4, v5):
            furnish(simulator)
        found = {"v4": v4.deployments[0], "v5": v5.deployments[0], "platform": v5.platform}
        yield {name: World(endpoint) for name, endpoint in found.items()}


@contextmanager
def near_bounds() -> Iterator[None]:
    """Set the bounds of answers and lists so that they are soon reached."""
    http, api = (importlib.import_module(f"{PLUGINS}module_utils.{name}") for name in ("_http", "_resources._api"))
    with mock.patch.multiple(http, TIMES=TIMES, MOST=MOST), mock.patch.object(api, "PAGES", PAGES):
        yield


Cells = dict[tuple[str, str, str], dict[str, str]]
"""By generation, module and name of the trouble: the outcome by position."""


def render(cells: Cells) -> str:
    """The text of docs/faults.md."""
    lines = [
        "# What can go wrong, and what comes of it",
        "",
        "Every module met every trouble of these tables in a test that `make test-long` repeats; a page that says",
        "something else than what happens fails it. The trouble strikes all reading calls (GET) of a task, or all",
        "changing ones; two outcomes stand in that order, and one where they are the same.",
        "",
        "| outcome | meaning |",
        "| --- | --- |",
        *(f"| {outcome} | {meaning} |" for outcome, meaning in OUTCOMES.items()),
        "",
        "Whatever the outcome: there is no traceback, no call that may not be done twice is repeated unless it can't",
        "have been carried out, and no task goes on for ever. The same task without the trouble then ends in the",
        "desired state, and once more changes nothing.",
    ]
    for group in dict.fromkeys(trouble.group for trouble in TROUBLES):
        troubles = [trouble for trouble in TROUBLES if trouble.group == group]
        lines += ["", f"## {TITLES[group]}", "", "| trouble | meaning |", "| --- | --- |"]
        lines += [f"| {trouble.name} | {trouble.meaning} |" for trouble in troubles]
        for generation in GENERATIONS:
            names = [trouble.name for trouble in troubles]
            lines += ["", f"### {HEADINGS[generation]}: {group}", "", f"| module | {' | '.join(names)} |"]
            lines += ["| --- " * (len(names) + 1) + "|"]
            for module in modules_of(generation):
                row = [_cell(cells[generation, module, name]) for name in names]
                lines.append(f"| `{module}` | {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def _cell(outcomes: Mapping[str, str]) -> str:
    """What a cell says of the two positions."""
    return " / ".join(dict.fromkeys(outcomes[position] for position in POSITIONS))


def met(outcomes: Mapping[str, str]) -> bool:
    """Whether a trouble was met in any position."""
    return set(outcomes.values()) != {"–"}


def read(text: str) -> Cells:
    """The cells of docs/faults.md."""
    cells: Cells = {}
    generation, names = "", []
    for line in text.splitlines():
        words = line.strip("| ").split(" | ")
        if line.startswith("### "):
            generation = next(name for name, heading in HEADINGS.items() if line.startswith(f"### {heading}: "))
        elif words[0] == "module":
            names = words[1:]
        elif generation and words[0].startswith("`"):
            for name, cell in zip(names, words[1:]):
                first, *second = cell.split(" / ")
                outcomes = dict(zip(POSITIONS, [first, *(second or [first])]))
                cells[generation, words[0].strip("`"), name] = outcomes
    return cells


def main() -> None:
    """Let everything happen, and write the file that the command line names."""
    cells: Cells = {}
    everything = [(trouble, position) for trouble in TROUBLES for position in POSITIONS]
    with worlds() as found:
        for generation in GENERATIONS:
            for module in modules_of(generation):
                meeting = Meeting(found[generation], generation, module)
                for trouble, position, outcome in meeting.outcomes(everything):
                    cells.setdefault((generation, module, trouble.name), {})[position] = outcome
    Path(sys.argv[1]).write_text(render(cells), encoding="utf-8")


if __name__ == "__main__":
    loader.load()
    main()
