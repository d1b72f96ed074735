"""What the operator says of a project's grants in the warehouse."""

from dataclasses import dataclass
from typing import Any, Self

from carrel_operator.api.reading import Body
from carrel_operator.api.status import Condition, parse_conditions
from carrel_operator.api.vocabulary import ConditionType


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One entry of a dataset's access list that Carrel has written; ``dataset`` is project.dataset."""

    dataset: str
    role: str
    principal: str

    @classmethod
    def parse(cls, body: Body) -> Self:
        """Read one of a status."""
        return cls(str(body.get("dataset", "")), str(body.get("role", "")), str(body.get("principal", "")))

    def body(self) -> dict[str, str]:
        """As the status has it."""
        return {"dataset": self.dataset, "role": self.role, "principal": self.principal}


@dataclass(frozen=True, slots=True)
class GrantsStatus:
    """The part of a Project's status that is about grants."""

    grants: frozenset[Grant] = frozenset()  # whatever may be in an access list by our hand, and is taken back
    settled: str = ""  # the wishes that the access lists were last found to fulfil, as ``grants.mark``
    condition: Condition | None = None

    @classmethod
    def parse(cls, status: Body) -> Self:
        """Read it from a Project's stored status."""
        found = (each for each in parse_conditions(status) if each.type is ConditionType.DATASETS_GRANTED)
        return cls(
            grants=frozenset(Grant.parse(each) for each in status.get("grants", ())),
            settled=str(status.get("grantsSettled", "")),
            condition=next(found, None),
        )

    def body(self) -> dict[str, Any]:
        """As Kubernetes stores it, without what is empty."""
        fields = {
            "grants": [each.body() for each in sorted(self.grants)],
            "grantsSettled": self.settled,
            "conditions": [self.condition.body()] if self.condition else [],
        }
        return {key: value for key, value in fields.items() if value}
