# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pool of HTTPS connections: Basic authentication, TLS, time limits, retries, a rate limit, bounded concurrency.

What an answer means is for the layer above; here it is a status and a body.
"""

from __future__ import annotations

import base64
import copy
import email.utils
import http.cookiejar
import ipaddress
import json
import os
import re
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
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
from urllib.parse import quote, quote_plus, unquote, urlsplit

from ._addresses import checked_address
from ._errors import EmqxError, InputError, NotAttempted, TransportError

try:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
    from urllib3.exceptions import InsecureRequestWarning, MaxRetryError, ResponseError
    from urllib3.util.retry import Retry
except ImportError:
    HAS_REQUESTS = False
    HTTPAdapter = Retry = object  # type: ignore[assignment,misc]
else:
    HAS_REQUESTS = True

Item = TypeVar("Item")
Result = TypeVar("Result")

SAFE_TO_REPEAT = frozenset(("GET", "PUT", "DELETE"))
"""Methods that may be sent again after the connection was lost: doing them twice is doing them once."""

EXAMPLES = {"platform_url": "https://HOST/public_api/v1"}
"""What the URL of an option looks like, where it isn't that of a deployment."""

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
    :raises InputError: it is empty, ``.``, ``..``, or no text that UTF-8 can carry.
    """
    if not isinstance(name, str) or name in ("", ".", ".."):
        raise InputError(f"{name!r} can't be used as {where}{what}: the API would take it for another path.")
    if not is_text(name):
        raise InputError(f"{name!r} can't be used as {where}{what}: it is not valid Unicode text.")
    return name


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
        self._session = requests.Session()
        # Bytes, since requests encodes text as Latin-1; set here, so that no .netrc takes over.
        pair: Any = (settings.user.encode("utf-8"), settings.secret.encode("utf-8"))
        self._session.auth = pair
        # Requests would read where a redirect leads, and repeat in an error what it can't read there.
        self._session.get_redirect_target = lambda _response: None  # type: ignore[method-assign]
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=settings.max_connections, pool_block=True)
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
        :raises InputError: the path could address something else than it says; nothing was sent.
        :raises TransportError: no whole answer came, or it was a redirect.
        """
        checked_path(path)
        data = body if body is None or isinstance(body, bytes) else encoded(body)
        query = list(query or ())
        encoded([str(value) for _name, value in query])
        response, retried = self._attempts(method, path, query, data)
        if 300 <= response.status_code < 400:
            location = response.headers.get("Location", "nowhere")
            location = location.encode("latin-1", "replace").decode("utf-8", "replace")
            # Without credentials and without its query, which may repeat what was sent.
            target = re.split(r"[?#]", re.sub(r"//.*@", "//", location))[0]
            raise TransportError(self.mask(
                f"{self.url}/{path} redirects to {target}, and redirects are not followed: set {self.settings.option} "
                "to the address that answers itself."
            ), method, path)
        text = response.content.decode("utf-8", "replace")
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            parsed = NO_JSON
        return Answer(
            method, path, response.status_code, self.mask(text), parsed, retried, len(data or b""),
            response.headers.get("Retry-After"),
        )

    def _attempts(
        self, method: str, path: str, query: List[Tuple[str, Any]], data: Optional[bytes]
    ) -> Tuple[Any, bool]:
        """Send until a whole answer has come that need not be asked for again; say whether it took several attempts."""
        retry = _Retry.of(self.settings)
        while True:
            self._pace.wait()
            self._count.add()
            response, problem = self._attempt(method, path, query, data)
            if response is not None:
                asked = wait_asked(response.headers.get("Retry-After"))
                if not retry.is_retry(method, response.status_code, asked is not None):
                    return response, bool(retry.history)
            try:
                retry = retry.increment(method, path, None if response is None else response.raw, _cause_of(problem))
            except urllib3.exceptions.HTTPError:
                if response is not None:
                    return response, bool(retry.history)
                raise self._failure(method, path, problem, len(data or b"")) from None
            time.sleep(retry.pause)

    def _attempt(
        self, method: str, path: str, query: List[Tuple[str, Any]], data: Optional[bytes]
    ) -> Tuple[Any, Any]:
        """Send once; return the response, its body read, or what requests raised."""
        config = self.settings
        certificate: Union[None, str, Tuple[str, str]] = config.client_cert
        if config.client_cert and config.client_key:
            certificate = (config.client_cert, config.client_key)
        headers = {"Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        try:
            response = self._session.request(
                method, f"{self.url}/{path}", params=query, data=data, headers=headers, timeout=config.timeout,
                allow_redirects=False, cert=certificate,
                # Said with each request: REQUESTS_CA_BUNDLE would override the session's own False.
                verify=(config.ca_path or True) if config.validate_certs else False,
            )
        except (requests.exceptions.RequestException, OSError, ValueError) as error:
            return None, error
        return response, None

    def _failure(self, method: str, path: str, error: Exception, sent: int) -> TransportError:
        """Return the one sentence for what requests raised."""
        why, lost = _explained(error, self.settings)
        where = "{0.scheme}://{0.netloc}".format(urlsplit(self.url))
        hint = f" {method} {path} may have been carried out." if lost and method not in self.settings.repeatable else ""
        return TransportError(
            self.mask(without_credentials(f"No answer from {where}: {why}.{hint}")), method, path, lost, sent,
            _is_passing(error),
        )

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


def _cause_of(problem: Optional[Exception]) -> Optional[Exception]:
    """Return the exception of urllib3 that requests has wrapped, by which Retry tells causes apart."""
    inner = problem.args[0] if problem is not None and problem.args else None
    inner = getattr(inner, "reason", inner)
    return inner if isinstance(inner, Exception) else problem


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
    host = urlsplit(settings.url).netloc
    if isinstance(error, requests.exceptions.SSLError):
        return _explained_tls(text, host, settings), False
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy refuses or can't be reached (see HTTPS_PROXY and NO_PROXY)", False
    if isinstance(error, requests.exceptions.ConnectTimeout):
        if "timed out" in text:
            return f"no connection within {settings.timeout:g} s; check {settings.option} and the firewall", False
        return f"the connection can't be made ({_cause(text)})", False
    if isinstance(error, (requests.exceptions.ReadTimeout, requests.exceptions.Timeout)) or "Read timed out" in text:
        return f"the answer took longer than {settings.timeout:g} s (timeout)", True
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the answer broke off", True
    if isinstance(error, requests.exceptions.ConnectionError):
        if "resolve" in text or "getaddrinfo" in text or "Name or service" in text:
            return f"the host name of {settings.option} can't be resolved", False
        if "refused" in text:
            return f"the connection is refused; check host and port of {settings.option}", False
        if "NewConnectionError" in text:
            return f"the connection can't be made ({_cause(text)})", False
        return "the connection was lost", True
    if isinstance(error, OSError) and error.filename:
        return f"the file {error.filename} can't be used ({error.strerror or 'unreadable'})", False
    return _cause(text), False


def _explained_tls(text: str, host: str, settings: Settings) -> str:
    if "certificate has expired" in text:
        return f"the certificate of {host} has expired"
    if "ostname mismatch" in text or "doesn't match" in text or "IP address mismatch" in text:
        return f"the certificate of {host} is for another host name; check {settings.option}"
    if "self-signed" in text or "self signed" in text or "unable to get local issuer" in text:
        return f"the certificate of {host} is signed by an unknown authority; set ca_path to its CA certificate"
    if "NO_CERTIFICATE_OR_CRL" in text:
        return f"the file of ca_path ({settings.ca_path}) holds no certificate"
    if "PEM lib" in text:
        return f"the file of client_cert ({settings.client_cert}) or client_key holds no certificate or key"
    if "KEY_VALUES_MISMATCH" in text:
        return "client_key doesn't belong to client_cert"
    if "WRONG_VERSION_NUMBER" in text or "record layer" in text:
        return f"{host} doesn't speak TLS; check scheme and port of {settings.option}"
    return f"TLS failed ({_cause(text)})"


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
    moment = email.utils.formatdate(time.time() + seconds, usegmt=True)
    return f" It may be tried again in {seconds:.0f} s (at {moment})."


def masked(text: str, secrets: Collection[str]) -> str:
    """Return text that came from outside with the given values masked.

    In all their :func:`forms`. What has less than four characters is masked only where it stands in quotes, since it
    would garble every word.
    """
    for form in sorted({form for secret in secrets for form in forms(secret)}, key=len, reverse=True):
        text = text.replace(form, "********") if len(form) >= 4 else text.replace(f'"{form}"', '"********"')
    return text
