#!/usr/bin/python
# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: banned
short_description: Ban clients, users and addresses from an EMQX Cloud deployment
version_added: 1.0.0
description:
  - Brings any number of bans to the described state. Who is banned can't connect.
  - What is not mentioned of a ban that exists (O(entries[].reason), O(entries[].by), O(entries[].until)) stays as it
    is. Bans whose end has passed count as not there.
author:
  - Contributors to the emqx.cloud collection (@emqx)
extends_documentation_fragment:
  - emqx.cloud.deployment
  - emqx.cloud.connection
  - emqx.cloud.purge
  - emqx.cloud.bounded
  - emqx.cloud.source
  - emqx.cloud.attributes
  - emqx.cloud.attributes.state
notes:
  - The API has no call for many bans, so that each change is a request; they are sent concurrently. A v5 deployment
    can't change a ban either, it is lifted and made again. If that fails half-way, the old ban is put back, and the
    message says whether that succeeded.
  - An end that is given as a duration counts from the moment of the run, so that check mode predicts it up to the
    seconds between the two runs.
attributes:
  action_group:
    membership:
      - emqx.cloud.deployment
      - emqx.cloud.purge
  idempotent:
    support: full
options:
  entries:
    description:
      - The bans, here or in O(src). Each says in exactly one option who is banned; an empty string there counts as not
        given, so that rows that another module has read from a CSV file can be used.
      - The same one twice is an error if the two differ.
    type: list
    elements: dict
    suboptions:
      clientid:
        description:
          - The client id. Whoever is connected with it is disconnected at once.
        type: str
      username:
        description:
          - The user name. Who is connected already stays connected, see M(emqx.cloud.client).
        type: str
      peerhost:
        description:
          - The IP address, in full. Who is connected already stays connected.
        type: str
      peerhost_net:
        description:
          - The network, such as V(10.1.0.0/16) (v5). Who is connected already stays connected.
        type: str
      clientid_re:
        description:
          - A regular expression (PCRE) that client ids match, also in part (v5). Who is connected already stays
            connected.
        type: str
      username_re:
        description:
          - A regular expression (PCRE) that user names match, also in part (v5). Who is connected already stays
            connected.
        type: str
      reason:
        description:
          - Why. A new ban has an empty reason if none is given.
        type: str
      until:
        description:
          - When the ban ends, as RFC 3339 (V(2026-12-24T18:00:00Z), UTC where no offset is given), epoch seconds, a
            duration from now (V(90s), V(5m), V(2h), V(7d), V(3w)), or V(never). A new ban lasts for ever if nothing is
            given, on both generations.
          - A duration counts from when the ban is made. A ban that exists and was made for the same duration stays as
            it is, whatever is left of it; any other, and one that has ended, is made anew, from now.
        type: str
      by:
        description:
          - Who made the ban. A new ban has V(ansible) if nothing is given.
        type: str
  clientid:
    description:
      - As O(entries[].clientid), for one ban without a list.
    type: str
  username:
    description:
      - As O(entries[].username), for one ban without a list.
    type: str
  peerhost:
    description:
      - As O(entries[].peerhost), for one ban without a list.
    type: str
  peerhost_net:
    description:
      - As O(entries[].peerhost_net), for one ban without a list.
    type: str
  clientid_re:
    description:
      - As O(entries[].clientid_re), for one ban without a list.
    type: str
  username_re:
    description:
      - As O(entries[].username_re), for one ban without a list.
    type: str
  reason:
    description:
      - As O(entries[].reason), for one ban without a list.
    type: str
  until:
    description:
      - As O(entries[].until), for one ban without a list.
    type: str
  by:
    description:
      - As O(entries[].by), for one ban without a list.
    type: str
  kind:
    description:
      - The kinds of bans that are purged, beside those that occur in O(entries). Needed to purge with an empty list.
    type: list
    elements: str
    choices: [clientid, username, peerhost, peerhost_net, clientid_re, username_re]
  state:
    description:
      - Whether the listed bans should be in force. To lift a ban, only who is banned has to be given.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: emqx.cloud.banned_info
  - module: emqx.cloud.client
"""

EXAMPLES = r"""
- name: A stolen device stays out
  emqx.cloud.banned:
    clientid: stolen-7
    reason: reported stolen

- name: Two who caused trouble stay out for a while
  emqx.cloud.banned:
    entries:
      - username: load-test
        reason: flooding
        until: 2h
      - peerhost: 203.0.113.7
        reason: password guessing
        until: 7d

- name: Those of a file stay out, a CSV file with the columns clientid and reason
  emqx.cloud.banned:
    src: stolen.csv

- name: The device was found
  emqx.cloud.banned:
    clientid: stolen-7
    state: absent

- name: These addresses are banned and no others, whoever else is banned by name
  emqx.cloud.banned:
    entries:
      - peerhost: 203.0.113.7
      - peerhost: 2001:db8::66
    purge: true
    purge_limit: "20"

