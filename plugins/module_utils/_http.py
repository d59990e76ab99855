# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pool of HTTPS connections: Basic authentication, TLS, time limits, retries, a rate limit, bounded concurrency.

What an answer means is for the layer above; here it is a status and a body.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import email.utils
import http.client
import http.cookiejar
import io
import ipaddress
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
    Collection,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Optional,
    Set,
    Tuple,
    TypeVar,
    Union,
)
from urllib.parse import quote, quote_plus, unquote, urlencode, urlsplit

from ._addresses import checked_address
from ._errors import EmqxError, InputError, NotAttempted, TransportError
from ._json import from_json
from ._times import rfc3339

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

EXAMPLES = {"platform_url": "https://HOST/public_api/v1"}
"""What the URL of an option looks like, where it isn't that of a deployment."""

LONGEST_LINE = 7900
"""How long a path with its query gets: brokers refuse a request line of 8,000 bytes and more."""

LONGEST_NAME = 7500
"""How long a name gets in a path, which begins with what the name is one of. Brokers would make longer ones in the
body of a request, and nobody could delete them."""

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Environment variables that name CA certificates to trust where ``ca_path`` is not set."""

PROXIES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
"""The schemes that the address of a proxy may have."""

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


def checked_url(url: str, option: str, allow_http: bool = False) -> str:
    """Return ``url`` without a slash at its end, or say what is wrong with it; credentials in it are not repeated.

    :raises InputError: it is no absolute HTTPS URL, or plain HTTP to another host without ``allow_http``.
    """
    example, url = EXAMPLES.get(option, "https://HOST:8443/api/v5"), url.strip()
    if "@" in unquote(url):
        raise InputError(f"{option} holds credentials: leave them out of the URL and use the options for them.")
    invalid = InputError(f"{option} is no valid URL: it should look like {example}.")
    try:
        parts = urlsplit(url)
        host, _unused_port = parts.hostname, parts.port
    except ValueError:
        raise invalid from None
    # Nothing that another reader of the URL, such as that of the HTTP library, could split in another way.
    if parts.scheme not in ("http", "https") or not host or not re.fullmatch(r"[!-\[\]-~]+", url):
        raise invalid
    if parts.query or parts.fragment:
        raise InputError(f"{option} ends at the path: a query or a fragment in it can't be right.")
    if any(unquote(segment) in (".", "..") for segment in parts.path.split("/")):
        raise InputError(f"{option} has '.' or '..' in its path, which would lead elsewhere: write the path without.")
    if not _is_host(host, "[" in parts.netloc):
        raise InputError(f"{option} has no host that is read in one way only: write a name, or an address in full.")
    if parts.scheme == "http" and not allow_http and not _is_loopback(host):
        raise InputError(
            f"{option} is plain HTTP to {host}, which would send the credentials unencrypted: use https://, "
            "or set allow_http to accept it."
        )
    return url.rstrip("/")


def _is_host(host: str, bracketed: bool) -> bool:
    """Say whether a host is a name, or one address written in full.

    Resolvers take 127.1, 0177.0.0.1 and 2130706433 for addresses, and ::ffff:127.0.0.1 leads to that of IPv4.
    """
    last = host.rstrip(".").rpartition(".")[2]
    if not bracketed and not re.fullmatch(r"\d+|0x[0-9a-f]*", last):
        return re.fullmatch(r"([a-z0-9_-]+\.)*[a-z0-9_-]+\.?", host) is not None
    try:
        address = ipaddress.ip_address(checked_address(host, "host"))
    except InputError:
        return False
    return (address.version == 6) is bracketed and getattr(address, "ipv4_mapped", None) is None


def _is_loopback(host: str) -> bool:
    """Say whether a host that :func:`_is_host` accepts is this machine; what ends in .localhost may be in any DNS."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def checked_name(name: Any, what: str = "a name", where: str = "") -> str:
    """Return ``name`` if it may be one segment of a path.

    ``.`` and ``..`` are normalised away by HTTP clients and by EMQX 5, also as ``%2E``: ``DELETE …/users/..`` deletes
    the authenticator with all its users. The empty name addresses the list.

    :param where: what stands before ``what`` in messages, such as ``users[3].``.
    :raises InputError: it is empty, ``.``, ``..``, too long, or no text that UTF-8 can carry.
    """
    if not isinstance(name, str) or name in ("", ".", ".."):
        raise InputError(f"{name!r} can't be used as {where}{what}: the API would take it for another path.")
    if not is_text(name):
        raise InputError(f"{name!r} can't be used as {where}{what}: it is not valid Unicode text.")
    if not fit_path(name):
        raise InputError(
            f"{name[:50]!r}… can't be used as {where}{what}: it has {len(name)} characters, and brokers take no path "
            "of that length."
        )
    return name


