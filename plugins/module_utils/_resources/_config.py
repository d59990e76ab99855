# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Things whose configuration is a tree: the broker completes it with defaults and masks some of the secrets in it.

What a user wrote is compared, deeply, and nothing else; what a user doesn't mention is read, merged and sent back.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import Any, Container, Dict, FrozenSet, Iterable, Iterator, List, Mapping, Optional, Tuple
from urllib.parse import unquote

from .._converge import WRITE_ONLY, Record
from .._errors import InputError
from .._json import checked_text

Config = Mapping[str, Any]
Path = Tuple[str, ...]

MASK = "******"
"""What EMQX 5.8 shows for a secret, and takes in a PUT for "as it is"; in a POST it would be stored."""

_SECRET_NAMES = re.compile(
    r"password|passwd|pwd$|passphrase|passcode|secret|token|apikey|accesskey|accountkey|privatekey|serviceaccountjson|"
    r"authorization|cookie|credential|signature|^jw[tk]$"
)
_SECRET_HEADERS = re.compile(r"key|auth")
"""Beside those, in the names of headers and of the parameters of a query, where other keys are rare."""
_PLACEHOLDER = re.compile(r"(\$\{[^}]*\}|%[cuPC])")
_CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/?#\s]+(?=@)")
_SECRET_IN_QUERY = re.compile(r"([?&]([^=&?#\s]+)=)([^&#\s]+)")
_SCHEME = re.compile(r"(?:basic|bearer|digest|token|apikey)\s+(\S+)", re.IGNORECASE)
_TIME_NAMES = re.compile(
    r"ttl|time|interval|keepalive|inactive|after$|expir|(?:^|_)age$|period|delay|backoff|wait|linger|duration|window"
)
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def mentioned(tree: Any) -> Any:
    """Return a tree without what is None in its dictionaries: an option that is None was not given."""
    if isinstance(tree, Mapping):
        return {str(name): mentioned(value) for name, value in tree.items() if value is not None}
    return [mentioned(value) for value in tree] if isinstance(tree, (list, tuple)) else tree


def merged(base: Any, over: Any, exact: bool = False, name: str = "") -> Any:
    """Return ``base`` with ``over`` put over it: dictionaries are merged deeply, anything else is replaced.

    A masked value in ``over`` stands for the one that is there, and what is the same in other words (``5`` and
    ``"5"``) stays as it is there, so that it is no difference. Lists of the same length are merged item by item, since
    the broker completes dictionaries in lists as well.

    :param exact: as in :func:`covers`, and so is ``name``.
    """
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        return {**base, **{key: merged(base.get(key), value, exact, key) for key, value in over.items()}}
    if isinstance(base, list) and isinstance(over, list) and len(base) == len(over):
        return [merged(one, other, exact, name) for one, other in zip(base, over)]
    return base if base is not None and _is_scalar(over) and covers(base, over, exact, name) else over


