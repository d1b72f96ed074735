"""When a volume is backed up, by which pod, and what becomes of that; and the same of what is brought back."""

import os
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from carrel_operator import names
from carrel_operator.accounts import Accounts
from carrel_operator.api import (
    BackupStatus,
    Body,
    Metadata,
    Notebook,
    Status,
    VolumeRestore,
    Whose,
)
from carrel_operator.backup_outcome import backup_status
from carrel_operator.backup_seen import NOBODY, BackupSeen, home_seen, uses
from carrel_operator.desired import PodFate, desired_set
from carrel_operator.desired.backup import Due, due
from carrel_operator.desired.backup_pods import backup_pod, restore_pod
from carrel_operator.desired.image_change import waiting, waits_for_backup
from carrel_operator.places import Key
from carrel_operator.project_seen import own_membership
from carrel_operator.seen import Seen
from carrel_operator.settings import SettingsError, parse
from unit.operator.backups import (
    ACCOUNTS,
    CLAIMS,
    FILES,
    GOOD,
    HOME,
    NOW,
    ON,
    OWN,
    PODS_PATH,
    World,
    backup,
    claim,
    ended,
)
from unit.operator.worlds import home, notebook, pod, project, project_body, seen

GOLDEN = Path(__file__).parent / "golden"
STORE = parse(
    {
        "namespace": "carrel",
        "notebook": {"imagePullSecrets": ["registry"]},
        "backup": {
            "enabled": True,
            "image": "example.org/backup:1",
            "repository": "s3:https://s3.example.org/bucket/carrel/",
            "credentialsSecret": "backup-credentials",
        },
    }
)
LAST_NIGHT = datetime(2026, 11, 27, 1, 30, tzinfo=UTC)


BACKED_UP = BackupSeen(HOME, backup(), uses="u2")
YOUNG = replace(
    HOME, claim=claim() | {"metadata": claim()["metadata"] | {"creationTimestamp": "2026-11-27T08:00:00Z"}}
)
ASKED = replace(HOME, claim=claim(**{"carrel.dev/backup-now": "please"}))
NOT_NOW = Due(again_in=3600.0)
CASES: dict[str, tuple[BackupSeen, Due]] = {
    "used since": (BACKED_UP, Due(now=True)),
    "in use now": (replace(BACKED_UP, uses=""), Due(now=True)),
    "in use then": (replace(BACKED_UP, backup=backup(uses=""), uses="u2"), Due(now=True)),
    "not used since": (replace(BACKED_UP, uses="u1"), NOT_NOW),
    "a project, whoever used it": (BackupSeen(FILES, backup(FILES), uses=NOBODY), Due(now=True)),
    "never yet": (replace(BACKED_UP, backup=None), Due(now=True)),
    "made this morning": (replace(BACKED_UP, backup=None, volume=YOUNG), NOT_NOW),
    "done last night": (replace(BACKED_UP, backup=backup(attempted_at="2026-11-27T01:31:00Z")), NOT_NOW),
    "failed last night": (
        replace(BACKED_UP, backup=backup(attempted_at="2026-11-27T01:31:00Z", message="x")),
        NOT_NOW,
    ),
    "being made": (replace(BACKED_UP, pod={}), Due()),
    "files are brought back": (replace(BACKED_UP, restoring=True), Due()),
    "asked for": (replace(BACKED_UP, volume=ASKED, uses="u1"), Due(now=True, urgent=True)),
    "asked for and answered": (
        replace(BACKED_UP, volume=ASKED, uses="u1", backup=backup(answered_request="please")),
        NOT_NOW,
    ),
    "a start waits": (replace(BACKED_UP, start="s2", uses="u1"), Due(now=True, urgent=True)),
}


@pytest.mark.parametrize("case", CASES)
def test_when_it_is_due(case: str) -> None:
    world, expected = CASES[case]
    assert due(world, ON.backup, NOW) == expected
    assert due(world, parse({"namespace": "carrel"}).backup, NOW) == Due(), "switched off"


def test_it_sleeps_until_the_night() -> None:
    before = LAST_NIGHT + timedelta(days=1, minutes=-10)
    world = replace(BACKED_UP, uses="u1", backup=backup(attempted_at="2026-11-27T01:31:00Z"))
    assert due(world, ON.backup, before) == Due(again_in=600.0)


@pytest.mark.parametrize(
    "schedule", [{"at": "25:00"}, {"at": "soon"}, {"timeZone": "Mars/Olympus"}, {"timeZone": "/"}]
)
def test_a_schedule_that_means_nothing_stops_the_operator(schedule: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"backup\.schedule"):
        parse({"namespace": "carrel", "backup": schedule})


