# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans and their application, against a store that lives in a dictionary."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._converge import Ended, Plan, Record, apply, make_plan, unique
from ansible_collections.emqx.cloud.plugins.module_utils._errors import ApiError, InputError, NotAttempted, Unanswered
from ansible_collections.emqx.cloud.tests.unit.helpers import DictStore, Thing
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "c", "d", "e", "f", "g"])
SIZES = st.integers(0, 3)
COLOURS = st.sampled_from(["red", "blue", ""])


def things(size, colour):
    found = st.builds(Thing, NAMES, size, colour)
    return st.lists(found, max_size=7, unique_by=lambda thing: thing.name)


CURRENT = things(SIZES, COLOURS)
DESIRED = things(st.none() | SIZES, st.none() | COLOURS)


def converge(store, desired, **options):
    plan = make_plan(store.current(desired, True), desired, fresh=store.fresh, **options)
    return (plan, *apply(plan, store))


def refused(status):
    return ApiError(f"HTTP {status}", status, None, "", "POST", "things")


@settings(deadline=None)
@given(CURRENT, DESIRED, st.booleans())
def test_applying_a_plan_gives_the_desired_state_and_nothing_else_changes(current, desired, purge):
    store = DictStore(current)
    before = dict(store.things)
    plan, done, failures = converge(store, desired, purge=purge)
    wanted = {thing.name: thing for thing in desired}
    assert failures == []
    assert (done.counts, done.changed) == (plan.counts, plan.changed)
    for name, thing in wanted.items():
        base = before.get(name, Thing(name, 1, "grey"))
        size = base.size if thing.size is None else thing.size
        colour = base.colour if thing.colour is None else thing.colour
        assert store.things.pop(name) == Thing(name, size, colour)
    assert store.things == ({} if purge else {name: old for name, old in before.items() if name not in wanted})
    assert done.changed is (store.calls != [])


@settings(deadline=None)
@given(CURRENT, DESIRED, st.booleans())
def test_a_second_run_changes_nothing(current, desired, purge):
    store = DictStore(current)
    converge(store, desired, purge=purge)
    store.calls.clear()
    plan, unused, failures = converge(store, desired, purge=purge)
    assert not plan.changed and not failures and store.calls == []
    assert plan.counts == {"created": 0, "updated": 0, "deleted": 0, "unchanged": len(desired)}


@settings(deadline=None)
@given(CURRENT, DESIRED)
def test_absent_removes_exactly_what_is_listed(current, desired):
    store = DictStore(current)
    before, listed = set(store.things), {thing.name for thing in desired}
    plan, unused, failures = converge(store, desired, absent=True)
    assert set(store.things) == before - listed
    assert plan.counts == {
        "created": 0, "updated": 0, "deleted": len(before & listed), "unchanged": len(listed - before)
    }
    assert not failures and plan.existing == len(before)


@settings(deadline=None)
@given(CURRENT, DESIRED, st.booleans(), st.booleans())
def test_what_is_kept_and_what_was_made_tell_what_is_there_afterwards(current, desired, purge, absent):
    store = DictStore(current)
    unused, done, failures = converge(store, desired, purge=purge and not absent, absent=absent, keep=True)
    assert done.after() == sorted(store.things.values(), key=lambda thing: thing.name)


@settings(deadline=None)
@given(CURRENT, DESIRED)
def test_every_desired_thing_is_counted_once(current, desired):
    plan = make_plan(current, desired)
    counts = plan.counts
    assert counts["created"] + counts["updated"] + counts["unchanged"] == len(desired)


@settings(deadline=None)
@given(CURRENT.filter(bool), DESIRED, st.data())
def test_a_row_that_a_listing_shows_twice_is_neither_deleted_nor_changed_twice(current, desired, data):
    # Pages are no snapshot: what shifts to the next page while it is read comes again.
    again = data.draw(st.sampled_from(current))
    for options in ({"purge": True}, {"absent": True}, {}):
        once, twice = make_plan(current, desired, **options), make_plan([*current, again], desired, **options)
        assert (twice.create, twice.update, twice.delete) == (once.create, once.update, once.delete)
        assert twice.counts == once.counts


def test_current_records_are_read_once_and_may_come_from_a_generator():
    plan = make_plan((Thing(name, 1) for name in "ab"), [Thing("a", 2)], keep=True)
    assert plan.update == [(Thing("a", 1), Thing("a", 2))]
    assert plan.kept == [Thing("b", 1)] and plan.existing == 2


