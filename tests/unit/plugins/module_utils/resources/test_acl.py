# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access rules: what options become, what is sent for it in which order, and what is made of the answers."""

from __future__ import annotations

import json
import time

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._converge import Plan
from ansible_collections.emqx.cloud.plugins.module_utils._errors import ApiError, InputError, TransportError
from ansible_collections.emqx.cloud.plugins.module_utils._http import MOST
from ansible_collections.emqx.cloud.plugins.module_utils._resources import acl
from ansible_collections.emqx.cloud.plugins.module_utils._resources.acl import Policy, Rows, Rule
from ansible_collections.emqx.cloud.tests.unit.helpers import ANY, Call, page, v4, v5

RULES = "authorization/sources/built_in_database/rules"
GONE = {"code": "NOT_FOUND", "message": "Not Found"}
HOW = {"state": "present", "position": "rear", "purge_all": False}


def rows(*texts):
    """Rules of v4, as `deny publish t`."""
    return tuple(acl.unfolded(rules4(*texts)))


def rules4(*texts):
    return [Rule(text.split(" ", 2)[2], text.split()[1], text.split()[0]) for text in texts]


def rules5(*texts):
    return tuple(Rule(each.topic, each.action, each.permission, (0, 1, 2), "all") for each in rules4(*texts))


def texts(rules):
    return [f"{each.permission} {each.action} {each.topic}" for each in rules]


def options(*texts, **more):
    listed = [{"topic": each.topic, "action": each.action, "permission": each.permission} for each in rules4(*texts)]
    return {"username": "al", "rules": listed, **HOW, **more}


def wanted(generation, *texts, **more):
    return acl.policies_from(options(*texts, **more), generation)[0]


# Rows and rules


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ([], []),
        (["allow publish a", "allow subscribe a"], ["allow all a"]),
        (["allow subscribe a", "allow publish a"], ["allow all a"]),
        (["allow publish a", "deny subscribe a"], ["allow publish a", "deny subscribe a"]),
        (["allow publish a", "deny subscribe b", "allow subscribe a"], ["deny subscribe b", "allow all a"]),
        (["allow publish a", "deny publish b", "allow subscribe a"], ["allow all a", "deny publish b"]),
        # The two orders cross: only one of the two topics can be one rule.
        (["allow publish a", "allow publish b", "allow subscribe b", "allow subscribe a"],
         ["allow publish a", "allow all b", "allow subscribe a"]),
    ],
)
def test_rows_read_as_rules_and_the_order_within_each_action_stays(stored, read):
    found = acl.folded(rows(*stored))
    assert texts(found) == read
    for action in ("publish", "subscribe"):
        again = [row for row in acl.unfolded(found) if row.action == action]
        assert again == [row for row in rows(*stored) if row.action == action]


@pytest.mark.parametrize(
    ("before", "after", "sent"),
    [
        ([], ["allow all a", "deny all b"], ["allow all a", "deny all b"]),
        (["allow publish a", "deny publish b"], ["allow publish a", "deny publish b"], []),
        (["allow publish a", "deny publish b"], ["deny publish b"], []),
        (["allow publish a", "deny publish b"], ["deny publish b", "allow publish a"], ["deny publish b"]),
        (["allow publish a", "deny publish b"], ["allow publish a", "allow publish b"],
         ["allow publish a", "allow publish b"]),
        (["allow all a", "deny all b"], ["allow all c", "deny all b"], ["allow all c"]),
        (["allow all a", "deny all b"], ["allow subscribe a", "deny all b"], ["allow subscribe a"]),
        (["deny all b", "allow all a"], ["deny all b", "allow subscribe a"], ["allow subscribe a", "deny subscribe b"]),
    ],
)
def test_v4_sends_only_what_is_wrong_or_wrongly_placed(before, after, sent):
    policy = Rows("username", "al", rows(*after), exact=True)
    current = Rows("username", "al", rows(*before))
    change = acl._Change(policy, current.rules, rows(*after))
    assert sorted(texts(change.posts)) == sorted(sent)
    assert policy.differs(current) == (before != after)
    if before != after:
        assert policy.completed(current).same(rows(*after))


def test_v4_what_only_allows_goes_first_and_what_denies_goes_last():
    before = rows("allow all a", "deny publish b", "allow all c")
    change = acl._Change(Rows("username", "al"), before, rows("deny all c"))
    assert (change.first, change.last, texts(change.posts)) == (["a"], ["b"], ["deny all c"])
    change = acl._Change(Rows("username", "al"), rows("deny all t"), rows("deny subscribe t"))
    assert (change.first, change.last) == ([], []) and list(change.tied.values()) == ["t"]


