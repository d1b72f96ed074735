"""Start the provider: read the seed, fill a fresh database with it, serve."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from asgiref.wsgi import WsgiToAsgi
from canaille import create_app
from canaille.backends import Backend
from hypercorn.asyncio import serve
from hypercorn.config import Config
from joserfc.jwk import ECKey, RSAKey

from carrel_identity import seed as seeds
from carrel_identity.host import OnePublicHost


def signing_keys() -> list[dict[str, Any]]:
    """New private keys as JWKs: the elliptic one signs, the RSA one is what OpenID Connect wants to see offered."""
    keys = ECKey.generate_key("P-256", auto_kid=True), RSAKey.generate_key(2048, auto_kid=True)
    return [dict(key.as_dict(private=True)) for key in keys]


def main() -> None:
    """Run until told to stop; end with one sentence when the seed can't be used."""
    path = Path(os.environ.get("CARREL_IDENTITY_SEED", "/etc/carrel/identity/seed.json"))
    try:
        seed = seeds.parse(json.loads(path.read_text()))
    except (OSError, ValueError) as problem:
        sys.exit(f"The sign-in can't start with {path}: {problem}")
    # The database and the keys are as short-lived as the process: people come from the seed, tokens are used within
    # seconds of the sign-in, and the hub keeps its own session.
    database = Path(os.environ.get("CARREL_IDENTITY_DATABASE", "/tmp/identity.sqlite"))  # noqa: S108 the pod's own
    database.unlink(missing_ok=True)
    application = create_app(config=seeds.settings(seed, str(database), signing_keys()))
    with application.app_context(), Backend.instance.session():
        Backend.instance.restore(seeds.records(seed))
    config = Config.from_mapping(bind=["0.0.0.0:8080"], graceful_timeout=2, accesslog="-")
    # Through asgiref as canaille's own server does: hypercorn's WSGI mode answers 500 where a body is empty (304, HEAD).
    asyncio.run(serve(WsgiToAsgi(OnePublicHost(application, seed.public_url)), config))


if __name__ == "__main__":
    main()
