# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task does between Ansible and a store: guards, check mode, results, failures."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils import _http, _task
from ansible_collections.emqx.cloud.plugins.module_utils._errors import (
    ApiError,
    EmqxError,
    InputError,
    NotAttempted,
    TransportError,
)
from ansible_collections.emqx.cloud.plugins.module_utils._resources._api import Api, V5Api
from ansible_collections.emqx.cloud.plugins.module_utils._task import (
    CONNECTION,
    DEPLOYMENT,
    PURGE,
    Spec,
    Task,
    TaskEnded,
    TaskFailure,
    execute,
    run_directly,
    strings,
)
from ansible_collections.emqx.cloud.tests.unit.helpers import Call, DictStore, ScriptedHttp, Thing

OPTIONS = {
    "api_url": "https://h/api/v5", "app_id": "id", "app_secret": "secret",
    **{name: option.get("default") for name, option in CONNECTION.items()},
}


def error(status=409, code="ALREADY_EXISTS"):
    return ApiError(f"POST things failed (HTTP {status}).", status, code, "said so", "POST", "things")


def converge(store, desired, params=None, check_mode=False, diff_mode=False, **options):
    task = Task(params or {}, check_mode, diff_mode)
    return task.converge(store, desired, "things", **options)


# Specifications


def test_a_module_has_the_options_of_the_connection_and_its_own():
    spec = Spec({"size": {"type": "int"}}, {"mutually_exclusive": [("a", "b")]})
    arguments = spec.arguments()
    assert arguments["mutually_exclusive"] == [("a", "b")]
    assert arguments["argument_spec"]["size"] == {"type": "int"}
    assert set(arguments["argument_spec"]) == {"size", *CONNECTION, *DEPLOYMENT}
    assert Spec({}, connection={"x": {}}).arguments() == {"argument_spec": {"x": {}}}


def test_nothing_is_purged_unless_it_is_asked_for():
    assert {name: option.get("default") for name, option in PURGE.items()} == {
        "purge": False, "purge_all": False, "purge_limit": None
    }


def test_settings_have_the_defaults_of_the_options():
    settings = _http.Settings("https://h/api", "i", "s")
    defaults = {name: option.get("default") for name, option in CONNECTION.items() if name != "api_version"}
    assert {name: getattr(settings, name) for name in defaults} == defaults
    assert settings.validate_certs is True and settings.allow_http is False


# Converging


def test_a_run_changes_the_store_and_says_what_it_did():
    store = DictStore([Thing("a", 1), Thing("b", 1), Thing("c", 1)])
    converged = converge(store, [Thing("a", 1), Thing("b", 2), Thing("d", 1, "grey")], diff_mode=True)
    assert converged.result == {
        "changed": True,
        "counts": {"created": 1, "updated": 1, "deleted": 0, "unchanged": 1, "failed": 0},
        "diff": {
            "before": {"things": [{"name": "b", "size": 1}]},
            "after": {"things": [{"name": "b", "size": 2}, {"name": "d", "size": 1, "colour": "grey"}]},
        },
    }
    assert [name for name, unused in store.calls] == ["create", "update"]
    assert set(store.things) == {"a", "b", "c", "d"}


@pytest.mark.parametrize("options", [{}, {"purge": True}, {"absent": True}, {"rewrite": True}])
def test_check_mode_says_the_same_and_sends_nothing(options):
    def fresh_store():
        return DictStore([Thing("a", 1), Thing("b", 1)])

    desired = [Thing("a", 2, secret="x"), Thing("c")]
    checked, really = fresh_store(), fresh_store()
    foreseen = converge(checked, desired, check_mode=True, diff_mode=True, **options)
    done = converge(really, desired, diff_mode=True, **options)
    assert foreseen.result == done.result
    assert foreseen.done.after() == done.done.after()
    assert checked.calls == [] != really.calls
    assert checked.things == fresh_store().things


def test_what_cant_be_read_back_has_no_diff():
    store = DictStore()
    store.comparable = False
    result = converge(store, [Thing("a", 1, "grey")], diff_mode=True).result
    assert result["changed"] and "diff" not in result


def test_nothing_is_sent_where_nothing_has_to_change():
    store = DictStore([Thing("a", 1)])
    result = converge(store, [Thing("a")]).result
    assert result == {
        "changed": False, "counts": {"created": 0, "updated": 0, "deleted": 0, "unchanged": 1, "failed": 0}
    }
    assert store.calls == []