# States


@pytest.mark.parametrize("generation", ["v4", "v5"])
def test_states(generation):
    def after(desired, *before):
        kind = Policy if generation == "v5" else Rows
        current = kind("username", "al", rules5(*before) if generation == "v5" else rows(*before))
        if not desired.differs(current):
            return "same"
        found = desired.completed(current)
        return None if found is None else texts(found.read())

    assert after(wanted(generation, "deny all a"), "allow all a", "allow all b") == ["deny all a", "allow all b"]
    assert after(wanted(generation, "deny all c"), "allow all a") == ["allow all a", "deny all c"]
    assert after(wanted(generation, "deny all c", position="front"), "allow all a") == ["deny all c", "allow all a"]
    assert after(wanted(generation, "allow all a"), "allow all b", "allow all a") == "same"
    assert after(wanted(generation, "allow all a", state="exact"), "allow all b", "allow all a") == ["allow all a"]
    assert after(wanted(generation, state="exact", purge_all=True), "allow all b") is None


def test_v5_unknown_fields_stay_where_they_are():
    restricted, plain = Rule("t", "all", "allow", (0, 1, 2), "all", '{"ipaddr": "x"}'), *rules5("allow all t")
    both = Policy("username", "al", (restricted, plain))
    # The rule that holds for every address is the one that is meant.
    found = wanted("v5", "deny all t").completed(both).rules
    assert [(each.permission, each.other) for each in found] == [("allow", restricted.other), ("deny", "")]
    alone = Policy("username", "al", (restricted,))
    found = wanted("v5", "deny all t", "allow all u", state="exact").completed(alone).rules
    assert [(each.permission, each.other) for each in found] == [("deny", restricted.other), ("allow", "")]


@pytest.mark.parametrize("generation", ["v4", "v5"])
def test_absent(generation):
    def left(desired, *before):
        current = Policy("username", "al", rules5(*before)) if generation == "v5" else Rows(
            "username", "al", rows(*before)
        )
        found = desired.without(current)
        return "same" if found is current else None if found is None else texts(found.read())

    gone = wanted(generation, "allow all a", state="absent")
    assert left(gone, "allow all a", "deny all b") == ["deny all b"]
    assert left(gone, "deny all a") == "same"
    assert left(gone, "allow all a") is None
    assert left(acl.policies_from({"username": "al", **HOW, "state": "absent"}, generation)[0], "deny all a") is None
    whatever = [{"topic": "a", "action": "all"}]
    assert left(wanted(generation, state="absent", rules=whatever), "deny all a", "deny all b") == ["deny all b"]


@pytest.mark.parametrize(
    ("wide", "narrow", "covers"),
    [
        ("#", "a/b", True), ("#", "$SYS/x", False), ("+/x", "$SYS/x", False), ("#", "${clientid}/x", True),
        ("a/#", "a", True), ("a/#", "a/+/b", True), ("a/+", "a/#", False), ("a/+", "a/+", True),
        ("a/+", "a/b/c", False), ("a/b", "a/+", False), ("eq a", "a", False), ("a", "eq a", True),
        ("eq a", "eq a", True), ("a/b/c", "a/b", False),
    ],
)
def test_which_topic_covers_which(wide, narrow, covers):
    assert Rule(wide, "all", "deny").decides(Rule(narrow, "publish", "allow")) is covers


def test_conditions_decide_what_a_rule_covers():
    narrow = Rule("t", "publish", "allow", (0, 1, 2), "all")
    assert not Rule("#", "all", "deny", (0,), "all").decides(narrow)
    assert not Rule("#", "all", "deny", (0, 1, 2), True).decides(narrow)
    assert not Rule("#", "subscribe", "deny", (0, 1, 2), "all").decides(narrow)
    assert not Rule("#", "all", "deny", (0, 1, 2), "all", '{"ipaddr": "x"}').decides(narrow)
    assert Rule("#", "all", "deny", (0, 1, 2), "all").decides(narrow)


def test_sentences_about_rules_that_do_nothing_are_few():
    policy = Policy("everyone", "", rules5("deny all #", *(f"allow all {number}" for number in range(50))))
    found = acl.unreachable(Plan(create=[policy]))
    assert len(found) == 10
    assert found[0] == (
        "The rule allow all '0' of everyone does nothing: it stands behind deny all '#', which decides all that it "
        "matches."
    )


