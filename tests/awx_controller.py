# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small AWX controller on loopback: the part of its API that the modules of `awx.awx` use to set things up.

It keeps objects, answers lists filtered by fields, relates objects with each other, and is strict where AWX is: names
are unique, credential types have to render, secrets come back as `$encrypted$`, surveys have to be whole
and a schedule has to answer what they require.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from aiohttp import web
from jinja2 import StrictUndefined, TemplateError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

TOKEN = "token-of-the-controller"
ENCRYPTED = "$encrypted$"

# Collections, the type of what they hold, and which fields together name one of them.
TYPES = {
    "credential_types": ("credential_type", ("name", "kind")),
    "credentials": ("credential", ("name", "organization", "credential_type")),
    "execution_environments": ("execution_environment", ("name",)),
    "inventories": ("inventory", ("name", "organization")),
    "inventory_sources": ("inventory_source", ("name", "inventory")),
    "job_templates": ("job_template", ("name", "organization")),
    "organizations": ("organization", ("name",)),
    "project_updates": ("project_update", ("id",)),
    "projects": ("project", ("name", "organization")),
    "schedules": ("schedule", ("name", "unified_job_template")),
    "workflow_approval_templates": ("workflow_approval_template", ("id",)),
    "workflow_job_template_nodes": ("workflow_job_template_node", ("identifier", "workflow_job_template")),
    "workflow_job_templates": ("workflow_job_template", ("name", "organization")),
}
UNIFIED = ("job_templates", "workflow_job_templates", "projects", "inventory_sources")
"""What a schedule or a node of a workflow can start, and what is listed as unified_job_templates."""

RELATIONS = {
    "credentials": "credentials",
    "success_nodes": "workflow_job_template_nodes",
    "failure_nodes": "workflow_job_template_nodes",
    "always_nodes": "workflow_job_template_nodes",
}
QUESTION_TYPES = {"text", "textarea", "password", "integer", "float", "multiplechoice", "multiselect"}
QUESTION_FIELDS = {"question_name", "variable", "required", "type"}

Object = dict[str, Any]


