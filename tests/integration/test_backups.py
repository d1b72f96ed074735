"""Files that were changed or deleted come back from last night's backup, beside what is there and never over it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from carrel_operator import names
from support.backups import Backups, read
from support.cluster import Kubectl, Object, Person, Platform, eventually, unique
from support.own_disk import OwnDisk, small_home
from support.terminal import carrel

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]

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

OF_ROOT = "cd {folder} && echo x > closed && chmod 600 closed && echo x > open"
EVERYTHING = """
import os
for folder, _, names in sorted(os.walk(".")):
    if folder.startswith(("./work", "./restored")) or folder == ".":
        for name in sorted(names):
            found = os.lstat(os.path.join(folder, name))
            print(folder, name, found.st_size, found.st_mtime_ns, found.st_ino)
"""


@pytest.fixture
def project(kube: Kubectl) -> Iterator[str]:
    name = unique("team")
    yield name
    number = ((kube.get("project", name) or {}).get("status") or {}).get("gid", 0)
    claims = [names.project_volume(name), names.project_home(name, number)]
    for claim in claims:
        if kube.get("pvc", claim):
            Backups(kube, claim).remove()
    kube("delete", "project", name, "--ignore-not-found", "--timeout=60s")
    kube("delete", "pvc", *claims, "--ignore-not-found", "--wait=false")


def test_what_was_changed_or_deleted_comes_back_beside_what_is_there(
    person: NewPerson, platform: Platform, kube: Kubectl, project: str
) -> None:
    ada = person()
    spec = {"members": [{"user": ada.name, "role": "editor"}], "volume": {"size": "1Gi"}}
    kube.apply(
        {"apiVersion": "carrel.dev/v1", "kind": "Project", "metadata": {"name": project}, "spec": spec}
    )
    kube("wait", f"project/{project}", "--for=condition=Ready", "--timeout=60s")
    with small_home(ada, platform, kube) as disk:
        files_come_back(ada, project, disk)
        ada.stop()


def files_come_back(ada: Person, project: str, disk: OwnDisk) -> None:
    ada.start()
    ada.python(MAKE.format(project=project))
    disk.on_node("sh", "-c", OF_ROOT.format(folder=disk.directory / "work"))
    home, files = Backups(ada.kube, names.home(ada.name)), Backups(ada.kube, names.project_volume(project))
    home.ask("1")
    files.ask("1")
    status = home.answered("1")
    assert (status["unreadable"], len(status["snapshots"])) == (1, 1)
    day = day_of(status)
    ada.python(CHANGE.format(project=project))

    listed = carrel(ada, "backups")[1]
    assert status["snapshots"][0]["at"][:10] in listed
    assert "1 could not be read, such as 'work/closed': their owner's permissions forbid it." in listed, (
        "a file of root"
    )
    code, said = carrel(ada, "restore", "work/a.csv")
    there = f"/home/{names.slug(ada.name)}/restored/{day}/a.csv"
    assert (code, said.splitlines()[-1].endswith(f"which is {there}.")) == (0, True), said
    assert (read(ada, there), read(ada, "work/a.csv")) == ("one", "two")
    code, said = carrel(ada, "restore", "work", "--as-of", day)
    assert code == 0, said
    look = f"""