def test_passwords_are_rewritten_only_where_the_user_wants_it():
    for rewrite in (None, False, True):
        options = {} if rewrite is None else {"rewrite": rewrite}
        result = converge(DictStore([Thing("a", 1)]), [Thing("a", secret="x")], **options).result
        assert result["changed"] is bool(rewrite)


def test_only_a_purge_needs_to_read_everything():
    store = DictStore()
    converge(store, [Thing("a")])
    converge(store, [Thing("a")], purge=True)
    assert store.read == [False, True]


def test_what_is_kept_is_part_of_what_is_there_afterwards():
    converged = converge(DictStore([Thing("a", 1), Thing("z", 1)]), [Thing("b", 1, "grey")], keep=True)
    assert [thing.name for thing in converged.done.after()] == ["a", "b", "z"]


def test_a_plan_that_the_store_refuses_changes_nothing():
    class Strict(DictStore):
        def check(self, plan):
            raise InputError(f"{len(plan.create)} can't be created")

    store = Strict()
    for check_mode in (False, True):
        with pytest.raises(InputError, match="1 can't be created"):
            converge(store, [Thing("a")], check_mode=check_mode)
    assert store.calls == []


def test_the_same_thing_twice_with_different_values_is_refused_before_anything_is_read():
    store = DictStore()
    with pytest.raises(InputError, match="things names 'a' twice"):
        converge(store, [Thing("a", 1), Thing("a", 2)])
    assert store.read == []


# Purging


def test_purge_and_absent_exclude_each_other():
    store = DictStore([Thing("a")])
    with pytest.raises(InputError, match="give one of them"):
        converge(store, [Thing("a")], purge=True, absent=True)
    assert store.read == []


@pytest.mark.parametrize("params", [{}, {"purge_all": False}])
def test_an_empty_list_does_not_wipe_a_deployment(params):
    store = DictStore([Thing("a")])
    with pytest.raises(InputError, match="^things is empty, so everything would be deleted: set purge_all: true"):
        converge(store, [], params, purge=True)
    assert store.read == [] and store.things


def test_an_empty_list_wipes_a_deployment_where_the_user_wants_it():
    store = DictStore([Thing("a"), Thing("b")])
    assert converge(store, [], {"purge_all": True}, purge=True).result["counts"]["deleted"] == 2
    assert store.things == {}


@pytest.mark.parametrize(
    ("limit", "allowed"),
    [(None, 10), ("4", 4), ("0", 0), (" 4 ", 4), ("40%", 4), ("49%", 4), ("0%", 0), ("9%", 0), ("10%", 1),
     ("100%", 10)],
)
def test_a_purge_deletes_no_more_than_its_limit(limit, allowed):
    names = "abcdefghij"
    for deleted in (allowed, allowed + 1):
        store = DictStore(Thing(name, 1) for name in names)
        desired = [Thing("new"), *(Thing(name, 1) for name in names[deleted:])]
        if deleted <= allowed:
            assert converge(store, desired, {"purge_limit": limit}, purge=True).done.counts["deleted"] == deleted
        elif deleted <= len(names):
            with pytest.raises(InputError, match=f"^{deleted} of 10 would be deleted, which is more than purge_limit"):
                converge(store, desired, {"purge_limit": limit}, purge=True)
            assert store.calls == []


@pytest.mark.parametrize("limit", ["", "ten", "-1", "10 %", "1.5", "%", "10%%", "1e3", "٣", "9" * 5000])
def test_a_purge_limit_that_is_none_is_refused(limit):
    store = DictStore([Thing("a"), Thing("b")])
    with pytest.raises(InputError, match="it is a number, or a percentage such as '10%'"):
        converge(store, [Thing("a")], {"purge_limit": limit}, purge=True)
    assert store.calls == []


def test_more_than_all_is_no_share():
    with pytest.raises(InputError, match="^purge_limit is '101%': a percentage is at most '100%'"):
        converge(DictStore([Thing("a")]), [], {"purge_limit": "101%", "purge_all": True}, purge=True)


def test_a_purge_limit_that_is_none_is_refused_before_anything_is_read(monkeypatch):
    store = DictStore([Thing("a")])
    monkeypatch.setattr(store, "current", lambda *_wanted: pytest.fail("it was read"))
    with pytest.raises(InputError, match="^purge_limit is 'ten'"):
        converge(store, [Thing("a")], {"purge_limit": "ten"}, purge=True)


