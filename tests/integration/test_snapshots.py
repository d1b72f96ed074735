"""On a storage with snapshots these are the backups, and files come back from them just as from restic."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from carrel_operator import names
from support.audit import requests
from support.backups import Backups, read
from support.cluster import Kubectl, Object, Person, Platform, eventually, unique
from support.terminal import carrel

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]

CLASS = "snapshots"
MISSING = "no storage of this cluster has snapshots; started with CARREL_SNAPSHOTS=1 it has one"
MAKE = """
import os
os.makedirs("work/deep")
open("work/a.csv", "w").write("one")
os.chmod("work/a.csv", 0o600)
open("work/deep/we[ir]d* näme\\n$(HOME)", "w").write("odd")
os.symlink("/etc/passwd", "work/outside")
os.symlink("../../..", "work/up")
open("/projects/{project}/plan.csv", "w").write("ours")
"""
CHANGE = """
import os, shutil
open("work/a.csv", "w").write("two")
shutil.rmtree("work/deep")
os.remove("/projects/{project}/plan.csv")
"""
LOOK = """
import os
os.chdir("restored/{day}/work")
print(oct(os.stat("a.csv").st_mode & 0o777), os.readlink("outside"), os.readlink("up"), os.listdir("deep"), os.stat("deep").st_uid == os.getuid())
"""


@pytest.fixture(autouse=True)
def storage(kube: Kubectl) -> None:
    if kube.get("storageclass", CLASS) is None:
        pytest.skip(MISSING)


@pytest.fixture
def project(kube: Kubectl) -> Iterator[str]:
    name = unique("team")
    yield name
    claim = names.project_volume(name)
    if kube.get("pvc", claim):
        remove_backups(Backups(kube, claim))
    kube("delete", "project", name, "--ignore-not-found", "--timeout=60s")
    kube("delete", "pvc", claim, "--ignore-not-found", "--wait=false")


def remove_backups(backups: Backups) -> None:
    backups.kube("annotate", "pvc", backups.claim, "carrel.dev/backup-now-")
    backups.kube("delete", "volumesnapshot", "-l", f"carrel.dev/claim={backups.claim}")
    backups.remove()


def home_with_snapshots(person: Person) -> None:
    """A home that was made before its first start, of another class than the chart's."""
    metadata = {"name": names.home(person.name), "annotations": {"carrel.dev/owner": person.name}}
    spec = {
        "storageClassName": CLASS,
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    person.kube.apply(
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}
    )


def project_with_snapshots(kube: Kubectl, name: str, member: str) -> None:
    spec = {
        "members": [{"user": member, "role": "editor"}],
        "volume": {"size": "1Gi", "storageClass": CLASS},
    }
    kube.apply({"apiVersion": "carrel.dev/v1", "kind": "Project", "metadata": {"name": name}, "spec": spec})
    kube("wait", f"project/{name}", "--for=condition=Ready", "--timeout=60s")


def test_what_was_changed_or_deleted_comes_back_from_a_snapshot(
    person: NewPerson, kube: Kubectl, project: str, platform: Platform
) -> None:
    ada = person()
    began = datetime.now(UTC).timestamp()
    home_with_snapshots(ada)
    project_with_snapshots(kube, project, ada.name)
    ada.start()
    ada.python(MAKE.format(project=project))
    home, files = Backups(kube, names.home(ada.name)), Backups(kube, names.project_volume(project))
    home.ask("1")
    files.ask("1")
    status = home.answered("1")
    files.answered("1")
    (kept,) = status["snapshots"]
    assert (kept["kind"], status["message"]) == (
        "VolumeSnapshot",
        "The storage keeps a snapshot of all files.",
    )
    assert kube.get("volumesnapshot", kept["id"])
    ada.python(CHANGE.format(project=project))

    day = datetime.fromisoformat(kept["at"]).date().isoformat()
    assert day in carrel(ada, "backups")[1]
    code, said = carrel(ada, "restore", "work/a.csv")
    there = f"/home/{names.slug(ada.name)}/restored/{day}/a.csv"
    assert (code, said.splitlines()[-1].endswith(f"which is {there}.")) == (0, True), said
    assert (read(ada, there), read(ada, "work/a.csv")) == ("one", "two")
    code, said = carrel(ada, "restore", "work", "--as-of", day)
    assert code == 0, said
    assert ada.python(LOOK.format(day=day)) == "0o600 /etc/passwd ../../.. ['we[ir]d* näme\\n$(HOME)'] True\n"
    code, said = carrel(ada, "restore", "work/outside/x")
    assert (code, "There is no 'work/outside/x' in the backup of" in said) == (1, True), said
    assert carrel(ada, "restore", "work/a.csv", "--as-of", "2020-01-01")[0] == 1

    code, said = carrel(ada, "restore", f"/projects/{project}/plan.csv")
    assert code == 0, said
    back = f"/projects/{project}/restored/{day}/plan.csv"
    assert read(ada, back) == "ours"
    owner = f"import os, grp; print(grp.getgrgid(os.stat({back!r}).st_gid).gr_name)"
    assert ada.python(owner) == f"{project}\n"

    eventually("the temporary claims are gone", lambda: not temporary_claims(kube), 60)
    made = [each.name for each in requests(platform.audit_log, began) if each.verb == "create"]
    assert not {names.backup_pod(home.claim), names.backup_pod(files.claim)} & set(made), "no pod of restic"
    what_is_kept_no_longer_is_let_go_of(kube, home, kept["id"])
    remove_backups(home)


def temporary_claims(kube: Kubectl) -> list[str]:
    found = [each["metadata"]["name"] for each in kube.items("pvc")]
    return [each for each in found if each.startswith(names.restore_pod(""))]


def what_is_kept_no_longer_is_let_go_of(kube: Kubectl, home: Backups, newest: str) -> None:
    """Two snapshots of one day long ago, of which the calendar has room for the later."""
    then = (datetime.now(UTC) - timedelta(days=60)).replace(hour=12, minute=0, second=0)
    earlier, later = (old_snapshot(kube, home.claim, then + timedelta(hours=each)) for each in (0, 1))
    eventually("the earlier one is gone", lambda: kube.get("volumesnapshot", earlier) is None, 60)

    def listed() -> list[str]:
        return [each["id"] for each in home.status().get("snapshots", ())]

    eventually("the others are listed", lambda: {newest, later} <= set(listed()), 60)
    assert earlier not in listed()
    eventually("the storage has let go of it", lambda: earlier not in contents_of(kube), 60)
    assert kube.get("volumesnapshot", later)


def old_snapshot(kube: Kubectl, claim: str, at: datetime) -> str:
    name = names.volume_snapshot(claim, f"{at:%Y%m%d-%H%M%S}")
    metadata: Object = {
        "name": name,
        "labels": {"carrel.dev/claim": claim},
        "annotations": {"carrel.dev/begun": f"{at:%Y-%m-%dT%H:%M:%SZ}"},
    }
    spec = {"volumeSnapshotClassName": CLASS, "source": {"persistentVolumeClaimName": claim}}
    kube.apply(
        {
            "apiVersion": "snapshot.storage.k8s.io/v1",
            "kind": "VolumeSnapshot",
            "metadata": metadata,
            "spec": spec,
        }
    )
    return name


def contents_of(kube: Kubectl) -> set[str]:
    """The names of the snapshots that the storage still holds anything of."""
    return {each["spec"]["volumeSnapshotRef"]["name"] for each in kube.items("volumesnapshotcontents")}
