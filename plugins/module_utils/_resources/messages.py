# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages: publishing them, and those that are retained."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import itertools
import json
import time
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from .._converge import Outcomes, Record
from .._errors import V4_CODES, V5_REASONS, ApiError, EmqxError, InputError, Missing
from .._http import doubt
from .._times import normal
from .._topics import filter_problem, matches, name_problem
from .._urls import checked_name, path_of
from ._api import MEBIBYTE, Api, Batch, Store, in_batches, is_success

LARGEST = MEBIBYTE
"""The largest payload in bytes that brokers take, unless they are configured otherwise."""

SHOWN = 4096
"""So many bytes of a payload are shown in a diff."""

NO_SUBSCRIBERS = 16
PUBLISHER = "http_api"
"""Who a message comes from: v5 says so by itself, v4 wants to be told."""

TEXTS = ("content_type", "correlation_data", "response_topic")
NUMBERS = {"message_expiry_interval": 2**32 - 1, "payload_format_indicator": 1}
"""Properties of MQTT 5 that are numbers, with the largest that each may be."""

PATIENCE = (0, 0.1, 0.3, 1)
"""How long to wait, in seconds, before each look whether a message is retained."""


def topic_from(value: str, option: str) -> str:
    """Return a topic name.

    :raises InputError: it is none.
    """
    problem = name_problem(value)
    if problem:
        raise InputError(f"{option} is {value!r}, which is no topic name: {problem}.")
    return value


def payload_from(value: Any, encoding: Optional[str], where: str = "") -> bytes:
    """Return the bytes of a payload as users write it.

    :param encoding: ``plain`` (a text as it is, anything else as compact JSON), ``json`` (a text, too), ``base64``.
    :raises InputError: it can't be encoded in this way, or is too large.
    """
    option = where + "payload"
    if value is None:
        raise InputError(f"{option} is missing: write '' for an empty one.")
    try:
        if encoding == "base64":
            payload = base64.b64decode(value.encode("ascii"), validate=True)
        elif isinstance(value, str) and encoding != "json":
            payload = value.encode("utf-8")
        else:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
            payload = text.encode("utf-8")
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        what = "base64" if encoding == "base64" else "valid Unicode text" if isinstance(value, str) else "JSON"
        raise InputError(f"{option} is not {what}.") from error
    if len(payload) > LARGEST:
        raise InputError(f"{option} has {len(payload)} bytes, which is too large: brokers take {LARGEST} (1 MiB).")
    return payload


def _text_of(payload: bytes) -> Tuple[str, str]:
    """Return a payload as text and its encoding: ``plain`` where it is UTF-8, else ``base64``."""
    try:
        return payload.decode("utf-8"), "plain"
    except UnicodeDecodeError:
        return base64.b64encode(payload).decode("ascii"), "base64"


@dataclass(frozen=True)
class Message(Record):
    """One message to publish, the ``number``-th of its task.

    :ivar id: what the broker calls it (v5, where somebody received it).
    :ivar delivered: whether somebody was subscribed (v5; v4 doesn't tell).
    """

    number: int
    topic: str
    payload: bytes = field(repr=False)
    qos: int = 0
    retain: bool = False
    properties: Optional[Mapping[str, Any]] = None
    id: Optional[str] = None
    delivered: Optional[bool] = None

    @property
    def key(self) -> int:
        return self.number

    @classmethod
    def compared(cls) -> Tuple[str, ...]:
        return "topic", "id", "delivered"


def messages_from(options: Mapping[str, Any], generation: str) -> List[Message]:
    """Return the messages that ``messages``, or one of them given directly, describe.

    :raises InputError: what a broker would choke on, or what this generation lacks.
    """
    if options["messages"] is None:
        return [_message_from(options, "", 0, generation)]
    return [
        _message_from(message, f"messages[{number}].", number, generation)
        for number, message in enumerate(options["messages"])
    ]


