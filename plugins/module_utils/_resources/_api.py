# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two dialects of the Deployment API, the Platform API, and what all stores share.

v4 says success with ``code: 0`` in the body and nothing else; v5 and the Platform API say it with the HTTP status.
"""

from __future__ import annotations

import itertools
import re
from datetime import datetime, timedelta, timezone
from typing import (
    Any,
    Callable,
    Dict,
    Generic,
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
from urllib.parse import urlsplit

from .._converge import Outcomes, Plan, Record
from .._errors import (
    STATUSES,
    V4_CODES,
    V4_MESSAGES,
    V5_CODES,
    V5_REASONS,
    ApiError,
    EmqxError,
    InputError,
    Missing,
    NotAttempted,
    NotOffered,
    TooLarge,
    TransportError,
    Unanswered,
    one_line,
    readable,
    sentence,
)
from .._http import NO_JSON, Answer, Http, Settings, ahead, doubt, encoded, retry_at, wait_asked
from .._masking import masked
from .._times import rfc3339
from .._urls import checked_url, is_text
from ._guards import is_serverless

R = TypeVar("R", bound=Record)
Query = Iterable[Tuple[str, Any]]

PAGE = 10000
"""Rows a page: the most that v5 takes (more is a 400), and v4's own default."""

PAGES = 10000
"""Pages that are read of one list at the most: more would mean that it never ends."""

AUTHENTICATOR = "authentication/password_based%3Abuilt_in_database"
NO_AUTHENTICATOR = (
    "this deployment has no authenticator password_based:built_in_database, so it keeps no users; create it first"
)

SOURCE = "authorization/sources/built_in_database"
RULES = SOURCE + "/rules"
NO_SOURCE = (
    "this deployment has no authorization source built_in_database, so it keeps no access rules; create it first, with "
    "emqx.cloud.authorization_source"
)

MEBIBYTE = 1 << 20
"""From this size on (bytes), a refusal that says nothing else is taken for one of the size."""