def test_a_purge_limit_counts_deletions_only_and_only_where_something_is_purged():
    store = DictStore([Thing("a", 1)])
    assert converge(store, [Thing("a", 2), Thing("b")], {"purge_limit": "0"}, purge=True).result["changed"]
    assert converge(store, [Thing("a")], {"purge_limit": "0"}, absent=True).result["changed"]


# Somebody else at the same time


class Meddled(DictStore):
    """A store in which somebody else creates things, or has them deleted, while this task makes its changes."""

    def __init__(self, things, strangers, leaves_after=99, breaks=None):
        super().__init__(things)
        self.strangers, self.leaves_after, self.breaks = strangers, leaves_after, breaks
        self.looks = 0

    def current(self, wanted, everything):
        if self.calls:
            self.looks += 1
            if self.breaks:
                raise self.breaks
            if self.looks > self.leaves_after:
                for stranger in self.strangers:
                    del self.things[stranger.key]
        return super().current(wanted, everything)

    def _change(self, action, things):
        yield from super()._change(action, things)
        self.things.update((stranger.key, stranger) for stranger in self.strangers)


@pytest.fixture(name="pauses")
def fixture_pauses(monkeypatch):
    pauses = []
    monkeypatch.setattr(_task.time, "sleep", pauses.append)
    return pauses


def test_a_purge_that_somebody_else_has_met_fails_and_says_what_was_done(pauses):
    strangers = [Thing(name) for name in "wxyz"]
    with pytest.raises(TaskFailure) as caught:
        converge(Meddled([Thing("b", 1)], strangers), [Thing("a")], purge=True)
    assert str(caught.value) == (
        "All changes were made, but 4 of the things ('w', 'x', 'y', …) are not as they should be: something else "
        "changes this deployment at the same time, or its nodes don't agree yet. Run this again later."
    )
    counts = {"created": 1, "updated": 0, "deleted": 1, "unchanged": 0, "failed": 0}
    assert caught.value.result == {"changed": True, "counts": counts}
    assert sum(pauses) <= 2


def test_a_purge_waits_for_what_is_on_its_way_out(pauses):
    store = Meddled([Thing("b", 1)], [Thing("x")], leaves_after=2)
    assert converge(store, [Thing("a")], purge=True).result["changed"]
    assert store.looks == len(pauses) == 3


def test_a_second_look_that_fails_says_that_all_changes_were_made(pauses):
    store = Meddled([Thing("b", 1)], [], breaks=error(403))
    with pytest.raises(TaskFailure) as caught:
        converge(store, [Thing("a")], purge=True)
    assert str(caught.value).startswith("All changes were made, but another look at the things failed. POST things")
    assert (caught.value.result["changed"], caught.value.result["error"]["status"]) == (True, 403)


@pytest.mark.parametrize(
    ("things", "desired", "options", "looks"),
    [
        ([Thing("b", 1)], [Thing("a")], {"purge": True}, 1),
        ([Thing("a", 1)], [Thing("a", 2, secret="x")], {"purge": True, "rewrite": True}, 1),
        ([Thing("a", 1)], [Thing("a", 1)], {"purge": True}, 0),
        ([Thing("b", 1)], [Thing("a")], {"purge": True, "check_mode": True}, 0),
        ([Thing("b", 1)], [Thing("a")], {}, 0),
        ([Thing("b", 1)], [Thing("b")], {"absent": True}, 0),
    ],
)
def test_only_a_purge_that_has_changed_something_looks_once_more(things, desired, options, looks):
    store = Meddled(things, [])
    converge(store, desired, **options)
    assert store.looks == looks


def test_a_store_can_ask_for_a_second_look_without_a_purge():
    store = Meddled([Thing("b", 1)], [])
    store.mixes = lambda wanted: wanted == [Thing("a")]
    converge(store, [Thing("a")])
    assert (store.looks, store.read) == (1, [False, False])


# Failures


