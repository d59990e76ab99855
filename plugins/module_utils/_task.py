# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's boundary: shared options, check mode, diff, result, failure.

What a module does is a function of a :class:`Task`: validated parameters and a small context. :func:`run_module` runs
it as an ordinary module; :func:`execute` is all that is needed to run it elsewhere.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
import time
from dataclasses import dataclass, field
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
    TypeVar,
)

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.common.text.converters import jsonify
from ansible.module_utils.errors import UnsupportedError

from ._converge import Ended, Failure, Plan, apply, make_plan, name_of, unique
from ._errors import EmqxError, InputError, NotReady
from ._query import compiled
from ._rows import occurring, put_back, set_aside

if TYPE_CHECKING:
    from ._http import Http, Settings
    from ._resources._api import Api, Store

Result = Dict[str, Any]
T = TypeVar("T")


def _from_environment(*names: str) -> Tuple[Any, List[str]]:
    return env_fallback, list(names)


CONNECTION: Dict[str, Any] = dict(
    api_version=dict(
        choices=["auto", "v4", "v5"], default="auto", fallback=_from_environment("EMQX_API_VERSION")
    ),
    validate_certs=dict(type="bool", default=True, fallback=_from_environment("EMQX_VALIDATE_CERTS")),
    ca_path=dict(type="path", fallback=_from_environment("EMQX_CA_PATH")),
    client_cert=dict(type="path", fallback=_from_environment("EMQX_CLIENT_CERT")),
    client_key=dict(type="path", fallback=_from_environment("EMQX_CLIENT_KEY")),
    timeout=dict(type="float", default=30, fallback=_from_environment("EMQX_TIMEOUT")),
    retries=dict(type="int", default=4, fallback=_from_environment("EMQX_RETRIES")),
    retry_wait_max=dict(type="float", default=60, fallback=_from_environment("EMQX_RETRY_WAIT_MAX")),
    rate_limit=dict(type="float", fallback=_from_environment("EMQX_RATE_LIMIT")),
    max_connections=dict(type="int", default=8, fallback=_from_environment("EMQX_MAX_CONNECTIONS")),
    allow_http=dict(type="bool", default=False, fallback=_from_environment("EMQX_ALLOW_HTTP")),
)
"""Options of every module; the documentation fragment ``connection`` describes them."""

DEPLOYMENT: Dict[str, Any] = dict(
    api_url=dict(required=True, fallback=_from_environment("EMQX_API_URL", "EMQXCLOUD_DEPLOYMENT_ENDPOINT")),
    app_id=dict(required=True, fallback=_from_environment("EMQX_APP_ID", "EMQXCLOUD_DEPLOYMENT_API_KEY")),
    app_secret=dict(
        required=True, no_log=True, fallback=_from_environment("EMQX_APP_SECRET", "EMQXCLOUD_DEPLOYMENT_API_SECRET")
    ),
    deployment_type=dict(type="str", default="auto", fallback=_from_environment("EMQX_DEPLOYMENT_TYPE")),
)
"""Which deployment, and the credentials for it; the documentation fragment ``deployment`` describes them."""

NEEDED = ("api_url", "app_id", "app_secret")
"""The options of :data:`DEPLOYMENT` without which there is none."""

PLATFORM: Dict[str, Any] = dict(
    platform_url=dict(
        required=True, fallback=_from_environment("EMQX_PLATFORM_URL", "EMQXCLOUD_PLATFORM_ENDPOINT")
    ),
    platform_key=dict(
        required=True, no_log=False, fallback=_from_environment("EMQX_PLATFORM_KEY", "EMQXCLOUD_PLATFORM_API_KEY")
    ),
    platform_secret=dict(
        required=True, no_log=True,
        fallback=_from_environment("EMQX_PLATFORM_SECRET", "EMQXCLOUD_PLATFORM_API_SECRET"),
    ),
)
"""Which account, and the credentials for it; the documentation fragment ``platform`` describes them."""

ACCOUNT: Dict[str, Any] = {**PLATFORM, **CONNECTION}
"""The connection of modules that call the Platform API only."""

PURGE: Dict[str, Any] = dict(
    purge=dict(type="bool", default=False),
    purge_all=dict(type="bool", default=False),
    purge_limit=dict(type="str"),
)
"""Options of modules that can delete what isn't listed; the documentation fragment ``purge`` describes them."""

