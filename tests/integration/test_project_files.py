"""Files that a team can't use: found, told, and mended on request, whoever made them and in whatever mode."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from carrel_operator import names
from support.cluster import Kubectl, KubectlError, Person, eventually, unique
from support.kernels import Kernel
from support.teams import Team, shell
from support.terminal import carrel

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]

# As a tar brings files with the modes of the machine where they were packed.
ODD = (
    "import io, tarfile",
    "made = tarfile.open('/tmp/odd.tar', 'w')",
    "def add(name, mode, data=None):",
    "    info = tarfile.TarInfo(name); info.mode = mode",
    "    info.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE; info.size = len(data or b'')",
    "    made.addfile(info, io.BytesIO(data) if data else None)",
    "add('closed', 0o700); add('closed/inside', 0o400, b'x'); add('mine', 0o600, b'x'); add('plain', 0o755)",
    "made.close()",
)


def shared(team: Team) -> dict[str, str]:
    conditions = team.status().get("conditions", ())
    return next((each for each in conditions if each["type"] == "FilesShared"), {})


def repaired(team: Team, token: str) -> dict[str, str]:
    """Ask for a repair as an administrator does, and wait for its end."""
    team.kube("annotate", "project", team.name, "--overwrite", f"carrel.dev/repair={token}")

    def ended() -> bool:
        return team.claim()["metadata"]["annotations"].get("carrel.dev/repair") == token

    eventually(f"repair {token} ended", ended, 90)
    eventually("it says so", lambda: shared(team).get("reason") != "Repairing", 10)
    return shared(team)


def on_disk(team: Team) -> Path:
    """Where the node has the team's folder; the tests run beside it, as root."""
    volume = team.kube.get("pv", team.claim()["spec"]["volumeName"])
    assert volume
    return Path(volume["spec"]["hostPath"]["path"]) / "files"


def test_odd_files_are_found_told_and_mended(person: NewPerson, team: Team) -> None:
    ada, alan = person(), person()
    team.ready((ada, "editor"), (alan, "editor"))
    ada.start()
    alan.start()
    desk, other = Kernel.start(ada, "desk.ipynb"), Kernel.start(alan, "desk.ipynb")
    assert desk.run("\n".join(ODD)).error is None
    shell(desk, f"tar -C {team.folder} -xpf /tmp/odd.tar; ln -s /etc/passwd {team.folder}/link")
    document = {"type": "file", "format": "text", "content": "uploaded"}
    assert ada.web(f"api/contents/projects/{team.name}/upload", "PUT", json=document).status_code == 201
    assert (
        shell(other, f"cat {team.folder}/upload; cat {team.folder}/mine || echo refused") == "uploadedrefused"
    )
    from_outside = on_disk(team) / "from-outside"
    from_outside.write_text("kept")

    everything = "The team can read and change every file."
    code, said = carrel(alan, "project", "repair", team.name)
    assert (code, said.splitlines()) == (0, ["The files are being looked through.", everything])
    code, said = carrel(alan, "project", "repair", "nowhere")
    assert (code, "You are a member of no project 'nowhere'." in said) == (1, True)
    assert (shared(team)["status"], shared(team)["message"]) == ("True", everything)
    listing = shell(other, f"cd {team.folder} && stat -c '%U %G %a %n' closed closed/inside mine plain")
    owner = names.slug(ada.name)
    assert listing.splitlines() == [
        f"{owner} {team.name} {mode} {name}"
        for mode, name in (("2770", "closed"), ("440", "closed/inside"), ("660", "mine"), ("2775", "plain"))
    ]
    assert (
        shell(
            other,
            f"echo more >> {team.folder}/mine && echo too >> {team.folder}/from-outside; cat {team.folder}/from-outside",
        )
        == "kepttoo"
    )

    from_outside.unlink()
    from_outside.write_text("x")
    from_outside.chmod(0o600)
    left = repaired(team, unique("repair"))
    assert left["status"] == "False"
    assert left["message"] == (
        "1 file or folder is not the team's to use, such as 'from-outside' (uid 0, mode 600). "
        "A repair could not change that: their owners or an administrator have to."
    )
    assert from_outside.read_text() == "x"


def test_the_hub_may_ask_for_a_repair_and_change_nothing_else(kube: Kubectl) -> None:
    team = Team(kube)
    team.apply()
    hub = ("--as=system:serviceaccount:carrel:hub", "--dry-run=server")

    def patch(body: object) -> str:
        return kube("patch", "project", team.name, *hub, "--type=merge", "-p", json.dumps(body))

    try:
        patch({"metadata": {"annotations": {"carrel.dev/repair": unique("r")}}})
        for body in (
            {"spec": {"members": [{"user": "mallory", "role": "admin"}]}},
            {"metadata": {"labels": {"a": "b"}}},
            {"metadata": {"annotations": {"carrel.dev/other": "x"}}},
            {"metadata": {"finalizers": ["a.b/c"]}},
        ):
            with pytest.raises(KubectlError, match="may ask for a repair"):
                patch(body)
    finally:
        team.remove()