def test_a_partial_failure_says_what_was_done_and_what_was_not():
    failing = {"b": error(409), "d": error(400, "BAD_REQUEST")}
    store = DictStore([Thing("c", 1), Thing("d", 1), Thing("e", 1)], failing)
    desired = [Thing("a", 1, "red", "hunter2"), Thing("b", secret="hunter2"), Thing("c", 2), Thing("d", 2)]
    with pytest.raises(TaskFailure) as caught:
        converge(store, desired, diff_mode=True, purge=True)
    assert str(caught.value) == "2 of 5 changes failed. The first: POST things failed (HTTP 409)."
    assert caught.value.details() == {
        "error": {
            "status": 409, "code": "ALREADY_EXISTS", "reason": "said so", "method": "POST", "path": "things"
        },
        "changed": True,
        "counts": {"created": 1, "updated": 1, "deleted": 1, "unchanged": 0, "failed": 2},
        "failures": [
            {"action": "create", "item": {"name": "b", "size": 1, "colour": "grey"}, "code": "ALREADY_EXISTS",
             "reason": "POST things failed (HTTP 409)."},
            {"action": "update", "item": {"name": "d", "size": 2}, "code": "BAD_REQUEST",
             "reason": "POST things failed (HTTP 400)."},
        ],
        "applied": [
            {"action": "create", "item": {"name": "a", "size": 1, "colour": "red"}},
            {"action": "update", "item": {"name": "c", "size": 2}},
            {"action": "delete", "item": {"name": "e", "size": 1}},
        ],
        "diff": {
            "before": {"things": [{"name": "c", "size": 1}, {"name": "e", "size": 1}]},
            "after": {"things": [{"name": "a", "size": 1, "colour": "red"}, {"name": "c", "size": 2}]},
        },
    }
    assert "hunter2" not in repr(caught.value.details())


def test_a_single_change_that_fails_is_told_without_counting():
    store = DictStore(failing={"a": error()})
    with pytest.raises(TaskFailure) as caught:
        converge(store, [Thing("a")])
    assert str(caught.value) == "POST things failed (HTTP 409)."
    assert caught.value.result["changed"] is False
    assert caught.value.result["applied"] == []


def test_what_was_not_attempted_is_listed_and_the_cause_comes_first():
    gone = TransportError("No answer from h: the connection was lost.", "POST", "things", lost=True)
    store = DictStore([Thing("b", 1), Thing("c")], {"a": gone})
    with pytest.raises(TaskFailure) as caught:
        converge(store, [Thing("a"), Thing("b", 2)], purge=True)
    assert str(caught.value) == f"3 of 3 changes failed. The first: {gone}"
    assert [failure["reason"] for failure in caught.value.result["failures"]] == [
        str(gone), str(NotAttempted()), str(NotAttempted())
    ]
    assert caught.value.result["error"]["reason"] == str(gone)
    assert caught.value.result["failures"][1]["code"] is None


def test_the_cause_comes_first_even_if_something_was_skipped_before_it():
    failing = {"a": NotAttempted(), "b": error(401, "BAD_API_KEY_OR_SECRET")}
    with pytest.raises(TaskFailure, match="The first: POST things failed .HTTP 401") as caught:
        converge(DictStore(failing=failing), [Thing("a"), Thing("b")])
    assert caught.value.result["error"]["status"] == 401


@pytest.mark.parametrize(
    ("limit", "shown"), [(None, 7), (7, 7), (3, 3), (1, 1)],
)
def test_long_lists_of_a_failure_are_cut_and_say_how_much_was_left_out(limit, shown):
    names = "abcdefg"
    store = DictStore(failing={name: error() for name in names})
    with pytest.raises(TaskFailure) as caught:
        desired = [Thing(name) for name in names + names.upper()]
        converge(store, desired, {"result_limit": limit}, diff_mode=True)
    result = caught.value.result
    left_out = 7 - shown or None
    assert (len(result["failures"]), result.get("failures_left_out")) == (shown, left_out)
    assert (len(result["applied"]), result.get("applied_left_out")) == (shown, left_out)
    assert result["diff"]["after"].get("left_out") == left_out
    assert str(caught.value).startswith("7 of 14 changes failed.")
    assert result["counts"]["failed"] == 7


@pytest.mark.parametrize(("limit", "shown"), [(None, 1000), (5, 5), (0, 0)])
def test_a_result_shows_as_many_items_as_the_user_wants(limit, shown):
    assert Task({"result_limit": limit}).result_limit == shown
    assert Task({}).result_limit == 1000


def test_a_negative_result_limit_is_refused():
    with pytest.raises(InputError, match="result_limit"):
        converge(DictStore(), [Thing("a"), Thing("b")], {"result_limit": -1}, diff_mode=True)