SOURCE: Dict[str, Any] = dict(src=dict(type="path"))
"""Where a long list comes from instead of its option; the documentation fragment ``source`` describes it."""

BOUNDED: Dict[str, Any] = dict(result_limit=dict(type="int", default=1000))
"""How much a result shows; the documentation fragment ``bounded`` describes it."""

CONFIG: Dict[str, Any] = dict(
    config=dict(type="dict"),
    secret_config=dict(type="dict", no_log=True),
    update_secrets=dict(type="str", choices=["on_create", "always"], default="on_create", no_log=False),
)
"""Options of modules for things that have a configuration; the documentation fragment ``config`` describes them."""

WAIT: Dict[str, Any] = dict(
    wait=dict(type="bool", default=False),
    wait_timeout=dict(type="float", default=30),
)
"""Options of modules that can wait for what they have begun."""

SUBJECT: Dict[str, Any] = dict(
    username=dict(type="str"),
    clientid=dict(type="str"),
    everyone=dict(type="bool", default=False),
)
"""Whom access rules are for."""

POLICY: Dict[str, Any] = dict(
    rules=dict(
        type="list",
        elements="dict",
        options=dict(
            topic=dict(type="str", required=True),
            action=dict(type="str", choices=["publish", "subscribe", "all"], required=True),
            permission=dict(type="str", choices=["allow", "deny"]),
            qos=dict(type="list", elements="int"),
            retain=dict(type="raw"),
        ),
    ),
    **SUBJECT,
)
"""Whom access rules are for, and the rules; the documentation fragment ``acl`` describes them."""

RULES: Dict[str, Any] = dict(
    state=dict(type="str", choices=["present", "absent", "exact"], default="present"),
    position=dict(type="str", choices=["front", "rear"], default="rear"),
    drop_cache=dict(type="bool", default=False),
)
"""How access rules are brought to a state; the documentation fragment ``acl`` describes them."""

CLIENT_FILTERS: Dict[str, Any] = dict(
    clientid=dict(type="str"),
    username=dict(type="str"),
    ip_address=dict(type="str"),
    conn_state=dict(type="str", choices=["connected", "disconnected"]),
    clean_start=dict(type="bool"),
    proto_name=dict(type="str"),
    proto_ver=dict(type="int"),
    zone=dict(type="str"),
    node=dict(type="str"),
    like_clientid=dict(type="str"),
    like_username=dict(type="str"),
    connected_after=dict(type="str"),
    connected_before=dict(type="str"),
    created_after=dict(type="str"),
    created_before=dict(type="str"),
)
"""Options that say which clients are meant; the documentation of ``client_info`` describes them."""

READ: Dict[str, Any] = dict(limit=dict(type="int"), query=dict(type="str"))
"""Options of info modules; the documentation fragment ``read`` describes them."""


LOOKS = (0.0, 0.2, 0.6, 1.2)
"""Seconds before each look at what was applied: the nodes of a cluster take a moment to tell each other."""


@dataclass(frozen=True)
class Spec:
    """A module's options besides those of the connection, and how they go together (in Ansible's own terms).

    ``listed`` is the option that ``src`` stands for, where there is one.
    """

    options: Mapping[str, Any]
    rules: Mapping[str, Any] = field(default_factory=dict)
    listed: str = ""
    connection: Mapping[str, Any] = field(default_factory=lambda: {**DEPLOYMENT, **CONNECTION})

    def arguments(self) -> Dict[str, Any]:
        """Return the arguments of ``AnsibleModule``, or of Ansible's argument spec validator."""
        return {"argument_spec": {**self.connection, **self.options}, **self.rules}


