"""What a person may ask for at a start, checked the same way whether a form or an API client asks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from carrel_operator.catalogue import Catalogue, Refusal

INSTANCE_TYPE = "instance_type"
IMAGE = "image"
RESCUE = "rescue"

_OPTIONS = (INSTANCE_TYPE, IMAGE, RESCUE)
_ANSWERS = {True: True, "true": True, False: False, "false": False, None: False}


@dataclass(frozen=True, slots=True)
class Choice:
    """A size and an image, by name, and whether to start beside a home that is full."""

    instance_type: str
    image: str
    rescue: bool = False


@dataclass
class OptionError(Exception):
    """The options can't be used; ``message`` says which and what may be used instead."""

    reason: str
    message: str

    def __str__(self) -> str:
        return self.message


def from_form(form: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """The options in form or query data, where everything is a list; JupyterHub's own fields are left out."""
    return {
        key: values[0] if len(values) == 1 else list(values)
        for key, values in form.items()
        if not key.startswith("_")
    }


def choice(options: Mapping[str, Any], catalogue: Catalogue, groups: Collection[str]) -> Choice:
    """What is asked for, the defaults where nothing is; OptionError if a member of these groups may not."""
    if unknown := sorted(str(key) for key in options if key not in _OPTIONS):
        raise OptionError(
            "UnknownOption", f"There is no option '{unknown[0]}'. The options are {', '.join(_OPTIONS)}."
        )
    chosen = Choice(
        instance_type=_named(options, INSTANCE_TYPE) or _first(catalogue.instance_types_for(groups), "size"),
        image=_named(options, IMAGE) or _first(catalogue.images_for(groups), "image"),
        rescue=_rescue(options),
    )
    if refusal := catalogue.refusal(chosen.instance_type, chosen.image, groups):
        raise _error(refusal)
    return chosen


def suggestion(options: Mapping[str, Any], catalogue: Catalogue, groups: Collection[str]) -> Choice | None:
    """What the form selects: the last choice as far as it is still allowed; None when nothing is allowed."""
    sizes = [each.name for each in catalogue.instance_types_for(groups)]
    images = [each.name for each in catalogue.images_for(groups)]
    if not sizes or not images:
        return None
    size, image = options.get(INSTANCE_TYPE), options.get(IMAGE)
    return Choice(size if size in sizes else sizes[0], image if image in images else images[0])


def _named(options: Mapping[str, Any], key: str) -> str:
    value = options.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or not value:
        raise OptionError("InvalidOption", f"The option '{key}' must be one name.")
    return value


def _rescue(options: Mapping[str, Any]) -> bool:
    value = options.get(RESCUE)
    if isinstance(value, bool | str | None) and value in _ANSWERS:
        return _ANSWERS[value]
    raise OptionError("InvalidOption", f"The option '{RESCUE}' must be true or false.")


def _first(allowed: Sequence[Any], what: str) -> str:
    if not allowed:
        raise OptionError(
            "NothingAllowed", f"There is no {what} that you may use. Ask an administrator for one."
        )
    name: str = allowed[0].name
    return name


def _error(refusal: Refusal) -> OptionError:
    return OptionError(str(refusal.reason), refusal.message)
