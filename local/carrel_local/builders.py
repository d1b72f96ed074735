"""Programs and images are built side by side, each handed over the moment it is ready."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import images, lock, programs
from .images import Image
from .instance import CACHE, Instance
from .problem import Problem
from .progress import Progress, Step


@dataclass(frozen=True)
class Made:
    """What the builders deliver; `catalogue` tells beforehand what the images are called."""

    programs: Mapping[str, Future[dict[str, Path]]]
    images: Mapping[str, Future[None]]
    catalogue: Mapping[str, Image]

    def program(self, name: str) -> Path:
        """A program, waiting until it is built."""
        for future in self.programs.values():
            if name in (found := future.result()):
                return found[name]
        raise KeyError(name)


def everything(
    progress: Progress,
    compiler: ThreadPoolExecutor,
    builder: ThreadPoolExecutor,
    groups: Sequence[programs.Group],
) -> Made:
    """Begin to build what is missing."""
    catalogue = images.catalogue(images.names())
    compiled = go_programs(progress, compiler, groups)
    built = {
        name: builder.submit(_image, image, catalogue["base"], progress) for name, image in catalogue.items()
    }
    return Made(compiled, built, catalogue)


def go_programs(
    progress: Progress, compiler: ThreadPoolExecutor, groups: Sequence[programs.Group]
) -> dict[str, Future[dict[str, Path]]]:
    """Begin to build the groups that the cache lacks."""
    for directory in ("logs", "context", "images", "programs"):
        (CACHE / directory).mkdir(parents=True, exist_ok=True)
    with lock.held("programs"):
        go, version = programs.go(Step("Go"))
    return {group.name: compiler.submit(_programs, group, go, version, progress) for group in groups}


def chosen_images(here: Instance, names: Sequence[str], progress: Progress) -> list[str]:
    """Build some images (all if none is named) and give them to the running node; their references.

    Raises:
        Problem: there is no such image, or it cannot be built.
    """
    known = images.names()
    if unknown := sorted(set(names) - set(known)):
        raise Problem(f"There is no image {', '.join(unknown)}: the images are {', '.join(known)}.")
    with ThreadPoolExecutor(1) as compiler:
        ctr = go_programs(progress, compiler, (programs.CONTAINERD,))["containerd"].result()["ctr"]
        catalogue = images.catalogue({"base": 0, **dict.fromkeys(names or known)})
        for image in catalogue.values():
            _image(image, catalogue["base"], progress)
            images.give(here, ctr, image)
    return [catalogue[name].reference for name in names or known]


def _programs(group: programs.Group, go: Path, version: str, progress: Progress) -> dict[str, Path]:
    with lock.held("programs"):
        if programs.cached(group, version).exists():
            return programs.build(group, go, version, Step(group.title))
        with progress.step(f"Building {group.title} {group.version}") as step:
            return programs.build(group, go, version, step)


def _image(image: Image, base: Image, progress: Progress) -> None:
    with lock.held("images"):
        if not image.archive.exists():
            with progress.step(f"Building the image {image.name}") as step:
                images.clean_up()
                images.build(image, base, step)