class Task:
    """What a module's function works with.

    :ivar params: the validated options.
    :ivar check_mode: only say what would change.
    :ivar diff_mode: return ``diff``.
    :ivar warnings: sentences for the user; the runner passes them on.
    :ivar made: what the result tells of changes that were made, whatever fails after them.
    """

    def __init__(
        self, params: Mapping[str, Any], check_mode: bool = False, diff_mode: bool = False,
        http: Optional[Callable[[Settings], Http]] = None,
    ) -> None:
        """Begin a task; ``http`` opens its connections, which are its own if that is not given."""
        self.params = params
        self._http = {"http": http} if http else {}
        self.check_mode = check_mode
        self.diff_mode = diff_mode
        self.warnings: List[str] = []
        self.made: Result = {}
        self._apis: List[Api] = []
        self._deployment: Optional[Api] = None

    @property
    def api(self) -> Api:
        """The Deployment API of the task's options, opened when it is first needed."""
        if self._deployment is None:
            # Here and not above: requests is imported only once the options are known to be right.
            from ._resources._api import deployment_api

            self._deployment = self._opened(deployment_api(self.params, **self._http))
        return self._deployment

    def platform(self) -> Api:
        """Return the Platform API of the task's options."""
        from ._resources._api import platform_api

        return self._opened(platform_api(self.params, **self._http))

    def _opened(self, api: Api) -> Api:
        self._apis.append(api)
        return api

    @property
    def result_limit(self) -> int:
        """How many items a list of the result shows at the most."""
        limit = self.params.get("result_limit")
        if limit is None:
            return int(BOUNDED["result_limit"]["default"])
        if limit < 0:
            raise InputError(f"result_limit is {limit}: it is a number of items, 0 or more.")
        return int(limit)

    @property
    def requests(self) -> int:
        """How many HTTP requests the task has made."""
        return sum(api.http.requests for api in self._apis)

    def close(self) -> None:
        """Close the connections."""
        for api in self._apis:
            api.http.close()

    def converge(
        self, store: Store[Any], desired: Iterable[Any], option: str, *, absent: bool = False, purge: bool = False,
        rewrite: bool = False, keep: bool = False, then: Optional[Callable[[Sequence[Any]], None]] = None,
        going: Optional[Callable[[Plan[Any]], Tuple[int, int]]] = None,
    ) -> Converged:
        """Bring a store to the desired state, or in check mode say what that would change.

        :param option: the option that holds the desired records, for messages.
        :param purge: what isn't desired goes; see :data:`PURGE` for the options that guard it.
        :param keep: remember the records that stay as they are, so that the outcome can tell what is there afterwards.
        :param then: called with the records that were changed, also those of which only a part could be.
        :param going: tells how many of how many a plan deletes as not listed, where that is no whole records.
        :raises TaskFailure: something could not be applied.
        """
        if purge and absent:
            raise InputError("purge deletes what is not listed, and state: absent what is listed: give one of them.")
        limit, wanted, may_go = self.result_limit, unique(desired, option), self._purge_limit()
        if purge and not wanted and not self.params.get("purge_all"):
            raise InputError(
                f"{option} is empty, so everything would be deleted: set purge_all: true if that is what you want."
            )
        plan = make_plan(
            store.current(wanted, purge), wanted, absent=absent, purge=purge, rewrite=rewrite, keep=keep,
            fresh=store.fresh,
        )
        if may_go is not None and (purge or going):
            gone, existing = going(plan) if going else (len(plan.delete), plan.existing)
            if gone > may_go(existing):
                raise InputError(
                    f"{gone} of {existing} would be deleted, which is more than purge_limit allows "
                    f"({self.params['purge_limit']}): nothing was changed."
                )
        try:
            store.check(plan)
        except NotReady as problem:
            if not self.check_mode:
                raise
            self.warnings.append(f"{problem} In check mode this is no failure: an earlier task may see to it.")
        self.warnings.extend(store.cautions(plan))
        if self.check_mode or not plan.changed:
            return Converged(plan, self._report(plan, store, []))
        try:
            done, failures = apply(plan, store)
        except Ended as ended:
            result = self._report(ended.done, store, ended.failures)
            failure = partial_failure(ended.done, ended.failures, result, limit)
            raise TaskEnded({**failure.details(), "msg": str(failure), "requests": self.requests}) from ended.__cause__
        result = self.made = self._report(done, store, failures)
        try:
            if then:
                changed = [record for unused, record in _applied(done)]
                changed += [each.record for each in failures if each.error.partly]
                if changed:
                    then(changed)
        except EmqxError as error:
            if failures:
                partial = partial_failure(done, failures, result, limit)
                raise TaskFailure(f"{partial} {error}", partial.details()) from error
            raise TaskFailure(f"All changes were made. {error}", {**error.details(), **result}) from error
        if failures:
            raise partial_failure(done, failures, result, limit)
        if purge or store.mixes(wanted):
            self._confirm(store, wanted, purge, result)
        return Converged(done, result)

    def _confirm(self, store: Store[Any], wanted: Sequence[Any], purge: bool, result: Result) -> None:
        """Look whether a store holds what is desired and nothing else, now that everything was applied.

        Two that list before either of them creates would else both report success, and leave what neither wants.

        :raises TaskFailure: it doesn't, or that can't be told.
        """
        for pause in LOOKS:
            time.sleep(pause)
            try:
                left = make_plan(store.current(wanted, purge), wanted, purge=purge, fresh=store.fresh)
            except EmqxError as error:
                message = f"All changes were made, but another look at the {store.many} failed. {error}"
                raise TaskFailure(message, {**error.details(), **result}) from error
            if not left.changed:
                return
        others = [record for unused, record in _applied(left)]
        names = ", ".join(name_of(record) for record in others[:3]) + (", …" if len(others) > 3 else "")
        raise TaskFailure(
            f"All changes were made, but {len(others)} of the {store.many} ({names}) are not as they should be: "
            "something else changes this deployment at the same time, or its nodes don't agree yet. Run this again "
            "later.",
            result,
        )

    def converge_one(
        self, store: Store[Any], wanted: Any, name: str, interval: Optional[float] = None
    ) -> Result:
        """Bring one thing with a status to the ``state`` of the options, wait if they say so, and return the result.

        :param name: under which the result has the thing.
        :param interval: seconds between two looks, see :meth:`wait`.
        :raises TaskFailure: it could not be applied, or was not ready within ``wait_timeout``.
        """
        patience = self.seconds("wait_timeout")
        absent = self.params["state"] == "absent"
        converged = self.converge(store, [wanted], "name", absent=absent, keep=True)
        result = {**converged.result, name: converged.one()}
        if absent or self.check_mode:
            return result
        thing = next(iter(converged.done.after()))

        def look() -> Tuple[List[str], List[str]]:
            result.update(store.status(thing, self.params["wait"]))
            return store.awaited(thing, result), []

        try:
            if self.params["wait"]:
                self.wait(look, patience, result, interval)
            else:
                result.update(store.status(thing, False))
        except TaskFailure:
            raise
        except EmqxError as error:
            raise TaskFailure(str(error), {**error.details(), **result}) from None
        return result

    def _purge_limit(self) -> Optional[Callable[[int], int]]:
        """Return what tells how many of so many may be purged, or None where that is not limited.

        :raises InputError: ``purge_limit`` is neither a number nor a percentage.
        """
        limit = self.params.get("purge_limit")
        if limit is None:
            return None
        found = re.fullmatch(r"([0-9]{1,9})(%?)", limit.strip())
        if not found:
            raise InputError(f"purge_limit is {limit!r}: it is a number, or a percentage such as '10%'.")
        most, percent = int(found.group(1)), found.group(2)
        if percent and most > 100:
            raise InputError(f"purge_limit is {limit!r}: a percentage is at most '100%'.")
        return lambda existing: existing * most // 100 if percent else most

    def _report(self, plan: Plan[Any], store: Store[Any], failures: Sequence[Failure[Any]]) -> Result:
        changed = plan.changed or any(failure.error.partly for failure in failures)
        result: Result = {"changed": changed, "counts": {**plan.counts, "failed": len(failures)}}
        if self.diff_mode and store.comparable:
            result["diff"] = plan.diff(store.many, self.result_limit)
        return result

    def seconds(self, option: str, least: float = 0) -> float:
        """Return an option that is a time to wait, in seconds.

        :raises InputError: it is less than ``least``, or more than a day.
        """
        value = float(self.params[option])
        if not least <= value <= 86400:
            raise InputError(f"{option} is {value:g}: it is a number of seconds between {least:g} and 86400.")
        return value

    def wait(
        self, look: Callable[[], Tuple[List[str], T]], seconds: float, result: Result, interval: Optional[float] = None
    ) -> T:
        """Call ``look`` until it has nothing to wait for; return what it found.

        A failure that may be over in a while, as when the broker restarts, is waited over.

        :param look: asks the API; gives a list of what is still waited for, as words for the message, and what it
            found.
        :param result: what the result of a failure holds; ``look`` may add to it.
        :param interval: seconds between two looks; if None they become rarer, down to one a second.
        :raises TaskFailure: it took longer than ``seconds``.
        """
        deadline = time.monotonic() + seconds
        pause = 0.1 if interval is None else interval
        words = " no look has succeeded."
        while True:
            failure: Optional[EmqxError] = None
            try:
                waiting, found = look()
            except EmqxError as error:
                if not error.passing:
                    raise
                failure = error
            else:
                if not waiting:
                    return found
                words = f" it is still waited for {', '.join(waiting[:10])}."
            left = deadline - time.monotonic()
            if left <= 0:
                words += f" The last look failed: {failure}" if failure else ""
                details = failure.details() if failure else {}
                raise TaskFailure(f"After {seconds:g} s (wait_timeout){words}", {**details, **result})
            time.sleep(min(pause, left))
            if interval is None:
                pause = min(2 * pause, 1.0)

    def until(self, condition: str, seen: Callable[[], Result]) -> Result:
        """Call ``seen`` until a condition on what it gives is met, and in check mode once; return its value.

        The options ``wait_timeout`` and ``interval`` say how long and how often.

        :param condition: a JMESPath expression; it is met when Python takes its value for true.
        :raises InputError: it is none, or can't be applied.
        :raises TaskFailure: it was not met in time.
        """
        search = compiled(condition, "condition")
        seconds, interval = self.seconds("wait_timeout"), self.seconds("interval", 0.1)
        begun = time.monotonic()
        told: Result = {}

        def look() -> Tuple[List[str], Result]:
            found = seen()
            told.update(value=search(found), elapsed=round(time.monotonic() - begun, 3))
            return [] if self.check_mode or told["value"] else [_unmet(condition, told["value"], found)], told

        return self.wait(look, 0 if self.check_mode else seconds, told, interval)

    def read(self, name: str, rows: Callable[[], Iterator[Any]]) -> Result:
        """Return the rows of an info module under ``name``, at most ``limit``, after ``query``, and their ``count``.

        :param rows: gives them lazily; it is called after ``query`` and ``limit`` were found to be right.
        """
        search, limit = compiled(self.params["query"]), self.params["limit"]
        if limit is not None and limit < 1:
            raise InputError(f"limit is {limit}: it is at least 1.")
        found = list(itertools.islice(rows(), None if limit is None else min(limit, sys.maxsize)))
        return {"changed": False, name: search(found), "count": len(found)}


