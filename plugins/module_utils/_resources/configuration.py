# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a deployment is set up: everything that has a configuration, as the options of the module that manages it."""

from __future__ import annotations

from typing import Any, Callable, Container, Dict, Mapping, Optional, Sequence, Tuple

from .._errors import ApiError, InputError, NotOffered
from ._api import Api, Store
from .authentication import authenticators
from .authorization import settings, sources
from .integrations import Actions, Connectors, Sources
from .v4_resources import Resources

PARTS: Mapping[str, Tuple[str, Callable[[Api], Store[Any]]]] = {
    "authenticators": ("v5", authenticators),
    "authorization_sources": ("v5", sources),
    "authorization_settings": ("v5", settings),
    "connectors": ("v5", Connectors),
    "actions": ("v5", Actions),
    "sources": ("v5", Sources),
    "resources": ("v4", Resources),
}
"""What can be read, with the generation that has it and its store, in the order in which one needs the other."""

ORDERED = ("authenticators", "authorization_sources")
"""Parts whose order means something; the others are sorted."""


def checked_parts(parts: Optional[Sequence[str]]) -> Optional[Sequence[str]]:
    """Return which parts to read, or None for all that the deployment has.

    :raises InputError: it is an empty list.
    """
    if parts is not None and not parts:
        raise InputError(f"gather is empty: leave it out, or name at least one of {', '.join(PARTS)}.")
    return parts


def gathered(
    api: Api, parts: Optional[Sequence[str]], secret_places: Sequence[str] = ()
) -> Tuple[Dict[str, Any], Dict[str, str]]:
    """Return each part as a list of dictionaries (the settings as one), and why parts were left out, by their names.

    :param parts: if None, all that the generation has, without those that the deployment doesn't offer (Serverless
        lacks most of them) or that these credentials may not read.
    :param secret_places: places of configurations, such as ``headers.x-plant``, whose names don't tell a secret.
    :raises InputError: a part was asked for that the generation lacks.
    :raises ApiError: a part was asked for that can't be read.
    """
    found: Dict[str, Any] = {}
    left_out: Dict[str, str] = {}
    hidden = {place.lower() for place in secret_places}
    for name in parts or [name for name, (generation, unused) in PARTS.items() if generation == api.generation]:
        try:
            found[name] = _read(name, PARTS[name][1](api), hidden)
        except ApiError as error:
            if parts is not None or not (isinstance(error, NotOffered) or error.status == 403):
                raise
            left_out[name] = str(error)
    return found, left_out


def _read(name: str, store: Store[Any], hidden: Container[str]) -> Any:
    records = list(store.list())
    if name not in ORDERED:
        records.sort(key=lambda record: str(record.key))
    options = [record.handed_back(hidden) for record in records]
    return options[0] if name == "authorization_settings" else options
