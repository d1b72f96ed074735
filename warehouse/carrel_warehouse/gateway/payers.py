"""Who pays for a query: the project whose server asks or whose billing project is charged, else the person."""

from collections.abc import Iterable
from dataclasses import dataclass

from carrel_operator.api import Budget, Project
from carrel_warehouse.cluster_view import Caller
from carrel_warehouse.gateway import labels
from carrel_warehouse.gateway.settings import Settings


@dataclass(frozen=True)
class Payer:
    """On whose budget a query goes; `project` is empty where it is the person's own."""

    person: str
    project: str
    notebook: str
    budget: Budget

    @property
    def name(self) -> str:
        """As a sentence names it."""
        return f"project {self.project}" if self.project else self.person

    @property
    def labels(self) -> dict[str, str]:
        """What a job carries of it."""
        given = {
            labels.PERSON: self.person,
            labels.PROJECT: self.project,
            labels.NOTEBOOK: self.notebook,
        }
        return {key: labels.value(text) for key, text in given.items() if text}

    @property
    def raised_by(self) -> str:
        """Half a sentence: who can give it more, and where."""
        if self.project:
            return f"an administrator can raise it in spec.warehouse.budget of the Project {self.project}"
        return "an administrator can raise it in warehouse.gateway.budget of Carrel's Helm values"


class NotYoursError(Exception):
    """Somebody charges a project that is not theirs, or not there; `str()` is a sentence."""


def payer(caller: Caller, billing_project: str, projects: Iterable[Project], settings: Settings) -> Payer:
    """Who pays for what `caller` asks in `billing_project`.

    Raises:
        NotYoursError: it is the billing project of teams to none of which the caller belongs, or its team is gone.
    """
    known = {each.name: each for each in projects}
    if caller.project:
        if not (team := known.get(caller.project)):
            raise NotYoursError(f"The project {caller.project} is gone, so nobody pays for this query.")
        return Payer(caller.person, caller.project, caller.notebook, team.warehouse.budget)
    teams = [each for each in known.values() if each.warehouse.billing_project == billing_project]
    if not teams or billing_project == settings.project:
        return Payer(caller.person, "", caller.notebook, settings.budget_of(caller.person))
    mine = sorted(each.name for each in teams if each.role_of(caller.person, caller.groups))
    if not mine:
        raise NotYoursError(
            f"Queries in {billing_project} are paid by the project {teams[0].name}, of which {caller.person} is no member. "
            f"Ask an administrator of {teams[0].name}, or use {settings.project}."
        )
    return Payer(caller.person, mine[0], caller.notebook, known[mine[0]].warehouse.budget)
