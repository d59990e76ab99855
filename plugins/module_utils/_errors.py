# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result codes of the EMQX Cloud API, and the exceptions that they become."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Optional

V4_CODES: Dict[int, str] = {
    101: "RPC error inside the broker",
    102: "unknown error",
    103: "wrong user name or password",
    104: "empty user name or password",
    105: "the user does not exist",
    106: "the administrator account can't be deleted",
    107: "a required parameter is missing",
    108: "a parameter is wrong",
    109: "the parameters are not legal JSON",
    110: "the plugin is enabled already",
    111: "the plugin is disabled already",
    112: "the client is not online",
    113: "the user exists already",
    114: "the old password is wrong",
    115: "the topic is illegal",
    116: "the QoS is illegal",  # not documented; EMQX 4.4 sends it
    400: "the broker refused the request",
    404: "not found",
}
"""What ``code`` means in the body of an HTTP 200 of the v4 API."""

V4_MESSAGES: Dict[str, str] = {
    "existed": "it exists already",
    "noexisted": "it does not exist",
    "password": "the password is missing or empty",
    "login": "the name is missing or empty",
    "module_not_loaded": "the broker's module for this is not loaded",
    "invalid_topic_name": "the topic name is invalid",
    "missing_required_params": "a required parameter is missing",
}
"""What ``message`` means where EMQX 4.4 answers HTTP 200 with an error and no ``code``."""

V5_CODES: Dict[str, str] = {
    "ALREADY_EXISTS": "it exists already",
    "AUTHORIZATION_HEADER_ERROR": "no credentials were sent",
    "BAD_API_KEY_OR_SECRET": "wrong credentials",
    "BAD_REQUEST": "the broker refused the request",
    "BAD_TOPIC": "the topic is refused",
    "CLIENTID_NOT_FOUND": "the client is neither online nor has it a kept session",
    "EXCEED_LIMIT": "the limit is reached",
    "INTERNAL_ERROR": "an error inside the broker",
    "NOT_FOUND": "not found",
    "TOPIC_NOT_FOUND": "there is no such topic",
    "UNSUPPORTED_MEDIA_TYPE": "the content type is refused",
}
"""What ``code`` means in an error body of the v5 API."""

V5_REASONS: Dict[int, str] = {
    16: "nobody is subscribed",
    131: "the broker could not take the message (bad base64 is one reason)",
    144: "the topic name is invalid",
    151: "the message is too large",
}
"""What ``reason_code`` means in an answer of the v5 publish calls."""

STATUSES: Dict[int, str] = {
    400: "bad request",
    401: "the credentials are refused: check {credentials}",
    403: "these credentials may not do this: the API key lacks the permission for it",
    404: "not found",
    405: "this deployment does not offer the call",
    409: "a conflict, or a limit is reached",
    413: "the request is too large",
    415: "the content type is refused",
    422: "the properties of the request are wrong",
    429: "too many requests",
    500: "an error inside the server",
    502: "the gateway got no valid answer from the deployment",
    503: "the service is not available",
    504: "the gateway got no answer from the deployment in time",
}
"""What an HTTP status of any of the three endpoints means."""


LONGEST = 4000
"""How many characters a sentence has at the most."""

_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029], " ")


def one_line(text: str, most: int = LONGEST) -> str:
    """Return a text as it can be shown anywhere: in one line, in characters that UTF-8 has, without its middle if long.

    What an API says may move the cursor of a terminal, and what a user gives may be 64 KiB.
    """
    text = text.translate(_CONTROLS).encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= most else f"{text[:most * 3 // 4]} … {text[-most // 5:]}"


class EmqxError(Exception):
    """A failure that a user reads as one clear sentence, whatever was put into it.

    :ivar fatal: nothing more should be sent after it: the next request would fail in the same way.
    :ivar passing: it may be over in a while, as when the broker restarts; whoever waits for something may look again.
    :ivar partly: something was changed all the same.
    """

    fatal = False
    partly = False
    passing = False

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))

    def details(self) -> Dict[str, Any]:
        """Return what the result holds beside ``msg``: empty, or ``{"error": {...}}``."""
        return {}


class InputError(EmqxError):
    """What the user gave can't be right, or can't be done; found before any change was made."""


class NotReady(InputError):
    """What has to be there, or gone, before a change can be made: an earlier task of the same run may see to that.

    In check mode that task has changed nothing yet, so that it is a warning then and no failure.
    """