def test_a_list_may_not_contradict_itself_and_says_a_rule_once():
    assert texts(wanted("v4", "allow all t", "allow publish t").rules) == ["allow publish t", "allow subscribe t"]
    assert len(wanted("v5", "allow all t", "allow publish t", "allow all t").rules) == 2
    with pytest.raises(InputError, match=r"^rules\[1\] has another permission than rules\[0\], which is for the same"):
        wanted("v4", "allow all t", "deny publish t")


def test_v4_a_rule_that_no_path_could_delete_is_refused():
    fits, long = f"allow publish {'x' * 7498}", f"allow publish {'x' * 7499}"
    assert wanted("v4", fits) and wanted("v5", long)
    with pytest.raises(InputError, match=r"^rules has the topic 'x{50}'…, which is too long: a v4 deployment"):
        wanted("v4", long)
    assert wanted("v4", long, state="absent")


# v4


def row4(topic, action="pub", access="allow", **who):
    return {**who, "topic": topic, "action": action, "access": access}


def test_v4_lists_are_read_in_one_page_and_in_their_order():
    listed = [row4("a", "sub", username="x"), row4("b", username="y"), row4("a", username="x")]
    call = Call("GET", "acl/username", [("_like_username", "x"), ("_page", 1), ("_limit", 10_000_000)],
                gives=page(listed, count=0, limit=10_000_000))
    with v4(call) as api:
        assert [policy.shown() for policy in acl.store(api, ["username"]).find("x")] == [
            {"username": "x", "rules": [{"topic": "a", "action": "all", "permission": "allow"}]}
        ]


def test_v4_everyone_has_a_literal_dollar_in_the_path():
    listed = Call("GET", "acl/$all", ANY, gives=page([row4("a", access="deny", all="$all")]))
    gone = Call("DELETE", "acl/$all/topic/a%2F%23", gives={"code": 0})
    with v4(listed, gone) as api:
        store = acl.store(api, ["everyone"])
        assert store.get(Rows("everyone", "")).rules == rows("deny publish a")
        assert list(store.delete([Rows("everyone", "", rows("deny all a/#"))]))[0][1] is None


@pytest.mark.parametrize("gives", [[row4("a", "other")], [row4("a", access=1)], [row4(7)], [1], "x"])
def test_v4_rows_of_another_shape_are_a_clear_error(gives):
    with v4(Call("GET", "acl/username/al", gives={"code": 0, "data": gives})) as api, pytest.raises(ApiError):
        acl.store(api, ["username"]).get(Rows("username", "al"))


def test_v4_the_kth_request_holds_the_kth_row_from_the_end_and_they_are_apart(monkeypatch):
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    ok = {"code": 0, "data": [{"clientid": "b", "result": "ok"}, {"username": "a", "result": "ok"}]}
    last = [row4("#", "pubsub", "deny", username="a"), row4("z", "pub", "deny", clientid="b")]
    first = [row4("t", "sub", username="a")]
    with v4(Call("POST", "acl", body=last, gives=ok), Call("POST", "acl", body=first, gives=ok)) as api:
        policies = [Rows("username", "a", rows("allow subscribe t", "deny all #")),
                    Rows("clientid", "b", rows("deny publish z"))]
        found = list(acl.store(api, ["username", "clientid"]).create(policies))
    assert [error for _policy, error in found] == [None, None]
    assert len(pauses) == 1 and pauses[0] >= 0.002


def test_v4_a_batch_is_read_by_name_and_a_lost_answer_says_what_was_left():
    half = {"code": 0, "data": [{"username": "b", "result": "{error,access}"}, {"username": "a", "result": "ok"}]}
    lost = TransportError("the connection was lost", "POST", "acl", lost=True)
    with v4(Call("POST", "acl", body=ANY, gives=half), Call("POST", "acl", body=ANY, gives=lost)) as api:
        policies = [Rows("username", name, rows("allow publish t", "deny publish #")) for name in ("a", "b", "c")]
        found = {policy.name: error for policy, error in acl.store(api, ["username"]).create(policies)}
    assert str(found["a"]) == "the connection was lost; the username 'a' was left with deny publish '#'."
    assert found["a"].partly and found["a"].fatal and found["a"].details()["error"]["path"] == "acl"
    assert "{error,access}" in str(found["b"]) and not found["b"].partly
    assert "(no result)" in str(found["c"])