class Api:
    """One endpoint and its dialect: what is a success, what an error means, how a list is paged."""

    generation = ""
    page_option = "page"
    limit_option = "limit"
    serverless = False
    """Whether it is known to be that of a Serverless deployment, which has quotas."""

    def __init__(self, http: Http) -> None:
        self.http = http

    def call(
        self, method: str, path: str, query: Query = (), body: Any = None, secrets: Iterable[str] = ()
    ) -> Any:
        """Send one request and return the parsed body of its success (None where there is none).

        :param path: made by :func:`.._urls.path_of`.
        :param body: what is sent as JSON, or bytes that are JSON.
        :param secrets: values in the body that must not show when the API repeats them in an error.
        :raises TransportError: no whole answer came.
        :raises ApiError: the API says that it failed.
        """
        secrets = list(secrets)
        answer = self.sent(method, path, query, body, secrets)
        self.checked(answer, secrets)
        return None if answer.json is NO_JSON else answer.json

    def sent(self, method: str, path: str, query: Query, body: Any, secrets: Sequence[str]) -> Answer:
        """Send one request and return what came back, whatever its status; see :meth:`call`."""
        try:
            return self.http.request(method, path, query, body)
        except TransportError as error:
            raise error.said(masked(str(error), secrets)) from None

    def checked(self, answer: Answer, secrets: Iterable[str] = ()) -> None:
        """Raise what an answer that is no success means.

        :raises ApiError: it is no success.
        """
        problem = self.problem(answer)
        if problem is None:
            return
        code, meaning, said, kind = problem
        if kind is Missing and answer.method == "DELETE" and answer.retried:
            return  # the attempt before has deleted it
        secrets = list(secrets)
        said = " ".join(masked(self.http.mask(said), secrets).split())
        said = said[:200] if answer.json is NO_JSON else said[:2000]
        if code is not None and not isinstance(code, int):
            code = one_line(masked(self.http.mask(readable(code)), secrets), 100)
        message = sentence(answer.method, answer.path, answer.status, code, meaning, said)
        message += self.again(answer) if answer.status in (429, 503) else ""
        message += doubt(answer.method, answer.path) if _is_unclear(answer.status, code, said) else ""
        raise kind(message, answer.status, code, said, answer.method, answer.path)

    def again(self, answer: Answer) -> str:
        """Return what a message says of when a call that came too often may be made again, as far as that is known."""
        return retry_at(answer.retry_after)

    def needs(self, generation: str, what: str, instead: str = "") -> None:
        """Refuse what the other generation lacks.

        :param generation: the one that has it, ``v4`` or ``v5``.
        :param what: begins a sentence, such as ``A connector``.
        :param instead: how this generation does it, without a full stop.
        :raises InputError: this deployment is of the other generation.
        """
        if self.generation != generation:
            raise InputError(f"{what} needs a {generation} deployment" + (f": {instead}." if instead else "."))

    def problem(self, answer: Answer) -> Optional[Tuple[Any, str, str, Any]]:
        """Return None for a success, else the code, its meaning, the API's own words and the class of the exception."""
        raise TypeError(f"{type(self).__name__} has no dialect")

    def problem_of_status(self, answer: Answer) -> Tuple[Any, str, str, Any]:
        """Return the problem that an HTTP status outside 2xx is, the same for all endpoints."""
        body = answer.json if isinstance(answer.json, dict) else {}
        code = body.get("code", body.get("reason_code"))
        said = readable(body["message"]) if "message" in body else _plain(answer)
        meaning = STATUSES.get(answer.status, "an unexpected status")
        meaning = meaning.format(credentials=self.http.settings.credentials)
        if isinstance(code, str):
            meaning = V5_CODES.get(code, meaning) if answer.status not in (401, 403) else meaning
        elif isinstance(code, int):
            meaning = V5_REASONS.get(code, meaning)
        if answer.status == 405 or (answer.status == 404 and (not body or said == "Request Path Not Found")):
            # 404 may be an HTML page (EMQX 5.8) or plain text (EMQX 4.4, also where a plugin isn't loaded).
            return code, "this deployment does not offer the call", said, NotOffered
        if answer.status == 404:
            # EMQX 5.8 says the same 404 NOT_FOUND of a user and of the authenticator that should hold the user.
            if "uthenticator" in said and answer.path.startswith(AUTHENTICATOR):
                return code, NO_AUTHENTICATOR, said, ApiError
            if said == "Not found: built_in_database" and answer.path.startswith(RULES):
                return code, NO_SOURCE, said, ApiError
            if isinstance(code, str) and code.endswith("NOT_FOUND"):
                return code, meaning, said, Missing
            return code, "whatever answered knows no such address", said, NotOffered  # a gateway, say
        if answer.status == 413:
            return code, meaning, said, TooLarge
        return code, meaning, said, ApiError

    def rows(
        self, path: str, query: Query = (), page_size: Optional[int] = None, most: int = PAGE, named: bool = True
    ) -> Iterator[Dict[str, Any]]:
        """Yield every row of a list once, page by page; a list that comes without pages is one page.

        Pages are no snapshot: a row that shifts while they are read comes on two of them.

        While the rows of a page are looked at, the next one is already asked for; not so with a ``page_size``, since
        then no more rows are wanted than a page has.

        :param most: the largest page that this list takes, in rows.
        :param named: whether a row has what tells it from others; if not, each row of each page comes.
        :raises ApiError: an answer is no list, the same page comes again and again, or pages never end.
        """
        pages = self._pages(path, list(query), min(page_size or most, most), named)
        for page in pages if page_size else ahead(pages):
            yield from page

    def _pages(
        self, path: str, query: List[Tuple[str, Any]], asked: int, named: bool
    ) -> Iterator[List[Dict[str, Any]]]:
        """Yield the pages of a list.

        A page that is empty, or short and not said to have a next one, is the last one: on v5 ``hasnext`` can be true
        on a full last page and is missing from ``/banned``, on v4 ``count`` may be -1, or 0 with rows.
        """
        pages: Set[int] = set()
        before: Set[int] = set()  # of the page before alone: all of them would take a hundred bytes a row
        for number in range(1, PAGES + 1):
            body = self.call("GET", path, [*query, (self.page_option, number), (self.limit_option, asked)])
            if isinstance(body, list):
                yield self.dicts(body, path)
                return
            # Rows come as `data`, but those of the shadow service as `items`.
            data = self.dicts(body.get("data", body.get("items")) if isinstance(body, dict) else None, path)
            meta = body.get("meta")
            meta = meta if isinstance(meta, dict) else {}
            size = meta.get("limit")
            full = len(data) >= (size if isinstance(size, int) and size > 0 else asked)
            last = not data or not (full or meta.get("hasnext") is True)
            marks = [_mark_of(row) for row in data] if named and not (last and number == 1) else []
            page = hash(tuple(marks))
            if marks and page in pages:
                if last:
                    return
                raise self.odd("GET", path, f"page {number} repeats one before it")
            yield [row for row, mark in zip(data, marks) if mark not in before] if marks else data
            if last:
                return
            pages.add(page)
            before = set(marks)
        raise self.odd("GET", path, f"the list goes on after {PAGES} pages")

    def peek(self, path: str) -> Optional[List[Dict[str, Any]]]:
        """Return all rows of a list that only helps, or None where these credentials may not read it or it isn't there.

        :raises ApiError: it can't be read for another reason.
        """
        try:
            return list(self.rows(path))
        except ApiError as error:
            if error.status in (403, 404):
                return None
            raise

    def count(self, path: str) -> Optional[int]:
        """Return how many rows a list without filters has, asking for one of them, or None where that isn't told."""
        try:
            body = self.call("GET", path, [(self.page_option, 1), (self.limit_option, 1)])
        except EmqxError:
            return None
        meta = body.get("meta") if isinstance(body, dict) else None
        count = meta.get("count") if isinstance(meta, dict) else None
        return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None

    def known(self, path: str, name: str) -> Optional[Set[str]]:
        """Return the values of the field ``name`` in the rows of :meth:`peek`, or None."""
        rows = self.peek(path)
        return None if rows is None else {str(row.get(name)) for row in rows}

    def dicts(self, rows: Any, path: str, method: str = "GET") -> List[Dict[str, Any]]:
        """Return ``rows`` if they are a list of objects.

        :raises ApiError: they are something else.
        """
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self.odd(method, path, "a list of objects was expected")
        return rows

    @staticmethod
    def odd(method: str, path: str, what: str, status: int = 200) -> ApiError:
        """Return the error for an answer that isn't what it should be."""
        message = f"{method} {path} gave an answer that can't be used: {what}.{doubt(method, path)}"
        return ApiError(message, status, None, what, method, path)