class Controller:
    """The controller; it runs while the context lasts.

    :ivar calls: the method and path of every request that changes something.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self._objects: dict[str, dict[int, Object]] = {name: {} for name in TYPES}
        self._related: dict[tuple[str, int, str], list[int]] = {}
        self._surveys: dict[int, Object] = {}
        self._secrets: dict[int, Object] = {}
        self._ids = itertools.count(1)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.url = ""
        self._add("organizations", {"name": "Default"})

    def __enter__(self) -> Controller:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(self, *exception: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def all(self, collection: str) -> list[Object]:
        """The objects of a collection, such as `job_templates`."""
        return list(self._objects[collection].values())

    def one(self, collection: str, name: str) -> Object:
        """The object with a name (or, for a node, an identifier)."""
        return next(each for each in self.all(collection) if name in (each.get("name"), each.get("identifier")))

    def related(self, collection: str, name: str, relation: str) -> list[str]:
        """The names of what an object is related to, such as the `credentials` of a job template."""
        ids = self._related.get((collection, self.one(collection, name)["id"], relation), [])
        found = [self._objects[RELATIONS[relation]][each] for each in ids]
        return [each.get("name") or each["identifier"] for each in found]

    def survey(self, name: str) -> Object:
        """The survey of a job template."""
        return self._surveys[self.one("job_templates", name)["id"]]

    def inputs(self, name: str) -> Object:
        """The inputs of a credential, secrets in clear."""
        return self._secrets[self.one("credentials", name)["id"]]

    async def _open(self) -> None:
        application = web.Application(middlewares=[self._authenticated])
        item = "/api/v2/{collection}/{id:[0-9]+}/"
        application.add_routes(
            [
                web.get("/api/v2/{collection}/", self._list),
                web.post("/api/v2/{collection}/", self._create),
                web.get(item, self._read),
                web.patch(item, self._update),
                web.get(item + "survey_spec/", self._read_survey),
                web.post(item + "survey_spec/", self._write_survey),
                web.post(item + "create_approval_template/", self._create_approval),
                web.get(item + "{relation}/", self._list_related),
                web.post(item + "{relation}/", self._relate),
            ]
        )
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    @web.middleware
    async def _authenticated(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"detail": "Authentication credentials were not provided."}, status=401)
        if request.method != "GET":
            self.calls.append((request.method, request.path))
        return await handler(request)

    def _found(self, request: web.Request) -> tuple[str, Object]:
        collection = request.match_info["collection"]
        try:
            return collection, self._objects[collection][int(request.match_info["id"])]
        except KeyError:
            raise web.HTTPNotFound(text='{"detail": "Not found."}') from None

    async def _list(self, request: web.Request) -> web.Response:
        collection = request.match_info["collection"]
        if collection == "unified_job_templates":
            objects = [each for name in UNIFIED for each in self.all(name)]
        elif collection in TYPES:
            objects = self.all(collection)
        else:
            raise web.HTTPNotFound(text='{"detail": "Not found."}')
        fields = [(name, value) for name, value in request.query.items() if name not in ("page", "page_size")]
        if any(name.startswith("or__") for name, unused in fields):
            return web.json_response({"detail": "or__ filters are not kept here"}, status=400)
        found = [each for each in objects if all(str(each.get(name)) == value for name, value in fields)]
        return _listed(found)

    async def _create(self, request: web.Request) -> web.Response:
        collection, fields = request.match_info["collection"], await request.json()
        if collection not in TYPES:
            raise web.HTTPNotFound(text='{"detail": "Not found."}')
        problem = self._problem(collection, fields)
        if problem:
            return web.json_response({"__all__": [problem]}, status=400)
        return web.json_response(self._add(collection, fields), status=201)

    async def _read(self, request: web.Request) -> web.Response:
        return web.json_response(self._found(request)[1])

    async def _update(self, request: web.Request) -> web.Response:
        collection, found = self._found(request)
        wanted = {**found, **await request.json()}
        problem = self._problem(collection, wanted, found["id"])
        if problem:
            return web.json_response({"__all__": [problem]}, status=400)
        self._keep(collection, found, wanted)
        return web.json_response(found)

    def _problem(self, collection: str, fields: Object, own_id: int = 0) -> str:
        """What AWX would refuse, or an empty text."""
        key = TYPES[collection][1]
        for each in self.all(collection):
            if each["id"] != own_id and all(each.get(name) == fields.get(name) for name in key):
                return f"There is already one with this {' and '.join(key)}."
        if collection in ("inventories", "credentials") and not fields.get("organization"):
            return "organization is required."
        if collection == "credential_types":
            return _injector_problem(fields)
        if collection == "credentials":
            kind = self._objects["credential_types"][fields["credential_type"]]["inputs"]
            unknown = set(fields["inputs"]) - {field["id"] for field in kind["fields"]}
            missing = [name for name in kind.get("required", []) if not fields["inputs"].get(name)]
            if unknown or missing:
                return f"Inputs are wrong: unknown {sorted(unknown)}, missing {missing}."
        if collection == "schedules":
            asked = self._surveys.get(fields["unified_job_template"], {"spec": []})["spec"]
            answers = fields.get("extra_data", {})
            open_ = [each["variable"] for each in asked if each["required"] and each["variable"] not in answers]
            wrong = [each["variable"] for each in asked if not _answers(each, answers.get(each["variable"]))]
            unknown = set(answers) - {each["variable"] for each in asked}
            if open_ or wrong or unknown:
                return f"Answers are wrong: missing {open_}, no choice {wrong}, not asked for {sorted(unknown)}."
        return ""

    def _add(self, collection: str, fields: Object) -> Object:
        number = next(self._ids)
        url = f"/api/v2/{collection}/{number}/"
        made: Object = {"id": number, "type": TYPES[collection][0], "url": url, "description": "", "related": {}}
        made["summary_fields"] = {}
        if collection in ("job_templates", "workflow_job_templates"):
            made["related"]["survey_spec"] = url + "survey_spec/"
        if collection == "projects":
            update = self._add("project_updates", {"status": "successful"})
            made["scm_revision"] = "0" * 40
            made["summary_fields"]["current_update"] = {"id": update["id"]}
        self._keep(collection, made, fields)
        self._objects[collection][number] = made
        return made

    def _keep(self, collection: str, kept: Object, fields: Object) -> None:
        kept.update({**fields, "id": kept["id"], "type": kept["type"]})
        if collection == "job_templates":
            kept["organization"] = self._objects["projects"][kept["project"]]["organization"]
        if collection == "credentials":
            before = self._secrets.get(kept["id"], {})
            given = {name: value if value != ENCRYPTED else before[name] for name, value in kept["inputs"].items()}
            self._secrets[kept["id"]] = given
            kind = self._objects["credential_types"][kept["credential_type"]]["inputs"]
            secret = {field["id"] for field in kind["fields"] if field.get("secret")}
            kept["inputs"] = {name: ENCRYPTED if name in secret else value for name, value in given.items()}

    async def _read_survey(self, request: web.Request) -> web.Response:
        return web.json_response(self._surveys.get(self._found(request)[1]["id"], {}))

    async def _write_survey(self, request: web.Request) -> web.Response:
        found, survey = self._found(request)[1], await request.json()
        for question in survey["spec"]:
            missing = QUESTION_FIELDS - set(question)
            if missing or question["type"] not in QUESTION_TYPES:
                return web.json_response({"error": f"{question} is no question: {missing}"}, status=400)
            if question["type"].startswith("multi") and question["default"] not in ["", *question["choices"]]:
                return web.json_response({"error": f"{question['default']} is no choice"}, status=400)
        self._surveys[found["id"]] = survey
        return web.json_response({})

    async def _create_approval(self, request: web.Request) -> web.Response:
        unused, node = self._found(request)
        made = self._add("workflow_approval_templates", {"timeout": 0, **await request.json()})
        node["unified_job_template"] = made["id"]
        node["related"]["unified_job_template"] = made["url"]
        return web.json_response(made, status=201)

    async def _list_related(self, request: web.Request) -> web.Response:
        key, held = self._relation(request)
        return _listed([self._objects[held][each] for each in self._related.get(key, [])])

    async def _relate(self, request: web.Request) -> web.Response:
        key, held = self._relation(request)
        given = await request.json()
        if given["id"] not in self._objects[held]:
            return web.json_response({"detail": "Not found."}, status=400)
        ids = self._related.setdefault(key, [])
        if given.get("disassociate"):
            ids.remove(given["id"])
        else:
            ids.append(given["id"])
        return web.Response(status=204)

    def _relation(self, request: web.Request) -> tuple[tuple[str, int, str], str]:
        collection, found = self._found(request)
        relation = request.match_info["relation"]
        nodes = relation.endswith("_nodes")
        if relation not in RELATIONS or nodes != (collection == "workflow_job_template_nodes"):
            raise web.HTTPNotFound(text='{"detail": "Not found."}')
        return (collection, found["id"], relation), RELATIONS[relation]


def _answers(question: Object, answer: Any) -> bool:
    """Whether a question can be answered so; None is no answer, whether that may be is not asked here."""
    return answer is None or question["type"] != "multiplechoice" or answer in question["choices"]


def _listed(found: list[Object]) -> web.Response:
    return web.json_response({"count": len(found), "next": None, "previous": None, "results": found})


def _injector_problem(fields: Object) -> str:
    """AWX renders the injectors with an example of each field: what isn't defined is refused."""
    engine = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    names: Object = {field["id"]: "EXAMPLE" for field in fields["inputs"]["fields"]}
    labels = fields["injectors"].get("file", {})
    names["tower"] = {"filename": {label.partition(".")[2]: "EXAMPLE" for label in labels}}
    try:
        for template in _texts(fields["injectors"]):
            engine.from_string(template).render(**names)
    except (TemplateError, UndefinedError) as error:
        return f"The injectors can't be rendered: {error}"
    return ""


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    else:
        yield value