# Reading


@pytest.mark.parametrize(
    ("params", "found", "count", "read"),
    [
        ({"query": None, "limit": None}, [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}], 4, 4),
        ({"query": None, "limit": 2}, [{"n": 0}, {"n": 1}], 2, 2),
        ({"query": "[].n", "limit": 3}, [0, 1, 2], 3, 3),
        ({"query": "[?n > `1`].n", "limit": None}, [2, 3], 4, 4),
        ({"query": None, "limit": 9}, [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}], 4, 4),
    ],
)
def test_no_more_is_read_than_the_limit_and_the_query_picks_from_it(params, found, count, read):
    seen = []

    def rows():
        for number in range(4):
            seen.append(number)
            yield {"n": number}

    assert Task(params).read("things", rows) == {"changed": False, "things": found, "count": count}
    assert len(seen) == read


@pytest.mark.parametrize(
    ("params", "problem"),
    [({"query": None, "limit": 0}, "limit is 0: it is at least 1"), ({"query": None, "limit": -5}, "limit is -5"),
     ({"query": "[?", "limit": 1}, "query is no JMESPath")],
)
def test_a_wrong_limit_or_query_is_refused_before_anything_is_asked(params, problem):
    def rows():
        raise AssertionError("the API was asked")

    with pytest.raises(InputError, match=problem):
        Task(params).read("things", rows)


# Waiting


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.now, self.pauses = 50.0, []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture(name="clock")
def _clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(_task, "time", clock)
    return clock


def test_waiting_ends_as_soon_as_nothing_is_waited_for(clock):
    looks = iter([(["a", "b"], []), (["b"], ["x"]), ([], ["x", "y"])])
    assert Task({}).wait(lambda: next(looks), 30, {}) == ["x", "y"]
    assert len(clock.pauses) == 2


def test_waiting_without_need_does_not_pause(clock):
    assert Task({}).wait(lambda: ([], []), 0, {}) == []
    assert clock.pauses == []


def test_waiting_with_an_interval_looks_that_often(clock):
    looks = []
    with pytest.raises(TaskFailure):
        Task({}).wait(lambda: (["x"], looks.append(clock.now)), 12, {}, 5)
    assert looks == [50, 55, 60, 62]


def test_waiting_outlasts_what_passes_and_tells_of_it(clock):
    lost = TransportError("No answer.", "GET", "x", lost=True)
    steps = iter([lost, lost, ([], "found")])

    def look():
        step = next(steps)
        if step is lost:
            raise lost
        return step

    assert Task({}).wait(look, 30, {}) == "found"
    steps = iter([(["a"], None), lost, lost, lost])
    words = r"^After 2 s \(wait_timeout\) it is still waited for a. The last look failed: No answer.$"
    with pytest.raises(TaskFailure, match=words) as caught:
        Task({}).wait(look, 2, {"kicked": ["a"]}, 1)
    assert caught.value.details()["kicked"] == ["a"] and caught.value.details()["error"]["path"] == "x"
    steps = iter([lost])
    with pytest.raises(TaskFailure, match=r"\(wait_timeout\) no look has succeeded. The last look failed: No answer.$"):
        Task({}).wait(look, 0, {})


@pytest.mark.parametrize("lasting", [error(401), error(404), InputError("no"), TransportError("tls", "GET", "x")])
def test_waiting_ends_with_what_does_not_pass(clock, lasting):
    def look():
        raise lasting

    with pytest.raises(type(lasting)) as caught:
        Task({}).wait(look, 30, {})
    assert caught.value is lasting and clock.pauses == []


def test_a_condition_is_looked_at_until_it_is_met(clock):
    counts = iter([0, 1, 2])
    task = Task({"wait_timeout": 30, "interval": 5})
    assert task.until("count >= `2`", lambda: {"count": next(counts)}) == {"value": True, "elapsed": 10.0}
    assert clock.pauses == [5, 5]


def test_a_condition_that_is_not_met_is_told_with_what_is_known(clock):
    task = Task({"wait_timeout": 7, "interval": 5})
    with pytest.raises(TaskFailure) as caught:
        task.until("count >=\n  `9`", lambda: {"count": 4, "nodes": []})
    assert str(caught.value) == (
        "After 7 s (wait_timeout) it is still waited for count >= `9` (its last value is false, count is 4)."
    )
    assert caught.value.details() == {"value": False, "elapsed": 7.0}


