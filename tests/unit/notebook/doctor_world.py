"""A warehouse, a token and its files that are in order, and can be broken one at a time."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from carrel_lab.doctor.examination import Examination, Known
from carrel_lab.doctor.findings import Finding
from carrel_lab.doctor.place import GOOGLE, Place
from carrel_lab.doctor.queries import Dataset
from carrel_lab.doctor.reach import Answer, Call, Silence

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
PROVIDER = "//iam.googleapis.com/projects/12/locations/global/workloadIdentityPools/carrel/providers/cluster"
LENDING = (
    "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
    "notebooks@pays.iam.gserviceaccount.com:generateAccessToken"
)
SALES = Dataset("risk", "sales", "pays", "viewer")


def error(status: int, message: str, reason: str = "", detail: str = "") -> Answer:
    """An error in Google's shape."""
    errors = [{"reason": reason, "message": message}] if reason else []
    details = [{"reason": detail}] if detail else []
    return Answer(status, {"error": {"message": message, "errors": errors, "details": details}})


def refused(said: str, kind: str = "invalid_grant") -> Answer:
    """An error of the token exchange."""
    return Answer(400, {"error": kind, "error_description": said}, NOW)


def token(**claims: Any) -> str:
    """An unsigned token; the doctor reads and does not verify."""
    claims = {
        "iss": "https://cluster.example",
        "sub": "system:serviceaccount:carrel:user-ada",
        "aud": ["https:" + PROVIDER],
        "iat": (NOW - timedelta(minutes=10)).timestamp(),
        "exp": (NOW + timedelta(minutes=50)).timestamp(),
    } | claims
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


@dataclass
class World:
    """What the doctor finds; each answer by a part of the address asked for."""

    folder: Path
    claims: dict[str, Any] = field(default_factory=dict)
    credentials: dict[str, Any] = field(default_factory=dict)
    place: dict[str, Any] = field(default_factory=dict)
    token: str | None = ""
    now: datetime = NOW
    known: Known = field(default_factory=lambda: Known("", (SALES,)))
    answers: dict[str, Answer | Silence] = field(
        default_factory=lambda: {
            "sts.googleapis.com": Answer(200, {"access_token": "t"}, NOW),
            "generateAccessToken": Answer(200, {"accessToken": "lent"}),
            "/default/email": Answer(200, text="pays.svc.id.goog"),
            "/default/token": Answer(200, {"access_token": "t"}),
            "/project-id": Answer(200, text="fleet"),
            "/jobs": Answer(200, {}),
            "/budget": Answer(200, {"payer": "ada", "left_today": 5_000_000}),
            "/datasets/": Answer(200, {}),
        }
    )
    asked: list[Call] = field(default_factory=list)

    def ask(self, call: Call) -> Answer | Silence:
        self.asked.append(call)
        return next(answer for part, answer in self.answers.items() if part in call.url)

    def examination(self) -> Examination:
        written = token(**self.claims) if self.token == "" else self.token
        path = self.folder / "token"
        if written is not None:
            path.write_text(written)
        document = {
            "type": "external_account",
            "audience": PROVIDER,
            "token_url": "https://sts.googleapis.com/v1/token",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "credential_source": {"file": str(path), "format": {"type": "text"}},
        } | self.credentials
        (self.folder / "credentials.json").write_text(json.dumps(document))
        place = {
            "warehouse": GOOGLE,
            "project": "pays",
            "credentials": self.folder / "credentials.json",
            "namespace": "carrel",
        } | self.place
        return Examination(Place(**place), self.ask, lambda: self.now)

    def whole(self) -> dict[str, Finding]:
        return {each.name: each for each in self.examination().whole(lambda: self.known)}


Break = Callable[[World], None]