def covers(current: Any, wanted: Any, exact: bool = False, name: str = "") -> bool:
    """Say whether ``current`` is as ``wanted`` says, which need not mention everything.

    ``5`` and ``"5"`` are the same, and so are ``60s`` and ``1m`` where the name of the field tells a time: brokers
    convert one to the other. A masked value that is wanted is whatever is there.

    :param exact: two texts are the same only if they are equal: they may be a payload.
    :param name: the name of the field.
    """
    if isinstance(wanted, Mapping):
        return isinstance(current, Mapping) and all(
            key in current and covers(current[key], value, exact, key) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(current, list) and len(current) == len(wanted) and all(
            covers(one, other, exact, name) for one, other in zip(current, wanted)
        )
    if wanted == MASK:
        return current is not None
    if current == wanted:
        return True
    if isinstance(current, str) and isinstance(wanted, str):
        return not exact and _TIME_NAMES.search(name) is not None and _seconds(current) == _seconds(wanted)
    return _is_scalar(current) and _comparable(current) == _comparable(wanted)


def _is_scalar(value: Any) -> bool:
    return value is not None and not isinstance(value, (Mapping, list))


def _comparable(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return text[:-2] if isinstance(value, float) and text.endswith(".0") else text


def _seconds(text: str) -> Any:
    """Return a duration as a number of seconds, and any other text as it is."""
    if not _DURATION.fullmatch(text):
        return text
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ms|s|m|h|d)", text)) / 1000


def lacking(current: Any, wanted: Config) -> Dict[str, Any]:
    """Return the part of ``wanted`` for which ``current`` has no value at all, not even a masked one."""
    found: Dict[str, Any] = {}
    for name, value in wanted.items():
        there = current.get(name) if isinstance(current, Mapping) else None
        if isinstance(value, Mapping):
            inner = lacking(there, value)
            found.update({name: inner} if inner else {})
        elif there in (None, ""):
            found[name] = value
    return found


def as_held(tree: Any, held: Any, name: str = "") -> Any:
    """Return a tree with the names of headers as ``held`` writes them: in another case they are the same header.

    :param name: the name of the field that the tree is in.
    """
    if not isinstance(tree, Mapping) or not isinstance(held, Mapping):
        return tree
    names: Dict[str, str] = {each.lower(): each for each in held} if name.lower() == "headers" else {}
    renamed = {key if key in held else names.get(str(key).lower(), key): value for key, value in tree.items()}
    return {key: as_held(value, held.get(key), str(key)) for key, value in renamed.items()}


def without_stale(current: Config, wanted: Config, selectors: Iterable[Path]) -> Config:
    """Return what of ``current`` still means something once ``wanted`` is put over it.

    Some fields select which others there are next to them: ``password_hash_algorithm.name`` does, and a broker refuses
    the ``salt_position`` of one algorithm in another. Where such a field changes, nothing beside it is kept.

    :param selectors: the paths of these fields.
    """
    for path in selectors:
        held, meant = (_at(tree, path) for tree in (current, wanted))
        if held is None or meant is None or covers(held, meant):
            continue
        if len(path) == 1:
            return {}
        current = {name: value for name, value in current.items() if name != path[0]}
    return current


def _at(tree: Any, path: Path) -> Any:
    for name in path:
        tree = tree.get(name) if isinstance(tree, Mapping) else None
    return tree


def leaves(tree: Any, path: Path = ()) -> Iterator[Tuple[Path, Any]]:
    """Yield the values of a tree with their paths; what is in a list has the path of the list."""
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            yield from leaves(value, (*path, str(name)))
    elif isinstance(tree, list):
        for value in tree:
            yield from leaves(value, path)
    else:
        yield path, tree


def redacted(tree: Any, hidden: FrozenSet[Path] = frozenset(), path: Path = ()) -> Any:
    """Return a tree as it may be shown: without what is, or by its name seems to be, a secret.

    EMQX 5.8 masks ``password`` and the header ``authorization`` only, EMQX 4.4 nothing. A placeholder such as
    ``${password}`` is no secret, nor is a number such as that of ``token_lifetime``.

    :param hidden: the paths of values that are secrets whatever their name, as :func:`paths_of` gives them.
    """
    if isinstance(tree, Mapping):
        return {name: redacted(value, hidden, (*path, str(name))) for name, value in tree.items()}
    if isinstance(tree, list):
        return [redacted(value, hidden, path) for value in tree]
    if tree in (None, "") or isinstance(tree, bool):
        return tree
    if _anyhow(path) in hidden:
        return MASK
    in_headers = len(path) > 1 and path[-2].lower() == "headers"
    if not isinstance(tree, str):
        return MASK if path and _seems_secret(path[-1], in_headers, at_end=True) else tree
    if path and _seems_secret(path[-1], in_headers) and not _PLACEHOLDER.fullmatch(tree):
        return MASK
    if "PRIVATE KEY" in tree:
        return MASK
    tree = _CREDENTIALS_IN_URL.sub(MASK, tree)
    return _SECRET_IN_QUERY.sub(lambda found: found[1] + (MASK if _in_query(found[2]) else found[3]), tree)


def _seems_secret(name: str, in_headers: bool = False, at_end: bool = False) -> bool:
    plain = re.sub(r"[-_.]", "", name.lower())
    patterns = (_SECRET_NAMES, _SECRET_HEADERS) if in_headers else (_SECRET_NAMES,)
    found = [match for pattern in patterns for match in pattern.finditer(plain)]
    return any(match.end() == len(plain) or not at_end for match in found)


def _in_query(name: str) -> bool:
    """Say whether a parameter of a query seems to be a secret; ``sig`` is one of Azure."""
    return name.lower() == "sig" or _seems_secret(name, in_headers=True)


def without_secrets(tree: Config, hidden: Container[str] = ()) -> Tuple[Config, List[str]]:
    """Return a configuration as it may be written down, and the places, such as ``ssl.password``, that it leaves out.

    A place is left out as a whole where :func:`redacted` masks a part of it or the broker has done so: half a URL or
    half a list could not be handed back. What is None is left out, too, since it was not set.

    :param hidden: places, in lower case, that hold secrets whatever their names.
    """
    places: List[str] = []
    return _without_secrets(tree, hidden, (), places), sorted(places)


def _without_secrets(tree: Config, hidden: Container[str], path: Path, places: List[str]) -> Dict[str, Any]:
    kept: Dict[str, Any] = {}
    for name, value in tree.items():
        below = (*path, str(name))
        place = ".".join(below)
        masked = redacted(value, path=below) != value or any(MASK in str(each) for unused, each in leaves(value))
        if place.lower() in hidden or (masked and not isinstance(value, Mapping)):
            places.append(place)
        elif isinstance(value, Mapping):
            inner = _without_secrets(value, hidden, below, places)
            kept.update({name: inner} if inner or not value else {})
        elif value is not None:
            kept[name] = value
    return kept


def hidden_in(tree: Any, hidden: FrozenSet[Path] = frozenset()) -> List[str]:
    """Return the values in a tree that :func:`redacted` doesn't show whole, and what is secret in them.

    An error may repeat only that: the password of a URL, or a token without ``Bearer``.
    """
    pairs = zip(leaves(tree), leaves(redacted(tree, hidden)))
    return [part for (_path, value), (_same, shown) in pairs if value != shown for part in _parts(str(value))]


def _parts(value: str) -> Iterator[str]:
    yield value
    credentials = _CREDENTIALS_IN_URL.findall(value)
    parts = [*credentials, *(each.partition(":")[2] for each in credentials), *_SCHEME.findall(value)]
    parts += [part for _start, name, part in _SECRET_IN_QUERY.findall(value) if _in_query(name)]
    for part in filter(None, parts):
        yield part
        if unquote(part) != part:
            yield unquote(part)


def refuse_mask(config: Config, what: str, held: Optional[Config] = None) -> None:
    """Refuse to send a masked value that the broker would store as it is.

    It does where it keeps no secret, where stars are a part of a text, and in lists: EMQX 5 looks for stars only in
    objects.

    :param config: all that is sent.
    :param held: the configuration that is there, or None to create something.
    :raises InputError: there is one.
    """
    for path, value, listed in _stored_masks(config, held or {}):
        where = ".".join(path)
        if listed and held is not None:
            raise InputError(
                f"{what} has {MASK} in a list, {where}: the broker would store it instead of the secret that it stands "
                "for. Give the whole list in secret_config, with update_secrets: always."
            )
        if value != MASK:
            raise InputError(
                f"{what} can't have {MASK} in a text, {where} of its config, which is how a secret is shown: give it "
                "whole, in secret_config."
            )
        lacks = "does not exist" if held is None else "keeps no such secret"
        raise InputError(
            f"{what} {lacks}, and {where} of its config is {MASK}, which stands for a secret that "
            "is kept: give the secret in secret_config."
        )


def _stored_masks(tree: Any, held: Any, path: Path = (), listed: bool = False) -> Iterator[Tuple[Path, str, bool]]:
    """Yield the path and the value of each text with stars that would be stored, and whether it is in a list."""
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            other = held.get(name) if isinstance(held, Mapping) else None
            yield from _stored_masks(value, other, (*path, str(name)), listed)
    elif isinstance(tree, list):
        same = isinstance(held, list) and len(held) == len(tree)
        for value, other in zip(tree, held if same else [None] * len(tree)):
            yield from _stored_masks(value, other, path, True)
    elif isinstance(tree, str) and MASK in tree and (tree != held or (listed and tree == MASK)):
        yield path, tree, listed


@dataclass(frozen=True)
class Configured(Record):
    """A record with a configuration; the kinds of things add what names them.

    :ivar config: the tree, without what the broker gives only for reading.
    :ivar secret_config: what is put over it and never shown.
    :ivar hidden: the paths in ``config`` that are not shown, whatever their names.
    :ivar rewrite: secrets are written also where the broker holds some already (``update_secrets: always``).
    """

    config: Config = field(default_factory=dict)
    secret_config: Config = field(default_factory=dict, repr=False, metadata=WRITE_ONLY)
    hidden: FrozenSet[Path] = field(default=frozenset(), repr=False, metadata=WRITE_ONLY)
    rewrite: bool = field(default=False, repr=False, metadata=WRITE_ONLY)

    def shown(self) -> Dict[str, Any]:
        return {**super().shown(), "config": redacted(self.config, self.hidden)}

    def handed_back(self, hidden: Container[str] = ()) -> Dict[str, Any]:
        """Return what exists as the options of its module, which would then change nothing.

        That is without secrets; ``secrets`` names their places in the configuration.

        :param hidden: as in :func:`without_secrets`.
        """
        config, places = without_secrets(self.config, hidden)
        return {**super().shown(), "config": config, "secrets": places}

    def differs(self, current: Any) -> bool:
        return (
            super().differs(dataclasses.replace(current, config=self.config))
            or not covers(current.config, as_held(self.config, current.config))
            or bool(self._to_write(current))
        )

    def completed(self, current: Any) -> Any:
        config = merged(current.config, as_held(self.config, current.config))
        return dataclasses.replace(super().completed(current), config=config, secret_config=self._to_write(current))

    def _to_write(self, current: Any) -> Config:
        """Return the secrets that have to be sent: those the broker lacks, or all if they can't be seen to be right."""
        secrets: Config = as_held(self.secret_config, current.config)
        if not self.rewrite:
            return lacking(current.config, secrets)
        return {} if _visibly(current.config, secrets) else secrets

    def whole(self) -> Dict[str, Any]:
        """Return the configuration as it is sent, secrets included."""
        whole: Dict[str, Any] = merged(self.config, self.secret_config)
        return whole

    def secrets(self) -> List[str]:
        """Return what is sent and must not show when the API repeats it in an error.

        That is also what the broker showed in clear and gets back.
        """
        return hidden_in(self.whole(), self.hidden)


def _visibly(current: Any, wanted: Config) -> bool:
    """Say whether secrets are the wanted ones as far as can be seen: a masked one can't."""
    return covers(current, wanted) and not any(value == MASK for unused, value in leaves(wanted))


def config_from(options: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the fields of a :class:`Configured` record that a module's options describe.

    :param options: with ``config``, ``secret_config`` and ``update_secrets``.
    :raises InputError: the same value is given in both, or a text can't be sent.
    """
    given = {name: options.get(name) or {} for name in ("config", "secret_config")}
    config, secrets = (checked_text(mentioned(value), name) for name, value in given.items())
    hidden = paths_of(secrets)
    for path, value in leaves(config):
        if _anyhow(path) in hidden and value != MASK:
            where = ".".join(path)
            raise InputError(f"{where} is given both in config and in secret_config: give it in secret_config.")
    return {
        "config": config,
        "secret_config": secrets,
        "hidden": hidden,
        "rewrite": options.get("update_secrets") == "always",
    }


def paths_of(secrets: Optional[Config]) -> FrozenSet[Path]:
    """Return the paths of the values in ``secret_config``: what is never shown, however the broker writes headers."""
    return frozenset(_anyhow(path) for path, unused in leaves(mentioned(secrets or {})))


def _anyhow(path: Path) -> Path:
    """Return a path in lower case: names of headers may come back in another case."""
    return tuple(name.lower() for name in path)