def test_v4_of_many_rules_that_were_left_ten_are_named():
    change = acl._Change(Rows("username", "al"), rows(*(f"allow publish {number}" for number in range(12))), ())
    change.answered(None, [], "0")
    change.answered(ApiError("No.", 500, None, "", "DELETE", "acl"), [], "1")
    assert str(change.outcome()).endswith("allow publish '10', and 1 more.")


def test_v4_an_answer_about_a_name_that_is_none_is_about_nobody():
    odd = {"code": 0, "data": [{"username": ["a"], "result": "ok"}, {"username": {}, "result": "ok"}]}
    with v4(Call("POST", "acl", body=ANY, gives=odd)) as api:
        found = list(acl.store(api, ["username"]).create([Rows("username", "a", rows("allow publish t"))]))
    assert "(no result)" in str(found[0][1])


def test_v4_what_ends_it_half_way_is_told_with_what_was_left(monkeypatch):
    class Limit(BaseException):
        """What Ansible raises when the time of a task is over."""

    def end(_seconds):
        raise Limit

    monkeypatch.setattr(time, "sleep", end)
    ok = {"code": 0, "data": [{"username": name, "result": "ok"} for name in "ab"]}
    found = {}
    with v4(Call("POST", "acl", body=ANY, gives=ok)) as api:
        policies = [Rows("username", "a", rows("allow publish t", "deny all #")),
                    Rows("username", "b", rows("deny publish z"))]
        with pytest.raises(Limit):
            for policy, error in acl.store(api, ["username"]).create(policies):
                found[policy.name] = error
    said = "the task was ended before this was answered; the username 'a' was left with deny all '#'."
    assert str(found["a"]) == said and found["a"].partly
    assert found["b"] is None


def test_v4_a_topic_that_cannot_be_in_a_path_is_refused_before_anything_is_sent():
    old = Rows("username", "al", rows("allow all .."))
    with v4() as api, pytest.raises(InputError, match="a topic of the username 'al' to delete"):
        acl.store(api, ["username"]).check(Plan(delete=[old]))


# v5


def row5(name, *texts, kind="username"):
    listed = [{**rule.shown()} for rule in rules5(*texts)]
    return {kind: name, "rules": listed}


def test_v5_defaults_are_not_sent_and_unknown_fields_are():
    rule = Rule("t", "publish", "deny", (1,), True, '{"ipaddr": "10.0.0.1"}')
    sent = {"topic": "t", "action": "publish", "permission": "deny", "qos": [1], "retain": True, "ipaddr": "10.0.0.1"}
    plain = {"topic": "u", "action": "all", "permission": "allow"}
    body = {"username": "a/b", "rules": [sent, plain]}
    with v5(Call("PUT", f"{RULES}/users/a%2Fb", body=body, status=204)) as api:
        policy = Policy("username", "a/b", (rule, *rules5("allow all u")))
        assert list(acl.store(api, ["username"]).update([policy])) == [(policy, None)]


def test_v5_subjects_are_created_together_by_kind_and_everyone_alone():
    calls = [
        Call("POST", f"{RULES}/users", body=ANY, status=204), Call("POST", f"{RULES}/clients", body=ANY, status=204),
        Call("POST", f"{RULES}/all", body={"rules": []}, status=204),
    ]
    with v5(*calls) as api:
        policies = [Policy("everyone", "", ()), Policy("clientid", "c", ()), Policy("username", "u", ())]
        found = acl.store(api, acl.KINDS).create(policies)
        assert [(policy.kind, error) for policy, error in found] == [
            ("username", None), ("clientid", None), ("everyone", None)
        ]


def test_v5_one_that_exists_by_now_fails_all_of_its_request():
    answer = {"code": "ALREADY_EXISTS", "message": "User 'a' already exist"}
    with v5(Call("POST", f"{RULES}/users", body=ANY, status=409, gives=answer)) as api:
        found = list(acl.store(api, ["username"]).create([Policy("username", name, ()) for name in "ab"]))
    assert [error.code for _policy, error in found] == ["ALREADY_EXISTS"] * 2


def test_v5_what_went_by_itself_is_gone():
    with v5(Call("DELETE", f"{RULES}/clients/c", status=404, gives=GONE)) as api:
        policy = Policy("clientid", "c", ())
        assert list(acl.store(api, ["clientid"]).delete([policy])) == [(policy, None)]
    with v5(Call("GET", f"{RULES}/clients/c", status=404, gives=GONE)) as api:
        assert acl.store(api, ["clientid"]).get(Policy("clientid", "c")) is None


