# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a model of a deployment before the first request.

No rule is written twice: each section runs through its own module, with connections that end the run at the first
request. What fails before that is a mistake of the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from types import SimpleNamespace
from typing import Any

from ansible_collections.emqx.cloud.plugins.action import api
from ansible_collections.emqx.cloud.plugins.module_utils._errors import InputError
from ansible_collections.emqx.cloud.plugins.module_utils._resources.bans import V4_KINDS
from ansible_collections.emqx.cloud.plugins.module_utils._task import (
    Result,
    Spec,
    Task,
    TaskFailure,
    run_directly,
)
from ansible_collections.emqx.cloud.plugins.modules import (
    acls,
    action,
    auth_users,
    authenticator,
    authorization_settings,
    authorization_source,
    banned,
    connector,
    resource,
    retained_message,
    rule,
    source,
    topic_metrics,
)
from ansible_collections.emqx.cloud.plugins.plugin_utils._model import (
    PREFIX,
    SECRETS,
    SECTIONS,
    SETTINGS,
    Section,
    in_role_words,
    secret_places,
    to_purge,
    with_secrets,
)

CODE = {
    code.__name__.rpartition(".")[2]: code
    for code in (
        acls, action, auth_users, authenticator, authorization_settings, authorization_source, banned, connector,
        resource, retained_message, rule, source, topic_metrics,
    )
}  # fmt: skip
"""The modules that apply a model."""

MOST = 100
"""How many problems are looked for."""

OF_ROLE = (*SECTIONS, *SETTINGS, "result", "hosts")
"""The variables that may begin with the role's name, without it."""

SPEC = Spec(
    options=dict(
        sections=dict(type="dict", required=True, no_log=False),
        exact=dict(type="raw"),
        purge_limit=dict(type="str"),
        purge_all=dict(type="bool", default=False),
        secrets=dict(type="dict", no_log=True),
        update_password=dict(type="str", choices=["on_create", "always"], default="on_create", no_log=False),
        variables=dict(type="raw"),
    ),
)


class _Reached(Exception):
    """A run has come to its first request, so that nothing is wrong as far as can be told without one."""


class _Offline:
    """Stands for a connection; whatever would be asked of the broker ends the run."""

    requests = 0

    def __init__(self, settings: Any) -> None:
        """:param settings: how the endpoint would be reached."""

    def close(self) -> None:
        """There is nothing to close."""

    def __getattr__(self, name: str) -> Any:
        raise _Reached


def run(task: Task) -> Result:
    """Check the model; fail with all problems, or return what its sections need to be applied."""
    options = task.params
    generation = deployment_of(options)
    sections = {name: value for name, value in options["sections"].items() if value is not None}
    problems = [*_unknown_names(options), *_wrong_settings(options, sections)]
    named = options["exact"] if isinstance(options["exact"], list) else []
    exact = [name for name in named if isinstance(name, str) and name in sections]
    kinds = {name: kinds_of(name, sections, generation) for name in ("users", "acl", "bans")}
    checked = _Sections(options, sections, exact, kinds)
    for name in SECTIONS:
        if name in sections:
            problems += checked.problems(SECTIONS[name], generation)
    if problems:
        shown = problems[:MOST] + (["There may be more."] if len(problems) > MOST else [])
        number = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise TaskFailure(f"The model has {number}, and nothing was done:", {"problems": shown}, shown)
    chains = [name for name in sections if SECTIONS[name].end and len(sections[name]) > 1]
    return {
        "generation": generation,
        "sections": [name for name in SECTIONS if name in sections],
        "look": [name for name in SECTIONS if name in chains or (name in exact and SECTIONS[name].one_by_one)],
        "exact": exact,
        "purge_limit": options["purge_limit"],
        "purge_all": options["purge_all"],
        "kinds": kinds,
        "secret_places": secret_places(sections, options["secrets"]),
        "check_mode": task.check_mode,
        "diff_mode": task.diff_mode,
    }


def deployment_of(options: Mapping[str, Any]) -> str:
    """Return the generation of the deployment that connection options name, without asking it.

    :raises InputError: they are wrong.
    """
    return Task(options, http=_Offline).api.generation  # type: ignore[arg-type]


