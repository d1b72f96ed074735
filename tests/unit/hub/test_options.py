from typing import Any

import pytest

from carrel_hub.options import RESCUE, Choice, OptionError, choice, from_form, suggestion
from carrel_operator.api import InstanceType, NotebookImage
from carrel_operator.catalogue import Catalogue
from unit.hub.kubernetes_api import image, size

CATALOGUE = Catalogue(
    {
        each["metadata"]["name"]: InstanceType.parse(each)
        for each in (
            size("small", order=1),
            size("large", order=2),
            size("gpu", allowedGroups=["researchers"]),
        )
    },
    {
        each["metadata"]["name"]: NotebookImage.parse(each)
        for each in (
            image("other"),
            image("standard", default=True),
            image("secret", allowedGroups=["staff"]),
        )
    },
)


@pytest.mark.parametrize(
    ("asked", "groups", "got"),
    [
        pytest.param({}, (), Choice("small", "standard"), id="nothing: the defaults"),
        pytest.param(
            {"instance_type": None, "image": None}, (), Choice("small", "standard"), id="null: the defaults"
        ),
        pytest.param({"instance_type": "large"}, (), Choice("large", "standard"), id="a size alone"),
        pytest.param({"image": "other"}, (), Choice("small", "other"), id="an image alone"),
        pytest.param(
            {"instance_type": "gpu", "image": "other"},
            ("researchers",),
            Choice("gpu", "other"),
            id="by group",
        ),
    ],
)
def test_what_is_allowed_is_chosen(asked: dict[str, Any], groups: tuple[str, ...], got: Choice) -> None:
    assert choice(asked, CATALOGUE, groups) == got


@pytest.mark.parametrize(
    ("asked", "reason", "said"),
    [
        pytest.param(
            {"instance_type": "giant"}, "UnknownInstanceType", "Sizes you may use: small, large.", id="size"
        ),
        pytest.param(
            {"instance_type": "gpu"}, "InstanceTypeForbidden", "group 'researchers'", id="size of others"
        ),
        pytest.param({"image": "none"}, "UnknownImage", "Images you may use: standard, other.", id="image"),
        pytest.param({"image": "secret"}, "ImageForbidden", "group 'staff'", id="image of others"),
        pytest.param(
            {"cpu": 64}, "UnknownOption", "The options are instance_type, image, rescue.", id="unknown key"
        ),
        pytest.param(
            {"instance_type": ["small"]}, "InvalidOption", "'instance_type' must be one name", id="list"
        ),
        pytest.param({"instance_type": ""}, "InvalidOption", "'instance_type' must be one name", id="empty"),
        pytest.param({"image": 7}, "InvalidOption", "'image' must be one name", id="number"),
        pytest.param({"image": {"name": "x"}}, "InvalidOption", "'image' must be one name", id="mapping"),
        pytest.param(
            {"instance_type": "../x\n"}, "UnknownInstanceType", "There is no size", id="strange text"
        ),
    ],
)
def test_anything_else_is_refused_with_what_may_be_chosen(
    asked: dict[str, Any], reason: str, said: str
) -> None:
    with pytest.raises(OptionError) as refused:
        choice(asked, CATALOGUE, ())
    assert refused.value.reason == reason
    assert said in refused.value.message


def test_an_empty_catalogue_is_a_sentence() -> None:
    with pytest.raises(OptionError, match="Ask an administrator"):
        choice({}, Catalogue(), ())


def test_a_form_is_a_mapping_of_lists_and_jupyterhubs_own_fields_are_left_out() -> None:
    form = {"instance_type": ["small"], "image": ["a", "b"], "_xsrf": ["token"]}
    assert from_form(form) == {"instance_type": "small", "image": ["a", "b"]}


@pytest.mark.parametrize(
    ("last", "groups", "selected"),
    [
        pytest.param({}, (), Choice("small", "standard"), id="first visit"),
        pytest.param(
            {"instance_type": "large", "image": "other"}, (), Choice("large", "other"), id="last choice"
        ),
        pytest.param(
            {"instance_type": "gpu", "image": "gone"}, (), Choice("small", "standard"), id="not allowed now"
        ),
        pytest.param({"instance_type": ["x"]}, (), Choice("small", "standard"), id="nonsense"),
    ],
)
def test_the_form_selects_the_last_choice_as_far_as_it_is_allowed(
    last: dict[str, Any], groups: tuple[str, ...], selected: Choice
) -> None:
    assert suggestion(last, CATALOGUE, groups) == selected


def test_nothing_is_selected_where_nothing_is_allowed() -> None:
    assert suggestion({}, Catalogue(), ()) is None


@pytest.mark.parametrize(
    ("value", "rescue"), [(True, True), ("true", True), (False, False), ("false", False), (None, False)]
)
def test_a_rescue_start_is_asked_for_by_a_form_or_by_an_api(value: object, rescue: bool) -> None:
    assert choice({RESCUE: value}, CATALOGUE, ()).rescue is rescue


@pytest.mark.parametrize("value", ["maybe", 1, ["true"], {}])
def test_a_rescue_that_is_neither_true_nor_false_is_refused(value: object) -> None:
    with pytest.raises(OptionError, match="must be true or false"):
        choice({RESCUE: value}, CATALOGUE, ())
