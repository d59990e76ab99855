# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pool of HTTPS connections: Basic authentication, TLS, time limits, retries, a rate limit, bounded concurrency.

What an answer means is for the layer above; here it is a status and a body.
"""

from __future__ import annotations

import contextlib
import copy
import email.utils
import http.client
import http.cookiejar
import io
import json
import math
import os
import re
import socket
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import (
    Any,
    Callable,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Optional,
    Tuple,
    TypeVar,
    Union,
)
from urllib.parse import urlencode, urlsplit

from ._errors import EmqxError, InputError, NotAttempted, TransportError
from ._json import from_json
from ._masking import connection_secrets, without_credentials
from ._times import rfc3339
from ._unanswered import cause_of, explained, is_passing, proxies_for, trusted
from ._urls import LONGEST_LINE, checked_path, checked_url

try:
    import requests
    import urllib3
    from requests import Session
    from requests.adapters import HTTPAdapter
    from urllib3.exceptions import InsecureRequestWarning, MaxRetryError, ResponseError
    from urllib3.util.retry import Retry
except ImportError:
    HAS_REQUESTS = False
    HTTPAdapter = Retry = Session = object  # type: ignore[assignment,misc]
else:
    HAS_REQUESTS = True

Item = TypeVar("Item")
Result = TypeVar("Result")

SAFE_TO_REPEAT = frozenset(("GET", "PUT", "DELETE"))
"""Methods that may be sent again after the connection was lost: doing them twice is doing them once."""

MOST = 64 << 20
"""The most bytes that an answer may have, decompressed: 6 KB for each row of the largest page."""

TIMES = 10
"""An answer has to be there as a whole in so many times ``timeout``, however steadily it drips."""

NO_JSON = object()
"""What :attr:`Answer.json` is when the body is no JSON."""


@dataclass(frozen=True)
class Settings:
    """How to reach one endpoint; the secret never shows in ``repr``.

    Times are in seconds, ``rate_limit`` is in requests a second. ``option`` is the name of the option that holds the
    URL and ``credentials`` names those of the credentials, for messages. ``hourly`` says that calls are limited by the
    hour, some to one: then a change is sent again only where the connection was refused, and nothing after a 429 that
    doesn't say when.
    """

    url: str
    user: str
    secret: str = field(repr=False)
    option: str = "api_url"
    credentials: str = "app_id and app_secret"
    validate_certs: bool = True
    ca_path: Optional[str] = None
    client_cert: Optional[str] = None
    client_key: Optional[str] = None
    timeout: float = 30
    retries: int = 4
    retry_wait_max: float = 60
    rate_limit: Optional[float] = None
    max_connections: int = 8
    allow_http: bool = False
    hourly: bool = False

    @property
    def repeatable(self) -> FrozenSet[str]:
        """The methods that may be sent again after the connection was lost."""
        return frozenset(("GET",)) if self.hourly else SAFE_TO_REPEAT


@dataclass(frozen=True)
class Answer:
    """What came back: the HTTP status, the body as text and as parsed JSON (or :data:`NO_JSON`).

    ``retried`` says that it answers a second or later attempt, ``sent`` is the size of the request's body in bytes.
    """

    method: str
    path: str
    status: int
    text: str
    json: Any
    retried: bool
    sent: int
    retry_after: Optional[str]


def encoded(value: Any) -> bytes:
    """Return a value as the JSON that is sent.

    :raises InputError: a text in it is none that UTF-8 can carry, or a number none that JSON knows.
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
    except UnicodeEncodeError:
        raise InputError("A text that would be sent is not valid Unicode text.") from None
    except ValueError:
        raise InputError("A number that would be sent is .inf or .nan, which JSON doesn't know.") from None


