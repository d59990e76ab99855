# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules: an SQL statement over messages and events, and the actions that its results go to.

Actions have one vocabulary on both generations. A text ``TYPE:NAME`` is an action of its own (v5). A dictionary with
``function`` and ``args`` is a built-in one; on v4 every action is one, and may have a ``resource`` and ``fallbacks``.
"""

from __future__ import annotations

import itertools
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from .._converge import Outcomes, Plan, Record
from .._errors import ApiError, InputError, Missing, NotReady
from .._json import checked_text
from .._times import normal
from .._topics import matches, name_problem
from .._urls import checked_name, path_of
from ._api import PAGE, Api, Store
from ._config import MASK, covers, hidden_in, leaves, mentioned, merged, redacted

Action = Any
"""A text, or a dictionary with ``function`` and maybe ``args``, ``resource`` and ``fallbacks``."""

PARTS = ("function", "args", "resource", "fallbacks")
V5_ID = re.compile(r"[A-Za-z0-9]+[A-Za-z0-9-_]*")
"""As EMQX 5.8 says it in its refusal of another one."""

V4_FUNCTIONS = {"console": "inspect"}
V4_REPUBLISH = {
    "topic": "target_topic", "qos": "target_qos", "retain": "target_retain", "payload": "payload_tmpl",
}
V4_REPUBLISH_NEEDS = {"target_qos": 0, "payload_tmpl": "${payload}"}
"""EMQX 4.4 documents these defaults and has no clause for a republish action without them."""
RETAIN, V4_RETAIN = "${retain}", "${flags.retain}"

METRICS = {
    "matched": ("matched", "matched"),
    "passed": ("passed", "passed"),
    "failed": ("failed", "failed"),
    "exception": ("exception", "failed.exception"),
    "no_result": ("no_result", "failed.no_result"),
    "rate": ("speed", "matched.rate"),
    "rate_max": ("speed_max", "matched.rate.max"),
    "rate_last5m": ("speed_last5m", "matched.rate.last5m"),
}
"""The counters of a rule with their names on v4 and on v5; those of its actions are added."""


@dataclass(frozen=True)
class Rule(Record):
    """One rule; ``sql`` is without white space at its end."""

    id: str
    sql: Optional[str] = None
    actions: Optional[List[Action]] = None
    description: Optional[str] = None
    enabled: Optional[bool] = None

    @property
    def key(self) -> str:
        return self.id

    def shown(self) -> Dict[str, Any]:
        shown = super().shown()
        return {**shown, "actions": _shown(self.actions)} if self.actions is not None else shown

    def differs(self, current: Any) -> bool:
        same_actions = self.actions is None or covers(current.actions, self.actions, exact=True)
        return not same_actions or super().differs(replace(current, actions=self.actions))

    def completed(self, current: Any) -> Rule:
        after = super().completed(current)
        return after if self.actions is None else replace(after, actions=_combined(current.actions, self.actions))


def _shown(actions: Sequence[Action]) -> List[Action]:
    shown: List[Action] = redacted(list(actions))
    return [_without_empty(action) for action in shown]


def _without_empty(action: Action) -> Action:
    if not isinstance(action, Mapping):
        return action
    return {name: _shown(value) if name == "fallbacks" else value for name, value in action.items() if value != []}


def _combined(held: Sequence[Action], wanted: Sequence[Action]) -> List[Action]:
    """Return the wanted actions, each completed with what the broker holds of it.

    That is the one that is as it should be already, or else one with the same function that no other one is.
    """
    left = list(held)
    counterparts: Dict[int, Action] = {}
    for fits in (_as_it_should_be, _of_the_same_function):
        for place, action in enumerate(wanted):
            same = next((other for other in left if fits(other, action)), None)
            if same is not None and place not in counterparts:
                left.remove(same)
                counterparts[place] = same
    combined: List[Action] = []
    for place, action in enumerate(wanted):
        same = counterparts.get(place)
        if same is None or isinstance(action, str):
            combined.append(action)
            continue
        whole = merged(same, action, exact=True)
        if "fallbacks" in action:
            whole["fallbacks"] = _combined(same.get("fallbacks", []), action["fallbacks"])
        combined.append(whole)
    return combined


def _as_it_should_be(held: Action, wanted: Action) -> bool:
    return covers(held, wanted, exact=True)


def _of_the_same_function(held: Action, wanted: Action) -> bool:
    return bool(_identity(held) == _identity(wanted))


def _identity(action: Action) -> Any:
    return (action["function"], action.get("resource")) if isinstance(action, Mapping) else action


def rule_from(options: Mapping[str, Any], generation: str) -> Rule:
    """Return the rule that a module's options describe.

    :param generation: ``v4`` or ``v5``, which decides what an id and an action may be.
    :raises InputError: something that this generation refuses or chokes on.
    """
    name = checked_name(options["id"], "id")
    if generation == "v5" and not V5_ID.fullmatch(name):
        raise InputError(
            f"id is {name!r}, which a v5 deployment refuses: it begins with a letter or digit of ASCII, and goes on "
            "with those, '-' and '_'."
        )
    for option in ("sql", "actions", "description"):
        checked_text(options[option], option)
    sql = options["sql"]
    if sql is not None and not sql.strip():
        raise InputError('sql is empty: write a statement such as SELECT * FROM "t/#".')
    actions = options["actions"]
    return Rule(
        name, None if sql is None else sql.rstrip(),
        None if actions is None else _actions_from(actions, "actions", generation),
        options["description"], options["enabled"],
    )


def _actions_from(items: Any, option: str, generation: str) -> List[Action]:
    if not isinstance(items, (list, tuple)):
        raise InputError(f"{option} has to be a list.")
    return [_action_from(item, f"{option}[{position}]", generation) for position, item in enumerate(items)]


def _action_from(item: Any, where: str, generation: str) -> Action:
    if isinstance(item, str):
        if generation == "v4":
            raise InputError(
                f"{where} is {item!r}, and an action that has a name needs a v5 deployment: v4 has functions, written "
                "{function: …, resource: …, args: {…}}."
            )
        kind, colon, name = item.partition(":")
        if not (kind and colon and name):
            raise InputError(
                f"{where} is {item!r}, which is no action: write TYPE:NAME, such as 'http:post', or a function, such "
                "as {function: console}."
            )
        return item
    if not isinstance(item, Mapping):
        raise InputError(f"{where} is neither a text TYPE:NAME nor a dictionary with a function.")
    item = mentioned(item)
    unknown = [name for name in item if name not in PARTS]
    if unknown:
        raise InputError(f"{where} has {unknown[0]!r}, and an action has only {', '.join(PARTS)}.")
    action: Dict[str, Any] = dict(item)
    for name in ("function", "resource"):
        if (name == "function" or name in item) and not (isinstance(item.get(name), str) and item[name]):
            raise InputError(f"{where}.{name} is missing, or is no text.")
    if not isinstance(item.get("args", {}), Mapping):
        raise InputError(f"{where}.args has to be a dictionary.")
    lacking = [name for name in ("resource", "fallbacks") if name in item]
    if generation == "v5" and lacking:
        raise InputError(f"{where}.{lacking[0]} needs a v4 deployment: on v5 write an action of its own, TYPE:NAME.")
    if "fallbacks" in item:
        action["fallbacks"] = _actions_from(item["fallbacks"], f"{where}.fallbacks", generation)
    if generation == "v4":
        action = _common(action)
    if not action.get("args", True):
        del action["args"]
    if action["function"] == "republish":
        _check_republish(action.get("args", {}), where)
    return action


def _check_republish(args: Mapping[str, Any], where: str) -> None:
    """Refuse a topic that nothing can be published to, and a QoS or retain flag that is none.

    :raises InputError: naming it.
    """
    topic = args.get("topic", "t")
    problem = name_problem(topic) if isinstance(topic, str) else "it is no text"
    if problem:
        raise InputError(f"{where}.args.topic is {topic!r}, which is no topic name: {problem}.")
    for name, values in (("qos", ("0", "1", "2")), ("retain", ("true", "false"))):
        text = str(args.get(name, values[0])).lower()
        if text not in values and not text.startswith("${"):
            raise InputError(
                f"{where}.args.{name} is {args[name]!r}: it is {', '.join(values)}, or a placeholder such as "
                f"'${{{name}}}'."
            )


def _common(action: Mapping[str, Any]) -> Dict[str, Any]:
    """Return an action of v4 in the vocabulary of both generations."""
    names = {theirs: ours for ours, theirs in V4_FUNCTIONS.items()}
    common = {**action, "function": names.get(action["function"], action["function"])}
    if common["function"] == "republish":
        names = {theirs: ours for ours, theirs in V4_REPUBLISH.items()}
        args = {names.get(name, name): value for name, value in action.get("args", {}).items()}
        common["args"] = {**args, "retain": RETAIN} if args.get("retain") == V4_RETAIN else args
    return common


@dataclass(frozen=True)
class Filters:
    """Which rules are asked for.

    :ivar topic: one of the topics of ``FROM``, as it stands there.
    :ivar match_topic: a topic name that one of them takes.
    :ivar action: ``TYPE:NAME``, a function, or a resource of v4.
    """

    enabled: Optional[bool] = None
    like_id: Optional[str] = None
    like_description: Optional[str] = None
    topic: Optional[str] = None
    match_topic: Optional[str] = None
    action: Optional[str] = None

    def accept(self, rule: Rule, topics: Sequence[str]) -> bool:
        """Say whether a rule is asked for; the broker filters too, and this is what it is held to."""
        return (
            self.enabled in (None, rule.enabled)
            and (self.like_id or "") in rule.id
            and (self.like_description or "") in (rule.description or "")
            and (self.topic is None or self.topic in topics)
            and (self.match_topic is None or any(matches(self.match_topic, topic) for topic in topics))
            and (self.action is None or self.action in _used(rule.actions or []))
        )


def _all(actions: Iterable[Action]) -> Iterator[Action]:
    """Yield actions and their fallbacks."""
    for action in actions:
        yield action
        yield from _all(action.get("fallbacks", []) if isinstance(action, Mapping) else [])


def _used(actions: Iterable[Action]) -> Iterator[str]:
    """Yield what actions are known by: ``TYPE:NAME``, functions, resources."""
    for action in _all(actions):
        names = (action["function"], action.get("resource")) if isinstance(action, Mapping) else (action,)
        yield from (str(name) for name in names if name is not None)


class Rules(Store[Rule]):
    """The rules of a deployment."""

    many = "rules"
    sql_name = enabled_name = topics_name = ""
    """What the generation calls these fields."""
    query_names: Mapping[str, str] = {}
    """What it calls the filters that it has."""

    def __init__(self, api: Api) -> None:
        super().__init__(api)
        self.held: Dict[str, Rule] = {}
        """The rules as they were looked up, since an update sends only what differs."""

    def get(self, record: Rule) -> Optional[Rule]:
        row = self._lookup(record.id)
        if row is None:
            return None
        self.held[record.id] = self._record(row)
        return self.held[record.id]

    def _lookup(self, name: str) -> Optional[Mapping[str, Any]]:
        path = path_of("rules/{}", name)
        try:
            row = self._row_of(self.api.call("GET", path))
        except Missing:
            return None
        if not isinstance(row, Mapping):
            raise self.api.odd("GET", path, "a rule was expected")
        return row

    @staticmethod
    def _row_of(body: Any) -> Any:
        return body

    def find(self, options: Mapping[str, Any]) -> Iterator[Dict[str, Any]]:
        """Yield the rules that the options of an info module ask for, as users see them.

        :param options: ``id``, the fields of :class:`Filters`, ``with_metrics`` and ``limit``.
        """
        filters = Filters(**{name: options[name] for name in Filters.__dataclass_fields__})
        found = itertools.islice(self._found(filters, options["id"], options["limit"]), options["limit"])
        return self._with_metrics(found) if options["with_metrics"] else (shown for unused, shown in found)

    def _found(
        self, filters: Filters, name: Optional[str], limit: Optional[int]
    ) -> Iterator[Tuple[Mapping[str, Any], Dict[str, Any]]]:
        """Yield the rows of rules, each with what is shown of it."""
        if name is not None:
            rows: Iterable[Optional[Mapping[str, Any]]] = [self._lookup(name)]
        else:
            given = {key: value for key, value in vars(filters).items() if value is not None}
            query = [
                (self.query_names[key], str(value).lower() if isinstance(value, bool) else value)
                for key, value in given.items() if key in self.query_names and self._filters(key, value)
            ]
            # Where rules are left out here, more are read than are wanted, and no page ahead of that.
            rows = self.api.rows("rules", query, limit and (PAGE if len(given) > len(query) else limit))
        for row in rows:
            if row is None:
                return
            rule, topics = self._record(row), row.get(self.topics_name)
            if not isinstance(topics, list) or not all(isinstance(topic, str) for topic in topics):
                raise self.api.odd("GET", "rules", "a rule has no list of topics")
            if filters.accept(rule, topics):
                more = {"from": topics, "created_at": normal(row.get("created_at"))}
                yield row, {**rule.shown(), **{key: value for key, value in more.items() if value is not None}}

    @staticmethod
    def _filters(name: str, value: Any) -> bool:
        """Say whether the generation filters by this value."""
        return True

    def _with_metrics(
        self, found: Iterable[Tuple[Mapping[str, Any], Dict[str, Any]]]
    ) -> Iterator[Dict[str, Any]]:
        raise TypeError(f"{type(self).__name__} has no metrics")

    def _record(self, row: Mapping[str, Any]) -> Rule:
        name, sql, actions = row.get("id"), row.get(self.sql_name), row.get("actions")
        if not isinstance(name, str) or not isinstance(sql, str) or not isinstance(actions, list):
            raise self.api.odd("GET", "rules", "a rule has no id, SQL or list of actions")
        enabled, description = row.get(self.enabled_name), row.get("description")
        return Rule(name, sql.rstrip(), [self._action(action) for action in actions], str(description or ""), enabled)

    def _action(self, action: Any) -> Action:
        if isinstance(action, str) or (isinstance(action, Mapping) and isinstance(action.get("function"), str)):
            return action
        raise self.api.odd("GET", "rules", "a rule has an action that is none")

    def fresh(self, record: Rule) -> Rule:
        return record.completed(Rule(record.id, None, [], "", True))

    def check(self, plan: Plan[Rule]) -> None:
        for rule in plan.create:
            if rule.sql is None:
                raise InputError(
                    f"The rule {rule.id!r} does not exist, and sql is not given: it is needed to create it."
                )
        # What a rule holds already may be wrong, and stay.
        changes = [(old.actions or [], new) for old, new in plan.update] + [([], rule) for rule in plan.create]
        added = list(_all(action for held, rule in changes for action in rule.actions or [] if action not in held))
        for action in added:
            for path, value in leaves(action):
                if isinstance(value, str) and MASK in value:
                    raise InputError(
                        f"{'.'.join(path)} of an action has {MASK} in it, which is how a secret is shown: write the "
                        "secret. By itself it stands for one that is there, and none is."
                    )
            republishes = isinstance(action, Mapping) and action["function"] == "republish"
            if republishes and "topic" not in action.get("args", {}):
                raise InputError("An action republishes and has no args.topic: write the topic to publish to.")
        self._check_actions(added)

    def _check_actions(self, actions: Sequence[Action]) -> None:
        """Refuse actions that use what isn't there, as far as these credentials may look.

        :raises InputError: naming the first of them.
        """

    def create(self, rules: Iterable[Rule]) -> Outcomes[Rule]:
        return self.one_by_one(self._create, rules)

    def _create(self, rule: Rule) -> None:
        self._send(rule, "POST", "rules", {"id": rule.id, **self._written(rule)})

    def update(self, rules: Iterable[Rule]) -> Outcomes[Rule]:
        return self.one_by_one(self._update, rules)

    def _update(self, rule: Rule) -> None:
        # PUT merges, and what is not sent can't be lost. On v5 it would make a rule that is gone meanwhile: without
        # its SQL, or without the rest, that is a refusal or shows in the next run.
        path, held = path_of("rules/{}", rule.id), self._written(self.held[rule.id])
        body = {name: value for name, value in self._written(rule).items() if value != held[name]}
        self._send(rule, "PUT", path, body)

    def _send(self, rule: Rule, method: str, path: str, body: Dict[str, Any]) -> Any:
        return self.api.call(method, path, body=body, secrets=hidden_in(rule.actions))

    def _written(self, rule: Rule) -> Dict[str, Any]:
        """Return the fields of a rule as the generation names and writes them."""
        actions = [self._written_action(action) for action in rule.actions or []]
        names = (self.sql_name, "actions", "description", self.enabled_name)
        return dict(zip(names, (rule.sql, actions, rule.description, rule.enabled)))

    @staticmethod
    def _written_action(action: Action) -> Any:
        return action

    def delete(self, rules: Iterable[Rule]) -> Outcomes[Rule]:
        return self.one_by_one(self._delete, rules)

    def _delete(self, rule: Rule) -> None:
        with suppress(Missing):  # somebody was quicker
            self.api.call("DELETE", path_of("rules/{}", rule.id))


class V4Rules(Rules):
    """An action has its name, parameters, a resource among them, and fallbacks; metrics come with the rule."""

    sql_name, enabled_name, topics_name = "rawsql", "enabled", "for"
    # `for` compares with the whole list and so finds nothing.
    query_names = {
        "enabled": "enabled", "like_id": "_like_id", "like_description": "_like_description", "topic": "_like_for",
    }

    @staticmethod
    def _row_of(body: Any) -> Any:
        return body.get("data")

    def _action(self, action: Any) -> Action:
        params = action.get("params") if isinstance(action, Mapping) else None
        fallbacks = action.get("fallbacks", []) if isinstance(action, Mapping) else None
        if not isinstance(params, Mapping) or not isinstance(fallbacks, list):
            raise self.api.odd("GET", "rules", "a rule has an action without parameters")
        if not isinstance(action.get("name"), str):
            raise self.api.odd("GET", "rules", "a rule has an action that is none")
        args = {name: value for name, value in params.items() if name != "$resource"}
        found: Dict[str, Any] = {"function": action["name"]}
        if "$resource" in params:
            found["resource"] = params["$resource"]
        if args:
            found["args"] = args
        return _common({**found, "fallbacks": [self._action(fallback) for fallback in fallbacks]})

    @staticmethod
    def _written_action(action: Action) -> Any:
        function, params = action["function"], dict(action.get("args", {}))
        if function == "republish":
            params = {V4_REPUBLISH.get(name, name): value for name, value in params.items()}
            if params.get("target_retain") == RETAIN:
                params["target_retain"] = V4_RETAIN
            params = {**V4_REPUBLISH_NEEDS, **params}
        if "resource" in action:
            params["$resource"] = action["resource"]
        fallbacks = [V4Rules._written_action(fallback) for fallback in action.get("fallbacks", [])]
        return {"name": V4_FUNCTIONS.get(function, function), "params": params, "fallbacks": fallbacks}

    def _check_actions(self, actions: Sequence[Action]) -> None:
        functions = [V4_FUNCTIONS.get(action["function"], action["function"]) for action in actions]
        known = self.api.known("actions", "name") if functions else None
        for function in functions:
            if known is not None and function not in known:
                # EMQX 4.4 answers a name that it has never heard with a 500.
                raise InputError(
                    f"actions has the function {function!r}, which this deployment lacks: it has "
                    f"{', '.join(sorted(known))}."
                )
        resources = [action["resource"] for action in actions if "resource" in action]
        there = self.api.known("resources", "id") if resources else None
        for resource in resources:
            if there is not None and resource not in there:
                raise NotReady(
                    f"actions uses the resource {resource!r}, and there is none of that name: make it first "
                    "(emqx.cloud.resource)."
                )

    def _send(self, rule: Rule, method: str, path: str, body: Dict[str, Any]) -> Any:
        down = (
            "a resource that its actions use is not connected. Give enabled: false, or run the task again once it is."
        )
        try:
            answer = super()._send(rule, method, path, body)
        except ApiError as error:
            if "resource_not_initialized" not in error.reason:
                raise
            message = f"The rule {rule.id!r} is not changed: {down}"
            raise ApiError(message, error.status, error.code, error.reason, method, path) from error
        data = answer.get("data")
        if rule.enabled and isinstance(data, Mapping) and data.get("enabled") is False:
            # EMQX 4.4 makes a rule as a disabled one where a resource has never been connected.
            message = f"The rule {rule.id!r} is there, but the broker has disabled it: {down}"
            raise ApiError(message, 200, 0, "the rule is disabled", method, path)
        return answer

    def _with_metrics(
        self, found: Iterable[Tuple[Mapping[str, Any], Dict[str, Any]]]
    ) -> Iterator[Dict[str, Any]]:
        for row, shown in found:
            totals = _summed(row.get("metrics"), [name for name, unused in METRICS.values()])
            actions = [action.get("metrics") for action in row["actions"]]
            each = [_summed(nodes, ["success", "failed"]) for nodes in actions]
            metrics = dict(zip(METRICS, totals))
            metrics["actions_success"] = sum(success for success, unused in each)
            metrics["actions_failed"] = sum(failed for unused, failed in each)
            yield {**shown, "metrics": metrics}


def _summed(nodes: Any, names: Sequence[str]) -> List[Any]:
    """Return the sums over all nodes of the counters with these names."""
    rows = [row for row in nodes if isinstance(row, Mapping)] if isinstance(nodes, list) else []
    return [sum(_number(row.get(name)) for row in rows) for name in names]


def _number(value: Any) -> Any:
    return value if isinstance(value, (int, float)) else 0


class V5Rules(Rules):
    """Actions have a name of their own, or are functions; metrics are a call for each rule."""

    sql_name, enabled_name, topics_name = "sql", "enable", "from"
    query_names = {
        "enabled": "enable", "like_id": "like_id", "like_description": "like_description", "topic": "from",
        "action": "action",
    }

    @staticmethod
    def _filters(name: str, value: Any) -> bool:
        return name != "action" or ":" in value  # of functions it knows nothing

    def _check_actions(self, actions: Sequence[Action]) -> None:
        # EMQX 5.8 accepts a rule with an action that isn't there, and the rule then fails.
        names = [action for action in actions if isinstance(action, str)]
        rows = self.api.peek("actions") if names else None
        if rows is None:
            return
        there = [(str(row.get("type")), row.get("name")) for row in rows]
        for action in names:
            kind, unused, name = action.partition(":")
            if not any(name == held_name and _same_type(kind, held) for held, held_name in there):
                raise NotReady(
                    f"actions names {action!r}, and there is no such action: make it first (emqx.cloud.action)."
                )

    def _with_metrics(
        self, found: Iterable[Tuple[Mapping[str, Any], Dict[str, Any]]]
    ) -> Iterator[Dict[str, Any]]:
        shown = [rule for unused, rule in found]
        for rule, metrics in zip(shown, self.api.http.results(self._metrics, [rule["id"] for rule in shown])):
            if metrics is not None:
                yield {**rule, "metrics": metrics}

    def _metrics(self, name: str) -> Optional[Dict[str, Any]]:
        path = path_of("rules/{}/metrics", name)
        try:
            body = self.api.call("GET", path)
        except Missing:
            return None  # it was deleted since it was listed
        metrics = body.get("metrics") if isinstance(body, Mapping) else None
        if not isinstance(metrics, Mapping):
            raise self.api.odd("GET", path, "metrics were expected")
        names = {ours: theirs for ours, (unused, theirs) in METRICS.items()}
        names.update(actions_success="actions.success", actions_failed="actions.failed")
        return {ours: _number(metrics.get(theirs)) for ours, theirs in names.items()}


def _same_type(written: str, listed: str) -> bool:
    """Say whether two types are one: rules still know bridges by old names, as ``webhook`` and ``redis_single``."""
    return written == listed or written.startswith(listed + "_") or listed.startswith(written + "_") or (
        (written, listed) == ("webhook", "http")
    )


def rules(api: Api) -> Rules:
    """Return the rules of this deployment."""
    return (V5Rules if api.generation == "v5" else V4Rules)(api)


def find(api: Api, options: Mapping[str, Any]) -> Iterator[Dict[str, Any]]:
    """Return the rules that the options of an info module ask for, as users see them.

    :raises InputError: ``id`` can be no id, or ``match_topic`` no topic name.
    """
    if options["id"] is not None:
        checked_name(options["id"], "id")
    topic = options["match_topic"]
    problem = name_problem(topic) if topic is not None else None
    if problem:
        raise InputError(f"match_topic is {topic!r}, which is no topic name: {problem}.")
    return rules(api).find(options)