def fit_path(*names: str) -> bool:
    """Say whether names are short enough to stand in one path."""
    # A character takes twelve bytes at the most, so that most names need not be encoded for this.
    few = 12 * sum(map(len, names)) <= LONGEST_NAME
    return few or sum(len(quote(name, safe="")) for name in names) <= LONGEST_NAME


def is_text(value: str) -> bool:
    """Say whether UTF-8 can carry a text."""
    try:
        return value.isascii() or bool(value.encode("utf-8"))
    except UnicodeEncodeError:
        return False


def encoded(value: Any) -> bytes:
    """Return a value as the JSON that is sent.

    :raises InputError: a text in it is none that UTF-8 can carry.
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:
        raise InputError("A text that would be sent is not valid Unicode text.") from None


def path_of(template: str, *names: str) -> str:
    """Return the path that ``template`` gives with each ``{}`` replaced by a percent-encoded name.

    This is the only way in which a name gets into a path.

    :raises InputError: a name is refused by :func:`checked_name`.
    """
    return template.format(*(quote(checked_name(name), safe="") for name in names))


_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+")


def checked_path(path: str) -> str:
    """Return a path below the base URL if it addresses what it says, whoever made it.

    HTTP clients, gateways and brokers normalise ``.``, ``..`` and empty segments away, however they are encoded.

    :raises InputError: there is such a segment, or a character that has no place in one.
    """
    for segment in path.split("/"):
        if not _SEGMENT.fullmatch(segment) or unquote(segment) in (".", ".."):
            raise InputError(f"{path!r} can't be used as a path: it would address something else than it says.")
    return path


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
                retry = retry.increment(method, path, None if response is None else response.raw, _cause_of(problem))
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
                cert=certificate, stream=True, proxies=_proxies(config),
                verify=(_trusted(config)[1] or True) if config.validate_certs else False,
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
        why, lost = _explained(error, self.settings)
        where = "{0.scheme}://{0.netloc}".format(urlsplit(self.url))
        hint = doubt(method, path) if lost else ""
        message = self.mask(without_credentials(f"No answer from {where}: {why}.{hint}"))
        return TransportError(message, method, path, lost, sent, _is_passing(error))

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


def connection_secrets(user: str, secret: str) -> List[str]:
    """Return the strings that must never be shown: the secret and ``user:secret`` (the Basic header) in all forms."""
    return sorted(forms(secret) | forms(f"{user}:{secret}"), key=len, reverse=True) if secret else []


def forms(secret: str) -> Set[str]:
    """Return a secret as it may come back: as it is, as JSON and URLs write it, in base64, and its long lines."""
    data = secret.encode("utf-8", "surrogatepass")
    in_base64 = base64.b64encode(data).decode("ascii")
    found = {secret, in_base64, in_base64.rstrip("="), quote(data, safe=""), quote(data), quote_plus(data)}
    found.update(json.dumps(secret, ensure_ascii=plain)[1:-1] for plain in (True, False))
    found.update(line for line in secret.splitlines() if len(line) >= 16)
    return found - {""}


def without_credentials(text: str) -> str:
    """Return text with what stands before the ``@`` of URLs left out, such as that of a proxy."""
    return re.sub(r"//\S*@", "//", text)


def _proxies(settings: Settings) -> Dict[str, str]:
    """Return what the environment says of proxies for an endpoint, in ``HTTPS_PROXY`` and ``NO_PROXY`` for example.

    Plain HTTP without ``allow_http`` is accepted since it doesn't leave this machine; to a proxy it would.

    :raises requests.exceptions.InvalidProxyURL: the address of the proxy is none.
    """
    url = settings.url.strip()
    if urlsplit(url).scheme == "http" and not settings.allow_http:
        return {}
    found: Dict[str, str] = requests.utils.get_environ_proxies(url)
    proxy = requests.utils.select_proxy(url, found)
    if proxy and not _is_proxy(proxy):
        raise requests.exceptions.InvalidProxyURL("the address of the proxy is none")
    return found


def _is_proxy(address: str) -> bool:
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        return parts.scheme in PROXIES and re.fullmatch(r"\S+", parts.hostname or "") is not None and parts.port != 0
    except ValueError:
        return False


def _trusted(settings: Settings) -> Tuple[str, Optional[str]]:
    """Return what names the file or folder with the CA certificates to trust, and its path if there is one."""
    named = (("ca_path", settings.ca_path), *((name, os.environ.get(name)) for name in BUNDLES))
    return next(((name, path) for name, path in named if path), ("ca_path", None))


def _cause_of(problem: Optional[Exception]) -> Optional[Exception]:
    """Return the exception of urllib3 that requests has wrapped, by which Retry tells causes apart."""
    inner = problem.args[0] if problem is not None and problem.args else None
    inner = getattr(inner, "reason", inner)
    return inner if isinstance(inner, Exception) else problem


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


def _is_passing(error: Exception) -> bool:
    """Say whether a broker that restarts, or a network that comes back, would be the end of it."""
    lasting = (requests.exceptions.SSLError, requests.exceptions.ProxyError)
    broken = (
        requests.exceptions.ConnectionError, requests.exceptions.Timeout, requests.exceptions.ChunkedEncodingError
    )
    return isinstance(error, broken) and not isinstance(error, lasting)


def _explained(error: Exception, settings: Settings) -> Tuple[str, bool]:
    """Return why no answer came, and whether the connection was lost after the request went out."""
    text = str(error)
    if isinstance(error, requests.exceptions.ProxyError):
        return _explained_proxy(text), False
    if isinstance(error, requests.exceptions.InvalidProxyURL):
        return "the proxy has no valid address: HTTPS_PROXY should look like http://HOST:PORT", False
    if isinstance(error, requests.exceptions.InvalidSchema) and "SOCKS" in text:
        return "the proxy speaks SOCKS, which needs the Python library PySocks: pip install PySocks", False
    if isinstance(error, requests.exceptions.SSLError):
        return _explained_tls(text, settings), "RECORD_MAC" in text  # TLS was set up by then
    if isinstance(error, requests.exceptions.ConnectTimeout):
        if "timed out" in text:
            return f"no connection within {settings.timeout:g} s; check {settings.option} and the firewall", False
        return f"the connection can't be made ({_cause(text)})", False
    if isinstance(error, (requests.exceptions.ReadTimeout, requests.exceptions.Timeout)) or "Read timed out" in text:
        return f"the answer took longer than {settings.timeout:g} s (timeout){_through_proxy(settings)}", True
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the answer broke off", True
    if isinstance(error, requests.exceptions.ConnectionError):
        if "resolve" in text or "getaddrinfo" in text or "Name or service" in text:
            return f"the host name of {settings.option} can't be resolved", False
        if "refused" in text:
            return f"the connection is refused; check host and port of {settings.option}", False
        if "NewConnectionError" in text:
            return f"the connection can't be made ({_cause(text)})", False
        unreadable = re.search(r"(?:IsADirectory|Permission)Error\(\d+, '([^']+)'", text)
        if unreadable:
            return f"client_cert ({settings.client_cert}) or client_key can't be read ({unreadable.group(1)})", False
        return f"the connection was lost{_through_proxy(settings)}", True
    if "Could not find" in text:  # requests names the file and not what names it
        missing = {"TLS CA": _trusted(settings)[0], "TLS certificate": "client_cert", "TLS key": "client_key"}
        option = next((name for words, name in missing.items() if words in text), "a file")
        return f"{option} leads nowhere: there is no {text.rpartition('invalid path: ')[2]}", False
    if isinstance(error, OSError) and error.filename:
        return f"the file {error.filename} can't be used ({error.strerror or 'unreadable'})", False
    return _cause(text), False


def _explained_proxy(text: str) -> str:
    """Return why a proxy was of no use; what it says itself is not repeated."""
    refused = re.search(r"Tunnel connection failed: (\d{3})", text)
    if refused is None:
        return f"the proxy can't be reached ({_cause(text)}); see HTTPS_PROXY and NO_PROXY"
    if refused.group(1) == "407":
        return "the proxy refuses (HTTP 407): HTTPS_PROXY has to hold its user and password"
    return f"the proxy refuses (HTTP {refused.group(1)}); see HTTPS_PROXY and NO_PROXY"


def _through_proxy(settings: Settings) -> str:
    """Return a hint where requests go through a proxy, which may be what is to blame."""
    used = requests.utils.select_proxy(settings.url.strip(), _proxies(settings))
    return "; it was asked through a proxy (see HTTPS_PROXY and NO_PROXY)" if used else ""


TLS_TROUBLE = (
    ("certificate has expired", "the certificate of {host} has expired"),
    ("not yet valid", "the certificate of {host} is not valid yet; check the clock of this host"),
    ("ostname mismatch|doesn't match|IP address mismatch",
     "the certificate of {host} is for another host name; check {option}"),
    ("self.signed|unable to get local issuer", "the certificate of {host} is signed by {stranger}"),
    ("NO_CERTIFICATE_OR_CRL", "the file of {trusted} holds no certificate"),
    ("PEM lib", "the file of client_cert ({cert}) or client_key holds no certificate or key"),
    ("KEY_VALUES_MISMATCH", "client_key doesn't belong to client_cert"),
    ("private key is encrypted",
     "the key of client_cert is encrypted, and nobody can be asked for its passphrase: decrypt it, for example with "
     "openssl pkey"),
    ("alert certificate required", "{host} wants a client certificate: set client_cert and client_key"),
    ("alert (unknown ca|(bad|unsupported) certificate|certificate (expired|revoked|unknown)|access denied)",
     "{host} refuses the certificate of client_cert"),
    ("alert handshake failure|EOF",
     "{host} breaks the handshake of TLS off; it may want a client certificate (client_cert), or another one"),
    ("alert protocol version|unsupported protocol|UNSUPPORTED_PROTOCOL",
     "{host} speaks no TLS that is secure: it needs version 1.2 or later"),
    ("unrecognized name", "{host} has no certificate for its host name; check {option}"),
    ("RECORD_MAC", "what came was damaged on the way ({cause})"),
    ("WRONG_VERSION_NUMBER|record layer", "{host} doesn't speak TLS; check scheme and port of {option}"),
    (r"Errno (2|13)\b", "{trusted} can't be read ({cause})"),
)
"""What to say where what OpenSSL, urllib3 or requests says of TLS matches a pattern, the first that does."""


def _explained_tls(text: str, settings: Settings) -> str:
    """Return what is wrong with TLS, and which option could mend it."""
    name, path = _trusted(settings)
    stranger = "an unknown authority; set ca_path to its CA certificate"
    if settings.ca_path:
        stranger = f"an authority that is not in ca_path ({path})"
        stranger += ", a folder that openssl rehash has to prepare" if os.path.isdir(settings.ca_path) else ""
    facts = {
        "host": urlsplit(settings.url).netloc, "option": settings.option, "cert": settings.client_cert,
        "trusted": f"{name} ({path})", "stranger": stranger, "cause": _cause(text),
    }
    words = next((words for pattern, words in TLS_TROUBLE if re.search(pattern, text)), "TLS failed ({cause})")
    return words.format(**facts) + ("" if words.startswith("the") else _through_proxy(settings))


def _cause(text: str) -> str:
    """Return the innermost part of a nested error text of requests, urllib3 and ssl."""
    inner = re.findall(r"(?:\[Errno -?\d+\] |\[SSL[^\]]*\] )([^'\")(]+)", text)
    return (inner[-1] if inner else re.sub(r"<[^>]*>", "", text)).strip(" .:")[:300]


def retry_at(header: Optional[str]) -> str:
    """Return what ``Retry-After`` asks for as words for a message; empty where there is no such header."""
    if not header:
        return ""
    seconds = wait_asked(header)
    if seconds is None or seconds > 1e9:
        return " It may be tried again later."
    moment = datetime.fromtimestamp(int(time.time()) + math.ceil(seconds), timezone.utc)
    return f" It may be tried again in {seconds:.0f} s (at {rfc3339(moment)})."


def masked(text: str, secrets: Collection[str]) -> str:
    """Return text that came from outside with the given values masked.

    In all their :func:`forms`. What has less than four characters is masked only where it stands in quotes, since it
    would garble every word.
    """
    for form in sorted({form for secret in secrets for form in forms(secret)}, key=len, reverse=True):
        text = text.replace(form, "********") if len(form) >= 4 else text.replace(f'"{form}"', '"********"')
    return text