class _Count:
    """How many requests went out; several threads add to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.value = 0

    def add(self) -> None:
        with self._lock:
            self.value += 1


class _Pace:
    """Keeps requests at least ``1 / rate`` seconds apart, over all threads."""

    def __init__(self, rate: Optional[float]) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            turn = max(self._next, now)
            self._next = turn + self._gap
        time.sleep(turn - now)


class _Retry(Retry):
    """urllib3's Retry, deciding by method, cause and header; all waiting of one request is bounded.

    A POST is repeated only where it can't have been carried out: refused connections, and 429 or 503 with a
    ``Retry-After``. GET, PUT and DELETE are also repeated on lost connections, 429, and 502 to 504. Where calls are
    limited by the hour it is less, see :class:`Settings`.

    :ivar pause: how long to wait, in seconds, before the attempt that :meth:`increment` has granted.
    """

    wait_limit = 60.0
    hourly = False
    waited = 0.0
    pause = 0.0

    @classmethod
    def of(cls, settings: Settings) -> _Retry:
        """Return the policy for one request."""
        retry = cls(
            total=settings.retries,
            other=0,  # a certificate that is refused stays refused
            redirect=False,
            allowed_methods=settings.repeatable,
            backoff_factor=0.5,
        )
        retry.wait_limit, retry.hourly = settings.retry_wait_max, settings.hourly
        return retry

    def new(self, **changes: Any) -> _Retry:
        retry = super().new(**changes)
        retry.wait_limit, retry.hourly, retry.waited = self.wait_limit, self.hourly, self.waited
        return retry

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        may_repeat = method in (self.allowed_methods or ())
        if self.hourly and (not may_repeat or (status_code == 429 and not has_retry_after)):
            return False
        if status_code in (429, 503) and has_retry_after:
            return True
        return may_repeat and status_code in (429, 502, 503, 504)

    def increment(
        self, method: Any = None, url: Any = None, response: Any = None, error: Any = None, _pool: Any = None,
        _stacktrace: Any = None,
    ) -> _Retry:
        retry = super().increment(method, url, response, error, _pool, _stacktrace)
        asked = wait_asked(response.headers.get("Retry-After")) if response is not None else None
        retry.pause = retry.get_backoff_time() if asked is None else asked
        retry.waited = self.waited + retry.pause
        if retry.waited > self.wait_limit:
            raise MaxRetryError(_pool, url, error or ResponseError("the wait is over retry_wait_max"))
        return retry


def wait_asked(header: Optional[str]) -> Optional[float]:
    """Return the seconds that a ``Retry-After`` header asks for (a number or a date), or None if it can't be read."""
    if header is None:
        return None
    if re.fullmatch(r"\s*\d+\s*", header):
        return float(header)  # urllib3 would shorten it to six hours
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


class _Received(io.RawIOBase):
    """What a socket receives until the answer takes too long: a time limit of sockets bounds only each single wait."""

    def __init__(self, sock: Any) -> None:
        super().__init__()
        self._sock, self._file = sock, sock.makefile("rb", buffering=0)
        self._timeout: float = sock.gettimeout()
        self._end = time.monotonic() + TIMES * self._timeout

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return this as the file that http.client reads from."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Optional[int]:
        left = self._end - time.monotonic()
        if left <= 0:
            raise socket.timeout("the answer takes too long")
        if left < self._timeout:
            self._sock.settimeout(left)
        size: Optional[int] = self._file.readinto(buffer)
        return size

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer, its headers included, that can't take for ever."""

    def __init__(self, sock: Any, *words: Any, **options: Any) -> None:
        super().__init__(_Received(sock), *words, **options)  # type: ignore[arg-type]


def _bounded(manager: Any) -> Any:
    """Return a pool manager of urllib3, the connections of which now give bounded answers."""
    manager.pool_classes_by_scheme = {
        scheme: type(pool.__name__, (pool,), {
            "ConnectionCls": type(pool.ConnectionCls.__name__, (pool.ConnectionCls,), {"response_class": _Response}),
        })
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }
    return manager


class _Adapter(HTTPAdapter):
    """The adapter of requests with bounded answers, also through a proxy."""

    def init_poolmanager(self, *words: Any, **options: Any) -> None:
        super().init_poolmanager(*words, **options)
        _bounded(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **options)
        return manager if known else _bounded(manager)


class _Session(Session):
    """A session that follows no redirect, and doesn't even look where one leads: an error would repeat it."""

    def get_redirect_target(self, resp: Any) -> None:
        return None


