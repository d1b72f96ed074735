"""Files that were changed or deleted come back from last night's backup, beside what is there and never over it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from carrel_operator import names
from support.backups import Backups, carrel, read
from support.cluster import Kubectl, Person, eventually, unique

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


@pytest.fixture
def project(kube: Kubectl) -> Iterator[str]:
    name = unique("team")
    yield name
    claim = names.project_volume(name)
    if kube.get("pvc", claim):
        Backups(kube, claim).remove()
    kube("delete", "project", name, "--ignore-not-found", "--timeout=60s")
    kube("delete", "pvc", claim, "--ignore-not-found", "--wait=false")


def test_what_was_changed_or_deleted_comes_back_beside_what_is_there(
    person: NewPerson, kube: Kubectl, project: str
) -> None:
    ada = person()
    spec = {"members": [{"user": ada.name, "role": "editor"}], "volume": {"size": "1Gi"}}
    kube.apply(
        {"apiVersion": "carrel.dev/v1", "kind": "Project", "metadata": {"name": project}, "spec": spec}
    )
    kube("wait", f"project/{project}", "--for=condition=Ready", "--timeout=60s")
    ada.start()
    ada.python(MAKE.format(project=project))
    home, files = Backups(kube, names.home(ada.name)), Backups(kube, names.project_volume(project))
    home.ask("1")
    files.ask("1")
    status = home.answered("1")
    assert (status["unreadable"], len(status["snapshots"])) == (0, 1)
    day = datetime.fromisoformat(status["snapshots"][0]["at"]).date().isoformat()
    ada.python(CHANGE.format(project=project))

    assert status["snapshots"][0]["at"][:10] in carrel(ada, "backups")[1]
    code, said = carrel(ada, "restore", "work/a.csv")
    there = f"/home/{names.slug(ada.name)}/restored/{day}/a.csv"
    assert (code, said.splitlines()[-1].endswith(f"which is {there}.")) == (0, True), said
    assert (read(ada, there), read(ada, "work/a.csv")) == ("one", "two")
    code, said = carrel(ada, "restore", "work", "--as-of", day)
    assert code == 0, said
    look = f"""
import os
os.chdir("restored/{day}/work")
print(oct(os.stat("a.csv").st_mode & 0o777), os.readlink("outside"), os.readlink("up"), os.listdir("deep"), os.stat("deep").st_uid == os.getuid())
"""
    assert ada.python(look) == "0o600 /etc/passwd ../../.. ['we[ir]d* näme\\n$(HOME)'] True\n"
    assert carrel(ada, "restore", "~/work/a.csv")[0] == 0
    assert read(ada, there.replace("a.csv", "a (2).csv")) == "one"

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

    before_another_image_opens_a_home_it_is_backed_up(ada, home)
    home.remove()


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