def _message_from(options: Mapping[str, Any], where: str, number: int, generation: str) -> Message:
    topic = topic_from(options["topic"], where + "topic")
    if generation == "v4" and "," in topic:
        raise InputError(f"{where}topic is {topic!r}, whose comma a v4 deployment takes for two topics.")
    properties = options["properties"]
    if properties is not None:
        if generation == "v4":
            raise InputError(f"{where}properties needs a v5 deployment: v4 publishes without them.")
        _check_properties(properties, where + "properties")
    payload = payload_from(options["payload"], options["payload_encoding"], where)
    return Message(number, topic, payload, options["qos"] or 0, bool(options["retain"]), properties)


def _check_properties(properties: Mapping[str, Any], option: str) -> None:
    """Refuse what MQTT 5 or EMQX 5 doesn't take.

    :raises InputError: naming the property.
    """
    for name, value in properties.items():
        where = f"{option}.{name}"
        if name in NUMBERS:
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= NUMBERS[name]:
                raise InputError(f"{where} is {value!r}: it is a whole number from 0 to {NUMBERS[name]}.")
        elif name in TEXTS:
            _check_text(value, where)
            if name == "response_topic":
                topic_from(value, where)
        elif name == "user_properties":
            if not isinstance(value, dict):
                raise InputError(f"{where} has to be a dictionary, and is none.")
            for key, each in value.items():
                _check_text(key, f"a name in {where}")
                _check_text(each, f"{where}.{key}")
        else:
            known = ", ".join(sorted([*NUMBERS, *TEXTS, "user_properties"]))
            raise InputError(f"{where} is no property of a message: there are {known}.")