def test_v5_rows_are_normalised():
    row = {"topic": "t", "action": "subscribe", "permission": "allow", "qos": [2, 0], "retain": True, "zone": "z"}
    with v5(Call("GET", f"{RULES}/users/al", gives={"username": "al", "rules": [row]})) as api:
        found = acl.store(api, ["username"]).get(Policy("username", "al"))
    assert found.rules == (Rule("t", "subscribe", "allow", (0, 2), "all"),)
    assert found.shown()["rules"][0]["zone"] == "z"


@pytest.mark.parametrize(
    "gives",
    [[], {"username": "other", "rules": []}, {"username": "al"}, {"username": "al", "rules": [{"topic": "t"}]},
     {"username": "al", "rules": [{**row5("a", "allow all t")["rules"][0], "qos": 1}]}],
)
def test_v5_records_of_another_shape_are_a_clear_error(gives):
    with v5(Call("GET", f"{RULES}/users/al", gives=gives)) as api, pytest.raises(ApiError, match="can't be used"):
        acl.store(api, ["username"]).get(Policy("username", "al"))


def test_v5_a_missing_source_is_no_missing_subject():
    gives = {"code": "NOT_FOUND", "message": "Not found: built_in_database"}
    said = "create it first, with emqx.cloud.authorization_source"
    call = Call("GET", f"{RULES}/users/al", status=404, gives=gives)
    with v5(call) as api, pytest.raises(ApiError, match=said):
        acl.store(api, ["username"]).get(Policy("username", "al"))


@pytest.mark.parametrize(
    ("answer", "refused"),
    [({"gives": {"max_rules": 100}}, True), ({"gives": {"max_rules": 200}}, False), ({"gives": []}, True),
     ({"status": 403}, True)],
)
def test_v5_how_many_rules_a_subject_may_have_is_asked_where_it_matters(answer, refused):
    many = Policy("username", "al", rules5(*(f"allow all {number}" for number in range(101))))
    with v5(Call("GET", "authorization/sources/built_in_database", **answer)) as api:
        store = acl.store(api, ["username"])
        if refused:
            with pytest.raises(InputError, match="^the username 'al' would have 101 rules, and a subject has at most"):
                store.check(Plan(create=[many]))
        else:
            assert store.check(Plan(create=[many])) is None


# Cached decisions


def test_the_cache_of_a_client_that_is_not_there_is_gone():
    with v4(Call("DELETE", "clients/c/acl_cache", gives={"code": 112, "message": "not_found"})) as api:
        assert acl.drop_cache(api, "c") is None
    gone = {"code": "CLIENTID_NOT_FOUND", "message": "Client ID not found"}
    with v5(Call("DELETE", "clients/c/authorization/cache", status=404, gives=gone)) as api:
        assert acl.drop_cache(api, "c") is None
    with v4(Call("DELETE", "clients/c/acl_cache", gives={"code": 101})) as api, pytest.raises(ApiError):
        acl.drop_cache(api, "c")


def test_of_many_clients_those_that_are_there_are_found_in_one_list():
    online = [{"clientid": "c7"}, {"clientid": "x", "username": ["u"]}]
    listed = Call("GET", "clients", ANY, gives=page(online))
    with v5(listed, Call("DELETE", "clients/c7/authorization/cache", status=204)) as api:
        named = [Policy("clientid", f"c{number}") for number in range(100)]
        assert acl.drop_caches(api, [*named, Policy("username", "u")]) is None


def test_a_client_that_cannot_be_in_a_path_costs_everybody_their_cache():
    listed = Call("GET", "clients", ANY, gives=page([{"clientid": "..", "username": "u", "connected": True}]))
    with v5(listed, Call("DELETE", "authorization/cache", status=204)) as api:
        assert acl.drop_caches(api, [Policy("username", "u")]) is None


def test_a_page_of_subjects_with_all_their_rules_is_far_below_the_longest_answer():
    call = Call("GET", f"{RULES}/users", [("page", 1), ("limit", 2500)], gives=page([]))
    with v5(call) as api:
        assert list(acl.store(api, ["username"]).find()) == []
    rule = {"topic": "t" * 60, "action": "subscribe", "permission": "allow", "qos": [0, 1, 2], "retain": "all"}
    assert acl.SUBJECTS * acl.MAX_RULES * len(json.dumps(rule)) < MOST
