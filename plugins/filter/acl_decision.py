# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what a broker would decide by its access rules."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.module_utils.parsing.convert_bool import boolean

from ..action.api import plain
from ..module_utils._errors import InputError
from ..module_utils._resources.acl_decision import Attempt, decision

DOCUMENTATION = r"""
name: acl_decision
short_description: Say what a broker would decide by access rules
version_added: 1.0.0
description:
  - Tells whether a client may publish or subscribe to a topic, by rules as M(emqx.cloud.acls) stores them. No broker is
    asked, so that a policy is tested before it is applied.
  - The rules of the client id come first, then those of the user name, then those for everyone. The first one that
    matches decides, and where none does, O(no_match).
  - What is wrong with a rule is an error that names its place, also where another rule decides.
author:
  - Contributors to the emqx.cloud collection (@emqx)
options:
  _input:
    description:
      - The subjects with their rules, as O(emqx.cloud.acls#module:subjects) takes them and
        RV(emqx.cloud.acl_info#module:acls) has them. A registered result of M(emqx.cloud.acl_info) is taken as it is.
      - Or a list of rules, which are then for whoever it is.
    type: raw
    required: true
  action:
    description:
      - What the client wants to do.
    type: str
    choices: [publish, subscribe]
    required: true
  topic:
    description:
      - The topic that it publishes to, or the topic filter that it subscribes to. A shared subscription is decided as
        its filter.
    type: str
    required: true
  clientid:
    description:
      - The client id. If not given, it is one that no rule names, and rules with its placeholder don't match.
    type: str
  username:
    description:
      - The user name. If not given, the client connects without one.
    type: str
  qos:
    description:
      - The QoS of the message, or of the subscription.
    type: int
    choices: [0, 1, 2]
    default: 0
  retain:
    description:
      - Whether the message is to be retained. It makes no difference to subscribing.
    type: bool
    default: false
  is_superuser:
    description:
      - Whether the user is a superuser, who may do everything (v5).
    type: bool
    default: false
  no_match:
    description:
      - The answer where no rule matches. EMQX comes with V(allow); M(emqx.cloud.authorization_settings) sets it on v5.
    type: str
    choices: [allow, deny]
    default: allow
notes:
  - A rule matches a topic filter level by level. A rule for C(s/+) is for the subscription C(s/#) as well, and a rule
    for C(s/1) isn't.
  - The placeholders V(${clientid}) and V(${username}) (v5), and V(%c) and V(%u) as whole levels (v4), are filled in. To
    a v5 broker, who has no user name is called C(undefined). On v4, V(%u) then stays as it is.
  - A wildcard in a client id or user name works as one where the placeholder stands, on brokers as well.
  - A rule that begins with a wildcard doesn't match a topic that begins with V($), as the MQTT standard says of
    subscriptions. Some versions of EMQX 5 take it to match. Write rules of their own for such topics.
  - Other sources of authorization, cached decisions and bans are not looked at. A rule that would decide but has
    conditions of newer brokers, such as C(ipaddr), is an error.
seealso:
  - module: emqx.cloud.acls
  - module: emqx.cloud.acl_info
  - plugin: emqx.cloud.topic_match
    plugin_type: test
"""

EXAMPLES = r"""
- name: The policy does what it is meant to do
  ansible.builtin.assert:
    that:
      - policy | emqx.cloud.acl_decision(action='publish', topic='plant/7/state', username='gateway-7') == 'allow'
      - policy | emqx.cloud.acl_decision(action='publish', topic='plant/8/state', username='gateway-7') == 'deny'
      - policy | emqx.cloud.acl_decision(action='subscribe', topic='#', username='gateway-7') == 'deny'
      - policy | emqx.cloud.acl_decision(action='publish', topic='log/press-1', clientid='press-1') == 'allow'
  vars:
    policy:
      - username: gateway-7
        rules:
          - {topic: plant/7/#, action: all, permission: allow}
      - everyone: true
        rules:
          - {topic: "log/${clientid}", action: publish, permission: allow}
          - {topic: "#", action: all, permission: deny}

- name: What is stored now?
  emqx.cloud.acl_info:
  register: stored

- name: Nobody without a user name may publish commands
  ansible.builtin.debug:
    msg: "{{ stored | emqx.cloud.acl_decision(action='publish', topic='plant/7/command', clientid='any') }}"
"""

RETURN = r"""
_value:
  description: V(allow) or V(deny).
  type: str
  sample: deny
"""


def acl_decision(
    policy: Any, action: Any = None, topic: Any = None, clientid: Any = None, username: Any = None, qos: Any = 0,
    retain: Any = False, is_superuser: Any = False, no_match: Any = "allow",
) -> str:
    """See :func:`..module_utils._resources.acl_decision.decision`.

    :raises AnsibleFilterError: the policy, or what is asked of it, can't be right.
    """
    try:
        attempt = Attempt(
            plain(action), plain(topic), _name(clientid), _name(username), int(qos) if qos in ("0", "1", "2") else qos,
            boolean(retain),
        )
        decided = decision(plain(policy), attempt, plain(no_match))
        return "allow" if boolean(is_superuser) else decided
    except (InputError, TypeError) as error:
        raise AnsibleFilterError(f"acl_decision: {error}") from None


def _name(value: Any) -> Any:
    """Return a name; YAML takes one of digits for a number."""
    return None if value is None else str(plain(value))


class FilterModule:
    """The filter of this file's name."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"acl_decision": acl_decision}
