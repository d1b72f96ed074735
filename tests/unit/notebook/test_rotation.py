"""google-auth reads the token file anew for every exchange, which is why the kubelet's rotation needs nobody."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from google.auth import identity_pool


class Response:
    status = 200
    data = json.dumps({"access_token": "a", "expires_in": 3600, "token_type": "Bearer"}).encode()


def test_each_exchange_takes_the_token_that_is_in_the_file_then(tmp_path: Path) -> None:
    sent: list[str] = []

    def request(*_: Any, body: bytes, **__: Any) -> Response:
        sent.extend(parse_qs(body.decode())["subject_token"])
        return Response()

    file = tmp_path / "token"
    credentials = identity_pool.Credentials(
        audience="//warehouse.carrel.local/clusters/this",
        subject_token_type="urn:ietf:params:oauth:token-type:jwt",
        token_url="http://127.0.0.1/sts/v1/token",
        credential_source={"file": str(file), "format": {"type": "text"}},
    )
    for token in ("first", "second"):
        file.write_text(token)
        credentials.refresh(request)
    assert sent == ["first", "second"]
