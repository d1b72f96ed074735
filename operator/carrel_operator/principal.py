"""As whom a server runs: the names of its account, its home and its login, which differ for people and projects."""

from dataclasses import dataclass

from carrel_operator import names


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever owns servers, as the cluster knows them; no two owners share any of these names."""

    service_account: str
    home: str  # the claim
    login: str

    @property
    def home_path(self) -> str:
        """Where the home is mounted."""
        return f"/home/{self.login}"


def of_person(owner: str) -> Principal:
    """A person, for ever the same."""
    return Principal(names.service_account(owner), names.home(owner), names.slug(owner))


def of_project(project: str, number: int) -> Principal:
    """A project, until it is deleted: made again under the same name it has another number."""
    return Principal(
        names.project_account(project, number),
        names.project_home(project, number),
        names.project_login(project),
    )