def _is_unclear(status: int, code: Any, said: str) -> bool:
    """Say whether an error leaves open if the request was carried out: nobody has refused it."""
    no_refusal = not isinstance(code, int) and said not in V4_MESSAGES
    return no_refusal if 200 <= status < 300 else status in (500, 502, 504)


def _mark_of(row: Dict[str, Any]) -> int:
    """Return what a row is known by on another page: its texts stay the same while its counters go on."""
    texts = tuple(value for value in row.values() if isinstance(value, str))
    return hash(texts or repr(row))


def is_success(code: Any) -> bool:
    """Say whether a result code of v4 is the number 0, and not something that Python takes for it."""
    return code == 0 and isinstance(code, int) and not isinstance(code, bool)


class V4Api(Api):
    """EMQX 4.x: HTTP 200 with ``{"code": 0}`` is a success; an error may be a 200 with a ``message`` alone."""

    generation = "v4"
    page_option = "_page"
    limit_option = "_limit"

    def problem(self, answer: Answer) -> Optional[Tuple[Any, str, str, Any]]:
        if _is_of_shadows(answer):
            return None
        if answer.status != 200:
            code, meaning, said, kind = self.problem_of_status(answer)
            if answer.status == 400 and said == "Bad Request" and answer.sent > MEBIBYTE:
                kind = TooLarge  # EMQX 4.4 says no more than that to a body over 8 MB
            return code, meaning, said, kind
        body = answer.json
        if not isinstance(body, dict):
            return None, "the answer is not the JSON that a v4 deployment sends", _plain(answer), ApiError
        code = body.get("code")
        if is_success(code):
            return None
        said = readable(body.get("message", ""))
        if code is None:
            return None, V4_MESSAGES.get(said, "the broker answered without a result code"), said, ApiError
        known = code if isinstance(code, int) else -1
        # The rule engine of EMQX 4.4 says 404 in a 200 where a lookup finds nothing.
        return code, V4_CODES.get(known, "an unknown result code"), said, Missing if known == 404 else ApiError