import os
os.chdir("restored/{day}/work")
mine = [name for name in sorted(os.listdir()) if os.lstat(name).st_uid == os.getuid()]
print(oct(os.stat("a.csv").st_mode & 0o777), os.readlink("outside"), os.readlink("up"), os.listdir("deep"), mine)
"""
    mine = "['a.csv', 'deep', 'open', 'outside', 'up']"
    assert ada.python(look) == f"0o600 /etc/passwd ../../.. ['we[ir]d* näme\\n$(HOME)'] {mine}\n"
    assert carrel(ada, "restore", "~/work/a.csv")[0] == 0
    assert read(ada, there.replace("a.csv", "a (2).csv")) == "one"
    a_full_home_stays_as_it_is(ada, disk)

    code, said = carrel(ada, "restore", "work/b.csv")
    assert code == 1
    assert "There is no 'work/b.csv' in the backup of" in said
    assert "There is 'work/a.csv'" in said
    assert carrel(ada, "restore", "../../etc/passwd")[0] == 1
    answer = ada.hub.post(f"/users/{ada.name}/server/restores", json={"path": "work/../../x"})
    assert (answer.status_code, "without '..'" in answer.json()["message"]) == (400, True)

    files.answered("1")
    code, said = carrel(ada, "restore", f"/projects/{project}/plan.csv")
    assert code == 0, said
    back = f"/projects/{project}/restored/{day}/plan.csv"
    assert read(ada, back) == "ours"
    owner = f"import os, grp; print(grp.getgrgid(os.stat({back!r}).st_gid).gr_name)"
    assert ada.python(owner) == f"{project}\n"

    so_does_the_home_of_the_projects_server(ada, project)
    before_another_image_opens_a_home_it_is_backed_up(ada, home)
    home.remove()


def a_full_home_stays_as_it_is(ada: Person, disk: OwnDisk) -> None:
    disk.fill()
    before = ada.python(EVERYTHING)
    for path in ("work/a.csv", "work"):
        code, said = carrel(ada, "restore", path)
        assert code == 1
        sentence = (
            f"'{path}' has 0 MiB and the disk has 0 MiB left. Make room or restore less; nothing was changed."
        )
        assert sentence in said.splitlines()
    assert ada.python(EVERYTHING) == before
    ada.python("import os; os.remove('kept')")


def so_does_the_home_of_the_projects_server(ada: Person, project: str) -> None:
    server = Person(names.team(project), ada.hub, ada.kube, ada.url)
    server.start()
    server.python("open('notes.txt', 'w').write('of us all')")
    number = (ada.kube.get("project", project) or {})["status"]["gid"]
    home = Backups(ada.kube, names.project_home(project, number))
    home.ask("1")
    status = home.answered("1")
    assert (status["unreadable"], len(status["snapshots"])) == (0, 1)
    server.python("import os; os.remove('notes.txt')")
    code, said = carrel(server, "restore", "notes.txt")
    back = f"/home/{names.project_login(project)}/restored/{day_of(status)}/notes.txt"
    assert (code, said.splitlines()[-1].endswith(f"which is {back}.")) == (0, True), said
    assert read(server, back) == "of us all"

    code, said = carrel(server, "project", "repair", project)
    assert (code, said.splitlines()[-1]) == (0, "The team can read and change every file.")
    answer = ada.hub.post(
        f"/users/{ada.name}/server/restores", json={"path": "notes.txt", "owner": server.name}
    )
    assert answer.status_code == 202, answer.text
    one = f"/users/{ada.name}/server/restores/{answer.json()['name']}"
    eventually("an editor has it again", lambda: ada.hub.get(one).json()["phase"] == "Done", 60)
    assert read(server, back.replace("notes.txt", "notes (2).txt")) == "of us all"


def day_of(status: Object) -> str:
    return datetime.fromisoformat(status["snapshots"][0]["at"]).date().isoformat()


def before_another_image_opens_a_home_it_is_backed_up(ada: Person, home: Backups) -> None:
    ada.stop()
    ada.kube("annotate", "pvc", home.claim, "carrel.dev/image=example.org/another:1", "--overwrite")
    with ThreadPoolExecutor(1) as elsewhere:
        asked = elsewhere.submit(ada.ask)  # the hub answers when the server is there, or after ten seconds
        sentence = "Your files are being backed up before the new image starts."
        eventually("it says so", lambda: message_of(ada) == sentence, 30, every=0.1)
        assert asked.result().status_code in {201, 202}
    ada.start_is_over()
    notebook = ada.notebook()
    assert notebook
    assert home.status()["answeredStart"] == notebook["spec"]["session"]
    assert "failed" not in notebook["status"]["message"]


def message_of(somebody: Person) -> str:
    return str(((somebody.notebook() or {}).get("status") or {}).get("message"))
