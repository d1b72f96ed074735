"""``python -m carrel_operator`` runs the operator in the namespace that its settings name."""

import asyncio

import kopf

from carrel_operator import handlers, settings


def main() -> None:
    """Run until told to stop."""
    namespace = settings.load(handlers.SETTINGS_PATH).namespace
    kopf.configure()
    asyncio.run(
        kopf.operator(
            standalone=True, namespaces=[namespace], liveness_endpoint="http://0.0.0.0:8080/healthz"
        )
    )


if __name__ == "__main__":
    main()
