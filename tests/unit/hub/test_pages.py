import pytest
from jinja2 import Environment, FileSystemLoader

from carrel_hub import pages
from carrel_hub.options import Choice
from carrel_operator.api import InstanceType, NotebookImage, Phase, Status
from carrel_operator.catalogue import Catalogue
from unit.hub.kubernetes_api import image, size


def catalogue(
    *, size_spec: dict[str, object] | None = None, image_spec: dict[str, object] | None = None
) -> Catalogue:
    return Catalogue(
        {"small": InstanceType.parse(size("small", **(size_spec or {})))},
        {"standard": NotebookImage.parse(image("standard", **(image_spec or {})))},
    )


CHOSEN = Choice("small", "standard")


@pytest.mark.parametrize(
    ("spec", "shown"),
    [
        ({"pricePerHour": 0.1}, "<b>$0.10</b> per hour"),
        ({"pricePerHour": 12}, "<b>$12.00</b> per hour"),
        ({"pricePerHour": 0.004}, "<b>$0.004</b> per hour"),
        ({"pricePerHour": 0}, "<b>$0.00</b> per hour"),
        ({}, "1 CPU"),
        ({}, "2 GiB memory"),
        ({"gpu": {"resource": "nvidia.com/gpu", "count": 1}}, "1 GPU<"),
        ({"gpu": {"resource": "nvidia.com/gpu", "count": 4}}, "4 GPUs"),
        ({"displayName": "Small & quick"}, "Small &amp; quick"),
        ({"description": "<script>"}, "&lt;script&gt;"),
    ],
)
def test_a_card_says_what_a_size_is(spec: dict[str, object], shown: str) -> None:
    assert shown in pages.options_form(catalogue(size_spec=spec), (), CHOSEN, "$")


def test_a_size_without_a_price_shows_none() -> None:
    assert "per hour" not in pages.options_form(catalogue(), (), CHOSEN, "$")


@pytest.mark.parametrize(("message", "shown"), [("Use 'new'.", "Use &#39;new&#39;."), ("", "going away")])
def test_an_image_that_is_going_away_says_so(message: str, shown: str) -> None:
    deprecated = {"deprecated": {"message": message}}
    assert shown in pages.options_form(catalogue(image_spec=deprecated), (), CHOSEN, "$")


def test_what_is_selected_is_checked_and_a_choice_is_required() -> None:
    form = pages.options_form(catalogue(), (), CHOSEN, "$")
    assert form.count("required checked") == 2


def test_where_nothing_is_allowed_the_form_says_whom_to_ask() -> None:
    form = pages.options_form(Catalogue(), (), None, "$")
    assert "Ask an administrator" in form
    assert "<input" not in form


def test_what_the_operator_calls_running_has_still_to_open() -> None:
    assert "opening" in pages.sentence(Status(phase=Phase.RUNNING, message="The server is running."))
    assert pages.sentence(Status(phase=Phase.PENDING, message="Looking.")) == "Looking."


@pytest.mark.parametrize("path", sorted(pages.TEMPLATES.iterdir()), ids=lambda path: str(path.name))
def test_every_template_can_be_read(path: pages.Path) -> None:
    Environment(loader=FileSystemLoader(pages.TEMPLATES), autoescape=True).get_template(path.name)
