# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection defends itself with, and how each defence is turned off."""

from __future__ import annotations

from typing import NamedTuple


class Defence(NamedTuple):
    """One defence: a text of the source that occurs once, what turns it off, and the tests that fail then."""

    what: str
    file: str
    text: str
    instead: str
    tests: str


DEFENCES = [
    Defence(
        "a POST is not sent again once it may have been carried out",
        "plugins/module_utils/_http.py",
        'SAFE_TO_REPEAT = frozenset(("GET", "PUT", "DELETE"))',
        'SAFE_TO_REPEAT = frozenset(("GET", "PUT", "DELETE", "POST"))',
        "tests/unit/plugins/module_utils/test_http.py -k may_have_been",
    ),
    Defence(
        "changes of the Platform API are not sent again",
        "plugins/module_utils/_http.py",
        'return frozenset(("GET",)) if self.hourly else SAFE_TO_REPEAT',
        "return SAFE_TO_REPEAT",
        "tests/unit/plugins/module_utils/test_http.py -k hour",
    ),
    Defence(
        "all waiting of one request is bounded",
        "plugins/module_utils/_http.py",
        "if retry.waited > self.wait_limit:",
        "if retry.waited > 1e9:",
        "tests/unit/plugins/module_utils/test_http.py -k bounded",
    ),
    Defence(
        "a certificate that is refused is not tried again",
        "plugins/module_utils/_http.py",
        "other=0,",
        "other=None,",
        "tests/unit/plugins/module_utils/test_http.py",
    ),
    Defence(
        "requests keep to rate_limit",
        "plugins/module_utils/_http.py",
        "self._next = turn + self._gap",
        "self._next = now",
        "tests/unit/plugins/module_utils/test_http.py -k rate_limit",
    ),
    Defence(
        "a forked process has connections of its own",
        "plugins/module_utils/_http.py",
        "place = (os.getpid(), settings)",
        "place = (0, settings)",
        "tests/unit/plugins/module_utils/test_http.py -k kept",
    ),
    Defence(
        "after an error that would repeat itself nothing more is begun",
        "plugins/module_utils/_http.py",
        "if isinstance(result, EmqxError) and result.fatal:\n                broken.set()",
        "if False:\n                broken.set()",
        "tests/unit/plugins/module_utils/test_http.py -k would_repeat_itself",
    ),
    Defence(
        "on v4 nothing but code 0 is a success",
        "plugins/module_utils/_resources/_api.py",
        "return code == 0 and isinstance(code, int) and not isinstance(code, bool)",
        "return not code",
        "tests/unit/plugins/module_utils/resources/test_api.py -k v4",
    ),
    Defence(
        "on v4 an HTTP 200 without a code is no success",
        "plugins/module_utils/_resources/_api.py",
        "if is_success(code):",
        "if is_success(code) or code is None:",
        "tests/unit/plugins/module_utils/resources/test_api.py -k code_zero",
    ),
    Defence(
        "a list is read to its end",
        "plugins/module_utils/_resources/_api.py",
        'if not data or not (full or meta.get("hasnext") is True):',
        "if True:",
        "tests/unit/plugins/module_utils/resources/test_api.py -k to_its_end",
    ),
    Defence(
        "a page that comes again and again is found out",
        "plugins/module_utils/_resources/_api.py",
        "if mark in seen:",
        "if False:",
        "tests/unit/plugins/module_utils/resources/test_api.py -k again_and_again",
    ),
    Defence(
        "rows that are no objects are an error",
        "plugins/module_utils/_resources/_api.py",
        "if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):",
        "if False:",
        "tests/unit/plugins/module_utils/resources/test_api.py -k another_shape",
    ),
    Defence(
        "secrets of a body are masked where the API repeats them",
        "plugins/module_utils/_resources/_api.py",
        'said = " ".join(masked(self.http.mask(said), secrets).split())',
        'said = " ".join(said.split())',
        "tests/unit/plugins/module_utils/resources/test_api.py -k secret",
    ),
    Defence(
        "a batch that is refused for its size is sent in halves",
        "plugins/module_utils/_resources/_api.py",
        "if isinstance(error, TooLarge) and len(batch) > 1:",
        "if False:",
        "tests/unit/plugins/module_utils/resources/test_api.py -k size",
    ),
    Defence(
        "what the user mistakes for the Platform API gets no credentials",
        "plugins/module_utils/_resources/_api.py",
        'if "/public_api/" in path + "/":',
        "if False:",
        "tests/unit/plugins/module_utils/resources/test_api.py -k url",
    ),
    Defence(
        "on v4 every item of a batch is read",
        "plugins/module_utils/_resources/users.py",
        'if said == "ok":',
        "if True:",
        "tests/unit/plugins/module_utils/resources/test_users.py -k v4",
    ),
    Defence(
        "users who were lost in an import are found",
        "plugins/module_utils/_resources/users.py",
        "        if not failed:\n",
        "        if True:\n",
        "tests/unit/plugins/module_utils/resources/test_users.py -k lost",
    ),
    Defence(
        "an answer about somebody else is not believed on v5",
        "plugins/module_utils/_resources/users.py",
        'if not isinstance(row, dict) or row.get("user_id") != record.name:',
        "if not isinstance(row, dict):",
        "tests/unit/plugins/module_utils/resources/test_users.py -k somebody_else",
    ),
    Defence(
        "an answer about somebody else is not believed on v4",
        "plugins/module_utils/_resources/users.py",
        "if not isinstance(data, dict) or data.get(record.kind) != record.name:",
        "if not isinstance(data, dict):",
        "tests/unit/plugins/module_utils/resources/test_users.py -k somebody_else",
    ),
    Defence(
        "an import never takes superusers their right by leaving it out",
        "plugins/module_utils/_resources/users.py",
        'return {"user_id": user.name, "password": user.password, "is_superuser": user.is_superuser}',
        'return {"user_id": user.name, "password": user.password}',
        "tests/unit/plugins/module_utils/resources/test_users.py -k superuser",
    ),
    Defence(
        "check mode sends nothing that changes anything",
        "plugins/module_utils/_task.py",
        "if self.check_mode or not plan.changed:",
        "if not plan.changed:",
        "tests/unit/plugins/module_utils/test_task.py -k check_mode",
    ),
    Defence(
        "an empty list purges nothing unless it is told to",
        "plugins/module_utils/_task.py",
        'if purge and not wanted and not self.params.get("purge_all"):',
        "if False:",
        "tests/unit/plugins/module_utils/test_task.py -k wipe",
    ),
    Defence(
        "a purge keeps to purge_limit",
        "plugins/module_utils/_task.py",
        "if purge and may_go is not None and len(plan.delete) > may_go(plan.existing):",
        "if False:",
        "tests/unit/plugins/module_utils/test_task.py -k purge_deletes",
    ),
    Defence(
        "the same thing twice with different values is refused",
        "plugins/module_utils/_converge.py",
        "if other is not record and dataclasses.asdict(other) != dataclasses.asdict(record):",
        "if False:",
        "tests/unit/plugins/module_utils/test_converge.py -k twice",
    ),
    Defence(
        "direct results are censored as those of modules are",
        "plugins/module_utils/_task.py",
        "censored: Result = json.loads(jsonify({**remove_values(result, secrets), **kept}))",
        "censored: Result = json.loads(jsonify(result))",
        "tests/unit/plugins/module_utils/test_task.py -k secrets",
    ),
    Defence(
        "what devices chose is no template before ansible-core 2.19",
        "plugins/plugin_utils/_unsafe.py",
        "return wrap_var(value)",
        "return value",
        "tests/system/test_inventories.py -k never_evaluated",
    ),
]
