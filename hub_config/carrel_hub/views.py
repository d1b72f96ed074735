"""Pages of our own beside JupyterHub's."""

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from carrel_hub.spawner import NotebookSpawner


class AllDesksHandler(BaseHandler):  # type: ignore[misc]  # JupyterHub publishes no types
    """``/hub/desks``: everybody's servers, for administrators."""

    @web.authenticated
    @needs_scope("admin-ui")  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """Show them; the page fetches the rows itself."""
        currency = NotebookSpawner(config=self.config).currency
        self.finish(await self.render_template("desks.html", currency=currency))


HANDLERS = [(r"/desks", AllDesksHandler)]