@pytest.mark.parametrize("value", [None, False, 0, "", [], {}])
def test_what_is_nothing_meets_no_condition_but_is_no_failure_in_check_mode(clock, value):
    options = {"wait_timeout": 0, "interval": 1}
    with pytest.raises(TaskFailure):
        Task(options).until("a", lambda: {"a": value})
    assert Task({**options, "wait_timeout": 60}, True).until("a", lambda: {"a": value})["value"] == value
    assert clock.pauses == []


@pytest.mark.parametrize("condition", ["", "count >=", "length(count)"])
def test_what_is_no_condition_ends_it_at_once(clock, condition):
    with pytest.raises(InputError, match="^condition "):
        Task({"wait_timeout": 60, "interval": 1}).until(condition, lambda: {"count": 4})
    assert clock.pauses == []


def test_waiting_asks_at_most_once_a_second_and_not_longer_than_it_may(clock):
    looks = []

    def look():
        looks.append(clock.now)
        return [f"c{number}" for number in range(12)], []

    words = r"^After 20 s \(wait_timeout\) it is still waited for c0, .*, c9.$"
    with pytest.raises(TaskFailure, match=words) as caught:
        Task({}).wait(look, 20, {"kicked": ["a"]})
    assert caught.value.details() == {"kicked": ["a"]}
    assert clock.now == pytest.approx(70)
    assert max(clock.pauses) == 1 and len(looks) < 30


# Lists of strings


@pytest.mark.parametrize(
    ("value", "found"), [(["a,b", "c"], ["a,b", "c"]), ([], []), (("a",), ["a"]), ([7, "8"], ["7", "8"]), ([""], [""])],
)
def test_a_list_is_taken_as_it_is_and_commas_stay(value, found):
    assert strings("clientids", value) == found


@pytest.mark.parametrize("value", ["a,b", "a", 5, None, {"a": 1}, True])
def test_a_bare_string_is_no_list_and_the_message_says_how_to_write_one(value):
    with pytest.raises(InputError, match="^clientids has to be a list, and is .*: write "):
        strings("clientids", value)


@pytest.mark.parametrize("item", [True, None, 1.5, ["a"], {"a": 1}])
def test_an_item_that_is_no_text_is_refused(item):
    with pytest.raises(InputError, match="^clientids is a list of strings, and .* is none: put it in quotes.$"):
        strings("clientids", ["a", item])


# Running


class ClosableHttp(ScriptedHttp):
    """Remembers that it was closed."""

    closed = False

    def close(self):
        self.closed = True


def opened(task, *script):
    """Give a task an API as if it had opened it."""
    http = ClosableHttp(script)
    task._opened(Api(http))
    return http


def test_a_result_tells_the_requests_and_that_nothing_changed_unless_said():
    task = Task({})
    http = opened(task, Call("GET", "a"), Call("GET", "b"))
    other = opened(task, Call("GET", "c"))

    def run(unused):
        for name in "ab":
            http.request("GET", name)
        other.request("GET", "c")
        return {"rows": []}

    assert execute(task, run) == {"changed": False, "rows": [], "requests": 3}
    assert http.closed and other.closed


@pytest.mark.parametrize(
    ("failure", "more"),
    [
        (InputError("wrong"), {}),
        (error(), {"error": error().details()["error"]}),
        (TaskFailure("wrong", {"changed": True, "counts": {"failed": 1}}), {"changed": True, "counts": {"failed": 1}}),
    ],
)
def test_a_failure_becomes_a_result_with_a_message(failure, more):
    task = Task({})
    http = opened(task)

    def run(unused):
        raise failure

    assert execute(task, run) == {"changed": False, "failed": True, "msg": str(failure), "requests": 0, **more}
    assert http.closed


def test_connections_are_closed_even_after_a_mistake_of_ours():
    task = Task({})
    http = opened(task)

    def run(unused):
        raise KeyError("mistake")

    with pytest.raises(KeyError):
        execute(task, run)
    assert http.closed


def test_an_api_is_opened_once_and_only_when_it_is_needed():
    task = Task(OPTIONS)
    assert task.requests == 0
    assert isinstance(task.api, V5Api) and task.api is task.api
    assert task.api.http.settings.url == "https://h/api/v5"