def ready(of: Notebook, since: str) -> Notebook:
    condition = {"type": "Ready", "status": "False", "reason": "Stopped", "lastTransitionTime": since}
    return replace(of, status=Status.parse({"conditions": [condition]}))


def test_what_used_a_home_is_a_word_that_changes_with_every_use() -> None:
    ada, lab = notebook(), notebook(server="lab")
    stopped = uses([(ready(ada, "10:00"), False), (ready(lab, "09:00"), False)])
    assert stopped == uses([(ready(lab, "09:00"), False), (ready(ada, "10:00"), False)])
    assert uses([]) == NOBODY
    assert uses([(ready(ada, "10:00"), False), (ready(lab, "09:00"), True)]) == ""
    others = {
        uses([(ready(ada, "10:01"), False), (ready(lab, "09:00"), False)]),
        uses([(ready(ada, "10:00"), False)]),
        uses([(ready(ada, "10:00"), False), (lab, False)]),
    }
    assert len(others | {stopped, NOBODY}) == 5


@pytest.mark.parametrize(
    "body",
    [
        claim() | {"status": {"phase": "Pending"}},
        claim(**{"carrel.dev/owner": "alan"}),
        {**claim(), "metadata": {"name": "home-ada", "namespace": "carrel"}},
        claim("somebody-new"),
    ],
)
def test_a_home_that_is_nobodys_is_not_touched(body: Body) -> None:
    assert home_seen(body, Accounts(people={"ada": 20_000})) is None


def test_a_projects_backups_go_by_its_number() -> None:
    assert HOME.repository == "home-ada"
    assert FILES.repository == "project-sales-20005"


RESTORE = VolumeRestore(
    Metadata("ada-1", "carrel", "uid-restore"), Whose(owner="ada"), "$(RESTIC_PASSWORD_FILE)/$x", "2026-11-26"
)
PODS: dict[str, Callable[[], dict[str, Any]]] = {
    "backup-home": lambda: backup_pod(replace(BACKED_UP, volume=ASKED, start="s2"), ON, NOW),
    "backup-project-into-a-store": lambda: backup_pod(BackupSeen(FILES), STORE, NOW),
    "restore-home": lambda: restore_pod(RESTORE, HOME, ON),
    "restore-project": lambda: restore_pod(replace(RESTORE, path="-x", as_of=""), FILES, ON),
}


@pytest.mark.parametrize("name", PODS)
def test_the_pod_is_exactly_this(name: str) -> None:
    """CARREL_GOLDEN=write writes the files anew, to be read before they are committed."""
    found, path = PODS[name](), GOLDEN / f"{name}.yaml"
    if os.environ.get("CARREL_GOLDEN") == "write":
        path.write_text(yaml.safe_dump(found, sort_keys=True, allow_unicode=True))
    assert found == yaml.safe_load(path.read_text())


POD = PODS["backup-home"]()


def test_a_backup_tells_what_it_has() -> None:
    status = backup_status(backup().status, ended(POD, GOOD))
    assert (status.message, status.files, status.last_at, status.uses) == (
        GOOD["message"],
        3,
        "2026-11-27T09:00:00Z",
        "u2",
    )
    assert (status.answered_request, status.answered_start) == ("please", "s2")
    assert BackupStatus.parse(status.body()) == status


@pytest.mark.parametrize(
    ("pod", "said"),
    [
        (
            ended(POD, {"message": "The volume for backups is full."}, "Failed"),
            "The volume for backups is full.",
        ),
        (ended(POD, "Traceback\nOops: broken.\n", "Failed"), "The pod ended early: Oops: broken."),
        ({**POD, "status": {"phase": "Failed", "reason": "Evicted"}}, "The pod ended early: Evicted."),
        (ended(POD, "[1]", "Failed"), "The pod ended early: [1]."),
        (
            {**POD, "status": {"conditions": [{"status": "False", "message": "0/1 nodes."}]}},
            "Its pod found no place within 30 minutes: 0/1 nodes.",
        ),
    ],
)
def test_a_failure_says_why_and_keeps_what_is_known(pod: Body, said: str) -> None:
    status = backup_status(backup().status, pod)
    assert status.message == f"The last backup failed. {said}"
    assert (status.last_at, status.uses) == ("2026-11-26T01:30:05Z", "u1")
    assert status.attempted_at == "2026-11-27T09:00:00Z"
    assert status.answered_start == "s2"


OTHER_IMAGE = home() | {
    "metadata": {
        "name": "home-ada",
        "annotations": {"carrel.dev/owner": "ada", "carrel.dev/image": "example.org/old:1"},
    }
}
CHANGED = seen(notebook(), home=OTHER_IMAGE, backup=backup(), uses="u2")


