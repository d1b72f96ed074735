"""Projects as the tests hold them in their hands, and what their members do in a terminal."""

from typing import Any

from carrel_operator import names
from support.cluster import Kubectl, Object, Person, unique
from support.kernels import Kernel


class Team:
    """A Project, and what may be done to it."""

    def __init__(self, kube: Kubectl) -> None:
        self.kube, self.name = kube, unique("team")
        self.folder = f"/projects/{self.name}"

    def apply(self, *members: tuple[Person, str], **more: Any) -> None:
        entries = [{"user": person.name, "role": role} for person, role in members]
        self.kube.apply(
            {
                "apiVersion": "carrel.dev/v1",
                "kind": "Project",
                "metadata": {"name": self.name},
                "spec": {"members": entries, "volume": {"size": "1Gi"}} | more,
            }
        )

    def ready(self, *members: tuple[Person, str]) -> None:
        """With these members, and its volume prepared."""
        self.apply(*members)
        self.kube("wait", f"project/{self.name}", "--for=condition=Ready", "--timeout=60s")

    def status(self) -> Object:
        found = self.kube.get("project", self.name)
        assert found
        status: Object = found.get("status", {})
        return status

    def claim(self) -> Object:
        found = self.kube.get("pvc", names.project_volume(self.name))
        assert found
        return found

    def delete(self) -> None:
        self.kube("delete", "project", self.name, "--ignore-not-found", "--timeout=60s")

    def remove(self) -> None:
        self.delete()
        self.kube("delete", "pvc", names.project_volume(self.name), "--ignore-not-found", "--wait=false")


def shell(kernel: Kernel, command: str) -> str:
    """Run a command as a cell does, with the umask and the groups of the server."""
    code = f"import subprocess; print(subprocess.run({command!r}, shell=True, capture_output=True, text=True).stdout + 'done')"
    outcome = kernel.run(code)
    assert outcome.error is None, outcome
    assert outcome.said.endswith("done\n"), outcome
    return outcome.said.removesuffix("done\n").strip()
