"""People's groups, looked up again at the sign-in for as long as their servers run.

JupyterHub asks again only when somebody clicks; who works in JupyterLab may not for days, and would keep for so long the
files of a team that they have left. Only who has a server is looked up, and only while groups decide anything here.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jupyterhub import orm, roles
from jupyterhub.utils import maybe_future
from tornado import web

from carrel_hub.notebooks import Notebooks
from carrel_hub.stopping import stop_all
from carrel_operator import names
from carrel_operator.cluster_errors import ClusterError

App = Any  # JupyterHub publishes no types
User = Any
Answer = Mapping[str, Any]

_AT_ONCE = 5
_SECONDS_AFTER_AN_END = 600.0


@dataclass(frozen=True, slots=True)
class _Ended:
    """A sign-in that the provider knows no longer."""

    access_token: str
    until: float  # when to ask again all the same: the provider may only have been ill


class GroupRefresh:
    """Asks the provider every so many seconds."""

    def __init__(self, app: App, notebooks: Notebooks, seconds: float, *, ended_stops: bool) -> None:
        self._app, self._notebooks = app, notebooks
        self._seconds, self._ended_stops = seconds, ended_stops
        self._ended: dict[str, _Ended] = {}
        self._silent = False  # the provider, at the last time
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin, unless it is switched off or somebody else than the sign-in says who is in which group."""
        if self._seconds > 0 and self._app.authenticator.manage_groups:
            self._task = asyncio.create_task(self._keep(), name="groups")

    async def close(self) -> None:
        """Stop asking."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self.look()
            except Exception:
                self._app.log.exception("People's groups are looked up again in %.0f s", self._seconds)
                self._app.db.rollback()

    async def look(self) -> None:
        """Ask about everybody who is at work, a few at a time."""
        if not self._notebooks.view.groups_matter():
            return
        room = asyncio.Semaphore(_AT_ONCE)

        async def one(user: User) -> bool:
            async with room:
                return await self._look_up(user)

        answers = await asyncio.gather(*(one(user) for user in list(self._at_work())))
        if silent := False in answers:
            if not self._silent:
                self._app.log.warning("The sign-in does not answer: everybody's groups stay as they were.")
        elif self._silent and answers:
            self._app.log.info("The sign-in answers again.")
        self._silent = silent

    def _at_work(self) -> Iterator[User]:
        for user in list(self._app.users.values()):
            if user.active and not names.project_of(user.name):
                yield user

    async def _look_up(self, user: User) -> bool:
        """Bring one person's groups up to date; whether the provider answered."""
        state = await user.get_auth_state()
        if not state:  # made by an administrator, never signed in
            return True
        token, ended = str(state.get("access_token", "")), self._ended.get(user.name)
        if ended and ended.access_token == token and time.monotonic() < ended.until:
            return True
        before, user._auth_refreshed = user._auth_refreshed, time.monotonic()  # noqa: SLF001
        # JupyterHub itself need not ask for now; two at once would use a refresh token twice
        try:
            answer = await self._app.authenticator.refresh_user(user, None)
        except Exception as error:  # noqa: BLE001 - of any HTTP client, or of a provider's own authenticator
            self._app.log.debug("%s: %s", user.name, error)
            user._auth_refreshed = before  # noqa: SLF001
            return False
        if answer is True:
            return True
        if not answer:
            user._auth_refreshed = before  # noqa: SLF001
            await self._sign_in_ended(user, token)
        elif await self._may_still_come_in(user, answer):
            await self._take(user, answer, state)
        else:
            self._app.log.warning("%s may not sign in any more: their servers are stopped.", user.name)
            await self._turn_out(user, answer.get("groups") or ())
        return True

    async def _sign_in_ended(self, user: User, token: str) -> None:
        """No provider says whether the person is gone or only the token: an administrator knows which is likelier."""
        if self._ended_stops:
            self._app.log.warning("The sign-in of %s has ended: their servers are stopped.", user.name)
            await self._turn_out(user, ())
        elif user.name not in self._ended:
            self._app.log.warning(
                "The groups of %s can't be looked up until they sign in again: the sign-in has forgotten them.",
                user.name,
            )
        self._ended[user.name] = _Ended(token, time.monotonic() + _SECONDS_AFTER_AN_END)

    async def _may_still_come_in(self, user: User, answer: Answer) -> bool:
        """As JupyterHub decides it at a sign-in."""
        authenticator = self._app.authenticator
        try:
            if not await maybe_future(authenticator.check_blocked_users(user.name, answer)):
                return False
            allowed = authenticator.allow_all or await maybe_future(
                authenticator.check_allowed(user.name, answer)
            )
        except web.HTTPError as error:
            if error.status_code == 403:
                return False
            raise
        return bool(allowed)

    async def _take(self, user: User, answer: Answer, state: Answer) -> None:
        """Write what differs: admin, groups, tokens, and the groups of the person's running Notebooks."""
        self._ended.pop(user.name, None)
        admin = answer.get("admin")
        if admin is not None and admin != user.admin:
            user.admin = admin
            roles.assign_default_roles(self._app.db, entity=user.orm_user)
            self._app.log.info("%s is %s administrator by their groups", user.name, "an" if admin else "no")
        if "auth_state" in answer and answer["auth_state"] != state:
            await user.save_auth_state(answer["auth_state"])
        groups = answer.get("groups")
        if groups is not None:
            await self._regroup(user, groups)

    async def _regroup(self, user: User, groups: Any) -> None:  # noqa: ANN401 - any collection of names
        user.sync_groups(groups)
        for spawner in list(user.spawners.values()):
            if spawner.active:
                with contextlib.suppress(ClusterError):  # what is not written differs at the next look too
                    await self._notebooks.regroup(spawner.notebook_name, groups)

    async def _turn_out(self, user: User, groups: Any) -> None:  # noqa: ANN401
        """Without groups first, so that files go even where stopping takes long; then out of the hub everywhere."""
        await self._regroup(user, groups)
        db, orm_user = self._app.db, user.orm_user
        orm_user.cookie_id = orm.new_token()
        await user.save_auth_state(None)
        await stop_all(self._app, user)
        for token in list(orm_user.api_tokens):
            db.delete(token)
        db.commit()
