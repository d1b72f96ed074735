"""What the hub tells of backups, whose files it lets somebody restore, and what it writes for that."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from carrel_hub import backups_api
from carrel_hub.backups import Backups, RestoreRefusedError, checked_path, restore_view, views
from carrel_operator.api import Whose
from carrel_operator.cluster import Cluster
from unit.hub.kubernetes_api import KubernetesApi

Eventually = Callable[[Callable[[], object]], Awaitable[None]]

SNAPSHOTS = [{"id": "b", "at": "2026-11-27T02:30:05+01:00"}, {"id": "a", "at": "2026-11-26T02:30:05+01:00"}]
STATUS = {"message": "3 files are backed up.", "lastAt": "2026-11-27T01:30:05Z", "snapshots": SNAPSHOTS}


def object_of(kind: str, name: str, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "carrel"}
    return {"apiVersion": "carrel.dev/v1", "kind": kind, "metadata": metadata, "spec": spec, **more}


@pytest.fixture
async def backups(api: KubernetesApi, cluster: Cluster) -> AsyncIterator[Backups]:
    for owner in ("ada", "alan"):
        spec = {"owner": owner, "claim": f"home-{owner}"}
        api.put("volumebackups", object_of("VolumeBackup", f"home-{owner}", spec, status=STATUS))
    for number in (20005, 20009):  # of a former project, and of the one that has its name now
        spec = {"project": "sales", "claim": "project-sales"}
        status = STATUS | {"message": f"Of {number}."}
        api.put("volumebackups", object_of("VolumeBackup", f"project-sales-{number}", spec, status=status))
        claim = f"home-project--sales-{number}"
        spec = {"owner": "project:sales", "claim": claim}
        status = STATUS | {"message": f"Home of {number}."}
        api.put("volumebackups", object_of("VolumeBackup", claim, spec, status=status))
    members = [{"user": "ada", "role": "editor"}, {"group": "analysts", "role": "viewer"}]
    api.put("projects", object_of("Project", "sales", {"members": members}, status={"gid": 20009}))
    found = Backups(cluster, "carrel")
    found.open()
    await found.listed()
    yield found
    await found.close()


@pytest.mark.parametrize(
    ("person", "groups", "may_restore"),
    [
        ("ada", [], ["ada", "sales", "project:sales"]),
        ("alan", ["analysts"], ["alan"]),
        ("project:sales", [], ["sales", "project:sales"]),
        ("sales", [], ["sales"]),
    ],
)
async def test_whose_files_somebody_may_restore(
    backups: Backups, person: str, groups: list[str], may_restore: list[str]
) -> None:
    found = [each.whose for each in backups.files_of(person, groups)]
    assert [each.owner or each.project for each in found] == may_restore


async def test_what_is_told_of_backups(backups: Backups) -> None:
    home, sales, of_server = views(backups.files_of("ada", []))
    assert home == {
        "owner": "ada",
        "project": "",
        "title": "Your home",
        "message": "3 files are backed up.",
        "last_at": "2026-11-27T01:30:05Z",
        "snapshots": SNAPSHOTS,
    }
    assert sales["message"] == "Of 20009.", "not those of the former project"
    assert (of_server["owner"], of_server["message"]) == ("project:sales", "Home of 20009.")
    [nothing] = views(backups.files_of("new", []))
    assert (nothing["message"], nothing["last_at"], nothing["snapshots"]) == (
        "There is no backup yet.",
        None,
        [],
    )


async def test_one_restore_at_a_time_is_written_and_followed(backups: Backups, api: KubernetesApi) -> None:
    made = await backups.restore(Whose(owner="ada"), "a.ipynb", "2026-11-26", "ada")
    stored = api.objects["volumerestores"][made.name]
    assert stored["spec"] == {"owner": "ada", "path": "a.ipynb", "asOf": "2026-11-26", "requestedBy": "ada"}
    assert restore_view(made)["phase"] == "Waiting"
    with pytest.raises(RestoreRefusedError, match="under way"):
        await backups.restore(Whose(owner="ada"), "b.ipynb", "", "ada")
    other = await backups.restore(Whose(project="sales"), "b.ipynb", "", "ada")
    assert [each.name for each in backups.restores_of([Whose(owner="ada")])] == [made.name]
    assert other.name != made.name


async def test_restores_have_a_limit(backups: Backups, api: KubernetesApi, eventually: Eventually) -> None:
    for number in range(50):
        spec = {"owner": "ada", "path": "a"}
        done = {"phase": "Done", "message": "It is there."}
        api.put("volumerestores", object_of("VolumeRestore", f"ada-{number}", spec, status=done))
    await eventually(lambda: len(backups.restores_of([Whose(owner="ada")])) == 50)
    with pytest.raises(RestoreRefusedError, match="50 restores"):
        await backups.restore(Whose(owner="ada"), "a", "", "ada")
    await backups.restore(Whose(owner="alan"), "a", "", "alan")


@pytest.mark.parametrize("path", [None, 1, "", " ", "/etc/passwd", "..", "a/../b", "a\0", "x" * 4097])
def test_a_path_that_cannot_be_is_refused_at_once(path: object) -> None:
    with pytest.raises(RestoreRefusedError):
        checked_path(path)


@pytest.mark.parametrize("path", ["a", "a b/c", "..a", ".", "~/x", "größe*"])
def test_other_paths_are_asked_for(path: str) -> None:
    assert checked_path(path) == path


@pytest.mark.parametrize(
    ("body", "whose"),
    [
        ({"path": "a"}, Whose(owner="ada")),
        ({"path": "a", "owner": "ada", "project": ""}, Whose(owner="ada")),
        ({"path": "a", "project": "sales"}, Whose(project="sales")),
        ({"path": "a", "owner": "project:sales"}, Whose(owner="project:sales")),
    ],
)
async def test_whose_files_are_meant(backups: Backups, body: dict[str, str], whose: Whose) -> None:
    _, _, found = backups_api._wish(body, "ada")
    assert backups_api._chosen(backups.files_of("ada", []), found) == whose


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"path": "a", "owner": "alan"}, 403, "You can't restore files of 'alan' here."),
        ({"path": "a", "owner": "project:hr"}, 403, "of a project 'hr': only its editors and admins"),
        ({"path": "a", "project": "hr"}, 403, "of a project 'hr': only its editors and admins"),
        ({"path": "a", "owner": "ada", "project": "sales"}, 400, 'instead of "project"'),
        ({"path": "a", "owner": ["ada"]}, 400, "Say "),
        ({"path": "a", "whose": "ada"}, 400, "Say "),
        ("a", 400, "Say "),
    ],
)
async def test_files_of_others_are_refused(backups: Backups, body: object, status: int, said: str) -> None:
    with pytest.raises(RestoreRefusedError) as refused:
        backups_api._chosen(backups.files_of("ada", []), backups_api._wish(body, "ada")[2])
    assert refused.value.status == status
    assert said in refused.value.message
