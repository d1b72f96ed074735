"""Who may use which size and image, in which order they are offered, and the sentence that refuses the others."""

import pytest

from carrel_operator.api import InstanceType, NotebookImage, Reason, ReasonKind, Share
from carrel_operator.catalogue import Catalogue


def size(name: str, order: int = 0, *groups: str) -> InstanceType:
    share = Share("1", "1")
    return InstanceType(name, cpu=share, memory=share, order=order, allowed_groups=groups)


def image(name: str, *groups: str, default: bool = False, deprecated: str | None = None) -> NotebookImage:
    return NotebookImage(
        name, "i", display_name=name, allowed_groups=groups, default=default, deprecated=deprecated
    )


def catalogue(*options: InstanceType | NotebookImage) -> Catalogue:
    return Catalogue(
        {each.name: each for each in options if isinstance(each, InstanceType)},
        {each.name: each for each in options if isinstance(each, NotebookImage)},
    )


OFFER = catalogue(
    size("large", 2),
    size("small", 1),
    size("gpu", 3, "researchers", "admins"),
    image("old", deprecated="Use standard."),
    image("plain"),
    image("standard", default=True),
    image("secret", "admins"),
)


def test_what_is_offered_and_in_which_order() -> None:
    assert [each.name for each in OFFER.instance_types_for([])] == ["small", "large"]
    assert [each.name for each in OFFER.instance_types_for(["x", "admins"])] == ["small", "large", "gpu"]
    assert [each.name for each in OFFER.images_for([])] == ["standard", "plain", "old"]


@pytest.mark.parametrize(
    ("wanted", "groups", "reason", "message"),
    [
        (
            ("huge", "standard"),
            [],
            Reason.UNKNOWN_INSTANCE_TYPE,
            "There is no size 'huge' (any more). Sizes you may use: small, large.",
        ),
        (
            ("gpu", "standard"),
            ["analysts"],
            Reason.INSTANCE_TYPE_FORBIDDEN,
            "Size 'gpu' is only for members of the groups 'researchers', 'admins'. Sizes you may use: small, large.",
        ),
        (
            ("small", "none"),
            [],
            Reason.UNKNOWN_IMAGE,
            "There is no image 'none' (any more). Images you may use: standard, plain, old.",
        ),
        (
            ("small", "secret"),
            [],
            Reason.IMAGE_FORBIDDEN,
            "Image 'secret' is only for members of the group 'admins'. Images you may use: standard, plain, old.",
        ),
    ],
)
def test_refusals(wanted: tuple[str, str], groups: list[str], reason: Reason, message: str) -> None:
    refusal = OFFER.refusal(*wanted, groups)
    assert refusal is not None
    assert (refusal.reason, refusal.message) == (reason, message)
    assert reason.kind is ReasonKind.FINAL


def test_what_is_allowed_is_not_refused() -> None:
    assert OFFER.refusal("small", "old", []) is None
    assert OFFER.refusal("gpu", "secret", ["admins"]) is None


def test_nothing_to_offer_says_whom_to_ask() -> None:
    refusal = catalogue().refusal("small", "standard", [])
    assert refusal is not None
    assert refusal.message == (
        "There is no size 'small' (any more). Sizes you may use: none; ask an administrator."
    )


def test_a_long_offer_is_cut_short() -> None:
    many = catalogue(*(size(f"s{number:02}") for number in range(12)))
    refusal = many.refusal("x", "y", [])
    assert refusal is not None
    assert refusal.message.endswith("s00, s01, s02, s03, s04, s05, s06, s07 and 4 more.")
