# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""In what deployments differ from their models: a report out of what the role ``converge`` found in check mode."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ._model import SECTIONS

STATUSES = ("clean", "drift", "error")
"""What a deployment can be, the worse the later."""

ABSENT = "missing on the deployment"
EXTRA = "not in the model"
LONGEST = 200
"""How many characters of a value a line shows."""


def report(names: Iterable[str], variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return what came of comparing deployments.

    :param names: the deployments, which are hosts.
    :param variables: the variables of each: ``converge_result``, and ``drift_reason`` where something failed.
    :returns: ``{status, deployments: [{name, status, reason, differences: [{section, name, action, before, after}],
        left_out}]}``; the worst status counts. ``reason`` is None where nothing failed. ``left_out`` is how many
        differences the modules counted and didn't list.
    """
    deployments = [_deployment(name, variables[name]) for name in sorted(names)]
    worst = max((STATUSES.index(each["status"]) for each in deployments), default=0)
    return {"status": STATUSES[worst], "deployments": deployments}


def _deployment(name: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    result, reason = variables.get("converge_result"), variables.get("drift_reason")
    sections = (result or {}).get("sections", ())
    if reason is None and not sections:
        reason = "It was not compared." if result is None else "It has no model, so that nothing was compared."
    differences: list[dict[str, Any]] = []
    counted = 0
    for told in sections:
        counted += sum(told[count] for count in ("created", "updated", "deleted"))
        differences += [
            {"section": told["section"], "name": _called(told["section"], each["before"] or each["after"]), **each}
            for each in told["differences"]
        ]
    differences = list({json.dumps(each, sort_keys=True): each for each in differences}.values())
    status = "error" if reason is not None else "drift" if differences or counted else "clean"
    left_out = max(counted - len(differences), 0)
    return {"name": name, "status": status, "reason": reason, "differences": differences, "left_out": left_out}


def _called(section: str, item: Any) -> str:
    """Return what a thing is called in the report; empty for the settings, of which there are no two."""
    if not isinstance(item, Mapping):
        return str(item)
    if item.get("everyone") is True:
        return "everyone"
    given = [key for key in SECTIONS[section].key if item.get(key) is not None]
    name = ":".join(str(item[key]) for key in given)
    # Of several kinds of names the kind is told, too.
    return f"{given[0]} {name}" if section in ("users", "acl", "bans") else name


def lines(report: Mapping[str, Any]) -> list[str]:
    """Return a report as lines of text, each difference once."""
    shown = [f"status: {report['status']}"]
    for deployment in report["deployments"]:
        shown.append(f"{_line(deployment['name'])}: {deployment['status']}")
        if deployment["reason"] is not None:
            shown.append(f"  {_line(deployment['reason'])}")
        for each in deployment["differences"]:
            what = f"{each['section']} {_line(each['name'])}".rstrip()
            if each["action"] == "update":
                shown.append(f"  {what} differs:")
                shown += [f"    {change}" for change in changes(each["before"], each["after"])]
            else:
                shown.append(f"  {what}: {ABSENT if each['action'] == 'create' else EXTRA}")
        if deployment["left_out"]:
            shown.append(f"  and {deployment['left_out']} more")
    return shown


def changes(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Yield what differs between what is and what the model says, a line for each place."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            if before.get(name) != after.get(name):
                yield from changes(before.get(name), after.get(name), f"{path}.{name}" if path else str(name))
    elif isinstance(before, (list, tuple)) and isinstance(after, (list, tuple)):
        gone, come = ([item for item in one if item not in other] for one, other in ((before, after), (after, before)))
        yield from (f"{_line(path)}: {EXTRA}: {_shown(item)}" for item in gone)
        yield from (f"{_line(path)}: {ABSENT}: {_shown(item)}" for item in come)
        if not gone and not come:
            yield f"{_line(path)}: is in another order"
    else:
        yield f"{_line(path)} is {_shown(before)}, and {_shown(after)} in the model"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return _line(text if len(text) <= LONGEST else text[:LONGEST] + "…")


def _line(text: str) -> str:
    """Return a text of a device's as it may stand in a line of a terminal."""
    return "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in text)