def test_the_platform_api_is_opened_with_its_own_credentials():
    task = Task({**OPTIONS, "platform_url": "https://p/public_api/v1", "platform_key": "k", "platform_secret": "s"})
    settings = task.platform().http.settings
    assert (settings.url, settings.user, settings.secret) == ("https://p/public_api/v1", "k", "s")


def test_a_missing_library_is_one_sentence(monkeypatch):
    monkeypatch.setattr(_http, "HAS_REQUESTS", False)
    result = execute(Task(OPTIONS), lambda task: {"x": task.api})
    assert result["failed"] and "pip install requests" in result["msg"]
    assert (result["changed"], result["requests"]) == (False, 0)


def test_a_task_failure_is_an_error_like_the_others():
    assert isinstance(TaskFailure("x", {}), EmqxError) and str(TaskFailure("x", {})) == "x"


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), 90000])
def test_a_time_to_wait_that_cannot_be_is_refused(value):
    with pytest.raises(InputError, match="^wait_timeout is"):
        Task({"wait_timeout": value}).seconds("wait_timeout")


def test_a_time_to_wait_may_have_to_be_longer_than_nothing():
    assert Task({"interval": 0.1}).seconds("interval", 0.1) == 0.1
    with pytest.raises(InputError, match="^interval is 0: it is a number of seconds between 0.1 and 86400.$"):
        Task({"interval": 0}).seconds("interval", 0.1)


@pytest.mark.parametrize("value", ["a=1", {"a": 1}, [{"a": 1}, ["user", "hunter3pass"]], [None]])
def test_what_is_no_list_of_dictionaries_is_named_and_not_repeated(value):
    spec = {"users": {"type": "list", "elements": "dict"}, "names": {"type": "list", "elements": "str"}}
    found = list(_task.no_dictionaries(spec, {"users": value, "names": "a,b"}))
    assert [name for name, problem in found] == ["users"] and "hunter3pass" not in found[0][1]
    assert list(_task.no_dictionaries(spec, {"users": [{"a": 1}]})) == []


def test_what_is_no_dictionary_is_named_where_it_stands():
    rules = {"rules": {"type": "list", "elements": "dict"}}
    spec = {
        "subjects": {"type": "list", "elements": "dict", "options": rules},
        "cache": {"type": "dict", "options": {"ttl": {"type": "str"}}},
    }
    for wrong, what in (("a=1", "is none"), (["a=1"], "subjects[1].rules[0] is none")):
        found = list(_task.no_dictionaries(spec, {"subjects": [{"rules": [{}]}, {"rules": wrong}, {"rules": wrong}]}))
        sentence = f"subjects[1].rules has to be a list of dictionaries, and {what}."
        assert found == [("subjects", sentence)]
    assert list(_task.no_dictionaries(spec, {"cache": "ttl=1s"})) == [
        ("cache", "cache has to be a dictionary, and is none.")
    ]


@pytest.mark.parametrize(("params", "count"), [({"query": None, "limit": 2**63}, 1), ({"query": None, "limit": 1}, 1)])
def test_a_limit_may_be_as_large_as_one_likes(params, count):
    assert Task(params).read("rows", lambda: iter([{"n": 1}]))["count"] == count


def test_a_query_that_cannot_be_applied_is_one_sentence():
    with pytest.raises(InputError, match="query can't be applied"):
        Task({"query": "[::0]", "limit": None}).read("rows", lambda: iter([{"n": 1}]))


# Direct execution


ALIASED = Spec(
    options={
        "name": {
            "type": "str",
            "aliases": ["title", "label"],
            "deprecated_aliases": [{"name": "title", "version": "9.0.0", "collection_name": "emqx.cloud"}],
        },
        "password": {"type": "str", "no_log": True},
        "users": {"type": "list", "elements": "dict", "options": {"password": {"type": "str", "no_log": True}}},
    }
)
GIVEN = {"api_url": "https://h/api/v5", "app_id": "id", "app_secret": "of-the-app"}


def directly(run, spec=ALIASED, **given):
    return run_directly("emqx.cloud.thing", spec, run, {**GIVEN, **given}, False, False, ScriptedHttp)