def _unmet(condition: str, value: Any, found: Result) -> str:
    """Return a condition with what is known of it, in one line."""
    shown = [f"its last value is {json.dumps(value, ensure_ascii=False)[:200]}"]
    shown += [f"{name} is {number}" for name, number in found.items() if isinstance(number, int)]
    return f"{' '.join(condition.split())} ({', '.join(shown)})"


@dataclass(frozen=True)
class Converged:
    """What :meth:`Task.converge` did, or in check mode would do: as a plan, and as the result that users see."""

    done: Plan[Any]
    result: Result

    def one(self) -> Optional[Result]:
        """Return the one record that there is afterwards as users see it, or None; it has to be kept (``keep``)."""
        return next((found.shown() for found in self.done.after()), None)


class TaskFailure(EmqxError):
    """A failure that tells what was reached before it, in ``result``; ``lines`` stand below its sentence."""

    def __init__(self, message: str, result: Result, lines: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.args = ("\n".join([str(self), *lines]),)
        self.result = result

    def details(self) -> Result:
        return self.result


class TaskEnded(BaseException):
    """Something that is no error ended the task once it had begun to make changes; ``result`` tells which were made."""

    def __init__(self, result: Result) -> None:
        super().__init__(result["msg"])
        self.result = result


def partial_failure(
    done: Plan[Any], failures: Sequence[Failure[Any]], result: Result, limit: int
) -> TaskFailure:
    """Return the failure of a task that could not make all changes: which failed and why, which were made."""
    first = next((failure.error for failure in failures if failure.error.details()), failures[0].error)
    made = [{"action": action, "item": record.shown()} for action, record in _applied(done)]
    failed = [_failed(failure) for failure in failures]
    total = len(failed) + len(made)
    lists = {**bounded("failures", failed, limit), **bounded("applied", made, limit)}
    message = str(first) if total == 1 else f"{len(failed)} of {total} changes failed. The first: {first}"
    return TaskFailure(message, {**first.details(), **result, **lists})


def bounded(name: str, items: Sequence[Any], limit: int) -> Result:
    """Return a list of a result, cut to ``limit`` items, and how many were left out if there are more."""
    found: Result = {name: list(items[:limit])}
    if len(items) > limit:
        found[name + "_left_out"] = len(items) - limit
    return found


def _failed(failure: Failure[Any]) -> Result:
    error = failure.error.details().get("error", {})
    return {
        "action": failure.action,
        "item": failure.record.shown(),
        "code": error.get("code"),
        "reason": str(failure.error),
    }


def _applied(done: Plan[Any]) -> Iterator[Tuple[str, Any]]:
    yield from (("create", record) for record in done.create)
    yield from (("update", new) for unused, new in done.update)
    yield from (("delete", record) for record in done.delete)


def strings(option: str, value: Any) -> List[str]:
    """Return the list of strings that an option of type ``raw`` holds.

    Ansible splits a string at commas where a list is expected, and a comma is legal in client ids and topics.

    :raises InputError: it is no list, or holds something else than text and whole numbers.
    """
    if not isinstance(value, (list, tuple)):
        raise InputError(f"{option} has to be a list, and is {value!r}: write [{value!r}] if that is one item.")
    for item in value:
        if isinstance(item, bool) or not isinstance(item, (str, int)):
            raise InputError(f"{option} is a list of strings, and {item!r} is none: put it in quotes.")
    return [str(item) for item in value]


def no_dictionaries(
    arguments: Mapping[str, Any], params: Mapping[str, Any], where: str = ""
) -> Iterator[Tuple[str, str]]:
    """Yield each option that should be a dictionary or a list of them and isn't, with a sentence that says so.

    Ansible would split a text at commas, read ``a=1`` as a dictionary, repeat in its message what may be a password,
    and not say which option it is about.

    :param where: what the options are in, as it stands before their names (``subjects[0].``).
    """
    for name, option in arguments.items():
        value, inner = params.get(name), option.get("options") or {}
        if value is None:
            continue
        if option.get("elements") == "dict":
            if not isinstance(value, list):
                yield name, f"{where}{name} has to be a list of dictionaries, and is none."
                continue
            deeper = any("options" in each or each.get("elements") == "dict" for each in inner.values())
            for position, item in enumerate(value):
                if not isinstance(item, dict):
                    place = f"{where}{name}[{position}]"
                    yield name, f"{where}{name} has to be a list of dictionaries, and {place} is none."
                    break
                found = deeper and next(no_dictionaries(inner, item, f"{where}{name}[{position}]."), None)
                if found:
                    yield name, found[1]
                    break
        elif inner and not isinstance(value, dict):
            yield name, f"{where}{name} has to be a dictionary, and is none."


def _without_texts(arguments: Mapping[str, Any], params: Dict[str, Any]) -> Optional[str]:
    """Replace what should be a dictionary or a list of them and isn't by an empty one; return what is wrong.

    A list of them that is null counts as not given: Ansible would count it as given, and ask for nothing else.
    """
    for name, option in arguments.items():
        if option.get("elements") == "dict" and params.get(name, ()) is None:
            del params[name]
    problems = list(no_dictionaries(arguments, params))
    params.update((name, [] if "elements" in arguments[name] else {}) for name, unused in problems)
    return problems[-1][1] if problems else None


class _Module(AnsibleModule):
    """An ordinary module that doesn't take a text for a list of dictionaries."""

    refused: Optional[str] = None

    def _load_params(self) -> None:
        super()._load_params()
        self.refused = _without_texts(self.argument_spec, self.params)


def execute(task: Task, run: Callable[[Task], Result]) -> Result:
    """Run a module's function and return its result, a failure included (``failed`` and ``msg``).

    :raises TaskEnded: something that is no error ended it after changes were made, or while they were.
    """
    try:
        result = {"changed": False, **run(task)}
    except EmqxError as error:
        result = {"changed": False, **task.made, **error.details(), "failed": True, "msg": str(error)}
    except (Exception, TaskEnded):
        raise
    except BaseException as cause:
        if not task.made:
            raise
        raise TaskEnded({**task.made, "msg": "All changes were made.", "requests": task.requests}) from cause
    finally:
        task.close()
    return {**result, "requests": task.requests}


def run_module(spec: Spec, run: Callable[[Task], Result]) -> None:
    """Run a module's function as an ordinary module."""
    module = _Module(supports_check_mode=True, **spec.arguments())
    if module.refused:
        module.fail_json(msg=module.refused, requests=0)
    if spec.listed and module.params["src"] is not None:
        module.fail_json(msg=f"src is read by the action plugin, which has not run: give {spec.listed}.", requests=0)
    module.no_log_values.update(in_all_forms(module.no_log_values), connection_secrets_of(module.params))
    task = Task(module.params, module.check_mode, module._diff)
    result = execute(task, run)
    for warning in task.warnings:
        module.warn(warning)
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)


