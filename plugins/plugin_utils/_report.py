# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of applying a model: counts and differences by section, from what the modules returned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ._model import SECTIONS, Section

COUNTS = ("created", "updated", "deleted", "unchanged")


def report(sections: Sequence[str], results: Mapping[str, Any], looks: Iterable[Any]) -> dict[str, Any]:
    """Return the fact ``converge_result``.

    :param sections: the names of the sections that the model has.
    :param results: for each section what its tasks returned, loops and tasks that were skipped included.
    :param looks: what the tasks returned that only listed things.
    :returns: ``{changed, requests, sections: [{section, state, created, updated, deleted, unchanged, failed, requests,
        differences: [{action, before, after}]}]}``; ``state`` is ``ok``, ``changed``, ``failed`` or ``not reached``.
    """
    told = [_told(SECTIONS[name], list(_flat(results.get(name) or ()))) for name in sections]
    asked = sum(result.get("requests", 0) for result in _flat(list(looks)))
    return {
        "changed": any(row["state"] == "changed" or row["created"] + row["updated"] + row["deleted"] for row in told),
        "requests": asked + sum(row["requests"] for row in told),
        "sections": told,
    }


def _flat(result: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the results of single tasks; those that never came to be registered are empty."""
    if isinstance(result, Mapping):
        if isinstance(result.get("results"), (list, tuple)) and result["results"]:
            for each in result["results"]:
                yield from _flat(each)
        elif result:
            yield result
    elif isinstance(result, (list, tuple)):
        for each in result:
            yield from _flat(each)


def _told(section: Section, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    counted = [result.get("counts") or {} for result in results]
    counts = {name: sum(each.get(name, 0) for each in counted) for name in COUNTS}
    failed = [result for result in results if result.get("failed") is True]
    state = "not reached" if not results else "failed" if failed else "changed" if any(
        result.get("changed") is True for result in results
    ) else "ok"
    return {
        "section": section.name,
        "state": state,
        **counts,
        "failed": sum((result.get("counts") or {}).get("failed", 0) or 1 for result in failed),
        "requests": sum(result.get("requests", 0) for result in results),
        "differences": [each for result in results for each in differences(section, result.get("diff"))],
    }


def all_new(section: str, items: Sequence[Mapping[str, Any]], diff_mode: bool) -> dict[str, Any]:
    """Return the result of check mode for a section whose database an earlier section would create: all are new."""
    fresh = [item for item in items if section != "acl" or item.get("rules")]
    counts = {**dict.fromkeys(COUNTS, 0), "created": len(fresh), "unchanged": len(items) - len(fresh), "failed": 0}
    result: dict[str, Any] = {"changed": bool(fresh), "counts": counts, "requests": 0}
    if diff_mode:
        shown = [{name: value for name, value in item.items() if name != "password"} for item in fresh[:1000]]
        option = SECTIONS[section].option
        result["diff"] = {"before": {option: []}, "after": {option: shown}}
    return result


def differences(section: Section, diff: Any) -> Iterator[dict[str, Any]]:
    """Yield each difference that a module's diff shows, as ``{action, before, after}``."""
    before, after = ({name_in(section, item): item for item in _items(diff, side)} for side in ("before", "after"))
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        yield {"action": "create" if old is None else "delete" if new is None else "update",
               "before": old, "after": new}  # fmt: skip


def _items(diff: Any, side: str) -> list[Any]:
    """Return the list in one side of a diff, which has one, beside the number of what was left out."""
    held = diff.get(side) if isinstance(diff, Mapping) else None
    return next((list(each) for each in held.values() if isinstance(each, (list, tuple))), []) if isinstance(
        held, Mapping
    ) else []


def name_in(section: Section, item: Any) -> Any:
    """Return what an item of a diff has in common before and after."""
    if not isinstance(item, Mapping):
        return str(item)
    return tuple((key, str(item[key])) for key in section.key if item.get(key) is not None)


def reason(result: Any) -> str:
    """Return why a task failed, in one line: that of the first item that failed, where the task is a loop."""
    if not isinstance(result, Mapping):
        return "It is not known why."
    inner = [each for each in result.get("results") or () if isinstance(each, Mapping) and each.get("failed") is True]
    if inner:
        return reason(inner[0])
    problems = result.get("problems") or ()
    if problems:
        more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        return _line(problems[0]) + more
    return _line(result.get("msg") or result.get("exception") or "It is not known why.")


def _line(text: Any) -> str:
    text = " ".join(text) if isinstance(text, (list, tuple)) else str(text)
    return "".join(sign if sign.isprintable() else " " for sign in next(iter(text.strip().splitlines()), ""))


def lines(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[str]:
    """Return rows as lines of text under a heading, each column as wide as its widest cell, numbers to the right."""
    cells = [[_line(row.get(name, "")) for name in columns] for row in rows]
    right = [bool(cells) and all(line[place] in ("", "-") or line[place].isdigit() for line in cells)
             for place in range(len(columns))]  # fmt: skip
    widths = [max(len(line[place]) for line in [list(columns), *cells]) for place in range(len(columns))]
    return [
        "  ".join(cell.rjust(width) if to_right else cell.ljust(width)
                  for cell, width, to_right in zip(line, widths, right)).rstrip()
        for line in [list(columns), *cells]
    ]  # fmt: skip
