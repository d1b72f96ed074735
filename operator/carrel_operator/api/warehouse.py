"""What a project has of the warehouse: who pays, which datasets it may use, and how much it may read."""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Self

from carrel_operator.api.reading import Body, InvalidObjectError
from carrel_operator.quantities import number

# the CRD's schema says the same
_DATASET = re.compile(
    r"(?:(?P<project>(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9])\.)?(?P<name>\w{1,1024})", re.ASCII
)


class DatasetRole(StrEnum):
    """What may be done with a dataset; each may do what those before it may."""

    VIEWER = "viewer"
    EDITOR = "editor"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset that a project may use; without a project of the warehouse it is in the one that pays."""

    name: str
    role: DatasetRole
    project: str = ""

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read one entry; InvalidObjectError when it names no dataset or an unknown role."""
        found = _DATASET.fullmatch(str(body.get("id", "")))
        if not found:
            message = (
                f"spec.warehouse.datasets has the id '{body.get('id', '')}'; use dataset or project.dataset"
            )
            raise InvalidObjectError(message)
        try:
            role = DatasetRole(body.get("role", ""))
        except ValueError as error:
            message = f"spec.warehouse.datasets has the role '{body.get('role', '')}'; use viewer or editor"
            raise InvalidObjectError(message) from error
        return cls(found["name"], role, found["project"] or "")


@dataclass(frozen=True, slots=True)
class Budget:
    """How many bytes may be billed; None is no limit, 0 lets nothing be read."""

    bytes_per_day: int | None = None
    bytes_per_query: int | None = None

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read it; InvalidObjectError names the field that is no number of bytes."""
        return cls(_bytes(body, "bytesPerDay"), _bytes(body, "bytesPerQuery"))


@dataclass(frozen=True, slots=True)
class Warehouse:
    """``spec.warehouse`` of a Project."""

    billing_project: str = ""  # the release's own if empty
    datasets: tuple[Dataset, ...] = ()
    budget: Budget = Budget()

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read it; InvalidObjectError names the field that is wrong."""
        return cls(
            billing_project=str(body.get("billingProject", "")),
            datasets=tuple(Dataset.parse(each) for each in body.get("datasets", ())),
            budget=Budget.parse(body.get("budget", {})),
        )


def _bytes(body: Body, key: str) -> int | None:
    given = body.get(key)
    if given is None:
        return None
    try:
        value = number(str(given))
    except ValueError as error:
        message = f"spec.warehouse.budget.{key} is '{given}'; write a number of bytes such as 500Gi"
        raise InvalidObjectError(message) from error
    if value < Decimal(0):
        message = f"spec.warehouse.budget.{key} is '{given}'; it must not be less than 0"
        raise InvalidObjectError(message)
    return int(value)