def run_directly(
    name: str, spec: Spec, run: Callable[[Task], Result], params: Mapping[str, Any], check_mode: bool, diff_mode: bool,
    http: Callable[[Settings], Http],
) -> Result:
    """Run a module's function in this process and return what the module ``name`` would: validated, and censored alike.

    :param params: the options as plain JSON types.
    :param http: opens the connections.
    :raises TaskEnded: see there; its result is censored as well.
    """
    arguments, given = spec.arguments(), dict(params)
    refused = _without_texts(arguments["argument_spec"], given)
    validated, secrets = _validated(arguments, given)
    options = validated.validated_parameters
    warnings = [f"Both option {each['option']} and its alias {each['alias']} are set." for each in validated._warnings]
    result: Result
    try:
        if validated.error_messages:
            message = validated.errors.msg
            if isinstance(validated.errors[0], UnsupportedError):
                message = f"Unsupported parameters for ({name}) module: {message}"
            result = {"failed": True, "msg": message}
        elif refused:
            result = {"failed": True, "msg": refused, "requests": 0}
        else:
            secrets.update(in_all_forms(secrets), connection_secrets_of(options))
            task = Task(options, check_mode, diff_mode, http)
            result = execute(task, run)
            warnings += task.warnings
    except TaskEnded as ended:
        raise TaskEnded(_censored(ended.result, secrets)) from ended.__cause__
    if warnings:
        result["warnings"] = warnings
    if validated._deprecations:
        result["deprecations"] = validated._deprecations
    return _censored(result, secrets)