def kinds_of(name: str, sections: Mapping[str, Any], generation: str) -> list[str]:
    """Return what a section that is purged as a whole consists of, as the option ``kind`` of its module takes it."""
    kinds = SECTIONS[name].key
    if name == "users" and generation == "v5":
        # There is one kind, which the users tell if there are any.
        return [] if sections.get(name) else [_user_kind(sections)]
    return [kind for kind in kinds if generation == "v5" or name != "bans" or kind in V4_KINDS]


def _user_kind(sections: Mapping[str, Any]) -> str:
    """Return the kind of users that a v5 deployment has, as far as the model tells."""
    configs = [link.get("config") for link in _dictionaries(sections.get("authenticators"))]
    told = [config.get("user_id_type") for config in _dictionaries(configs)]
    return "clientid" if "clientid" in told else "username"


def _dictionaries(items: Any) -> list[Mapping[str, Any]]:
    """Return the items of what may be a list that may be dictionaries."""
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _unknown_names(options: Mapping[str, Any]) -> Iterator[str]:
    names = [str(name)[len(PREFIX):] for name in options["variables"] or () if str(name).startswith(PREFIX)]
    for name in dict.fromkeys([*names, *map(str, options["sections"])]):
        if name not in OF_ROLE:
            yield f"{PREFIX}{name} is no section of a model{_meant(name, OF_ROLE)}."


def _meant(name: str, known: Sequence[str], before: str = PREFIX) -> str:
    near = get_close_matches(name, known, 1)
    return f" (do you mean {before}{near[0]}?)" if near else ""


def _wrong_settings(options: Mapping[str, Any], sections: Mapping[str, Any]) -> Iterator[str]:
    exact = options["exact"] if options["exact"] is not None else []
    if not isinstance(exact, list):
        yield f"{PREFIX}exact has to be a list of sections."
        exact = []
    for place, name in enumerate(exact):
        where = f"{PREFIX}exact[{place}] is {name!r}, "
        section = SECTIONS.get(name) if isinstance(name, str) else None
        if section is None:
            yield f"{where}which is no section of a model{_meant(str(name), list(SECTIONS), '')}."
        elif not section.purged:
            yield f"{where}which is no list that could be purged."
        elif name not in sections:
            yield f"{where}but {section.variable} is not given: nothing says what is to stay."
    try:
        to_purge(SECTIONS["rules"], (), (), options["purge_limit"], True, True)
    except InputError as error:
        yield str(error)
    for name, held in (options["secrets"] or {}).items():
        if name not in SECRETS:
            yield f"{PREFIX}secrets.{name} is no part of it{_meant(str(name), SECRETS, PREFIX + 'secrets.')}."
        elif not isinstance(held, (Mapping, type(None))):
            yield f"{PREFIX}secrets.{name} has to be a dictionary, and is none."


