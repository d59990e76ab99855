# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why no answer came, in words that say what to do; and what the environment says of proxies and CA certificates."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Dict, Optional, Tuple
from urllib.parse import urlsplit

try:
    import requests
except ImportError:  # Http says so
    requests = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from ._http import Settings

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Environment variables that name CA certificates to trust where ``ca_path`` is not set."""

PROXIES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
"""The schemes that the address of a proxy may have."""


def proxies_for(settings: Settings) -> Dict[str, str]:
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


def trusted(settings: Settings) -> Tuple[str, Optional[str]]:
    """Return what names the file or folder with the CA certificates to trust, and its path if there is one."""
    named = (("ca_path", settings.ca_path), *((name, os.environ.get(name)) for name in BUNDLES))
    return next(((name, path) for name, path in named if path), ("ca_path", None))


def cause_of(problem: Optional[Exception]) -> Optional[Exception]:
    """Return the exception of urllib3 that requests has wrapped, by which Retry tells causes apart."""
    inner = problem.args[0] if problem is not None and problem.args else None
    inner = getattr(inner, "reason", inner)
    return inner if isinstance(inner, Exception) else problem


def is_passing(error: Exception) -> bool:
    """Say whether a broker that restarts, or a network that comes back, would be the end of it."""
    lasting = (requests.exceptions.SSLError, requests.exceptions.ProxyError)
    broken = (
        requests.exceptions.ConnectionError, requests.exceptions.Timeout, requests.exceptions.ChunkedEncodingError
    )
    return isinstance(error, broken) and not isinstance(error, lasting)


def explained(error: Exception, settings: Settings) -> Tuple[str, bool]:
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
        return f"the answer took longer than timeout ({settings.timeout:g} s) allows{_through_proxy(settings)}", True
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
        missing = {"TLS CA": trusted(settings)[0], "TLS certificate": "client_cert", "TLS key": "client_key"}
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
    used = requests.utils.select_proxy(settings.url.strip(), proxies_for(settings))
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
    name, path = trusted(settings)
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