@pytest.mark.parametrize(
    ("world", "waits"),
    [
        (CHANGED, True),
        (replace(CHANGED, backup=None), True),
        (replace(CHANGED, uses="u1"), False),
        (replace(CHANGED, backup=backup(answered_start="s1")), False),
        (replace(CHANGED, backup=backup(answered_start="s0")), True),
        (replace(CHANGED, backup_age=299.0), True),
        (replace(CHANGED, backup_age=300.0), False),
        (replace(CHANGED, home=home()), False),
        (replace(CHANGED, home=None), False),
        (replace(CHANGED, pod=pod(notebook())), False),
        (seen(notebook(running=False), home=OTHER_IMAGE, backup=backup(), uses="u2"), False),
    ],
)
def test_another_image_waits_for_a_backup_but_not_for_ever(world: Seen, waits: bool) -> None:
    assert waits_for_backup(world, ON) is waits
    assert not waits_for_backup(world, parse({"namespace": "carrel"}))
    wanted = desired_set(world, ON)
    assert (wanted.backup_first == "home-ada") is waits
    if waits:
        assert wanted.fate is PodFate.LEAVE
        assert wanted.pod is None
        said = waiting(world, ON)
        assert said
        assert said.message == "Your files are being backed up before the new image starts."


def test_so_does_the_home_of_a_projects_server() -> None:
    sales, theirs = project(), deepcopy(OTHER_IMAGE)
    theirs["metadata"] |= {"name": "home-project--sales-20005"}
    theirs["metadata"]["annotations"] |= {"carrel.dev/owner": "project:sales"}
    membership = own_membership(sales)
    assert membership
    world = seen(
        notebook("project:sales", project="sales"),
        team=sales,
        uid=20_005,
        memberships=(membership,),
        home=theirs,
        uses="u2",
    )
    assert desired_set(world, ON).backup_first == "home-project--sales-20005"


@pytest.mark.parametrize(
    ("world", "words"),
    [
        (replace(CHANGED, backup=backup(answered_start="s1")), "failed"),
        (replace(CHANGED, backup_age=300.0), "took longer than 5 minutes"),
        (replace(CHANGED, uses="u1"), None),
    ],
)
def test_who_gets_no_backup_is_told(world: Seen, words: str | None) -> None:
    made = desired_set(world, ON).pod
    assert made
    notice = made["metadata"]["annotations"].get("carrel.dev/notice")
    assert notice is None if words is None else words in notice


def test_a_home_remembers_its_image_and_is_written_for_nothing_else() -> None:
    started = desired_set(seen(notebook(), home=home()), ON).home
    assert started
    assert started["metadata"]["annotations"]["carrel.dev/image"] == "example.org/notebook:1"
    other = desired_set(seen(notebook(), home=OTHER_IMAGE, pod=pod(notebook())), ON).home
    assert other
    assert other["metadata"]["annotations"]["carrel.dev/image"] == "example.org/old:1", "while a server runs"


async def test_a_backup_is_made_and_kept_and_its_pod_removed() -> None:
    world = World()
    assert await world.back_up() == ["POST pods"]
    assert await world.back_up() == [], "while it works"
    world.end("backup-home-ada", GOOD)
    assert await world.back_up() == [
        "POST volumebackups",
        "PATCH volumebackups/home-ada/status",
        "DELETE pods/backup-home-ada",
    ]
    world.forget()
    assert await world.back_up() == [], "nothing has used it since"
    kept = world.server.objects[f"{OWN}/volumebackups/home-ada"]
    assert kept["spec"] == {"owner": "ada", "claim": "home-ada"}
    assert kept["status"]["snapshots"] == [GOOD["snapshots"][0] | {"kind": "restic"}]


class TeamWorld(World):
    """The same, with the Project sales and the homes of its own server and of a former project's."""

    def __init__(self) -> None:
        super().__init__()
        data = Accounts(projects={"sales": {"uid-0": 20_004, "uid-1": 20_005}}).data()
        self.server.put(ACCOUNTS, {"kind": "ConfigMap", "metadata": {"name": "accounts"}, "data": data})
        self.server.put(f"{OWN}/projects/sales", project_body())
        for number in (20_004, 20_005):
            body = claim("project:sales")
            body["metadata"]["name"] = f"home-project--sales-{number}"
            self.server.put(f"{CLAIMS}/home-project--sales-{number}", body)