def _check_text(value: Any, where: str) -> None:
    if not isinstance(value, str):
        raise InputError(f"{where} is {value!r}, and has to be a text: put it in quotes.")
    try:
        size = len(value.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise InputError(f"{where} is not valid Unicode text.") from error
    if size > 65535:
        raise InputError(f"{where} has {size} bytes: MQTT takes 65535.")


class Publisher(Store[Message]):
    """Where messages go. Nothing of what was published can be read back, so that sending it is always a change."""

    comparable = False
    encoding = "payload_encoding"
    """What the API calls how a payload is encoded."""

    def current(self, wanted: Iterable[Message], everything: bool) -> Iterator[Message]:
        return iter(())

    def create(self, wanted: Iterable[Message]) -> Outcomes[Message]:
        """Publish in order, in batches; what is yielded says what the broker told of each message."""
        return in_batches([(message, self._row(message)) for message in wanted], self._send, MEBIBYTE)

    def _row(self, message: Message) -> Dict[str, Any]:
        payload, encoding = _text_of(message.payload)
        row = {"topic": message.topic, "payload": payload, "qos": message.qos, "retain": message.retain}
        return {**row, self.encoding: encoding}

    def _send(self, batch: Batch[Message], body: bytes) -> Iterator[Tuple[Message, Optional[EmqxError]]]:
        raise TypeError(f"{type(self).__name__} can't publish")

    @staticmethod
    def _failed(message: Message, path: str, status: int, code: Any, meaning: str, said: str = "") -> ApiError:
        known = f"code {code}, {said}" if said else f"code {code}"
        text = f"The message to {message.topic!r} was not published: {meaning} ({known})."
        text += "" if isinstance(code, int) else doubt("POST", path)
        return ApiError(text, status, code, said or meaning, "POST", path)


class V4Publisher(Publisher):
    """A batch answers item by item, in order; only the topic tells which item is meant."""

    encoding = "encoding"

    def _row(self, message: Message) -> Dict[str, Any]:
        return {"clientid": PUBLISHER, **super()._row(message)}

    def _send(self, batch: Batch[Message], body: bytes) -> Iterator[Tuple[Message, Optional[EmqxError]]]:
        path = "mqtt/publish_batch"
        answer = self.api.call("POST", path, body=body)
        codes: Dict[Any, List[Any]] = {}
        for result in self.api.dicts(answer.get("data"), path, "POST"):
            codes.setdefault(str(result.get("topic")), []).append(result.get("code"))
        for message, _row in batch:
            found = codes.get(message.topic)
            code = found.pop(0) if found else None
            meaning = V4_CODES.get(code, "no result for it") if isinstance(code, int) else "no result for it"
            yield message, None if is_success(code) else self._failed(message, path, 200, code, meaning)


class V5Publisher(Publisher):
    """One bad message of a bulk refuses all of it; a message that nobody is subscribed to is no error."""

    def _row(self, message: Message) -> Dict[str, Any]:
        row = super()._row(message)
        return {**row, "properties": message.properties} if message.properties else row

    def _send(self, batch: Batch[Message], body: bytes) -> Iterator[Tuple[Message, Optional[EmqxError]]]:
        if len(batch) == 1:
            path = "publish"
            results = [self.api.call("POST", path, body=batch[0][1])]
        else:
            path = "publish/bulk"
            answer = self.api.http.request("POST", path, (), body)
            results = answer.json if isinstance(answer.json, list) else []
            if answer.status != 503 or len(results) != len(batch):
                # With 503, EMQX 5.8 says of each message whether it was dispatched.
                self.api.checked(answer)
            results = self.api.dicts(results, path, "POST")
            if len(results) != len(batch):
                raise self.api.odd("POST", path, f"{len(results)} results for {len(batch)} messages")
        for (message, _row), result in zip(batch, results):
            yield self._outcome(message, result, path)

    def _outcome(self, message: Message, result: Any, path: str) -> Tuple[Message, Optional[EmqxError]]:
        result = result if isinstance(result, dict) else {}
        code = result.get("reason_code")
        if code == NO_SUBSCRIBERS:
            return replace(message, delivered=False), None
        if code is None and isinstance(result.get("id"), str):
            return replace(message, id=result["id"], delivered=True), None
        if not isinstance(code, int):
            return message, self._failed(message, path, 200, code, "no result for it")
        meaning = V5_REASONS.get(code, "the broker refused it")
        return message, self._failed(message, path, 503, code, meaning, str(result.get("message", "")))


def publisher(api: Api) -> Publisher:
    """Return where messages of this deployment go."""
    return (V5Publisher if api.generation == "v5" else V4Publisher)(api)


# Retained messages


@dataclass(frozen=True)
class Retained(Record):
    """The message that is retained for a topic; ``details`` is what else the broker tells of it.

    :ivar payload: None also where the broker doesn't show it, since it is too large.
    """

    topic: str
    payload: Optional[bytes] = field(default=None, repr=False)
    qos: Optional[int] = None
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def key(self) -> str:
        return self.topic

    @classmethod
    def compared(cls) -> Tuple[str, ...]:
        return "payload", "qos"

    def shown(self) -> Dict[str, Any]:
        """Return it as a diff shows it, with no more than the beginning of a long payload and what tells it apart."""
        payload = self.payload
        if payload is None or len(payload) <= SHOWN:
            return self.whole()
        text, encoding = _text_of(payload)
        cut = text[:SHOWN] if encoding == "plain" else base64.b64encode(payload[:SHOWN]).decode("ascii")
        digest = hashlib.sha256(payload).hexdigest()
        size = {"payload_bytes": len(payload), "payload_sha256": digest}
        return {**self.whole(), "payload": cut, **size}

    def whole(self) -> Dict[str, Any]:
        """Return it as a result shows it."""
        shown: Dict[str, Any] = {"topic": self.topic, "qos": self.qos}
        if self.payload is not None:
            shown["payload"], shown["payload_encoding"] = _text_of(self.payload)
        return shown


def retained_from(options: Mapping[str, Any]) -> Retained:
    """Return the retained message that a module's options describe.

    :raises InputError: the topic or the payload can't be.
    """
    topic = checked_name(topic_from(options["topic"], "topic"), "topic")
    if options["state"] == "absent":
        return Retained(topic)
    payload = payload_from(options["payload"], options["payload_encoding"])
    if not payload:
        raise InputError("payload is empty, which would remove the retained message: use state: absent for that.")
    return Retained(topic, payload, options["qos"])


class RetainedMessages(Store[Retained]):
    """Retained messages of a v5 deployment; v4 has no call to read them."""

    many = "messages"

    def __init__(self, api: Api) -> None:
        super().__init__(api)
        api.needs(
            "v5", "Managing retained messages",
            "v4 has no call to read them back; emqx.cloud.publish with retain sends one",
        )

    def get(self, record: Retained) -> Optional[Retained]:
        # The topic is taken for a filter, so that it may never have wildcards here.
        path = path_of("mqtt/retainer/message/{}", topic_from(record.topic, "topic"))
        try:
            row = self.api.call("GET", path)
        except Missing:
            return None
        if not isinstance(row, dict) or row.get("topic") != record.topic:
            raise self.api.odd("GET", path, f"it should be about the topic {record.topic!r}")
        return self._record(row, path)

    def fresh(self, record: Retained) -> Retained:
        return replace(record, qos=record.qos or 0)

    def find(self, options: Mapping[str, Any]) -> Iterator[Dict[str, Any]]:
        """Yield the rows that the options of an info module ask for; those of ``$SYS`` only where they are asked for.

        :raises InputError: a topic or a filter that is none.
        """
        topic, match = options["topic"], options["match"]
        if topic is not None:
            match = topic_from(topic, "topic")
        elif match is not None:
            problem = filter_problem(match)
            if problem:
                raise InputError(f"match is {match!r}, which is no topic filter: {problem}.")
        else:
            match = "#"
        rows = self._rows(match, topic, options["limit"])
        if not options["with_payload"]:
            return (self._row(found) for found in rows)
        return self._with_payloads(list(itertools.islice(rows, options["limit"])))

    def _rows(self, match: str, topic: Optional[str], page_size: Optional[int]) -> Iterator[Retained]:
        path = "mqtt/retainer/messages"
        for row in self.api.rows(path, [("topic", match)], page_size):
            found = self._record(row, path)
            if found.topic == topic or (topic is None and matches(found.topic, match)):
                yield found

    def _with_payloads(self, rows: List[Retained]) -> Iterator[Dict[str, Any]]:
        """Yield the rows with their payloads, each one request; what went meanwhile is left out."""
        # Devices may choose such a topic, which can't be addressed.
        unreadable = {row.topic: row for row in rows if row.topic in (".", "..")}
        found = self.api.http.results(self.get, [row for row in rows if row.topic not in unreadable])
        read = {**unreadable, **{row.topic: row for row in found if row is not None}}
        return (self._row(read[row.topic]) for row in rows if row.topic in read)

    @staticmethod
    def _row(found: Retained) -> Dict[str, Any]:
        return {**found.whole(), **found.details}

    def _record(self, row: Mapping[str, Any], path: str) -> Retained:
        topic, payload = row.get("topic"), row.get("payload")
        if not isinstance(topic, str):
            raise self.api.odd("GET", path, "a message has no topic")
        if payload is not None:
            try:
                payload = base64.b64decode(payload.encode("ascii"), validate=True)
            except (AttributeError, ValueError, binascii.Error) as error:
                raise self.api.odd("GET", path, "a payload is not base64") from error
        names = ("msgid", "from_clientid", "from_username")
        details = {name: row[name] for name in names if name in row}
        return Retained(topic, payload, row.get("qos"), {**details, "publish_at": normal(row.get("publish_at"))})

    def create(self, wanted: Iterable[Retained]) -> Outcomes[Retained]:
        return self.one_by_one(self._publish, wanted)

    update = create

    def _publish(self, wanted: Retained) -> None:
        message = Message(0, wanted.topic, wanted.payload or b"", wanted.qos or 0, retain=True)
        for _unused, error in publisher(self.api).create([message]):
            if error is not None:
                raise error
        for pause in PATIENCE:
            time.sleep(pause)
            try:
                found = self.get(wanted)
            except EmqxError as error:
                error.partly = True  # the message was taken
                raise
            if found is not None and not wanted.differs(found):
                return
        # Brokers answer the same where they don't retain.
        reason = "another or none is retained"
        sentence = (
            f"The message to {wanted.topic!r} was published, but {reason}: retained messages are switched off, their "
            "limit is reached, or somebody else publishes to the topic."
        )
        raise ApiError(sentence, 200, None, reason, "POST", "publish")

    def delete(self, unwanted: Iterable[Retained]) -> Outcomes[Retained]:
        return self.one_by_one(self._delete, unwanted)

    def _delete(self, unwanted: Retained) -> None:
        with contextlib.suppress(Missing):  # it went by itself meanwhile
            # All that match would go: what was looked up has no wildcards.
            self.api.call("DELETE", path_of("mqtt/retainer/message/{}", unwanted.topic))
