"""Which sizes and images a person may use, and the sentence that refuses the others."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from carrel_operator.api import InstanceType, NotebookImage, Reason

_NAMED_AT_MOST = 8


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a notebook may not start, and what its owner can do."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The admin's instance types and images, by name."""

    instance_types: Mapping[str, InstanceType] = field(default_factory=dict)
    images: Mapping[str, NotebookImage] = field(default_factory=dict)

    def instance_types_for(self, groups: Collection[str]) -> tuple[InstanceType, ...]:
        """The sizes that members of these groups may use, in the order of the cards."""
        allowed = (each for each in self.instance_types.values() if _may_use(each, groups))
        return tuple(sorted(allowed, key=lambda each: (each.order, each.name)))

    def images_for(self, groups: Collection[str]) -> tuple[NotebookImage, ...]:
        """The images that members of these groups may use: the default first, deprecated ones last."""
        allowed = (each for each in self.images.values() if _may_use(each, groups))
        return tuple(
            sorted(
                allowed,
                key=lambda each: (
                    each.deprecated is not None,
                    not each.default,
                    each.display_name,
                    each.name,
                ),
            )
        )

    @property
    def default_image(self) -> NotebookImage | None:
        """The image for what no person chose one for."""
        return min(self.images.values(), key=lambda each: (not each.default, each.name), default=None)

    def refusal(self, instance_type: str, image: str, groups: Collection[str]) -> Refusal | None:
        """Why members of these groups may not start this image at this size, or None when they may."""
        size = self.instance_types.get(instance_type)
        sizes = _choose(each.name for each in self.instance_types_for(groups))
        if size is None:
            return Refusal(
                Reason.UNKNOWN_INSTANCE_TYPE,
                f"There is no size '{instance_type}' (any more). Sizes you may use: {sizes}.",
            )
        if not _may_use(size, groups):
            return Refusal(
                Reason.INSTANCE_TYPE_FORBIDDEN,
                f"Size '{instance_type}' is only for {_members_of(size.allowed_groups)}. Sizes you may use: {sizes}.",
            )
        found = self.images.get(image)
        images = _choose(each.name for each in self.images_for(groups))
        if found is None:
            return Refusal(
                Reason.UNKNOWN_IMAGE, f"There is no image '{image}' (any more). Images you may use: {images}."
            )
        if not _may_use(found, groups):
            return Refusal(
                Reason.IMAGE_FORBIDDEN,
                f"Image '{image}' is only for {_members_of(found.allowed_groups)}. Images you may use: {images}.",
            )
        return None


def _may_use(option: InstanceType | NotebookImage, groups: Collection[str]) -> bool:
    return not option.allowed_groups or not set(option.allowed_groups).isdisjoint(groups)


def _choose(names: Iterable[str]) -> str:
    found = list(names)
    more = len(found) - _NAMED_AT_MOST
    named = ", ".join(found[:_NAMED_AT_MOST])
    return f"{named} and {more} more" if more > 0 else named or "none; ask an administrator"


def _members_of(groups: Iterable[str]) -> str:
    named = [f"'{each}'" for each in groups]
    return (
        f"members of the group {named[0]}" if len(named) == 1 else f"members of the groups {', '.join(named)}"
    )