async def test_the_home_of_a_projects_server_is_backed_up_and_brought_back_like_a_persons() -> None:
    world, theirs = TeamWorld(), "project--sales-20005"
    assert await world.back_up(theirs) == ["POST pods"]
    made = world.server.objects[f"{PODS_PATH}/backup-home-{theirs}"]
    security = made["spec"]["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"]) == (20_005, 1000)
    assert made["metadata"]["labels"]["carrel.dev/user"] == names.user_label("project:sales")
    world.end(f"backup-home-{theirs}", GOOD)
    await world.back_up(theirs)
    world.forget()
    kept = world.server.objects[f"{OWN}/volumebackups/home-{theirs}"]
    assert kept["spec"] == {"owner": "project:sales", "claim": f"home-{theirs}"}
    assert kept["status"]["files"] == 3
    world.wish(owner="project:sales")
    assert await world.restore() == "Running: The files are being brought back."
    [volume, *_] = world.server.objects[f"{PODS_PATH}/restore-ada-1"]["spec"]["volumes"]
    assert volume["persistentVolumeClaim"] == {"claimName": f"home-{theirs}"}


async def test_the_home_of_a_former_projects_server_is_nobodys_until_it_is_handed_over() -> None:
    world = TeamWorld()
    former = Key("carrel", "home-project--sales-20004")
    assert await world.back_up("project--sales-20004") == []
    assert await world.backups.reconcile(former) == 3600.0, "no event of it will tell"
    world.server.put(f"{OWN}/projects/sales", project_body("uid-0"))
    assert await world.back_up("project--sales-20004") == ["POST pods"]
    world.wish(owner="project:hr")
    assert await world.restore() == "Failed: There is no home to bring files into."


async def test_at_night_one_comes_after_the_other() -> None:
    world = World()
    assert await world.back_up("ada") == ["POST pods"]
    assert await world.back_up("alan") == []
    world.end("backup-home-ada", GOOD)
    await world.back_up("ada")
    assert world.woken == []
    world.forget()
    await world.back_up("ada")
    assert world.woken == [Key("carrel", "home-alan")]
    assert await world.back_up("alan") == ["POST pods"]


async def test_what_is_asked_for_does_not_wait_for_the_night() -> None:
    world = World()
    await world.back_up("alan")
    world.server.put(f"{CLAIMS}/home-ada", claim(**{"carrel.dev/backup-now": "1"}))
    assert await world.back_up("ada") == ["POST pods"]
    world.end("backup-home-ada", {"message": "Broken."}, "Failed")
    await world.back_up("ada")
    world.forget()
    assert await world.back_up("ada") == [], "answered, though not well"


async def test_files_are_brought_back_once_and_the_answer_stays() -> None:
    world = World()
    world.wish()
    assert (
        await world.restore() == "Failed: There is no backup yet. The first one is made in the coming night."
    )
    await world.back_up()
    world.end("backup-home-ada", GOOD)
    await world.back_up()
    world.forget()
    world.wish("ada-2")
    assert await world.restore("ada-2") == "Running: The files are being brought back."
    assert await world.back_up() == []
    world.end("restore-ada-2", {"message": "It is there.", "into": "restored/2026-11-27/a.ipynb"})
    assert await world.restore("ada-2") == "Done: It is there."
    assert f"{PODS_PATH}/restore-ada-2" not in world.server.objects
    world.server.writes.clear()
    await world.restore("ada-2")
    assert world.server.writes == []


async def test_a_restore_waits_for_the_backup_that_goes_on_and_the_other_way_round() -> None:
    world = World()
    await world.back_up()
    world.end("backup-home-ada", GOOD)
    await world.back_up()
    world.forget()
    world.server.put(f"{CLAIMS}/home-ada", claim(**{"carrel.dev/backup-now": "1"}))
    assert await world.back_up() == ["POST pods"]
    world.wish()
    assert (await world.restore()).startswith("Waiting")
    world.end("backup-home-ada", GOOD)
    await world.back_up()
    world.forget()
    assert (await world.restore()).startswith("Running")
    world.server.put(f"{CLAIMS}/home-ada", claim(**{"carrel.dev/backup-now": "2"}))
    assert await world.back_up() == []
    world.wish("ada-2")
    assert (await world.restore("ada-2")).startswith("Waiting")
    world.end("restore-ada-1", {"message": "There is no such file."}, "Failed")
    assert await world.restore() == "Failed: There is no such file."
    world.forget()
    assert await world.back_up() == ["POST pods"]


async def test_a_restore_that_was_over_yesterday_is_removed() -> None:
    world = World()
    world.wish()
    await world.restore()
    path = f"{OWN}/volumerestores/ada-1"
    old = deepcopy(world.server.objects[path])
    old["status"]["finishedAt"] = "2026-11-20T10:00:00Z"
    world.server.put(path, old)
    world.server.show(world.cache)
    assert await world.restores.reconcile(Key("carrel", "ada-1")) is None
    assert path not in world.server.objects