def _is_of_shadows(answer: Answer) -> bool:
    """Say whether an answer is a success of the shadow service.

    As EMQX Cloud documents it, this one service of v4 sends no ``code``: the HTTP status tells.
    """
    if answer.path.partition("/")[0] != "shadows" or not 200 <= answer.status < 300:
        return False
    if answer.json is NO_JSON:
        return not answer.text.strip()
    return isinstance(answer.json, dict) and not {"code", "message"} & set(answer.json)


class V5Api(Api):
    """EMQX 5.x: the HTTP status tells."""

    generation = "v5"

    def call(
        self, method: str, path: str, query: Query = (), body: Any = None, secrets: Iterable[str] = ()
    ) -> Any:
        try:
            return super().call(method, path, query, body, secrets)
        except TransportError as error:
            if error.lost and error.sent > MEBIBYTE:
                # EMQX 5.8 may reset the connection on a body over 8 MB.
                raise TooLarge(str(error), 0, None, str(error), method, path) from None
            raise

    def problem(self, answer: Answer) -> Optional[Tuple[Any, str, str, Any]]:
        if 200 <= answer.status < 300:
            if answer.json is NO_JSON and answer.text.strip():
                return None, "the answer is no JSON", _plain(answer), ApiError
            return None
        code, meaning, said, kind = self.problem_of_status(answer)
        if answer.status == 500 and not answer.text and answer.sent > MEBIBYTE:
            kind = TooLarge  # EMQX 5.8 on a body over 8 MB
        return code, meaning, said, kind


class PlatformApi(V5Api):
    """The Platform API of an account: deployments, projects, certificates. It limits calls by the hour."""

    generation = "platform"

    def problem(self, answer: Answer) -> Optional[Tuple[Any, str, str, Any]]:
        found = super().problem(answer)
        if found is None or answer.status not in (404, 429):
            return found
        code, meaning, said, kind = found
        if answer.status == 429:
            return code, limit_of(answer.method, answer.path) or meaning, said, kind
        if not isinstance(answer.json, dict) or not answer.path.startswith("deployments/"):
            return code, "platform_url leads elsewhere, or the Platform API has no such call", said, NotOffered
        certificate = ", or it has no certificate" if answer.path.endswith("/tls") else ""
        return code, f"the account has no such deployment{certificate}", said, Missing

    def again(self, answer: Answer) -> str:
        if answer.status == 429 and wait_asked(answer.retry_after) is None and limit_of(answer.method, answer.path):
            latest = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=1)
            return f" It may be tried again at {rfc3339(latest)} at the latest."
        return super().again(answer)