- name: All bans by user name are lifted
  emqx.cloud.banned:
    entries: []
    kind: [username]
    purge: true
    purge_all: true
"""

RETURN = r"""
banned:
  description: The listed bans that are, or in check mode would be, in force afterwards; at most O(result_limit).
  returned: success
  type: list
  elements: dict
  contains:
    clientid:
      description: The client id; or RV(banned[].username), RV(banned[].peerhost), RV(banned[].peerhost_net),
        RV(banned[].clientid_re) or RV(banned[].username_re).
      type: str
    username:
      description: The user name.
      type: str
    peerhost:
      description: The IP address.
      type: str
    peerhost_net:
      description: The network.
      type: str
    clientid_re:
      description: The regular expression that client ids match.
      type: str
    username_re:
      description: The regular expression that user names match.
      type: str
    reason:
      description: Why.
      type: str
    by:
      description: Who made the ban.
      type: str
    until:
      description: When it ends, as RFC 3339 in UTC, or V(never).
      type: str
  sample: [{clientid: stolen-7, reason: reported stolen, by: ansible, until: never}]
banned_left_out:
  description: How many more bans there are than RV(banned) shows.
  returned: if there are more than O(result_limit)
  type: int
  sample: 12
counts:
  description: How many items were, or in check mode would be, created, updated, deleted or left unchanged, and failed.
  returned: success, and failure after changes began
  type: dict
  sample: {created: 2, updated: 0, deleted: 1, unchanged: 3, failed: 0}
error:
  description: The first failure, where it is one of the API or of the connection.
  returned: failure, after a request
  type: dict
  contains:
    status:
      description: The HTTP status, or V(null) if no answer came.
      type: int
    code:
      description: The result code of the API, a number on v4 and a name on v5, or V(null) if it sent none.
      type: raw
    reason:
      description: What the API said.
      type: str
    method:
      description: The HTTP method of the request that failed.
      type: str
    path:
      description: Its path below the base URL.
      type: str
  sample:
    status: 400
    code: BAD_REQUEST
    reason: bad clientid_re
    method: POST
    path: banned
failures:
  description: The changes that failed or were not attempted, each with its item and the reason.
  returned: failure after changes began
  type: list
  elements: dict
  sample:
    - action: create
      item: {clientid_re: "(", reason: "", by: ansible, until: never}
      code: BAD_REQUEST
      reason: "POST banned failed: …"
applied:
  description: The changes that were made before the task failed.
  returned: failure after changes began
  type: list
  elements: dict
  sample: [{action: create, item: {clientid: stolen-7, reason: '', by: ansible, until: never}}]
failures_left_out:
  description: How many more failures there are than RV(failures) shows.
  returned: if there are more than O(result_limit)
  type: int
  sample: 12
applied_left_out:
  description: How many more changes were made than RV(applied) shows.
  returned: if there are more than O(result_limit)
  type: int
  sample: 250
requests:
  description: How many HTTP requests the task made, repeated ones included.
  returned: always, unless Ansible refuses the options
  type: int
  sample: 3
"""

from ansible_collections.emqx.cloud.plugins.module_utils._resources import bans
from ansible_collections.emqx.cloud.plugins.module_utils._task import (
    BOUNDED,
    PURGE,
    SOURCE,
    Result,
    Spec,
    Task,
    bounded,
    run_module,
)

KINDS = ("clientid", "username", "peerhost", "peerhost_net", "clientid_re", "username_re")
BAN = {name: dict(type="str") for name in (*KINDS, "reason", "until", "by")}
SPEC = Spec(
    options=dict(
        entries=dict(type="list", elements="dict", options=BAN),
        **BAN,
        kind=dict(type="list", elements="str", choices=list(KINDS)),
        state=dict(type="str", choices=["present", "absent"], default="present"),
        **PURGE,
        **BOUNDED,
        **SOURCE,
    ),
    rules=dict(
        mutually_exclusive=[
            ("entries", "src", *KINDS),
            *((option, name) for option in ("entries", "src") for name in ("reason", "until", "by")),
        ],
        required_one_of=[("entries", "src", *KINDS)],
    ),
    listed="entries",
)


def run(task: Task) -> Result:
    """Bring the listed bans to the state that the options describe."""
    options, generation = task.params, task.api.generation
    wanted = bans.bans_from(options, generation)
    store = bans.bans(task.api, bans.kinds_of(wanted, options["kind"], generation))
    absent = options["state"] == "absent"
    converged = task.converge(store, wanted, "entries", absent=absent, purge=options["purge"], keep=True)
    after = [ban.shown() for ban in converged.done.after()]
    return {**converged.result, **bounded("banned", after, task.result_limit)}


def main() -> None:
    """Run the module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
