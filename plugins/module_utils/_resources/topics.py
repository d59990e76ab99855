# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topics that somebody is subscribed to (EMQX 4.x calls them routes). They are filters: ``t/#`` is one of them."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Optional

from .._errors import ApiError, InputError
from .._topics import filter_problem, matches
from .._urls import path_of
from ._api import Api


def find(
    api: Api, topic: Optional[str] = None, match: Optional[str] = None, page_size: Optional[int] = None
) -> Iterator[Dict[str, Any]]:
    """Yield ``{topic, node}`` for each topic that has subscribers.

    :param topic: this one only.
    :param match: those that this filter matches; the API has no such filter, so all topics are read.
    :raises InputError: ``topic`` or ``match`` is no topic filter.
    """
    for option, value in (("topic", topic), ("match", match)):
        problem = filter_problem(value) if value is not None else None
        if problem:
            raise InputError(f"{option} is {value!r}, which is no topic filter: {problem}.")
    for row in _rows(api, topic, None if match else page_size):
        if match is None or matches(str(row.get("topic")), match):
            yield {name: row.get(name) for name in ("topic", "node")}


def _rows(api: Api, topic: Optional[str], page_size: Optional[int]) -> Iterator[Dict[str, Any]]:
    if api.generation == "v4":
        if topic is None:
            yield from api.rows("routes", (), page_size)
            return
        path = path_of("routes/{}", topic)
        yield from api.dicts(api.call("GET", path).get("data"), path)
        return
    try:
        # In the query and not in the path, where a topic of one dot would be normalised away.
        yield from api.rows("topics", [] if topic is None else [("topic", topic)], page_size)
    except ApiError as error:
        if error.status == 500 and "topic_invalid" in error.reason:
            message = (
                "The topics can't be listed: a client of this deployment is subscribed to an invalid filter, such as "
                "'a/#/b', which breaks the call for everybody (HTTP 500). Find it with emqx.cloud.subscription_info "
                "and unsubscribe it, or ask for one topic."
            )
            raise ApiError(message, error.status, error.code, "topic_invalid", error.method, error.path) from None
        raise