class TransportError(EmqxError):
    """No whole answer came: refused, timed out, broken off, or TLS failed.

    :ivar lost: the connection was lost after the request went out, so that it may have been carried out.
    :ivar sent: the size of the request's body in bytes.
    """

    fatal = True

    def __init__(
        self, message: str, method: str, path: str, lost: bool = False, sent: int = 0, passing: bool = False
    ) -> None:
        super().__init__(message)
        self.passing = passing or lost
        self.sent = sent
        self.method = method
        self.path = path
        self.lost = lost

    def said(self, message: str) -> TransportError:
        """Return the same failure in other words."""
        return TransportError(message, self.method, self.path, self.lost, self.sent, self.passing)

    def details(self) -> Dict[str, Any]:
        return {"error": {"status": None, "code": None, "reason": str(self), "method": self.method, "path": self.path}}


class ApiError(EmqxError):
    """The API answered, and the answer is an error.

    :ivar status: the HTTP status.
    :ivar code: ``code`` of the body, a number on v4 and a name on v5, or None.
    :ivar reason: what the body says, in its own words and without secrets.
    """

    def __init__(self, message: str, status: int, code: Any, reason: str, method: str, path: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code if code is None or _is_code(code) else one_line(readable(code), 100)
        self.reason = one_line(reason)
        self.method = method
        self.path = path

    @property
    def fatal(self) -> bool:  # type: ignore[override]
        return self.status in (401, 403, 405, 429) or self.status >= 500

    @property
    def passing(self) -> bool:  # type: ignore[override]
        return self.status == 429 or self.status >= 500

    def details(self) -> Dict[str, Any]:
        return {
            "error": {
                "status": self.status,
                "code": self.code,
                "reason": self.reason,
                "method": self.method,
                "path": self.path,
            }
        }


def _is_code(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9


class NotOffered(ApiError):
    """The deployment doesn't have the call: its generation, its edition, or a plugin that isn't loaded."""

    fatal = True


class Missing(ApiError):
    """The thing that the call is about is not there."""


class TooLarge(ApiError):
    """The request was refused for its size; a smaller one may pass."""


class NotAttempted(EmqxError):
    """A change that was planned and not sent, because an earlier one failed for good."""

    def __init__(self) -> None:
        super().__init__("not attempted, since an earlier request failed or the task was ended")


class Unanswered(EmqxError):
    """A change that was planned, and of which it is not known whether it was made: the task was ended before."""

    def __init__(self) -> None:
        super().__init__("the task was ended before this was answered")


_PARSE_ERROR = re.compile(r'\{parse_error,\{"(?:\d+: )?((?:[^"\\]|\\.)*)"')
_ERLANG_FIELD = re.compile(r'\b(reason|path|unknown) => (?:"([^"]*)"|(\w+))')


def readable(message: Any) -> str:
    """Return the ``message`` of an error as text.

    EMQX 5.8 puts JSON into the string (``{"reason": "required_field", "path": "root.password"}``);
    that becomes ``required_field: root.password``, and an unknown field is named (``unknown_fields: root: colour``).
    The rule engines of both generations put Erlang into it.
    """
    if not isinstance(message, str):
        return json.dumps(message, ensure_ascii=False)
    try:
        inner = json.loads(message)
    except (ValueError, RecursionError):
        return _without_erlang(message)
    if not isinstance(inner, dict):
        return str(inner)
    reason = inner.get("reason")
    if isinstance(reason, dict):
        reason = "expected " + str(reason.get("expected", json.dumps(reason)))
    return ": ".join(str(part) for part in (reason, inner.get("path"), inner.get("unknown")) if part) or message


def _without_erlang(message: str) -> str:
    """Return what a message says in Erlang in a few words, or as it is.

    ``Bad Arguments: {parse_error,{"5: syntax error before: \\"selec\\"",[…]}}`` becomes
    ``SQL syntax error before: "selec"``, and ``Bad Arguments: #{path => "a.b",reason => unknown_fields,…}``
    ``unknown_fields: a.b``.
    """
    parse_error = _PARSE_ERROR.search(message)
    if parse_error:
        said = parse_error[1].replace('\\"', '"').strip()
        return f"SQL {said} the end" if said.endswith(":") else f"SQL {said}"
    if not message.startswith("Bad Arguments: #{"):
        return message
    found = {name: text or word for name, text, word in _ERLANG_FIELD.findall(message)}
    return ": ".join(found[name] for name in ("reason", "path", "unknown") if name in found) or message


def sentence(method: str, path: str, status: int, code: Any, meaning: str, said: Optional[str]) -> str:
    """Return the one sentence that tells a user which call failed, why, and in the API's own words what it said."""
    known = [f"HTTP {status}"]
    if code is not None:
        known.append(f"code {code}")
    if said and said not in meaning:
        known.append(said)
    return f"{method} {path} failed: {meaning} ({', '.join(known)})."