def limit_of(method: str, path: str) -> str:
    """Return which limit a call of the Platform API is under, in a sentence's words; empty if none is documented."""
    if method == "GET":
        return "this call may be made 60 times in 60 minutes, and was"
    if path.endswith("/tls"):
        return "a certificate may be changed 6 times in 60 minutes, and was"
    if path.endswith(("/start", "/stop")):
        return f"a deployment may be asked to {path.rpartition('/')[2]} once in 60 minutes, and was"
    return ""


def _plain(answer: Answer) -> str:
    """Return a body that is no JSON, for an error; of an HTML page only that it is one."""
    text = answer.text.strip()
    return "an HTML page" if text[:1] == "<" else text


def deployment_api(options: Mapping[str, Any], http: Callable[[Settings], Http] = Http) -> Api:
    """Return the Deployment API that a module's options describe.

    :raises InputError: the URL can't be right, or doesn't tell the generation and ``api_version`` doesn't either.
    """
    url = checked_url(str(options["api_url"]), "api_url", options["allow_http"])
    path = urlsplit(url).path.rstrip("/")
    generation = options["api_version"]
    if "/public_api/" in path + "/":
        raise InputError("api_url is that of the Platform API: use the API address of a deployment's overview page.")
    if generation == "auto":
        generation = {"v5": "v5", "v4": "v4", "api": "v4"}.get(path.rpartition("/")[2], "")
    if generation not in ("v4", "v5"):
        raise InputError(
            "api_url doesn't tell the generation of the API: it should end in /api/v5, /api or /api/v4; "
            "or set api_version."
        )
    settings = _settings(options, url, options["app_id"], options["app_secret"], "api_url", "app_id and app_secret")
    api = (V5Api if generation == "v5" else V4Api)(http(settings))
    api.serverless = is_serverless(options, url)
    return api


def platform_api(options: Mapping[str, Any], http: Callable[[Settings], Http] = Http) -> PlatformApi:
    """Return the Platform API that a module's options describe.

    :raises InputError: an option is missing or the URL can't be right.
    """
    names = ("platform_url", "platform_key", "platform_secret")
    missing = [name for name in names if not options.get(name)]
    if missing:
        raise InputError(f"The Platform API needs {', '.join(names)}: {' and '.join(missing)} not given.")
    url, key, secret = (str(options[name]) for name in names)
    url = checked_url(url, names[0], options["allow_http"])
    if re.search(r"/api(/v\d+)?$", urlsplit(url).path):
        raise InputError("platform_url is that of a Deployment API: that of the Platform API ends in /public_api/v1.")
    settings = _settings(options, url, key, secret, names[0], "platform_key and platform_secret", hourly=True)
    return PlatformApi(http(settings))


LIMITS = (
    ("timeout", 0.001, 86400),
    ("retries", 0, 1000),
    ("retry_wait_max", 0, 86400),
    ("rate_limit", 0.001, 1000000),
    ("max_connections", 1, 1000),
)
"""Options of the connection with the least and the most that they may be."""


def _settings(
    options: Mapping[str, Any], url: str, user: str, secret: str, option: str, credentials: str, hourly: bool = False
) -> Settings:
    shared = (
        "validate_certs", "ca_path", "client_cert", "client_key", "timeout", "retries", "retry_wait_max", "rate_limit",
        "max_connections", "allow_http",
    )
    given = {name: options[name] for name in shared}
    for name, least, most in LIMITS:
        if given[name] is not None and not least <= given[name] <= most:
            raise InputError(f"{name} is {given[name]}: it has to be between {least} and {most}.")
    for name, value in (("the user of the API", user), ("the secret of the API", secret)):
        if not is_text(value):
            raise InputError(f"{credentials}: {name} is not valid Unicode text.")
    if given["client_key"] and not given["client_cert"]:
        raise InputError("client_key is given without client_cert.")
    return Settings(
        url=url, user=user, secret=secret, option=option, credentials=credentials, hourly=hourly, **given
    )


