"""``python -m carrel_operator`` runs the operator in the namespace that its settings name."""

import asyncio

import kopf

from carrel_operator import handlers, settings


def main() -> None:
    """Run until told to stop."""
    kopf.configure()
    handlers.speak_of_changes()
    asyncio.run(_run(settings.load(handlers.SETTINGS_PATH)))


async def _run(values: settings.Settings) -> None:
    await kopf.operator(
        standalone=True,
        namespaces=[values.namespace],
        liveness_endpoint="http://0.0.0.0:8080/healthz",
        memo=kopf.Memo(wanted=await handlers.discover(values)),
    )


if __name__ == "__main__":
    main()
