"""What the tests of backups hold in their hands: the backups of one claim, and a person's files."""

from support.cluster import Kubectl, Object, Person, eventually


class Backups:
    """What the platform holds of the backups of one claim."""

    def __init__(self, kube: Kubectl, claim: str) -> None:
        self.kube, self.claim = kube, claim

    def status(self) -> Object:
        for each in self.kube.items("volumebackups"):
            if each["spec"]["claim"] == self.claim:
                status: Object = each.get("status", {})
                return status
        return {}

    def ask(self, word: str) -> None:
        self.kube("annotate", "pvc", self.claim, f"carrel.dev/backup-now={word}", "--overwrite")

    def answered(self, word: str) -> Object:
        """The status, once the backup that was asked for is there."""

        def made() -> Object | None:
            status = self.status()
            return status if status.get("answeredRequest") == word and status.get("lastAt") else None

        status: Object = eventually(f"{self.claim} is backed up", made, 90)
        return status

    def remove(self) -> None:
        self.kube(
            "annotate", "pvc", self.claim, "carrel.dev/backup-now-"
        )  # or it would be answered once more
        for each in self.kube.items("volumebackups"):
            if each["spec"]["claim"] == self.claim:
                self.kube("delete", "volumebackup", each["metadata"]["name"])


def read(somebody: Person, path: str) -> str:
    return somebody.python(f"print(open({path!r}).read(), end='')")