class _Sections:
    """The sections of one model, each checked by its own module."""

    def __init__(
        self, options: Mapping[str, Any], sections: Mapping[str, Any], exact: Sequence[str],
        kinds: Mapping[str, Sequence[str]],
    ) -> None:
        """:param options: those of the task."""
        self._options = options
        self._sections = sections
        self._exact = exact
        self._kinds = kinds
        self._connection = {name: options[name] for name in SPEC.connection if options.get(name) is not None}

    def problems(self, section: Section, generation: str) -> list[str]:
        """Return what is wrong with a section, a sentence each, which begin with the place."""
        if section.generation not in ("", generation):
            return [f"{section.variable} needs a {section.generation} deployment, and this is one of {generation}."]
        value = with_secrets(self._sections[section.name], section.name, self._options["secrets"])
        if section.option:
            return self._of_bulk(section, value)
        if not section.purged:
            return self._of_item(section, section.variable, value, "has to be a dictionary, and is none.")
        return self._of_items(section, value)

    # As a whole

    def _of_bulk(self, section: Section, value: Any) -> list[str]:
        """Check all items in one call; where that fails, each half again, down to the items that are wrong."""
        if not isinstance(value, list):
            message = self._refusal(section, self._bulk(section, value))
            return [self._placed(section, message or "", None)]
        found: list[str] = []

        def look(first: int, items: list[Any]) -> None:
            message = self._refusal(section, self._bulk(section, items)) if len(found) <= MOST else None
            if message is None:
                return
            known = len(found)
            if len(items) > 1:
                half = len(items) // 2
                look(first, items[:half])
                look(first + half, items[half:])
            if len(found) == known:
                found.append(self._placed(section, message, first if len(items) == 1 else None))

        look(0, value)
        return found

    def _bulk(self, section: Section, value: Any) -> dict[str, Any]:
        """Return the options as the role gives them to the module."""
        purge = section.name in self._exact
        given: dict[str, Any] = {section.option: value}
        if section.name == "topic_metrics":
            return {**given, "state": "exact" if purge else "present", "purge_all": self._options["purge_all"]}
        if purge:
            given.update(purge=True, purge_all=self._options["purge_all"], kind=self._kinds[section.name])
        if section.name == "users":
            given["update_password"] = self._options["update_password"]
        return {**given, "state": "exact"} if section.name == "acl" else given

    @staticmethod
    def _placed(section: Section, message: str, place: int | None) -> str:
        """Return a module's sentence with the place in the model for the name of its option."""
        message = re.sub(
            r"^Unsupported parameters for .*? module: (\S+(?:, \S+)*)\. Supported parameters include: (.*)$",
            r"\1 is no option there, which has \2", message,
        )
        inner = re.compile(rf" found in {section.option}(?: -> (\S+))?")
        message = inner.sub(lambda found: f" in {found[1]}" if found[1] else "", message)
        where = section.variable if place is None else f"{section.variable}[{place}]"
        if place is not None:
            message = re.sub(rf"(?<![\w.]){section.option}\[0\]|^{section.option}(?=\.)", lambda found: where, message)
        message = re.sub(rf"^{section.option}(?=[\[\s])", section.variable, in_role_words(message))
        return message if where in message else f"{where}: {message}"

    # Item by item

    def _of_items(self, section: Section, items: Any) -> list[str]:
        none = "has to be a list of dictionaries, and "
        if not isinstance(items, list):
            return [f"{section.variable} {none}is none."]
        found: list[str] = []
        for place, item in enumerate(items):
            where = f"{section.variable}[{place}]"
            found += self._of_item(section, where, item, "has to be a dictionary, and is none.")
        if not found:
            try:
                to_purge(section, items, (), None, self._options["purge_all"], section.name in self._exact)
            except InputError as error:
                found.append(str(error))
        return found

    def _of_item(self, section: Section, where: str, item: Any, none: str) -> list[str]:
        if not isinstance(item, Mapping):
            return [f"{where} {none}"]
        known = CODE[section.module].SPEC.options
        unknown = [f"{where}.{name} is no option there, which has {', '.join(sorted(known))}."
                   for name in item if name not in known]
        given = {name: value for name, value in item.items() if value is not None}  # as the role gives them
        message = None if unknown else self._refusal(section, given)
        if message is None:
            return unknown
        option = re.match(r"(\w+)(?=[\s.\[])", message)
        return [f"{where}{'.' if option and option[1] in known else ': '}{message}"]

    def _refusal(self, section: Section, options: Mapping[str, Any]) -> str | None:
        """Run a module up to its first request; return why it didn't come so far, or None if it did."""
        code = CODE[section.module]
        name = f"emqx.cloud.{section.module}"
        try:
            result = run_directly(name, code.SPEC, code.run, {**options, **self._connection}, True, False, _Offline)  # type: ignore[arg-type]
        except _Reached:
            return None
        message = str(result["msg"]) if result.get("failed") else None
        return message if message is None or message.endswith(".") else message + "."


class ActionModule(api.ActionModule):
    """Checks a model on the controller, wherever the task's host is."""

    code: Any = SimpleNamespace(SPEC=SPEC, run=run)

    def _against(self, variables: Mapping[str, Any]) -> str:
        return ""

    def _done(self, options: dict[str, Any]) -> dict[str, Any]:
        found: Result = {}

        def look(task: Task) -> Result:
            found.update(run(task))
            return {}

        self.code = SimpleNamespace(SPEC=SPEC, run=look)
        result = super()._done(options)
        # These are words of ours, and the role needs them, also where one of them is somebody's password.
        return result if result.get("failed") else {**result, **found}
