"""Where the storage has snapshots they are the backups: made, listed, let go of, and copied from."""

import os
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from carrel_operator import backup_view, concerned
from carrel_operator.api import Metadata, Snapshot, SnapshotKind, VolumeRestore, Whose
from carrel_operator.backup_outcome import backup_status, snapshot_status
from carrel_operator.backup_seen import BackupSeen, RestoreSeen
from carrel_operator.cache import Cache
from carrel_operator.dates import NoBackupError
from carrel_operator.desired.backup import Due, due
from carrel_operator.desired.backup_pods import restore_pod
from carrel_operator.desired.snapshot import expired, snapshot_class, source, volume_snapshot
from carrel_operator.places import Key
from carrel_operator.snapshot_seen import SnapshotSeen
from unit.operator.api_server import status
from unit.operator.backups import CLAIMS, FILES, GOOD, HOME, NOW, ON, OWN, PODS_PATH, World, backup, ended

GOLDEN = Path(__file__).parent / "golden"
SNAPSHOTS = "/apis/snapshot.storage.k8s.io/v1/namespaces/carrel/volumesnapshots"
CLASSES = "/apis/snapshot.storage.k8s.io/v1/volumesnapshotclasses"
STORAGE = "/apis/storage.k8s.io/v1/storageclasses"
NEVER = ON.without_snapshots()


def of_class(volume: Any, size: str = "10Gi") -> Any:
    claim = deepcopy(volume.claim)
    claim["spec"] = {"storageClassName": "disks", "accessModes": ["ReadWriteOnce"]}
    claim["status"] = {"phase": "Bound", "capacity": {"storage": size}}
    return replace(volume, claim=claim)


def snapshot(at: str, *, ready: bool = True, of: Any = HOME, **more: Any) -> SnapshotSeen:
    """A snapshot that the operator began at a moment."""
    moment = datetime.fromisoformat(at)
    body = volume_snapshot(BackupSeen(of_class(of), backup(), uses="u2", start="s2"), "disks", moment)
    body["status"] = {"readyToUse": ready} | more
    return SnapshotSeen(body)


def listed(*snapshots: SnapshotSeen) -> tuple[Snapshot, ...]:
    return tuple(Snapshot(each.name, each.begun, SnapshotKind.VOLUME_SNAPSHOT) for each in snapshots)


OLD, NEW = snapshot("2026-11-24T01:30:00Z"), snapshot("2026-11-27T01:30:00Z")
RESTIC = Snapshot("60c4cbd1", "2026-11-25T02:30:00+01:00")


@pytest.mark.parametrize(
    ("classes", "found"),
    [
        ([], None),
        ([("other", "files.example.org", False)], None),
        ([("b", "disks.example.org", False), ("a", "disks.example.org", False)], "a"),
        ([("a", "disks.example.org", False), ("b", "disks.example.org", True)], "b"),
        ([("a", "files.example.org", True), ("b", "disks.example.org", False)], "b"),
    ],
)
def test_the_class_is_one_of_the_same_driver(classes: list[tuple[str, str, bool]], found: str | None) -> None:
    bodies = [
        {
            "metadata": {
                "name": name,
                "annotations": {"snapshot.storage.kubernetes.io/is-default-class": str(default).lower()},
            },
            "driver": driver,
        }
        for name, driver, default in classes
    ]
    assert snapshot_class("disks.example.org", bodies) == found