def _validated(arguments: Mapping[str, Any], given: Mapping[str, Any]) -> Tuple[Any, Set[str]]:
    """Return what Ansible's validator makes of options, and the values that it says must not be logged."""
    validator, rest = ArgumentSpecValidator(**arguments), dict(given)
    aside, secrets = set_aside(arguments["argument_spec"], rest)
    validated = validator.validate(rest)
    if validated.error_messages:
        validated = validator.validate(given)  # once more, since messages count items
    else:
        put_back(aside, validated.validated_parameters)
    return validated, secrets | validated._no_log_values


def _censored(result: Result, secrets: Set[str]) -> Result:
    """Return a result as a module prints it: JSON, with secrets masked but for what is true, false or null."""
    if len(secrets) > 50:
        secrets = occurring(secrets, result)
    kept = {name: value for name, value in result.items() if value is None or isinstance(value, bool)}
    censored: Result = json.loads(jsonify({**remove_values(result, secrets), **kept}))
    return censored


def in_all_forms(secrets: Set[str]) -> Set[str]:
    """Return the forms in which an API may repeat the values of options that must not be logged.

    Not of a long list: to look for thousands in each text takes minutes, and whoever sends them masks what comes back.
    """
    from ._masking import forms

    return {form for secret in secrets if len(secret) >= 4 for form in forms(secret)} if len(secrets) <= 50 else set()


def connection_secrets_of(params: Mapping[str, Any]) -> List[str]:
    """Return what Ansible has to mask beside the options themselves: the base64 of a Basic header."""
    from ._masking import connection_secrets

    pairs = (("app_id", "app_secret"), ("platform_key", "platform_secret"))
    return [
        secret
        for user, password in pairs
        if params.get(user) and params.get(password)
        for secret in connection_secrets(params[user], params[password])
    ]
