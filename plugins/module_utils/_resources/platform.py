# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account holds: its deployments and its projects."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Mapping, Optional

from .._errors import Missing
from .._http import path_of
from .._times import normal
from ._api import PlatformApi

DEPLOYMENT = {
    "id": "deploymentID",
    "name": "deploymentName",
    "type": "deploymentType",
    "platform": "platform",
    "project": "projectName",
    "region": "region",
    "status": "status",
    "version": "version",
    "connections": "connections",
    "tps": "tps",
    "created_at": "createAt",
}
"""The fields of a deployment as users see them, and as the API names them."""

PROJECT = {"id": "projectID", "name": "projectName", "description": "description"}
"""The same of a project."""


def deployments(api: PlatformApi) -> Iterator[Dict[str, Any]]:
    """Yield the deployments of the account, which one request lists; see :data:`DEPLOYMENT` for the fields.

    What the API leaves out is None; ``created_at`` is RFC 3339 in UTC.

    :raises ApiError: the call failed, or the answer is no list of objects.
    """
    return _listed(api, "deployments", DEPLOYMENT)


def deployment(api: PlatformApi, id: str) -> Optional[Dict[str, Any]]:
    """Return one deployment as :func:`deployments` does, or None where the account has none with this id.

    :raises ApiError: the call failed, or the answer is no object.
    """
    path = path_of("deployments/{}", id)
    try:
        row = api.call("GET", path)
    except Missing:
        return None
    (found,) = api.dicts([row], path)
    return _shown(found, DEPLOYMENT)


def projects(api: PlatformApi) -> Iterator[Dict[str, Any]]:
    """Yield the projects of the account, which one request lists: ``id``, ``name`` and ``description``.

    :raises ApiError: the call failed, or the answer is no list of objects.
    """
    return _listed(api, "projects", PROJECT)


def _listed(api: PlatformApi, path: str, fields: Mapping[str, str]) -> Iterator[Dict[str, Any]]:
    return (_shown(row, fields) for row in api.dicts(api.call("GET", path), path))


def _shown(row: Mapping[str, Any], fields: Mapping[str, str]) -> Dict[str, Any]:
    found = {name: row.get(theirs) for name, theirs in fields.items()}
    return {**found, "created_at": normal(found["created_at"])} if "created_at" in found else found
