# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plugins and modules: /plugins, which are as they are, and /modules, which can be loaded and unloaded."""

from __future__ import annotations

from ..answers import Answer, Call
from ..monitoring import TopicMetrics
from ..routing import Routes
from ..state import State
from . import topic_metrics
from .protocol import NODE, failure_without_code, success

routes = Routes()

_PLUGINS = (
    ("auth", "emqx_auth_http", "EMQX Authentication/ACL with HTTP API", False),
    ("auth", "emqx_auth_jwt", "EMQX Authentication with JWT", False),
    ("auth", "emqx_auth_mnesia", "EMQX Authentication with Mnesia", True),
    ("bridge", "emqx_bridge_mqtt", "EMQX Bridge to MQTT Broker", False),
    ("feature", "emqx_dashboard", "EMQX Web Dashboard", True),
    ("feature", "emqx_management", "EMQX Management API and CLI", True),
    ("feature", "emqx_psk_file", "EMQX PSK Plugin from File", False),
    ("feature", "emqx_recon", "EMQX Recon Plugin", True),
    ("feature", "emqx_retainer", "EMQX Retainer", True),
    ("feature", "emqx_rule_engine", "EMQX Rule Engine", True),
    ("feature", "emqx_sasl", "EMQX SASL", False),
    ("protocol", "emqx_sn", "EMQX MQTT-SN Plugin", False),
    ("protocol", "emqx_stomp", "EMQX Stomp Protocol Plugin", False),
    ("feature", "emqx_web_hook", "EMQX WebHook Plugin", False),
)

_MODULES = (
    ("emqx_mod_delayed", "EMQX Delayed Publish Module"),
    ("emqx_mod_topic_metrics", "EMQX Topic Metrics Module"),
    ("emqx_mod_subscription", "EMQX Subscription Module"),
    ("emqx_mod_acl_internal", "EMQX Internal ACL Module"),
    ("emqx_mod_rewrite", "EMQX Topic Rewrite Module"),
    ("emqx_mod_presence", "EMQX Presence Module"),
    ("emqx_mod_trace", "EMQX Trace Module"),
    ("emqx_mod_slow_subs", "EMQX Slow Subscribers Statistics Module"),
)
_ALWAYS = {"emqx_mod_acl_internal", "emqx_mod_presence"}


@routes("GET", "/plugins")
def plugins(state: State, call: Call) -> Answer:
    names = ("type", "name", "description", "active")
    return success([{"node": NODE, "plugins": [dict(zip(names, plugin)) for plugin in _PLUGINS]}])


@routes("GET", "/modules")
def modules(state: State, call: Call) -> Answer:
    rows = [
        {"name": name, "description": description, "active": name in _ALWAYS | state.modules}
        for name, description in _MODULES
    ]
    return success([{"node": NODE, "modules": rows}])


@routes("PUT", "/modules/{name}/load")
def load(state: State, call: Call, name: str) -> Answer:
    """Only that it works is recorded; the refusals are those of the source."""
    if name not in dict(_MODULES):
        return failure_without_code("not_found")
    if name in _ALWAYS | state.modules:
        return failure_without_code("already_started")
    state.modules.add(name)
    return success()


@routes("PUT", "/modules/{name}/unload")
def unload(state: State, call: Call, name: str) -> Answer:
    """What a module knows is gone with it."""
    if name not in state.modules:
        return failure_without_code("not_started")
    state.modules.remove(name)
    if name == topic_metrics.MODULE:
        state.monitor.topics = TopicMetrics()
    return success()