def test_a_direct_task_forwards_what_validation_warns_of_and_what_the_task_warns_of():
    def run(task):
        task.warnings.append("Mind the gap.")
        return {"name": task.params["name"]}

    result = directly(run, title="a", name="a")
    assert result["name"] == "a" and result["requests"] == 0
    assert result["warnings"] == ["Both option name and its alias title are set.", "Mind the gap."]
    assert result["deprecations"][0]["msg"].startswith("Alias 'title' is deprecated.")
    assert result["deprecations"][0]["collection_name"] == "emqx.cloud"
    assert "warnings" not in directly(lambda task: {}, label="a")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"colour": 1}, "Unsupported parameters for (emqx.cloud.thing) module: colour. Supported parameters include: "),
        ({"users": "a,b"}, "users has to be a list of dictionaries, and is none."),
        ({"users": [{"password": "x"}, 7]}, "users has to be a list of dictionaries, and users[1] is none."),
        ({"timeout": "soon"}, "argument 'timeout' is of type "),
    ],
)
def test_a_direct_task_refuses_wrong_options_as_a_module_does(given, message):
    result = directly(lambda task: pytest.fail("it was run"), **given)
    assert result["failed"] is True and result["msg"].startswith(message)


def test_the_result_of_a_direct_task_is_json_without_secrets():
    shown = {"text": "a hush b", "app": "of-the-app!", "flag": True, "pair": (1, None), "base": "aWQ6b2YtdGhlLWFwcA=="}
    result = directly(lambda task: shown, password="hush", users=[{"password": "True"}])
    assert result["text"] == "a ******** b" and result["app"] == "********!"
    assert result["base"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    assert (result["flag"], result["pair"], result["changed"]) == (True, [1, None], False)


def test_what_ends_a_direct_task_tells_what_was_done_without_secrets():
    class Ending(DictStore):
        def _change(self, action, things):
            yield from super()._change(action, things[:1])
            raise KeyboardInterrupt

    store = Ending()

    def run(task):
        return task.converge(store, [Thing("hush-1"), Thing("b")], "things").result

    with pytest.raises(TaskEnded) as caught:
        directly(run, password="hush")
    result = caught.value.result
    assert isinstance(caught.value.__cause__, KeyboardInterrupt)
    assert result["changed"] is True and result["counts"]["created"] == 1 and result["counts"]["failed"] == 1
    assert result["applied"] == [{"action": "create", "item": {"name": "********-1", "size": 1, "colour": "grey"}}]
    assert [failure["item"]["name"] for failure in result["failures"]] == ["b"]
    assert "was ended before" in result["msg"] and "hush" not in str(caught.value)


class Limit(BaseException):
    """Stands for the time limit of a task."""


@pytest.mark.parametrize("ending", [Limit(), TransportError("No answer.", "GET", "x")])
def test_what_ends_a_task_after_its_changes_takes_none_of_them_from_the_result(ending):
    def run(task):
        task.converge(DictStore(), [Thing("a")], "things")
        raise ending

    if isinstance(ending, EmqxError):
        result = directly(run)
        assert result["msg"] == "No answer." and result["error"]["path"] == "x"
    else:
        with pytest.raises(TaskEnded) as caught:
            directly(run)
        result = caught.value.result
        assert result["msg"] == "All changes were made." and result["requests"] == 0
    assert result["changed"] is True and result["counts"]["created"] == 1


def test_what_ends_a_task_before_it_changes_anything_stays_what_it_is():
    def run(task):
        task.converge(DictStore([Thing("a")]), [Thing("a")], "things")
        raise Limit

    with pytest.raises(Limit):
        directly(run)


class Half(EmqxError):
    partly = True


def test_what_comes_after_changes_is_told_of_all_that_was_changed_and_fails_with_them():
    told = []

    def then(records):
        told.extend(record.name for record in records)
        raise error()

    store = DictStore([Thing("gone")], {"b": Half("Only half."), "c": error()})
    with pytest.raises(TaskFailure, match=r"^All changes were made. POST things failed") as caught:
        converge(store, [Thing("a"), Thing("gone", size=2)], then=then)
    assert told == ["a", "gone"] and caught.value.details()["changed"] is True
    told.clear()
    with pytest.raises(TaskFailure, match=r"^2 of 3 changes failed. The first: .* POST things failed") as caught:
        converge(store, [Thing("b"), Thing("c"), Thing("d")], then=then)
    assert told == ["d", "b"]
    assert [failure["item"]["name"] for failure in caught.value.details()["failures"]] == ["b", "c"]