class Http:
    """Requests to one endpoint over kept-alive connections; safe to use from several threads.

    :ivar settings: how the endpoint is reached.
    """

    _lent = False

    def __init__(self, settings: Settings) -> None:
        if not HAS_REQUESTS:
            raise InputError(f"The Python library requests is missing for {sys.executable}: pip install requests.")
        self.settings = settings
        self.url = checked_url(settings.url, settings.option, settings.allow_http)
        self._count = _Count()
        self._pace = _Pace(settings.rate_limit)
        self._masked = connection_secrets(settings.user, settings.secret)
        if not settings.validate_certs:
            urllib3.disable_warnings(InsecureRequestWarning)  # the user has asked for it
        self._session = _Session()
        # requests would take credentials from .netrc, and in old versions an empty CURL_CA_BUNDLE for "don't verify".
        self._session.trust_env = False
        # Bytes, since requests encodes text as Latin-1.
        pair: Any = (settings.user.encode("utf-8"), settings.secret.encode("utf-8"))
        self._session.auth = pair
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        adapter = _Adapter(pool_connections=1, pool_maxsize=settings.max_connections, pool_block=True)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    @property
    def requests(self) -> int:
        """How many HTTP requests went out so far, repeated ones included."""
        return self._count.value

    def close(self) -> None:
        """Close all connections, unless they are those of :func:`kept`."""
        if not self._lent:
            self._session.close()

    def lent(self) -> Http:
        """Return one with the same connections and pace that counts its own requests."""
        other = copy.copy(self)
        other._count, other._lent = _Count(), True
        return other

    def mask(self, text: str) -> str:
        """Return ``text`` with the secret of the connection masked, also in its base64 form."""
        for secret in self._masked:
            text = text.replace(secret, "********")
        return text

    def request(
        self, method: str, path: str, query: Optional[Iterable[Tuple[str, Any]]] = None, body: Any = None
    ) -> Answer:
        """Send one request and return what came back, whatever its status.

        :param path: below the base URL, with names put in by :func:`path_of`.
        :param query: pairs; a name may come several times.
        :param body: sent as JSON unless None; bytes are JSON already.
        :raises InputError: the path could address something else than it says, or is too long; nothing was sent.
        :raises TransportError: no whole answer came, it was a redirect, or had more than :data:`MOST` bytes.
        """
        checked_path(path)
        data = body if body is None or isinstance(body, bytes) else encoded(body)
        query = list(query or ())
        encoded([str(value) for _name, value in query])
        if len(path) + (len(urlencode(query)) if query else 0) > LONGEST_LINE:
            raise InputError(f"{method} {path[:50]}… would be longer than the {LONGEST_LINE} bytes that brokers take.")
        response, content, retried = self._attempts(method, path, query, data)
        if 300 <= response.status_code < 400:
            location = response.headers.get("Location", "nowhere")
            location = location.encode("latin-1", "replace").decode("utf-8", "replace")
            # Without credentials and without its query, which may repeat what was sent.
            target = re.split(r"[?#]", re.sub(r"//.*@", "//", location))[0]
            raise TransportError(self.mask(
                f"{self.url}/{path} redirects to {target}, and redirects are not followed: set {self.settings.option} "
                "to the address that answers itself."
            ), method, path)
        text = content.decode("utf-8", "replace")
        try:
            parsed = from_json(text)
        except ValueError:
            parsed = NO_JSON
        return Answer(
            method, path, response.status_code, self.mask(text), parsed, retried, len(data or b""),
            response.headers.get("Retry-After"),
        )

    def _attempts(
        self, method: str, path: str, query: List[Tuple[str, Any]], data: Optional[bytes]
    ) -> Tuple[Any, bytearray, bool]:
        """Send until a whole answer has come that need not be asked for again.

        Return the response, its body, and whether it took several attempts.
        """
        retry = _Retry.of(self.settings)
        while True:
            self._pace.wait()
            self._count.add()
            response, content, problem = self._attempt(method, path, query, data)
            if response is not None:
                asked = wait_asked(response.headers.get("Retry-After"))
                if not retry.is_retry(method, response.status_code, asked is not None):
                    return response, content, bool(retry.history)
            try:
                retry = retry.increment(method, path, None if response is None else response.raw, cause_of(problem))
            except urllib3.exceptions.HTTPError:
                if response is not None:
                    return response, content, bool(retry.history)
                raise self._failure(method, path, problem, len(data or b"")) from None
            time.sleep(retry.pause)

    def _attempt(
        self, method: str, path: str, query: List[Tuple[str, Any]], data: Optional[bytes]
    ) -> Tuple[Any, bytearray, Any]:
        """Send once; return the response and its body, or what requests raised."""
        config = self.settings
        # The key is named in any case: only then is an encrypted one refused, and no passphrase asked for.
        certificate = (config.client_cert, config.client_key or config.client_cert) if config.client_cert else None
        headers = {"Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        try:
            response = self._session.request(
                method, f"{self.url}/{path}", params=query, data=data, headers=headers, timeout=config.timeout,
                cert=certificate, stream=True, proxies=proxies_for(config),
                verify=(trusted(config)[1] or True) if config.validate_certs else False,
            )
            with contextlib.closing(response):
                content = _content_of(response)
        except (requests.exceptions.RequestException, OSError, ValueError) as error:
            return None, bytearray(), error
        if content is None:
            raise TransportError(
                f"{method} {path} gave an answer of more than {MOST >> 20} MiB, which is not read."
                f"{doubt(method, path)}", method, path,
            )
        return response, content, None

    def _failure(self, method: str, path: str, error: Exception, sent: int) -> TransportError:
        """Return the one sentence for what requests raised."""
        why, lost = explained(error, self.settings)
        where = "{0.scheme}://{0.netloc}".format(urlsplit(self.url))
        hint = doubt(method, path) if lost else ""
        message = self.mask(without_credentials(f"No answer from {where}: {why}.{hint}"))
        return TransportError(message, method, path, lost, sent, is_passing(error))

    def each(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[Tuple[Item, Union[Result, EmqxError]]]:
        """Call ``function`` for every item, ``max_connections`` at a time; yield each item with its result or error.

        After an error that is fatal, what has not begun is not begun: it is yielded with :class:`NotAttempted`.
        So it is when something else ends this, such as a time limit of Ansible's: that is raised again once everything
        was yielded, so that it can be told what was done. The order is that of completion.
        """
        queue = list(items)
        if len(queue) == 1:
            yield queue[0], _result_of(function, queue[0])
            return
        broken = threading.Event()

        def attempt(item: Item) -> Union[Result, EmqxError]:
            if broken.is_set():
                return NotAttempted()
            result = _result_of(function, item)
            if isinstance(result, EmqxError) and result.fatal:
                broken.set()
            return result

        waiting: Dict[Future[Union[Result, EmqxError]], Item] = {}
        with ThreadPoolExecutor(max_workers=self.settings.max_connections) as pool:
            try:
                for item in queue:
                    waiting[pool.submit(attempt, item)] = item
                futures = dict(waiting)
                for future in as_completed(futures):
                    del waiting[future]
                    yield futures[future], future.result()
            except GeneratorExit:
                raise
            except BaseException:
                broken.set()
                for future, item in waiting.items():
                    yield item, future.result()
                raise
            finally:
                broken.set()  # whatever ends this, what has not begun is not begun

    def results(self, function: Callable[[Item], Result], items: Iterable[Item]) -> List[Result]:
        """Call ``function`` for every item as :meth:`each` does; return the results in the order of the items.

        :raises EmqxError: calls have failed; this is why the first of them in the order of the items did.
        """
        queue = list(items)
        found = dict(self.each(lambda place: function(queue[place]), range(len(queue))))
        in_order = [found[place] for place in range(len(queue))]
        errors = [result for result in in_order if isinstance(result, EmqxError)]
        if errors:
            raise next((error for error in errors if not isinstance(error, NotAttempted)), errors[0])
        return in_order  # type: ignore[return-value]


_END: Any = object()


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items of an iterator, while a thread already gets the next one: asks for the next page, say.

    Whatever ends this early, a time limit of Ansible's for example, doesn't wait for that.
    """
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        waiting = pool.submit(next, items, _END)
        while True:
            item = waiting.result()
            if item is _END:
                return
            waiting = pool.submit(next, items, _END)
            yield item
    finally:
        pool.shutdown(wait=False)


_KEPT: Dict[Tuple[int, Settings], Http] = {}


def kept(settings: Settings) -> Http:
    """Return access to an endpoint over connections that stay open for the next task of this process.

    A process that was forked begins with connections of its own. Keep-alive, ``rate_limit`` and ``max_connections`` are
    those of the process, the number of requests is that of the task.
    """
    place = (os.getpid(), settings)
    if place not in _KEPT:
        _KEPT[place] = Http(settings)
    return _KEPT[place].lent()


def _result_of(function: Callable[[Item], Result], item: Item) -> Union[Result, EmqxError]:
    try:
        return function(item)
    except EmqxError as error:
        return error


def _content_of(response: Any) -> Optional[bytearray]:
    """Return the body of a response, decompressed, or None if it is longer than :data:`MOST`."""
    promised = response.headers.get("Content-Length", "")
    if promised.isdecimal() and int(promised) > MOST:
        return None
    content = bytearray()
    for part in response.iter_content(1 << 14):  # what is decompressed at once can be a thousand times as much
        content += part
        if len(content) > MOST:
            return None
    return content


def doubt(method: str, path: str) -> str:
    """Return what a message says where it isn't known whether a request was carried out; nothing of one that reads."""
    return "" if method == "GET" else f" {method} {path} may have been carried out."


def retry_at(header: Optional[str]) -> str:
    """Return what ``Retry-After`` asks for as words for a message; empty where there is no such header."""
    if not header:
        return ""
    seconds = wait_asked(header)
    if seconds is None or seconds > 1e9:
        return " It may be tried again later."
    moment = datetime.fromtimestamp(int(time.time()) + math.ceil(seconds), timezone.utc)
    return f" It may be tried again in {seconds:.0f} s (at {rfc3339(moment)})."
