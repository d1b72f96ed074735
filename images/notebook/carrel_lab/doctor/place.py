"""Where this notebook's warehouse is and how it is asked, as the operator said it in the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

GOOGLE = "https://bigquery.googleapis.com"
PATIENCE_SECONDS = 20.0

_HUB = re.compile(r"https?://[\w-]+\.([\w-]+)\.svc\b", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """One notebook's way to the warehouse."""

    warehouse: str  # an address without a slash at the end
    project: str  # who pays for queries; empty: nobody said
    credentials: Path | None = None  # None: the metadata server knows who this is
    quota_project: str = ""
    metadata: str = "http://metadata.google.internal"
    patience: float = PATIENCE_SECONDS
    namespace: str = "NAMESPACE"
    service_account: str = "SERVICE_ACCOUNT"  # Kubernetes' own

    @property
    def inside(self) -> bool:
        """Whether queries go to an address inside the cluster: the stand-in's, or the gateway's."""
        return self.warehouse != GOOGLE

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Place | None":
        """None where no warehouse is configured."""
        credentials = environment.get("GOOGLE_APPLICATION_CREDENTIALS", "")
        project = environment.get("GOOGLE_CLOUD_PROJECT", "")
        if not credentials and not project:
            return None
        warehouse = environment.get("BIGQUERY_EMULATOR_HOST", "").rstrip("/") or GOOGLE
        metadata = environment.get("GCE_METADATA_HOST", "metadata.google.internal")
        inside = _HUB.match(warehouse) or _HUB.match(environment.get("JUPYTERHUB_API_URL", ""))
        return cls(
            warehouse=warehouse,
            project=project,
            credentials=Path(credentials) if credentials else None,
            quota_project=environment.get("GOOGLE_CLOUD_QUOTA_PROJECT", ""),
            metadata=f"http://{metadata}",
            patience=_seconds(environment.get("CARREL_IDENTITY_PATIENCE", "")),
            namespace=inside[1] if inside else "NAMESPACE",
            service_account=environment.get("CARREL_SERVICE_ACCOUNT") or "SERVICE_ACCOUNT",
        )


def _seconds(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:
        return PATIENCE_SECONDS
