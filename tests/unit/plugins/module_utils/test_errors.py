# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users read when something fails."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._errors import (
    STATUSES,
    V4_CODES,
    V4_MESSAGES,
    V5_CODES,
    V5_REASONS,
    ApiError,
    EmqxError,
    InputError,
    NotAttempted,
    NotOffered,
    TooLarge,
    TransportError,
    readable,
    sentence,
)

MEANINGS = [
    (V4_CODES, {
        101: "RPC error", 102: "unknown error", 103: "wrong user name or password", 104: "empty user name or password",
        105: "user does not exist", 106: "administrator account", 107: "required parameter is missing",
        108: "parameter is wrong", 109: "not legal JSON", 110: "plugin is enabled already",
        111: "plugin is disabled already", 112: "not online", 113: "user exists already", 114: "old password is wrong",
        115: "topic is illegal", 116: "QoS is illegal", 400: "refused the request", 404: "not found",
    }),
    (V4_MESSAGES, {
        "existed": "exists already", "noexisted": "does not exist", "password": "password is missing",
        "login": "name is missing", "module_not_loaded": "not loaded", "invalid_topic_name": "topic name is invalid",
        "missing_required_params": "required parameter is missing",
    }),
    (V5_CODES, {
        "ALREADY_EXISTS": "exists already", "AUTHORIZATION_HEADER_ERROR": "no credentials",
        "BAD_API_KEY_OR_SECRET": "wrong credentials", "BAD_REQUEST": "refused the request",
        "BAD_TOPIC": "topic is refused", "CLIENTID_NOT_FOUND": "neither online nor", "EXCEED_LIMIT": "limit is reached",
        "INTERNAL_ERROR": "inside the broker", "NOT_FOUND": "not found", "TOPIC_NOT_FOUND": "no such topic",
        "UNSUPPORTED_MEDIA_TYPE": "content type",
    }),
    (V5_REASONS, {16: "nobody is subscribed", 131: "base64", 144: "topic name is invalid", 151: "too large"}),
    (STATUSES, {
        400: "bad request", 401: "check {credentials}", 403: "lacks the permission", 404: "not found",
        405: "does not offer", 409: "conflict", 413: "too large", 415: "content type", 422: "properties",
        429: "too many requests", 500: "inside the server", 502: "gateway", 503: "not available", 504: "in time",
    }),
]


@pytest.mark.parametrize(
    ("table", "code", "words"),
    [(table, code, words) for table, meanings in MEANINGS for code, words in meanings.items()],
)
def test_every_documented_code_has_its_meaning(table, code, words):
    assert words in table[code]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("plain words", "plain words"),
        ('{"reason": "required_field", "path": "root.password"}', "required_field: root.password"),
        ('{"reason": "unknown_fields"}', "unknown_fields"),
        ('{"reason": "unknown_fields", "path": "root", "unknown": "colour"}', "unknown_fields: root: colour"),
        ('{"reason": {"expected": "boolean()", "got": 1}, "path": "root.a"}', "expected boolean(): root.a"),
        ('{"reason": {"why": "so"}}', 'expected {"why": "so"}'),
        ('{"kind": "validation_error"}', '{"kind": "validation_error"}'),
        ('["a", "b"]', "['a', 'b']"),
        ("42", "42"),
        ("", ""),
        ("{broken", "{broken"),
        ({"a": "é"}, '{"a": "é"}'),
        ([1], "[1]"),
        (None, "null"),
        (
            'Bad Arguments: {parse_error,{"5: syntax error before: \\"selec\\"",[{\'NAME\',5,"selec"}]}}',
            'SQL syntax error before: "selec"',
        ),
        ('Bad Arguments: #{reason => {parse_error,{"1: illegal \\"x"}}}', 'SQL illegal "x'),
        ('Bad Arguments: {parse_error,{"6: syntax error before: ",[]}}', "SQL syntax error before: the end"),
        (
            'Bad Arguments: #{kind => validation_error,path => "rules.r",reason => unknown_fields,unknown => "colour"}',
            "unknown_fields: rules.r: colour",
        ),
        ("Bad Arguments: #{kind => other}", "Bad Arguments: #{kind => other}"),
    ],
)
def test_a_message_becomes_text_whatever_its_shape(message, text):
    assert readable(message) == text