def not_empty(option: str, value: Optional[str]) -> None:
    """Refuse an empty filter of an info module: brokers take it for none, or for one that nothing meets.

    :raises InputError: it is empty, as a variable that came out empty is.
    """
    if value == "":
        raise InputError(f"{option} is empty: leave it out to ask for all.")


def one_of_kind(kinds: Optional[Sequence[str]], kind: str) -> None:
    """Refuse to read one thing by its name where ``kind``, if it is given, asks for things of other kinds.

    :raises InputError: the two contradict each other.
    """
    if kinds and kind not in kinds:
        raise InputError(f"kind leaves out {kind}, and {kind} is given: give one of them.")


class Store(Generic[R]):
    """A set of things that EMQX keeps, read as records and changed in the fewest requests the API allows.

    :cvar many: how users name the things (``users``): the name of the list in a diff.
    :cvar comparable: it can be read back; what can't, such as messages that were sent, has no diff.
    :cvar few: up to so many records are looked up one by one, concurrently, instead of listing everything.
    """

    many = "records"
    comparable = True
    few = 8

    def __init__(self, api: Api) -> None:
        self.api = api

    def list(self) -> Iterator[R]:
        """Yield all records, page by page."""
        raise TypeError(f"{type(self).__name__} can't list")

    def get(self, record: R) -> Optional[R]:
        """Return the current state of the one record with this key, or None."""
        raise TypeError(f"{type(self).__name__} can't look up")

    def reads_all(self, wanted: Sequence[R], everything: bool) -> bool:
        """Say whether :meth:`current` lists everything, and doesn't look each wanted record up."""
        return everything or len(wanted) > self.few

    def current(self, wanted: Sequence[R], everything: bool) -> Iterator[R]:
        """Yield at least the wanted records that exist; all records if ``everything`` is needed (to purge)."""
        if self.reads_all(wanted, everything):
            yield from self.list()
            return
        yield from (found for found in self.api.http.results(self.get, wanted) if found is not None)

    def fresh(self, record: R) -> Optional[R]:
        """Return what the API makes of a new record: with its defaults for what the record doesn't mention.

        None if it isn't created, because there is nothing in it.
        """
        return record

    def check(self, plan: Plan[R]) -> None:
        """Refuse, before any change, a plan that the API can't carry out.

        :raises InputError: naming the first thing that can't be done, and what would be right.
        """

    def cautions(self, plan: Plan[R]) -> Iterable[str]:
        """Return a sentence for whatever a plan would lock out; looking for that never fails the task."""
        return ()

    def status(self, record: R, anew: bool) -> Dict[str, Any]:
        """Return what a thing that exists has come to, for the result: ``status`` and its like.

        :param anew: ask, even if an earlier answer told.
        """
        raise TypeError(f"{type(self).__name__} knows no status")

    def awaited(self, record: R, status: Mapping[str, Any]) -> List[str]:
        """Return what a thing with such a status is still waited for, in a sentence's words; nothing if it is ready."""
        raise TypeError(f"{type(self).__name__} knows no status")

    def mixes(self, wanted: Sequence[R]) -> bool:
        """Say whether two that change one of these at the same time can leave a mixture, which neither wants."""
        return False

    def needs_room(self, plan: Plan[R]) -> bool:
        """Say whether what the plan creates fits in only once what it deletes is gone."""
        return False

    def steps(self, plan: Plan[R]) -> List[Tuple[str, Sequence[R]]]:
        """Return what is called, and with which records, to carry a plan out; a method may come twice."""
        add = [("create", plan.create), ("update", [new for unused, new in plan.update])]
        delete = ("delete", plan.delete)
        return [delete, *add] if self.needs_room(plan) else [*add, delete]

    def one_by_one(self, change: Callable[[R], Any], records: Iterable[R]) -> Outcomes[R]:
        """Yield the outcomes of ``change`` for each record, sent concurrently: the API has no bulk call for it."""
        for record, result in self.api.http.each(change, records):
            yield record, result if isinstance(result, EmqxError) else None

    @staticmethod
    def step_by_step(steps: Iterable[Tuple[R, Callable[[], Any]]]) -> Outcomes:
        """Yield the outcome of a change that takes several requests.

        If one fails, or something else ends it, what was reached before is yielded as done and the whole as failed: the
        result then tells both.

        :param steps: each the record as it is afterwards, and the request; the last one's record is the whole.
        """
        steps = list(steps)
        reached: Optional[R] = None
        broken: Optional[BaseException] = None
        for record, step in steps:
            try:
                step()
            except BaseException as error:  # such as a time limit of Ansible's, too
                if isinstance(error, Exception) and not isinstance(error, EmqxError):
                    raise
                broken = error
                break
            reached = record
        if reached is not None:
            yield reached, None
        if broken is not None:
            yield steps[-1][0], broken if isinstance(broken, EmqxError) else Unanswered()
            if not isinstance(broken, EmqxError):
                raise broken


