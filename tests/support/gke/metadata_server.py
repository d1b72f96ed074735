"""GKE's metadata server as a pod sees it: who asks is known by the address, and gets a token of its own.

It runs in a pod. By its source address it finds the asking pod's ServiceAccount, has the cluster sign a token for it, and
trades that at the stand-in's exchange; an annotation has it act as a Google service account besides, as on GKE:
https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity#metadata_server
"""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

NAMESPACE, PROJECT, WAREHOUSE, AUDIENCE, MODE = (
    os.environ[key] for key in ("NAMESPACE", "PROJECT", "WAREHOUSE", "AUDIENCE", "MODE")
)
ANNOTATION = "iam.gke.io/gcp-service-account"
NODE = "12-compute@developer.gserviceaccount.com"  # what a node pool without GKE_METADATA says of every pod
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
# ``late`` does not answer a young pod. GKE's own documents speak of a few seconds; here it is longer than a start takes
# and google-auth tries, so that a start which does not wait fails.
SECONDS_UNTIL_KNOWN = 15.0 if MODE == "late" else 0.0
OWN = Path("/var/run/secrets/kubernetes.io/serviceaccount")

Json = dict[str, Any]


class RefusedError(Exception):
    """The answer of somebody who was asked on the way, to be passed on."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def ask(url: str, headers: dict[str, str], data: bytes | None = None) -> Json:
    context = ssl.create_default_context(cafile=str(OWN / "ca.crt")) if url.startswith("https:") else None
    try:
        request = urllib.request.Request(url, data, headers)  # noqa: S310 - what the test configured
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:  # noqa: S310
            found: Json = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        raise RefusedError(error.code, error.read().decode()) from error


def cluster(path: str, body: Json | None = None) -> Json:
    headers = {"Authorization": f"Bearer {(OWN / 'token').read_text()}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    return ask(f"https://kubernetes.default.svc/api/v1/namespaces/{NAMESPACE}/{path}", headers, data)


def pod_at(address: str) -> Json | None:
    """The running pod of that address, once it is known."""
    for pod in cluster(f"pods?fieldSelector=status.podIP={address}")["items"]:
        began = datetime.fromisoformat(pod["metadata"]["creationTimestamp"]).timestamp()
        if pod["status"]["phase"] == "Running" and time.time() - began > SECONDS_UNTIL_KNOWN:
            return dict(pod)
    return None


def annotated(account: str) -> str:
    found = cluster(f"serviceaccounts/{account}")
    return str(found["metadata"].get("annotations", {}).get(ANNOTATION, ""))


def token(account: str) -> Json:
    """An access token for a ServiceAccount, or for whom it is annotated with."""
    spec = {"spec": {"audiences": [f"https:{AUDIENCE}"], "expirationSeconds": 600}}
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": AUDIENCE,
        "scope": SCOPE,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "subject_token": cluster(f"serviceaccounts/{account}/token", spec)["status"]["token"],
    }
    own = ask(f"{WAREHOUSE}/sts/v1/token", {}, urllib.parse.urlencode(form).encode())["access_token"]
    if lent := annotated(account):
        headers = {"Authorization": f"Bearer {own}", "Content-Type": "application/json"}
        url = f"{WAREHOUSE}/v1/projects/-/serviceAccounts/{lent}:generateAccessToken"
        try:
            own = ask(url, headers, json.dumps({"scope": [SCOPE]}).encode())["accessToken"]
        except RefusedError as refusal:
            said = json.loads(str(refusal))["error"]["message"]
            text = f"Unable to generate access token; IAM returned 403 Forbidden: {said}\n"
            raise RefusedError(403, text) from refusal
    return {"access_token": own, "expires_in": 3599, "token_type": "Bearer"}


def answer_to(path: str, account: str) -> str | Json:
    """What is at a path below ``computeMetadata/v1``, for that ServiceAccount."""
    email = NODE if MODE == "node" else annotated(account) or f"{PROJECT}.svc.id.goog"
    match path.removeprefix("/computeMetadata/v1/").strip("/").split("/"):
        case ["project", "project-id"]:
            return PROJECT
        case ["instance", "service-accounts", _]:
            return {"aliases": ["default"], "email": email, "scopes": [SCOPE]}
        case ["instance", "service-accounts", _, "email"]:
            return email
        case ["instance", "service-accounts", _, "token"] if MODE != "node":
            return token(account)
    raise RefusedError(404, "Not Found\n")


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        pod = pod_at(self.client_address[0])
        if pod is None:
            self.close_connection = True
            return
        path = urllib.parse.urlsplit(self.path).path
        if self.headers.get("Metadata-Flavor") != "Google":
            self._say(403, "Missing required header: Metadata-Flavor\n")
            return
        try:
            self._say(200, answer_to(path, pod["spec"]["serviceAccountName"]) if path.strip("/") else "")
        except RefusedError as refusal:
            self._say(refusal.status, str(refusal))

    def _say(self, status: int, content: str | Json) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        kind = "text/plain" if isinstance(content, str) else "application/json"
        self.send_response(status)
        for name, value in {"Metadata-Flavor": "Google", "Content-Type": kind}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())


if __name__ == "__main__":
    sys.stderr.write("ready\n")
    ThreadingHTTPServer(("", 8080), Handler).serve_forever()
