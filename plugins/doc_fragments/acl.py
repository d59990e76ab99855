# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of modules that manage access rules."""

from __future__ import annotations

import textwrap

_POLICY = r"""
username:
  description:
    - Rules for clients with this user name. Exactly one of username, clientid and everyone is needed.
  type: str
clientid:
  description:
    - Rules for the client with this id.
  type: str
everyone:
  description:
    - Rules for all clients, which count after those of their client id and of their user name.
  type: bool
  default: false
rules:
  description:
    - The rules, in their order. The first one that matches decides.
    - Not needed with O(state=absent), which removes all rules of the subject then.
    - A rule is known by its topic, action, qos and retain. Fields that newer brokers have beside these are kept, and
      make no difference.
  type: list
  elements: dict
  suboptions:
    topic:
      description:
        - The topic filter that the requested topic, or topic filter, is matched with. Denying C(s/1) does not stop a
          subscription to C(s/#).
        - "On v5, V(${clientid}) and V(${username}) are placeholders, also inside a level, and C(eq ) in front makes the
          rule match the rest literally."
        - On v4, V(%c) (client id) and V(%u) (user name) are placeholders, each as a whole level.
      type: str
      required: true
    action:
      description:
        - What the client wants to do. On v4, V(all) is kept as two rules, and reads as one again.
      type: str
      choices: [publish, subscribe, all]
      required: true
    permission:
      description:
        - Whether it may. Needed unless O(state=absent), which removes the rule whatever its permission is if this isn't
          given.
      type: str
      choices: [allow, deny]
    qos:
      description:
        - The QoS levels that the rule is for (v5). All of them if not given.
      type: list
      elements: int
    retain:
      description:
        - Whether the rule is for retained messages, V(true), for others, V(false), or for both, V(all) (v5). It
          makes no difference to subscribing.
        - It is V(all) if not given.
      type: raw
"""

_HOW = r"""
state:
  description:
    - With V(present) these rules are there, whatever others there are. One that is there with another permission is
      changed where it stands.
    - With V(absent) none of them is there.
    - With V(exact) these rules are there in this order, and no others. On v4, where they are sent one by one, they are
      read once more if something was changed; if something else has changed them in the meantime, the task fails and
      says so.
  type: str
  choices: [present, absent, exact]
  default: present
position:
  description:
    - Where new rules go with O(state=present). The order of those that exist stays as it is.
    - A new rule behind one that decides all that it matches, such as one that denies C(#), does nothing. The module
      warns then.
  type: str
  choices: [front, rear]
  default: rear
drop_cache:
  description:
    - Whether the cached decisions of the clients that the changed rules are for are dropped, so that the change takes
      effect at once and not when they expire (on v5, after one minute).
    - A run that changes no rules drops nothing; M(emqx.cloud.authorization_cache) always does.
  type: bool
  default: false
"""


def _options(text: str, level: int) -> str:
    return textwrap.indent(text.strip("\n"), "  " * level)


class ModuleDocFragment:
    """Whom access rules are for, the rules, and how they are brought to a state."""

    # Annotated, since ansible-test reads plain assignments, and those have to be literals.

    # The rules of one subject.
    DOCUMENTATION: str = f"options:\n{_options(_POLICY, 1)}\n{_options(_HOW, 1)}\n"

    # The rules of many.
    SUBJECTS: str = f"""
options:
  subjects:
    description:
      - The subjects, each with its rules, here or in O(src). The same subject twice is an error if the two differ.
    type: list
    elements: dict
    suboptions:
{_options(_POLICY, 3)}
{_options(_HOW, 1)}
"""