def test_nothing_is_remembered_of_what_stays_unless_it_is_asked_for():
    assert make_plan([Thing("a", 1)], [Thing("a", 1)]).kept == []


def test_a_field_that_is_not_mentioned_keeps_its_value():
    plan = make_plan([Thing("a", 3, "red")], [Thing("a", colour="blue")])
    assert plan.update == [(Thing("a", 3, "red"), Thing("a", 3, "blue"))]
    assert not make_plan([Thing("a", 3, "red")], [Thing("a")]).changed


def test_a_falsy_value_is_mentioned():
    plan = make_plan([Thing("a", 3, "red")], [Thing("a", 0, "")])
    assert plan.update == [(Thing("a", 3, "red"), Thing("a", 0, ""))]


def test_a_password_alone_changes_nothing_unless_it_is_to_be_rewritten():
    current, desired = [Thing("a", 1), Thing("b", 1), Thing("c", 1)], [Thing("a", secret="s3cret"), Thing("b")]
    assert not make_plan(current, desired).changed
    plan = make_plan(current, desired, rewrite=True)
    assert [(old, new, new.secret) for old, new in plan.update] == [(current[0], Thing("a", 1), "s3cret")]
    assert plan.counts == {"created": 0, "updated": 1, "deleted": 0, "unchanged": 1}


def test_a_password_reaches_the_store_with_a_new_thing_and_with_a_changed_one():
    store = DictStore([Thing("a", 1)])
    converge(store, [Thing("a", 2, secret="one"), Thing("b", secret="two")])
    assert {name: thing.secret for name, thing in store.things.items()} == {"a": "one", "b": "two"}


def test_a_password_never_shows():
    old, new = Thing("a", 1, secret="s3cret-old"), Thing("a", 2, secret="s3cret-new")
    plan = Plan(create=[new], update=[(old, new)], delete=[old])
    assert new.shown() == {"name": "a", "size": 2}
    assert "s3cret" not in repr([plan, plan.diff("things", 10), new.shown(), plan.counts])
    assert Thing.written() == ("secret",) and Thing.compared() == ("name", "size", "colour")


def test_a_diff_shows_before_and_after_of_what_changes_in_the_order_of_names():
    current = [Thing("c", 1), Thing("z", 1), Thing("a", 1), Thing("same", 1)]
    plan = make_plan(current, [Thing("c", 2), Thing("b", 1), Thing("same", 1), Thing("a", 1)], purge=True)
    assert plan.diff("things", 10) == {
        "before": {"things": [{"name": "c", "size": 1}, {"name": "z", "size": 1}]},
        "after": {"things": [{"name": "b", "size": 1}, {"name": "c", "size": 2}]},
    }


@pytest.mark.parametrize(
    ("limit", "before", "after"),
    [(3, None, None), (2, 1, None), (1, 2, 1), (0, 3, 2)],
)
def test_a_long_diff_is_cut_and_says_how_much_was_left_out(limit, before, after):
    plan = Plan(create=[Thing("a"), Thing("b")], delete=[Thing("c"), Thing("d"), Thing("e")])
    diff = plan.diff("things", limit)
    assert (diff["before"].get("left_out"), diff["after"].get("left_out")) == (before, after)
    assert [thing["name"] for thing in diff["before"]["things"]] == ["c", "d", "e"][:limit]


def test_the_same_thing_twice_counts_once_and_keeps_its_place():
    repeated = [Thing("b", 1, secret="x"), Thing("a"), Thing("b", 1, secret="x")]
    assert unique(repeated, "things") == [Thing("b", 1), Thing("a")]


@pytest.mark.parametrize(
    "other", [Thing("b", 2), Thing("b", 1, "red"), Thing("b", 1, secret="y"), Thing("b", None)],
)
def test_the_same_thing_twice_with_different_values_is_refused_without_showing_them(other):
    with pytest.raises(InputError, match="^things names 'b' twice with different values: give it once.$"):
        unique([Thing("b", 1), Thing("a"), other], "things")


def test_a_record_needs_a_key_of_its_own():
    with pytest.raises(TypeError, match="Record defines no key"):
        assert Record().key


