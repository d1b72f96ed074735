"""Every name that Carrel gives an object is made here: any text gives a valid name, and no two texts the same.

A slug never contains ``--`` except as the ``---`` before its own hash, and neither begins nor ends with a hyphen.
So the first run of hyphens longer than one says what follows: three is a hashed owner, two a server. That
is why ``a`` with server ``b-c`` and ``a-b`` with server ``c`` differ (the fault of CVE-2020-15110), and why nobody
can take the name of another's hash: a text that looks like one contains ``--`` and is hashed itself.

Texts are taken codepoint by codepoint: ``é`` composed and decomposed are two users, as are ``Alice`` and ``alice``.
Folding them together is for the login, which knows what its directory means by a name; the verbatim text is kept in
an annotation and compared before anything is adopted.

The longest name is ``nb-<24>--<24>-env``, 57 characters: a Service may have 63, a label value too. Every prefix begins
with a letter because a Service's name must (DNS-1035).

A project's own server belongs to ``project:<name>``, whom nobody can sign in as. What it may do and what it keeps is
named by the project's number too (``project-sales-20005``), so a project made again under an old name inherits nothing.
"""

import hashlib
import re
from typing import Protocol

SLUG_LIMIT = 24
TEAM = "project:"  # how the owners of team servers begin, and no person's name

_PLAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_OF_TEAM = re.compile(r"(?:home-project-|project)-([a-z0-9].*)-\d+")
_HASH_LENGTH = 10  # 40 bits: one chance in 10^6 that any two of a thousand hashed names meet


class HasNamespace(Protocol):
    """Anything that knows the release's namespace, such as ``settings.Settings``."""

    @property
    def namespace(self) -> str: ...  # noqa: D102


def slug(text: str, limit: int = SLUG_LIMIT) -> str:
    """The text itself where it is a valid name without ``--`` and short enough, else ``<readable part>---<hash>``."""
    if len(text) <= limit and "--" not in text and _PLAIN.fullmatch(text):
        return text
    # surrogatepass: a lone surrogate is no valid text, but it must not be a crash either
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]
    readable = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    readable = readable[: limit - len("---") - _HASH_LENGTH].strip("-")
    return f"{readable or 'x'}---{digest}"


def notebook(owner: str, server: str = "") -> str:
    """The Notebook of a person's server; the default server's name is the empty text."""
    return f"{slug(owner)}--{slug(server)}" if server else slug(owner)


def pod(notebook_name: str) -> str:
    """The pod of a Notebook."""
    return f"nb-{notebook_name}"


def service(notebook_name: str) -> str:
    """The Service of a Notebook."""
    return f"nb-{notebook_name}"


def network_policy(notebook_name: str) -> str:
    """The NetworkPolicy of a Notebook."""
    return f"nb-{notebook_name}"


def environment_secret(notebook_name: str) -> str:
    """The Secret in which the hub hands a server its environment."""
    return f"nb-{notebook_name}-env"


def service_account(owner: str) -> str:
    """The ServiceAccount that the warehouse knows a person by."""
    return f"user-{slug(owner)}"


def home(owner: str) -> str:
    """The claim that holds a person's home."""
    return f"home-{slug(owner)}"


def team(project: str) -> str:
    """The owner of a project's own server; no person's name, and no project's, has a colon there."""
    return f"{TEAM}{project}"


def project_of(owner: str) -> str:
    """The project whose server this owner's is; empty for a person."""
    return owner.removeprefix(TEAM) if owner.startswith(TEAM) else ""


def project_account(project: str, number: int) -> str:
    """The ServiceAccount that the warehouse knows a project by; no other project ever has its number."""
    return f"project-{project}-{number}"


def project_home(project: str, number: int) -> str:
    """The claim with the home of a project's own server; no slug has two hyphens there."""
    return f"home-project--{project}-{number}"


def project_login(project: str) -> str:
    """The name that the files of a project's own server bear; no slug has an underscore."""
    return f"project_{project}"


def owner_label_of(name: str) -> str:
    """The label of whom an account or a home of that name belongs to."""
    of_team = _OF_TEAM.fullmatch(name)
    return user_label(team(of_team[1])) if of_team else name.partition("-")[2]


def project_volume(project: str) -> str:
    """The claim that holds a project's files; a project's own name is a valid one of at most 40 characters."""
    return f"project-{project}"


def preparer(project: str) -> str:
    """The pod that makes a project's volume ready, once."""
    return f"prepare-{project}"


def carer(project: str) -> str:
    """The pod that looks through a project's files, or mends them."""
    return f"care-{project}"


def repository(claim: str, number: int | None = None) -> str:
    """The backups of a claim; a project's number keeps those of another one that had its name apart."""
    return claim if number is None else f"{claim}-{number}"


def backup_pod(repository_name: str) -> str:
    """The pod that backs a volume up."""
    return f"backup-{repository_name}"


def volume_snapshot(repository_name: str, moment: str) -> str:
    """One snapshot of a volume; no name of backups has a dot."""
    return f"{repository_name}.{moment}"


def repository_of(volume_snapshot_name: str) -> str:
    """The backups that a snapshot belongs to."""
    return volume_snapshot_name.rpartition(".")[0]


def restore_pod(restore: str) -> str:
    """The pod that carries out a VolumeRestore, whose own name has at most 50 characters."""
    return f"restore-{restore}"


def cloner(project: str) -> str:
    """The pod that clones a repository into a project's files, once."""
    return f"clone-{project}"


def user_label(owner: str) -> str:
    """The label value that groups what belongs to one person."""
    return slug(owner)


def home_path(owner: str) -> str:
    """Where the home is mounted."""
    return f"/home/{slug(owner)}"


def namespace_for(owner: str, settings: HasNamespace) -> str:  # noqa: ARG001
    """The namespace of a person's objects: one for all, until a release outgrows one namespace (near 3000 pods)."""
    return settings.namespace
