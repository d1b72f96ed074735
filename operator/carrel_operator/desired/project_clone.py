"""A project's repository is cloned into its files once, by one pod that ends by itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from carrel_operator import api, names
from carrel_operator.api import Body, NotebookImage, Repository
from carrel_operator.desired.volume_pod import VOLUME_PATH, volume_container, volume_pod
from carrel_operator.project_cloning import Cloning
from carrel_operator.project_seen import FILES, ProjectSeen
from carrel_operator.settings import Settings

_DEADLINE = 3600
_MEMORY = "1Gi"  # git unpacks what it gets in memory

# A folder of that name is there already after a restore, or because the team was quicker: it is left alone. What is
# half cloned bears another name, and goes before the next try. No prompt, no other protocol, nobody's configuration.
_SCRIPT = f"""
umask 002
cd {VOLUME_PATH}/{FILES}
[ -e "$FOLDER" ] && exit 0
rm -rf ".cloning-$FOLDER"
git clone --quiet --no-local --template= ${{BRANCH:+--branch "$BRANCH"}} -- "$URL" ".cloning-$FOLDER" || exit 1
mv -T ".cloning-$FOLDER" "$FOLDER"
"""
_GIT = {
    "HOME": "/tmp",  # noqa: S108 - the pod's own
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "https:http",
    "GIT_LFS_SKIP_SMUDGE": "1",
}


@dataclass(frozen=True, slots=True)
class Clone:
    """What should happen now."""

    marks: dict[str, str]  # annotations of the claim
    pod: Body | None = None
    pod_goes: bool = False
    try_again_in: float | None = None  # seconds


def clone(seen: ProjectSeen, image: NotebookImage | None, settings: Settings, now: datetime) -> Clone:
    """The next step towards a clone. ``image`` is one that has git; without any it has to wait."""
    marks = {api.REPOSITORY_ANNOTATION: seen.cloning_text} if seen.cloning_text else {}
    repository = seen.project.repository
    if seen.cloner is not None:
        return _after(seen.cloner, marks)
    if repository is None or image is None or not seen.prepared or seen.number is None:
        return Clone(marks)
    if seen.cloning is not None:
        if seen.cloning.done:
            return Clone(marks)
        due = seen.cloning.next_try()
        left = (due - now).total_seconds() if due else 0.0
        if left > 0:
            return Clone(marks, try_again_in=left)
    return Clone(marks, _cloner(seen, repository, image, seen.number, settings))


def _after(pod: Body, marks: dict[str, str]) -> Clone:
    """A pod is there: it is left until it has ended, and until what it told is written down."""
    found = Cloning.outcome(pod)
    if found is None:
        return Clone(marks)
    new = {api.REPOSITORY_ANNOTATION: found.text()}
    return Clone(new, pod_goes=new == marks)


def _cloner(
    seen: ProjectSeen, repository: Repository, image: NotebookImage, number: int, settings: Settings
) -> dict[str, Any]:
    container = volume_container("clone", ["sh", "-c", _SCRIPT], settings, memory=_MEMORY)
    words = _GIT | {"URL": repository.url, "BRANCH": repository.branch, "FOLDER": repository.folder}
    container |= {
        "image": image.image,
        "env": [{"name": name, "value": value} for name, value in words.items()],
    }
    pod = volume_pod(seen.project, names.cloner(seen.project.name), number, [container], settings)
    # what was tried before, so that the pod alone tells what came of it
    pod["metadata"]["annotations"] = {api.REPOSITORY_ANNOTATION: (seen.cloning or Cloning(repository)).text()}
    pod["spec"] |= {"restartPolicy": "Never", "activeDeadlineSeconds": _DEADLINE}
    return pod