def test_create_and_update_come_before_delete_so_that_a_rename_is_never_a_gap():
    store = DictStore([Thing("old"), Thing("kept", 1)])
    converge(store, [Thing("new"), Thing("kept", 2)], purge=True)
    assert store.calls == [("create", ["new"]), ("update", ["kept"]), ("delete", ["old"])]


def test_one_failed_item_stops_nothing_else_and_is_not_counted_as_done():
    failing = {"b": refused(409), "d": refused(400), "f": refused(404)}
    store = DictStore([Thing("c", 1), Thing("d", 1), Thing("e"), Thing("f")], failing)
    desired = [Thing("a"), Thing("b"), Thing("c", 2), Thing("d", 2)]
    unused, done, failures = converge(store, desired, purge=True)
    assert [(failure.action, failure.record.name, failure.error) for failure in failures] == [
        ("create", "b", failing["b"]), ("update", "d", failing["d"]), ("delete", "f", failing["f"])
    ]
    assert done.counts == {"created": 1, "updated": 1, "deleted": 1, "unchanged": 0}
    assert done.update == [(Thing("c", 1), Thing("c", 2))]
    assert set(store.things) == {"a", "c", "d", "f"} and store.things["d"].size == 1


@pytest.mark.parametrize(
    ("broken", "calls", "skipped"),
    [
        ("new", ["create"], [("update", "kept"), ("delete", "old")]),
        ("kept", ["create", "update"], [("delete", "old")]),
        ("old", ["create", "update", "delete"], []),
    ],
)
def test_after_an_error_that_would_repeat_itself_the_rest_is_reported_as_not_attempted(broken, calls, skipped):
    store = DictStore([Thing("old"), Thing("kept", 1)], {broken: refused(401)})
    unused, done, failures = converge(store, [Thing("new"), Thing("kept", 2)], purge=True)
    assert [action for action, unused in store.calls] == calls
    assert failures[0].record.name == broken and failures[0].error.fatal
    assert [(failure.action, failure.record.name) for failure in failures[1:]] == skipped
    assert all(isinstance(failure.error, NotAttempted) for failure in failures[1:])
    assert sum(done.counts.values()) == 3 - len(failures)


def test_where_there_is_no_room_what_goes_goes_first(monkeypatch):
    store = DictStore([Thing("old"), Thing("kept", 1)])
    seen = []
    monkeypatch.setattr(store, "needs_room", lambda plan: not seen.append(plan.existing))
    converge(store, [Thing("new"), Thing("kept", 2)], purge=True)
    assert [action for action, unused in store.calls] == ["delete", "create", "update"] and seen == [2]


def test_what_was_done_remembers_what_stayed():
    store = DictStore([Thing("a", 1), Thing("b", 1)])
    unused, done, failures = converge(store, [Thing("a", 1), Thing("c")], keep=True)
    assert done.unchanged == 1 and done.existing == 2
    assert [thing.name for thing in done.after()] == ["a", "b", "c"]


class Limit(BaseException):
    """What Ansible raises when the time of a task is over: no Exception."""


class EndingStore(DictStore):
    """Is ended once it has changed two things."""

    def _change(self, action, things):
        for number, outcome in enumerate(super()._change(action, things)):
            if number == 2:
                raise Limit
            yield outcome


def test_what_ends_the_work_finds_out_what_was_done_and_what_is_not_known():
    store = EndingStore([Thing("x", 1, "red"), Thing("old", 1, "red")])
    desired = [Thing(name, 2) for name in "abcx"]
    plan = make_plan(store.current(desired, True), desired, purge=True, fresh=store.fresh)
    with pytest.raises(Ended) as caught:
        apply(plan, store)
    assert isinstance(caught.value.__cause__, Limit)
    assert [thing.name for thing in caught.value.done.create] == ["a", "b"]
    assert [(failure.action, failure.record.name) for failure in caught.value.failures] == [
        ("create", "c"), ("update", "x"), ("delete", "old"),
    ]
    assert all(isinstance(failure.error, Unanswered) for failure in caught.value.failures)


def test_a_change_that_a_store_says_nothing_of_was_not_made():
    class Silent(DictStore):
        def _change(self, action, things):
            return iter([])

    unused, done, failures = converge(Silent(), [Thing("a", 1)])
    assert not done.changed
    assert [(failure.record.name, type(failure.error)) for failure in failures] == [("a", NotAttempted)]
