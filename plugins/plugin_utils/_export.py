# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read from a deployment, as the variable file that the role ``converge`` takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..module_utils._errors import InputError
from ..module_utils._resources import (
    acl,
    authentication,
    authorization,
    bans,
    integrations,
    messages,
    rules,
    topic_metrics,
    users,
    v4_resources,
)
from ._model import SECRETS as WITH_SECRETS
from ._model import SECTIONS as MODEL
from ._yaml import Flow, Template, dumped

Row = Mapping[str, Any]

SECRETS = Template("{{ vault_converge_secrets | default({}) }}")
HEADER = """\
# A deployment of EMQX Cloud, as the role emqx.cloud.export found it and the role emqx.cloud.converge takes it.
# Passwords of users can't be read: users that exist need none, and new ones get theirs from vault_converge_secrets.
"""
TEMPORARY = "# Bans that end are not in this file.\n"


@dataclass(frozen=True)
class Section:
    """How a section is written.

    :ivar takes: is given the row as options and the generation, and refuses what its module would refuse.
    :ivar row: makes an item of the file of what was read.
    :ivar key: by which items are sorted; None keeps their order.
    """

    takes: Callable[[dict[str, Any], str], Any]
    row: Callable[[Row], Any]
    key: Callable[[Row], Any] | None = None


# What modules would refuse


def _user(options: dict[str, Any], generation: str) -> None:
    for kind in users.KINDS:
        if options.get(kind) is not None and not isinstance(options[kind], str):
            raise InputError(f"{kind} is no text.")
    users.user_from(options)


def _subject(options: dict[str, Any], generation: str) -> None:
    acl.policy_from(options, "", "exact", "rear", generation)


def _ban(options: dict[str, Any], generation: str) -> None:
    empty = dict.fromkeys((*bans.KINDS, "reason", "by", "until"))
    bans.bans_from({**empty, **options, "entries": None}, generation)


def _rule(options: dict[str, Any], generation: str) -> None:
    rules.rule_from({"description": None, **options}, generation)


def _topic(topic: Any, generation: str) -> None:
    topic_metrics.topics_from([topic])


def _retained(options: dict[str, Any], generation: str) -> None:
    if "payload" not in options:
        raise InputError("its payload was not read, since it is too large or the topic can't be addressed.")
    messages.retained_from({"payload_encoding": "plain", **options, "state": "present"})


def _configured(from_options: Callable[[dict[str, Any]], Any], *names: str) -> Callable[[dict[str, Any], str], Any]:
    """Return the check of something with a configuration; ``names`` are options that a row may lack."""
    empty = dict.fromkeys((*names, "secret_config", "update_secrets", "position"))
    return lambda options, generation: from_options({**empty, **options})


def _settings(options: dict[str, Any], generation: str) -> None:
    authorization.settings_from(options)


# What is written


def _picked(*names: str, flow: bool = False, **defaults: Any) -> Callable[[Row], Any]:
    """Return what picks fields in this order, without those that a row lacks or that are a default."""

    def pick(row: Row) -> dict[str, Any]:
        found = {name: row[name] for name in names if row.get(name) is not None}
        kept = {name: value for name, value in found.items() if name not in defaults or value != defaults[name]}
        return Flow(kept) if flow else sorted_deeply(kept, keep=1)

    return pick


_rule_of_acl = _picked("topic", "action", "permission", "qos", "retain", flow=True, qos=[0, 1, 2], retain="all")


def _subject_row(row: Row) -> dict[str, Any]:
    who = {kind: row[kind] for kind in ("username", "clientid", "everyone") if row.get(kind) is not None}
    return {**who, "rules": [_rule_of_acl(rule) for rule in row["rules"]]}


def sorted_deeply(tree: Any, keep: int = 0) -> Any:
    """Return a tree with the keys of its dictionaries sorted, but for the upper ``keep`` levels."""
    if isinstance(tree, Mapping):
        items = tree.items() if keep else sorted(tree.items(), key=_function_first)
        return {name: sorted_deeply(value, max(keep - 1, 0)) for name, value in items}
    return [sorted_deeply(item) for item in tree] if isinstance(tree, list) else tree


def _function_first(item: tuple[Any, Any]) -> tuple[bool, str]:
    return item[0] != "function", str(item[0])


def _names(*names: str) -> Callable[[Row], Any]:
    """Return what tells by which of the names a row is known, and how it is called."""
    return lambda row: [(place, str(row[name])) for place, name in enumerate(names) if row.get(name) is not None]


_INTEGRATION = ("type", "name", "connector", "enabled", "config")

SECTIONS = {
    "authenticators": Section(
        _configured(authentication.authenticator_from, "backend"), _picked("mechanism", "backend", "enabled", "config")
    ),
    "authorization_sources": Section(
        _configured(authorization.source_from), _picked("type", "enabled", "config")
    ),
    "authorization_settings": Section(_settings, _picked("no_match", "deny_action", "cache")),
    "users": Section(_user, _picked(*users.KINDS, "is_superuser", flow=True), _names(*users.KINDS)),
    "acl": Section(_subject, _subject_row, _names("username", "clientid", "everyone")),
    "bans": Section(_ban, _picked(*bans.KINDS, "reason", "by", "until", flow=True), _names(*bans.KINDS)),
    "connectors": Section(_configured(integrations.integration_from), _picked(*_INTEGRATION), _names("type", "name")),
    "resources": Section(
        _configured(v4_resources.resource_from), _picked("name", "type", "description", "config"), _names("name")
    ),
    "actions": Section(_configured(integrations.integration_from), _picked(*_INTEGRATION), _names("type", "name")),
    "sources": Section(_configured(integrations.integration_from), _picked(*_INTEGRATION), _names("type", "name")),
    "rules": Section(_rule, _picked("id", "description", "enabled", "sql", "actions"), _names("id")),
    "topic_metrics": Section(_topic, lambda topic: topic, str),
    "retained_messages": Section(
        _retained, _picked("topic", "qos", "payload", "payload_encoding", payload_encoding="plain"), _names("topic")
    ),
}
"""The sections in the order in which they are applied."""

