# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sections of a model: secrets, what is purged, the order of chains."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._errors import InputError
from ansible_collections.emqx.cloud.plugins.plugin_utils._model import (
    REMOVAL,
    SECTIONS,
    in_role_words,
    ordered,
    plan,
    to_purge,
    with_secrets,
)


class TestSecrets:
    SECRETS = {
        "usernames": {"a": "of-a", 7: "of-7"},
        "clientids": {"a": "of-client-a"},
        "connectors": {"http:hook": {"headers": {"authorization": "token"}}},
        "resources": {"resource:hook": {"password": "p"}},
        "authenticators": {"jwt": {"secret": "s"}, "password_based:http": {"headers": {"x": "y"}}},
    }

    @pytest.mark.parametrize(
        ("item", "password"),
        [
            ({"username": "a"}, "of-a"),
            ({"username": "a", "password": ""}, "of-a"),
            ({"username": "a", "password": "own"}, "own"),
            ({"clientid": "a"}, "of-client-a"),
            ({"username": "7"}, "of-7"),
            ({"username": "b"}, None),
            ({"username": ""}, None),
        ],
    )
    def test_users(self, item: Any, password: Any) -> None:
        (found,) = with_secrets([item], "users", self.SECRETS)
        assert (found.get("password") or None) == password

    def test_configurations_are_merged_and_the_model_stays_as_it_is(self) -> None:
        item = {"type": "http", "name": "hook", "secret_config": {"headers": {"x": 1}}}
        before = json.dumps(item)
        (found,) = with_secrets([item], "connectors", self.SECRETS)
        assert found["secret_config"] == {"headers": {"x": 1, "authorization": "token"}}
        assert json.dumps(item) == before

    def test_names(self) -> None:
        chain = [{"mechanism": "jwt"}, {"mechanism": "password_based", "backend": "http"}, {"mechanism": "scram"}]
        found = with_secrets(chain, "authenticators", self.SECRETS)
        assert [each.get("secret_config") for each in found] == [{"secret": "s"}, {"headers": {"x": "y"}}, None]
        assert with_secrets({"name": "resource:hook"}, "resources", self.SECRETS)["secret_config"] == {"password": "p"}

    @pytest.mark.parametrize("odd", ["text", None, 5, ["text", None]])
    def test_what_is_no_model_goes_through_to_the_validation(self, odd: Any) -> None:
        assert with_secrets(odd, "users", self.SECRETS) == odd
        assert with_secrets([{"username": "a"}], "users", odd if not isinstance(odd, list) else None)
        assert with_secrets([{"username": "a"}], "users", {"usernames": odd}) == [{"username": "a"}]

    def test_a_vault_of_ten_thousand_others_takes_no_time(self) -> None:
        users = [{"username": f"user-{number}"} for number in range(10_000)]
        begun = time.monotonic()
        others = {f"other-{number}": "x" for number in range(10_000)}
        assert with_secrets(users, "users", {"usernames": others}) == users
        assert time.monotonic() - begun < 2

    def test_sections_without_secrets(self) -> None:
        assert with_secrets([{"id": "a"}], "rules", self.SECRETS) == [{"id": "a"}]