def test_a_message_nested_too_deeply_to_be_parsed_is_given_as_it_is():
    message = "[" * 100000
    assert readable(message) == message


@pytest.mark.parametrize(
    ("code", "said", "text"),
    [
        (None, None, "GET users failed: not found (HTTP 404)."),
        (None, "", "GET users failed: not found (HTTP 404)."),
        ("NOT_FOUND", "no such user", "GET users failed: not found (HTTP 404, code NOT_FOUND, no such user)."),
        (105, "not found", "GET users failed: not found (HTTP 404, code 105)."),
        (0, None, "GET users failed: not found (HTTP 404, code 0)."),
    ],
)
def test_a_failed_call_is_told_in_one_sentence_without_repetition(code, said, text):
    assert sentence("GET", "users", 404, code, "not found", said) == text


@pytest.mark.parametrize(
    ("status", "fatal"),
    [(200, False), (400, False), (401, True), (403, True), (404, False), (405, True), (409, False), (413, False),
     (422, False), (429, True), (499, False), (500, True), (502, True), (503, True), (504, True)],
)
def test_after_an_error_that_would_repeat_itself_nothing_more_is_sent(status, fatal):
    assert ApiError("", status, None, "", "GET", "x").fatal is fatal


@pytest.mark.parametrize(
    ("error", "fatal"),
    [
        (EmqxError(""), False), (InputError(""), False), (NotAttempted(), False),
        (TransportError("", "GET", "x"), True), (NotOffered("", 404, None, "", "GET", "x"), True),
        (TooLarge("", 413, None, "", "GET", "x"), False),
    ],
)
def test_kinds_of_errors_know_whether_they_would_repeat_themselves(error, fatal):
    assert error.fatal is fatal


def test_a_failure_is_told_as_data_too():
    said = ApiError("sentence", 400, "BAD_REQUEST", "no name", "POST", "users")
    assert said.details() == {
        "error": {"status": 400, "code": "BAD_REQUEST", "reason": "no name", "method": "POST", "path": "users"}
    }
    lost = TransportError("gone", "GET", "nodes", lost=True)
    assert lost.details() == {
        "error": {"status": None, "code": None, "reason": "gone", "method": "GET", "path": "nodes"}
    }
    assert lost.lost and not TransportError("gone", "GET", "nodes").lost
    assert InputError("x").details() == {} == NotAttempted().details()
    assert str(NotAttempted()) == "not attempted, since an earlier request failed or the task was ended"


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        *((ApiError("", status, None, "", "GET", "x"), False) for status in (200, 400, 401, 403, 404, 405, 413)),
        *((ApiError("", status, None, "", "GET", "x"), True) for status in (429, 500, 502, 503, 504)),
        (TransportError("", "GET", "x"), False), (TransportError("", "GET", "x", lost=True), True),
        (TransportError("", "GET", "x", passing=True), True), (InputError(""), False), (NotAttempted(), False),
    ],
)
def test_errors_know_whether_they_may_be_over_in_a_while(error, passing):
    assert error.passing is passing


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("one\r\ntwo\x1b[2J\x85three\u2028four.", "one  two [2J three four."),
        ("half a pair: \ud800.", "half a pair: \\ud800."),
        ("'  a\u00a0b' \u00e9\U0001f600", "'  a\u00a0b' \u00e9\U0001f600"),
        ("a" * 4000, "a" * 4000),
        ("a" * 65536 + " is too long.", "a" * 3000 + " \u2026 " + "a" * 787 + " is too long."),
    ],
)
def test_whatever_is_put_into_a_sentence_it_is_one_line_of_bounded_length(message, shown):
    told = ApiError(message, 400, None, message, "GET", "x")
    for error in (InputError(message), told, TransportError(message, "GET", "x")):
        assert str(error) == shown
    assert told.reason == shown