RESTORE = VolumeRestore(Metadata("ada-1", "carrel", "uid-restore"), Whose(owner="ada"), "$(HOME)/x")
BODIES: dict[str, Callable[[], dict[str, Any]]] = {
    "snapshot-home": lambda: volume_snapshot(BackupSeen(of_class(HOME), uses="u2", start="s2"), "disks", NOW),
    "restore-home-from-a-snapshot": lambda: restore_pod(RESTORE, of_class(HOME), ON, NEW),
    "restore-project-from-a-snapshot": lambda: restore_pod(
        RESTORE, of_class(FILES), ON, snapshot("2026-11-27T01:30:00Z", of=FILES, restoreSize="5Gi")
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_the_body_is_exactly_this(name: str) -> None:
    """CARREL_GOLDEN=write writes the files anew, to be read before they are committed."""
    found, path = BODIES[name](), GOLDEN / f"{name}.yaml"
    if os.environ.get("CARREL_GOLDEN") == "write":
        path.write_text(yaml.safe_dump(found, sort_keys=True, allow_unicode=True))
    assert found == yaml.safe_load(path.read_text())


def test_a_snapshot_that_the_storage_gives_no_size_is_as_large_as_its_volume() -> None:
    pods = [
        restore_pod(RESTORE, of_class(HOME), ON, replace_status(NEW, each))
        for each in ({}, {"restoreSize": "0"})
    ]
    for pod in pods:
        (made,) = (each["ephemeral"] for each in pod["spec"]["volumes"] if each["name"] == "snapshot")
        assert made["volumeClaimTemplate"]["spec"]["resources"]["requests"] == {"storage": "10Gi"}


def replace_status(of: SnapshotSeen, more: dict[str, Any]) -> SnapshotSeen:
    return SnapshotSeen({**of.body, "status": {"readyToUse": True, **more}})


def test_nothing_else_is_begun_while_a_snapshot_is_made() -> None:
    volume = replace(
        HOME, claim={"metadata": {**HOME.claim["metadata"], "annotations": {"carrel.dev/backup-now": "1"}}}
    )
    known = BackupSeen(volume, backup(snapshots=listed(OLD)), uses="u2")
    assert due(replace(known, snapshots=(OLD,)), ON.backup, NOW) == Due(now=True, urgent=True)
    assert due(replace(known, snapshots=(OLD, NEW)), ON.backup, NOW) == Due()


def test_what_is_kept_no_longer_is_let_go_of_but_never_what_was_just_made() -> None:
    nights = [snapshot((NOW - timedelta(days=ago)).isoformat()) for ago in range(30)]
    gone = expired(nights, nights[0], ON.backup)
    assert len(nights) - len(gone) == 7 + 3, "seven days, and Sundays before"
    assert nights[0] not in gone
    assert nights[29] not in expired(nights, nights[29], ON.backup), "when a clock went backwards"
    half = snapshot("2026-11-01T01:30:00Z", ready=False)
    assert half not in expired([*nights, half], nights[0], ON.backup)


def test_the_status_tells_of_snapshots_as_of_restics_backups() -> None:
    before = backup(snapshots=(*listed(OLD), RESTIC), files=3, bytes=7, unreadable=0).status
    found = snapshot_status(before, NEW, [OLD], [OLD, NEW])
    assert found.snapshots == (*listed(NEW), RESTIC)
    assert found.message == "The storage keeps a snapshot of all files."
    assert (found.last_at, found.attempted_at, found.uses, found.answered_start) == (
        NEW.begun,
        NEW.begun,
        "u2",
        "s2",
    )
    assert {"files", "bytes", "unreadable"}.isdisjoint(found.body())
    assert found.body()["snapshots"][0] == {"id": NEW.name, "at": NEW.begun, "kind": "VolumeSnapshot"}
    assert type(found).parse(found.body()) == found


def test_a_snapshot_that_does_not_become_ready_is_a_failure_that_says_why() -> None:
    before = backup(snapshots=listed(OLD)).status
    for status_of, why in (({}, "the storage does not say why"), ({"error": {"message": "Quota."}}, "Quota")):
        failed = snapshot_status(before, snapshot(NEW.begun, ready=False, **status_of), [], [OLD])
        assert failed.message == f"The last backup failed. The snapshot did not become ready: {why}."
        assert (failed.snapshots, failed.last_at, failed.attempted_at) == (
            before.snapshots,
            before.last_at,
            NEW.begun,
        )


def test_snapshots_stay_listed_when_restic_takes_over() -> None:
    pod = {"metadata": {"annotations": {"carrel.dev/begun": "2026-11-27T09:00:00Z"}}}
    found = backup_status(backup(snapshots=(*listed(NEW, OLD), RESTIC)).status, ended(pod, GOOD))
    assert found.snapshots == (Snapshot(**GOOD["snapshots"][0]), *listed(NEW, OLD))


@pytest.mark.parametrize(
    ("known", "there", "as_of", "found"),
    [
        ((*listed(NEW, OLD),), (NEW, OLD), "", NEW.name),
        ((*listed(NEW, OLD),), (NEW, OLD), "2026-11-26", OLD.name),
        ((*listed(NEW, OLD),), (OLD,), "", OLD.name),
        ((*listed(NEW, OLD),), (), "", None),
        ((*listed(NEW), RESTIC), (NEW,), "", NEW.name),
        ((*listed(NEW), RESTIC), (NEW,), "2026-11-26", None),
        ((*listed(NEW), RESTIC), (NEW,), "2026-11-20", None),
        ((RESTIC,), (), "nonsense", None),
        ((*listed(NEW),), (replace_status(NEW, {"readyToUse": False}),), "", None),
    ],
)
def test_files_come_from_the_snapshot_of_that_time_or_from_restic(
    known: tuple[Snapshot, ...], there: tuple[SnapshotSeen, ...], as_of: str, found: str | None
) -> None:
    seen = RestoreSeen(replace(RESTORE, as_of=as_of), HOME, backup(snapshots=known), snapshots=there)
    chosen = source(seen, ON.backup)
    assert (chosen.name if chosen else None) == found


def test_a_date_before_the_oldest_snapshot_is_a_sentence() -> None:
    seen = RestoreSeen(
        replace(RESTORE, as_of="2026-11-20"), HOME, backup(snapshots=listed(OLD)), snapshots=(OLD,)
    )
    with pytest.raises(NoBackupError, match="The oldest is of 2026-11-24 02:30"):
        source(seen, ON.backup)


class Disks(World):
    """A cluster whose storage has snapshots."""

    def __init__(self, settings: Any = ON) -> None:
        super().__init__(settings)
        self.server.put(f"{CLAIMS}/home-ada", of_class(HOME).claim)
        self.server.put(
            f"{STORAGE}/disks", {"kind": "StorageClass", "metadata": {"name": "disks"}, "provisioner": "d"}
        )
        self.server.put(
            f"{CLASSES}/keep", {"kind": "VolumeSnapshotClass", "metadata": {"name": "keep"}, "driver": "d"}
        )

    def snapshots(self) -> list[str]:
        return sorted(each for each in self.server.objects if each.startswith(SNAPSHOTS))

    def finish(self, **status_of: Any) -> None:
        """Have the storage answer for the newest snapshot."""
        path = self.snapshots()[-1]
        self.server.put(path, self.server.objects[path] | {"status": status_of or {"readyToUse": True}})

    def put_night(self, at: datetime) -> None:
        seen = snapshot(at.isoformat())
        self.server.put(f"{SNAPSHOTS}/{seen.name}", seen.body)

    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = self.server.objects[f"{OWN}/volumebackups/home-ada"]["status"]
        return found


async def test_a_backup_is_a_snapshot_and_no_pod() -> None:
    world = Disks()
    assert await world.back_up() == ["POST volumesnapshots"]
    (path,) = world.snapshots()
    assert world.server.objects[path]["spec"] == {
        "volumeSnapshotClassName": "keep",
        "source": {"persistentVolumeClaimName": "home-ada"},
    }
    assert await world.back_up() == [], "while it is made"
    world.finish()
    assert await world.back_up() == ["POST volumebackups", "PATCH volumebackups/home-ada/status"]
    (kept,) = world.told()["snapshots"]
    assert (f"{SNAPSHOTS}/{kept['id']}", kept["kind"]) == (path, "VolumeSnapshot")
    assert await world.back_up() == [], "nothing has used it since"


@pytest.mark.parametrize(
    "missing",
    [f"{CLASSES}/keep", f"{STORAGE}/disks", "the kind", "switched on"],
    ids=lambda each: each.rsplit("/")[-1],
)
async def test_without_a_class_of_its_driver_restic_makes_it(missing: str) -> None:
    world = Disks(NEVER if missing == "switched on" else ON)

    def gone(request: httpx2.Request) -> httpx2.Response | None:
        path = request.url.path
        return (
            status(404, "NotFound")
            if path == missing or (missing == "the kind" and path == CLASSES)
            else None
        )

    world.server.refuse = gone
    world.server.objects.pop(missing, None)
    assert await world.back_up() == ["POST pods"]


async def test_snapshots_take_their_turn_among_other_backups() -> None:
    world = Disks()
    assert await world.back_up("ada") == ["POST volumesnapshots"]
    assert await world.back_up("alan") == []
    world.finish()
    await world.back_up("ada")
    assert world.woken == []
    await world.back_up("ada")
    assert world.woken == [Key("carrel", "home-alan")]


async def test_older_ones_go_before_the_status_is_written() -> None:
    world = Disks()
    now = datetime.now(UTC)
    for ago in range(1, 12):
        world.put_night(now - timedelta(days=ago, hours=1))
    world.server.put(f"{OWN}/volumebackups/home-ada", volume_backup(world))
    assert await world.back_up() == ["POST volumesnapshots"]
    world.finish()
    writes = await world.back_up()
    assert writes[-1] == "PATCH volumebackups/home-ada/status"
    assert {each.split("/")[0] for each in writes[:-1]} == {"DELETE volumesnapshots"}
    names = [each["id"] for each in world.told()["snapshots"]]
    assert sorted(names) == [each.removeprefix(f"{SNAPSHOTS}/") for each in world.snapshots()]
    assert 7 <= len(names) < 12
    world.forget()
    assert await world.back_up() == []


def volume_backup(world: Disks) -> dict[str, Any]:
    names = [each.removeprefix(f"{SNAPSHOTS}/") for each in reversed(world.snapshots())]
    at = [
        world.server.objects[f"{SNAPSHOTS}/{each}"]["metadata"]["annotations"]["carrel.dev/begun"]
        for each in names
    ]
    return {
        "apiVersion": "carrel.dev/v1",
        "kind": "VolumeBackup",
        "metadata": {"name": "home-ada", "namespace": "carrel"},
        "spec": {"owner": "ada", "claim": "home-ada"},
        "status": {
            "attemptedAt": at[0],
            "lastAt": at[0],
            "snapshots": [
                {"id": a, "at": b, "kind": "VolumeSnapshot"} for a, b in zip(names, at, strict=True)
            ],
        },
    }


async def test_a_snapshot_that_never_becomes_ready_is_told_and_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = Disks()
    await world.back_up()
    world.finish(error={"message": "out of quota"})
    assert await world.back_up() == [], "the storage tries again by itself"
    monkeypatch.setattr("carrel_operator.snapshot_seen._PATIENCE", 0.0)
    writes = await world.back_up()
    assert writes[0] == "POST volumebackups"
    assert writes[1].startswith("DELETE volumesnapshots/home-ada.")
    assert "out of quota" in world.told()["message"]
    assert await world.back_up() == [], "until the next night"


async def test_files_are_copied_from_a_snapshot_once_it_is_made() -> None:
    world = Disks()
    world.put_night(datetime.now(UTC) - timedelta(hours=1))
    world.finish()
    world.server.put(f"{OWN}/volumebackups/home-ada", volume_backup(world))
    world.server.put(f"{CLAIMS}/home-ada", asked(world.server.objects[f"{CLAIMS}/home-ada"]))
    assert await world.back_up() == ["POST volumesnapshots"]
    world.wish("ada-2")
    assert (await world.restore("ada-2")).startswith("Waiting")
    world.finish()
    await world.back_up()
    assert (await world.restore("ada-2")).startswith("Running")
    pod = world.server.objects[f"{PODS_PATH}/restore-ada-2"]
    assert pod["spec"]["containers"][0]["args"][0] == "copy"
    world.end("restore-ada-2", {"message": "It is there.", "into": "restored/2026-11-27/a.ipynb"})
    assert await world.restore("ada-2") == "Done: It is there."
    world.wish("ada-3")
    world.server.objects[f"{OWN}/volumerestores/ada-3"]["spec"]["asOf"] = "2020-01-01"
    assert (await world.restore("ada-3")).startswith("Failed: There is no backup from 2020-01-01 or before.")


def asked(claim: dict[str, Any]) -> dict[str, Any]:
    claim = deepcopy(claim)
    claim["metadata"]["annotations"]["carrel.dev/backup-now"] = "1"
    return claim


def seen_by(cache: Cache, of: SnapshotSeen, version: int, **metadata: Any) -> dict[str, Any]:
    body = deepcopy(of.body)
    body["metadata"] |= {"resourceVersion": str(version), "uid": f"uid-{of.name}"} | metadata
    cache.see(body)
    return body


def test_others_snapshots_and_those_on_their_way_out_are_none_of_ours() -> None:
    world = Disks()
    world.server.show(world.cache)
    world.cache.accounts = replace(world.cache.accounts, people={"ada": 20_000})
    key = Key("carrel", "home-ada")
    kept = seen_by(world.cache, NEW, 100)
    seen_by(world.cache, OLD, 101, deletionTimestamp="2026-11-27T10:00:00Z")
    theirs = snapshot("2026-11-26T01:30:00Z")
    theirs.body["metadata"]["name"] = "home-ada.before-migration"
    del theirs.body["metadata"]["annotations"]["carrel.dev/begun"]
    strange = seen_by(world.cache, theirs, 102)
    found = backup_view.backup_seen(world.cache, key)
    assert found
    assert [each.name for each in found.snapshots] == [NEW.name]
    assert concerned.claim(kept) == key
    assert concerned.claim(strange) is None
    assert list(concerned.notebooks(world.cache, kept)) == []
    world.cache.forget(kept)
    again = backup_view.backup_seen(world.cache, key)
    assert again
    assert again.snapshots == ()
