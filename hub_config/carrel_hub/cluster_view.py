"""Everything the hub knows of the cluster: four kinds that it watches, and what it looks up now and then."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterator
from contextlib import contextmanager

from carrel_operator.api import Body, InstanceType, InvalidObjectError, Notebook, NotebookImage, Project
from carrel_operator.catalogue import Catalogue
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import NotFoundError, UnavailableError
from carrel_operator.mirror import ANY, Mirror

_LONG_ENOUGH = 10.0


class ClusterView:
    """Every Notebook, size, image and project of a release."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace
        self._notebooks = Mirror(cluster, "Notebook", namespace, Notebook.parse)
        self._sizes = Mirror(cluster, "InstanceType", namespace, InstanceType.parse)
        self._images = Mirror(cluster, "NotebookImage", namespace, NotebookImage.parse)
        self._projects = Mirror(cluster, "Project", namespace, Project.parse)
        self._mirrors = (self._notebooks, self._sizes, self._images, self._projects)

    def open(self) -> None:
        """Begin to watch."""
        for mirror in self._mirrors:
            mirror.open()

    async def close(self) -> None:
        """Stop watching."""
        for mirror in self._mirrors:
            await mirror.close()

    @property
    def namespace(self) -> str:
        """Where all of them are."""
        return self._namespace

    @property
    def ending(self) -> bool:
        """Whether the hub itself ends, and everything in it."""
        return self._notebooks.ending

    @property
    def fresh(self) -> bool:
        """Whether what is known here is what the cluster knows, give or take a moment."""
        return self._notebooks.fresh

    async def all(self) -> Iterator[Notebook]:
        """Every Notebook, once all were seen."""
        await self._notebooks.listed()
        return self._notebooks.values()

    async def all_projects(self) -> Iterator[Project]:
        """Every Project, once all were seen."""
        await self._projects.listed()
        return self._projects.values()

    @property
    def projects(self) -> Iterator[Project]:
        """Every Project that is known by now."""
        return self._projects.values()

    def project(self, name: str) -> Project | None:
        """One Project; the empty name is none."""
        return self._projects.get(name)

    def groups_matter(self) -> bool:
        """Whether anything here is decided by groups: who belongs to a project, or who may have a size or an image."""
        kinds = (self._sizes.values(), self._images.values())
        reserved = any(each.allowed_groups for values in kinds for each in values)
        return reserved or any(each.group for project in self.projects for each in project.members)

    def tell_of_projects(self, heard: Callable[[], None]) -> None:
        """Have ``heard`` called after each change of a Project."""
        self._projects.tell(heard)

    async def catalogue(self) -> Catalogue:
        """The sizes and images there are; UnavailableError when they can't be read."""
        try:
            async with asyncio.timeout(_LONG_ENOUGH):
                await self._sizes.listed()
                await self._images.listed()
        except TimeoutError as error:
            raise UnavailableError("The sizes and images can't be read from the API server.") from error
        return Catalogue(
            instance_types={each.name: each for each in self._sizes.values()},
            images={each.name: each for each in self._images.values()},
        )

    async def get(self, name: str) -> Notebook | None:
        """One Notebook; asked of the API server when the watch is broken. ClusterError if that fails too."""
        if self._notebooks.fresh:
            return self._notebooks.get(name)
        try:
            return Notebook.parse(await self._cluster.get("Notebook", self._namespace, name))
        except (NotFoundError, InvalidObjectError):
            return None

    def changes(
        self, name: str, until: asyncio.Future[None] | None = None
    ) -> AsyncGenerator[Notebook | None]:
        """One Notebook as it is now, and again after each change, until ``until`` is done."""
        return self._notebooks.changes(name, until)

    @contextmanager
    def heard(self, changed: asyncio.Event, names: Collection[str] = (ANY,)) -> Iterator[None]:
        """Set the event when one of these Notebooks changes, or what can be chosen for it."""
        with (
            self._notebooks.heard(changed, names),
            self._sizes.heard(changed),
            self._images.heard(changed),
            self._projects.heard(changed),
        ):
            yield

    def known(self, name: str) -> Notebook | None:
        """One Notebook as it was seen last."""
        return self._notebooks.get(name)

    def seen(self) -> Iterator[Notebook]:
        """Every Notebook as it was seen last."""
        return self._notebooks.values()

    async def look_at(self, kind: str, name: str) -> Body | None:
        """An object that the hub does not watch; None when it is not there. ClusterError says why it can't be read."""
        try:
            return await self._cluster.get(kind, self._namespace, name)
        except NotFoundError:
            return None

    async def issuer(self) -> str:
        """Who signs the tokens of this cluster."""
        return await self._cluster.issuer()

    def see(self, body: Body) -> None:
        """Know a Notebook as it was just written, before the watch tells of it."""
        self._notebooks.see(body)

    def see_project(self, body: Body) -> None:
        """Know a Project as it was just written."""
        self._projects.see(body)

    def wake(self, name: str) -> None:
        """Wake whoever listens to that Notebook, because something that is shown beside it has changed."""
        self._notebooks.wake(name)
