"""The hub's REST API and page of what was used: asked of the gateway, and shown to whom it concerns."""

import json
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import needs_scope
from tornado import web
from tornado.httpclient import AsyncHTTPClient, HTTPError

from carrel_hub import usage
from carrel_hub.notebooks import shared
from carrel_hub.refusal import refusal
from carrel_hub.spawner import NotebookSpawner
from carrel_hub.usage import Looker
from carrel_operator import names, quantities
from carrel_operator.api import Role

_SECONDS = 20.0
NOT_COUNTED = "What is used is not counted here: an administrator can switch the gateway on (warehouse.gateway.enabled)."
_AWAY = "What was used can't be told now, because the gateway does not answer; try again in a minute."


class _OfUsage(BaseHandler):  # type: ignore[misc]  # JupyterHub publishes no types
    """What the API and the page share."""

    async def used(self, since: date) -> dict[str, Any]:
        """The gateway's answer, with the rows that the caller may see."""
        address = self.settings["carrel_usage_url"]
        if not address:
            raise refusal(404, NOT_COUNTED)
        try:
            answer = await AsyncHTTPClient().fetch(f"{address}/usage?since={since}", request_timeout=_SECONDS)
            found: dict[str, Any] = json.loads(answer.body)
        except (HTTPError, OSError, ValueError) as error:
            self.log.warning("The gateway tells no usage: %s", error)
            raise refusal(503, _AWAY) from error
        looker = await self._looker()
        return found | {"rows": [row for row in found["rows"] if looker.sees(row)]}

    async def _looker(self) -> Looker:
        user = self.current_user
        if self.has_scope("servers"):
            return Looker(user.name, everything=True)
        view = shared(NotebookSpawner(config=self.settings["config"]).namespace).view
        await view.all_projects()
        groups = [group.name for group in getattr(user, "groups", ())]
        administered = {each.name for each in view.projects if each.role_of(user.name, groups) is Role.ADMIN}
        return Looker(user.name, projects=administered | {names.project_of(user.name)})


class UsageHandler(_OfUsage, APIHandler):  # type: ignore[misc]
    """``/api/carrel/usage?since=DAY``: by day, person, project and notebook."""

    @needs_scope("read:servers", "servers", post_filter=True)  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """Answer with one's own rows and those of projects that one administers; administrators get all."""
        since = self.get_argument("since", "") or _today().replace(day=1).isoformat()
        try:
            day = date.fromisoformat(since)
        except ValueError as error:
            raise refusal(400, f"'{since}' is no day: say it as 2026-11-26.") from error
        self.write(json.dumps(await self.used(day) | {"since": day.isoformat()}))


class UsagePage(_OfUsage):
    """``/hub/usage``: this month and today, by person and project."""

    @web.authenticated
    async def get(self) -> None:
        """The page; where nothing can be told it says why."""
        today, problem = _today(), ""
        try:
            found = await self.used(today.replace(day=1))
        except web.HTTPError as error:
            self.set_status(error.status_code if error.status_code != 404 else 200)
            problem = getattr(error, "jupyterhub_message", _AWAY)
            found = {"rows": [], "currency": ""}
        page = await self.render_template(
            "usage.html",
            user=self.current_user,
            problem=problem,
            month=f"{today:%B %Y}",
            lines=usage.lines(found["rows"], today),
            total=usage.total(found["rows"], today),
            size=quantities.size,
            cost=partial(usage.cost, currency=found["currency"]),
        )
        self.finish(page)


def _today() -> date:
    return datetime.now(UTC).date()


HANDLERS = [(r"/api/carrel/usage", UsageHandler), (r"/usage", UsagePage)]