class TestPurging:
    def test_the_sentences_are_those_of_the_modules(self) -> None:
        model, live = {"rules": [{"id": "a"}]}, {"rules": [{"id": name} for name in "abcd"]}
        assert plan(model, live, ["rules"], "74%", False)["problems"] == [
            "converge_rules: 3 of 4 would be deleted, which is more than converge_purge_limit allows (74%): nothing "
            "was changed."
        ]
        assert plan(model, live, ["rules"], "3", False)["problems"] == []
        assert plan({"rules": []}, live, ["rules"], None, False)["problems"] == [
            "converge_rules is empty, so everything would be deleted: set converge_purge_all: true if that is what you "
            "want."
        ]

    def test_an_item_that_is_there_twice(self) -> None:
        rule = SECTIONS["rules"]
        same, other = {"id": "a", "sql": "x"}, {"id": "a", "sql": "y"}
        assert to_purge(rule, [same, dict(same)], [], None, False, False) == []
        with pytest.raises(InputError, match=r"^converge_rules names 'a' twice with different values: give it once\.$"):
            to_purge(rule, [same, other], [], None, False, False)

    def test_only_exact_sections_are_purged(self) -> None:
        live = {"connectors": [{"type": "http", "name": "a", "secrets": []}, {"type": "mqtt", "name": "a"}]}
        model = {"connectors": [{"type": "http", "name": "a"}], "rules": None}
        assert plan(model, live, [], None, False)["remove"] == {}
        assert plan(model, live, ["connectors"], None, False) == {
            "problems": [],
            "apply": {"connectors": [{"place": 0, "name": "http:a"}]},
            "remove": {"connectors": [{"place": -1, "name": "mqtt:a", "item": {"type": "mqtt", "name": "a"}}]},
        }

    def test_what_is_listed_as_absent_is_removed_with_its_own_options(self) -> None:
        model = {"rules": [{"id": "a"}, {"id": "b", "state": "absent"}]}
        found = plan(model, {"rules": [{"id": name} for name in "abc"]}, ["rules"], None, False)
        assert found["apply"] == {"rules": [{"place": 0, "name": "a"}]}
        assert found["remove"]["rules"] == [
            {"place": 1, "name": "b"}, {"place": -1, "name": "c", "item": {"id": "c"}},
        ]  # fmt: skip

    def test_what_depends_on_another_thing_goes_first(self) -> None:
        thing = {"type": "t", "name": "n"}
        one = {"connectors": [thing], "actions": [thing], "rules": [{"id": "i"}]}
        found = plan({name: [] for name in one}, one, list(one), None, True)
        assert list(found["remove"]) == ["rules", "actions", "connectors"]
        assert set(REMOVAL) == {name for name, section in SECTIONS.items() if section.one_by_one}

    def test_words(self) -> None:
        assert in_role_words("purge_limit is 'x': it is …") == "converge_purge_limit is 'x': it is …"
        assert in_role_words("set purge_all: true") == "set converge_purge_all: true"


class TestOrder:
    """Whatever is there and whatever is wanted: afterwards what is listed stands in its order."""

    @staticmethod
    def carried_out(steps: list[dict[str, Any]], chain: list[str], end: str) -> list[str]:
        """What a broker makes of the steps."""
        before, chain = list(chain), list(chain)
        for step in steps:
            name, position = step["name"], step.get("position")
            if name in chain and position is None:
                continue
            new = name not in chain
            chain = [each for each in chain if each != name]
            where = position or end if new else position
            side, _colon, neighbour = where.partition(":")
            assert not neighbour or neighbour in before, "check mode could not tell"
            place = {"front": 0, "rear": len(chain)}.get(side)
            if place is None:
                place = chain.index(neighbour) + (side == "after")
            chain.insert(place, name)
        return chain

    @pytest.mark.parametrize("end", ["front", "rear"])
    @pytest.mark.parametrize("there", [[], ["a"], ["b", "a"], ["x", "c", "y", "a"], ["d", "c", "b", "a"]])
    def test_all_orders(self, there: list[str], end: str) -> None:
        for wanted in itertools.permutations("abcd"):
            steps = ordered([{"name": name} for name in wanted], there, end)
            chain = self.carried_out(steps, there, end)
            assert [name for name in chain if name in wanted] == list(wanted)
            assert [name for name in chain if name not in wanted] == [name for name in there if name not in wanted]
            again = ordered([{"name": name} for name in wanted], chain, end)
            assert not any("position" in step for step in again)

    def test_a_link_that_is_listed_twice_counts_once(self) -> None:
        model = {"authenticators": [{"mechanism": "scram"}, {"mechanism": "jwt"}, {"mechanism": "jwt"}]}
        live = {"authenticators": [{"mechanism": "jwt"}, {"mechanism": "scram"}]}
        assert plan(model, live, [], None, False)["apply"]["authenticators"] == [
            {"place": 0, "name": "scram"}, {"place": 1, "name": "jwt", "position": "after:scram"},
        ]  # fmt: skip

    def test_what_has_a_position_of_its_own_is_left_to_it(self) -> None:
        model = {"authenticators": [{"mechanism": "jwt", "position": "front"}, {"mechanism": "scram"}]}
        live = {"authenticators": [{"mechanism": "scram"}, {"mechanism": "jwt"}]}
        assert [sorted(step) for step in plan(model, live, [], None, False)["apply"]["authenticators"]] == [
            ["name", "place"], ["name", "place"],
        ]  # fmt: skip
