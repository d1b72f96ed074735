"""What people see: templates on top of JupyterHub's own, and the cards of the start page."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Template

from carrel_hub import money
from carrel_hub.options import Choice
from carrel_operator import quantities
from carrel_operator.api import InstanceType, NotebookImage, Phase, Status
from carrel_operator.catalogue import Catalogue

FOLDER = Path(__file__).parent
TEMPLATES = FOLDER / "templates"
LOGO = FOLDER / "logo.svg"


@dataclass(frozen=True, slots=True)
class Card:
    """One thing to choose, in words and figures for people."""

    name: str
    title: str
    description: str
    figures: tuple[str, ...] = ()
    price: str = ""
    warning: str = ""


def options_form(catalogue: Catalogue, groups: Collection[str], chosen: Choice | None, currency: str) -> str:
    """The part of the start page in which a person with these groups chooses."""
    return _options_template().render(
        sizes=[_size(each, currency) for each in catalogue.instance_types_for(groups)],
        images=[_image(each) for each in catalogue.images_for(groups)],
        chosen=chosen,
    )


def sentence(status: Status) -> str:
    """The operator's sentence for the progress page; what it calls running has still to begin to listen."""
    if status.phase is Phase.RUNNING:
        return "The server runs; JupyterLab is opening."
    return status.message


def _size(size: InstanceType, currency: str) -> Card:
    return Card(
        name=size.name,
        title=size.display_name,
        description=size.description,
        figures=tuple(_figures(size)),
        price="" if size.price_per_hour is None else money.amount(size.price_per_hour, currency),
    )


def _figures(size: InstanceType) -> Iterator[str]:
    yield quantities.cores(size.cpu.limit)
    yield f"{quantities.memory(size.memory.limit)} memory"
    if size.gpu:
        yield f"{size.gpu.count} GPU" if size.gpu.count == 1 else f"{size.gpu.count} GPUs"


def _image(image: NotebookImage) -> Card:
    return Card(
        name=image.name,
        title=image.display_name,
        description=image.description,
        warning=(image.deprecated or "This image is going away.") if image.deprecated is not None else "",
    )


@cache
def _options_template() -> Template:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    return environment.get_template("options_form.html")