Row = Tuple[R, Any]
Batch = List[Row[R]]
Outcome = Tuple[R, Optional[EmqxError]]
Send = Callable[[Batch[R], bytes], Iterable[Outcome[R]]]
"""Sends a batch, the body of which is given as well, and yields the outcome of each record."""


def in_batches(rows: Iterable[Row[R]], send: Send[R], batch_bytes: int) -> Outcomes[R]:
    """Send rows in batches of at most ``batch_bytes`` of JSON and yield the outcome of each record.

    A batch that is refused for its size is halved and sent again. After an error that is fatal, the rest is not sent.
    While the outcomes of a batch are looked at, the next one is already sent.

    :param rows: pairs of a record and what is sent for it.
    """
    for outcomes in ahead(_outcomes(rows, send, batch_bytes)):
        yield from outcomes


def _outcomes(rows: Iterable[Row[R]], send: Send[R], batch_bytes: int) -> Iterator[List[Outcome[R]]]:
    broken = False
    for cut, body in ahead(_cut(rows, batch_bytes)):
        waiting = [(cut, body)]
        while waiting:
            batch, body = waiting.pop()
            outcomes: Optional[List[Outcome[R]]]
            outcomes = [(record, NotAttempted()) for record, _row in batch] if broken else _sent(batch, body, send)
            if outcomes is None:
                half = len(batch) // 2
                waiting += [(part, encoded([row for _record, row in part])) for part in (batch[half:], batch[:half])]
                continue
            broken = broken or any(error is not None and error.fatal for _record, error in outcomes)
            yield outcomes


def _cut(rows: Iterable[Row[R]], batch_bytes: int) -> Iterator[Tuple[Batch[R], bytes]]:
    """Yield batches with their bodies."""
    batch: Batch[R] = []
    parts: List[bytes] = []
    size = 0
    rows = iter(rows)
    # Hundreds are encoded at once, which is much faster, and one by one only where a batch ends.
    for block in iter(lambda: list(itertools.islice(rows, 200)), []):
        text = encoded([row for _record, row in block])[1:-1]
        fits = size + len(text) + 2 <= batch_bytes
        for some, part in [(block, text)] if fits else [([row], encoded(row[1])) for row in block]:
            if batch and size + len(part) + 2 > batch_bytes:
                yield batch, b"[" + b",".join(parts) + b"]"
                batch, parts, size = [], [], 0
            batch += some
            parts.append(part)
            size += len(part) + 1
    if batch:
        yield batch, b"[" + b",".join(parts) + b"]"


def _sent(batch: Batch[R], body: bytes, send: Send[R]) -> Optional[List[Outcome[R]]]:
    """Return the outcomes of a batch, or None if it is too large and can be halved."""
    try:
        return list(send(batch, body))
    except EmqxError as error:
        if isinstance(error, TooLarge) and len(batch) > 1:
            return None
        return [(record, error) for record, _row in batch]