LISTS = {
    "users": "users", "acl": "acls", "bans": "banned", "rules": "rules", "topic_metrics": "topics",
    "retained_messages": "messages",
}
"""What the results of the modules that read them call their rows."""

OF_THE_BROKER = "$SYS/"
"""What the broker retains by itself has topics that begin with this."""

CONFIG = "config"
"""The result of ``config_info``, which has the other sections."""


@dataclass
class _File:
    """What a file is made of.

    :ivar variables: the model.
    :ivar secrets: for each section with secrets, the places by the names of items.
    :ivar left_out: sentences, without a full stop, about what could not be exported.
    """

    variables: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def text_of(
    results: Mapping[str, Any], generation: str, sections: Sequence[str] = (), temporary_bans: bool = False
) -> str:
    """Return the variable file of a deployment, the same text for the same deployment.

    :param results: what info modules returned, by the names of the sections, and as ``config`` what ``config_info``
        returned. Those of tasks that were skipped don't count; a failed one becomes a comment.
    :param generation: ``v4`` or ``v5``.
    :param sections: what is written; everything if it is empty.
    :param temporary_bans: bans that end are written as well.
    :raises ValueError: there is no such section.
    """
    unknown = [name for name in (*results, *sections) if name not in (*SECTIONS, CONFIG)]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no section of a model: there are {', '.join(SECTIONS)}.")
    file = _File({"converge_secrets": SECRETS})
    found = _found(results)
    for name in SECTIONS:
        if name not in found or (sections and name not in sections):
            continue
        if isinstance(found[name], str):
            file.left_out.append(f"{name}: {found[name].rstrip('.')}")
        else:
            _add(file, name, found[name], generation, temporary_bans)
    parts = [dumped({variable: value}) for variable, value in file.variables.items()]
    permanent_only = "converge_bans" in file.variables and not temporary_bans
    return "---\n" + "".join(_comments(file, permanent_only)) + "\n".join(parts)


def _found(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tasks have read, by section: the rows, or a text that says why there are none."""
    found: dict[str, Any] = {}
    for name, result in results.items():
        if result.get("skipped") is True:
            continue
        if name == CONFIG:
            found.update({**result.get("left_out", {}), **{part: result[part] for part in SECTIONS if part in result}})
        else:
            found[name] = result[LISTS[name]] if LISTS[name] in result else str(result["msg"])
    return found


def _add(file: _File, name: str, rows: Any, generation: str, temporary_bans: bool) -> None:
    section = SECTIONS[name]
    if isinstance(rows, Mapping):
        file.variables[f"converge_{name}"] = section.row(rows)
        return
    if name == "bans" and not temporary_bans:
        rows = [row for row in rows if row.get("until") == bans.NEVER]
    if name == "retained_messages":
        rows = [row for row in rows if not row["topic"].startswith(OF_THE_BROKER)]
    ordered = sorted(rows, key=section.key) if section.key else rows
    kept = file.variables[f"converge_{name}"] = []
    for row in ordered:
        item = section.row(row)
        problem = _problem(section, item, generation)
        if problem:
            file.left_out.append(f"{name}: {_called(row)}: {problem}")
            continue
        kept.append(item)
        if name in WITH_SECRETS and row.get("secrets"):
            file.secrets.setdefault(name, {})[MODEL[name].name_of(item)] = _tree(row["secrets"])


def _problem(section: Section, item: Any, generation: str) -> str:
    """Return why an item can't be taken back, or an empty text."""
    try:
        json.dumps(item, ensure_ascii=False).encode("utf-8")
        section.takes(dict(item) if isinstance(item, Mapping) else item, generation)
    except UnicodeEncodeError:
        return "it holds what is no valid Unicode text"
    except InputError as error:
        return str(error).rstrip(".")
    return ""


def _called(row: Any) -> str:
    """Return how an item is called, for comments."""
    if not isinstance(row, Mapping):
        return str(row)
    if "type" in row and "name" in row and "description" not in row:
        return f"{row['type']}:{row['name']}"
    first = ("name", "id", "topic", *bans.KINDS, "mechanism", "type")
    return next((str(row[name]) for name in first if row.get(name) is not None), "everyone")


def _tree(places: Sequence[str]) -> dict[str, Any]:
    """Return places such as ``headers.authorization`` as nested dictionaries."""
    tree: dict[str, Any] = {}
    for place in places:
        *path, last = place.split(".")
        below = tree
        for part in path:
            below = below.setdefault(part, {})
        below[last] = "..."
    return tree


def _comments(file: _File, permanent_only: bool) -> Iterator[str]:
    yield HEADER
    if permanent_only:
        yield TEMPORARY
    for sentence in file.left_out:
        # In one line, whatever a device has put into its name.
        yield f"# Left out, {json.dumps(sentence)[1:-1]}.\n"
    if file.secrets:
        yield "# Secrets that are needed to make things anew:\n#\n"
        skeleton = dumped({"vault_converge_secrets": file.secrets})
        yield "".join(f"#   {line}\n" for line in skeleton.splitlines())
    yield "\n"
