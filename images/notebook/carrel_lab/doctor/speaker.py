"""How the identity stands, told to the hub, and to the person when it is not well or is well again."""

import logging
import threading
import time

from carrel_lab.doctor.gate import Identity
from carrel_lab.guard.hub import Hub, HubError
from carrel_lab.guard.notices import Kind, Notices

_PAUSES = (0.0, 3.0, 10.0, 60.0)  # before each try; the hub takes one report every two seconds
_SENTENCE = 1000  # characters; the hub takes a few more

log = logging.getLogger(__name__)


class Speaker:
    """Passes on how the identity stands: to the hub, and to the person when it is not well, or is well again."""

    def __init__(self, hub: Hub | None, notices: Notices) -> None:
        self._hub, self._notices = hub, notices
        self._told = True
        self._latest: Identity | None = None

    def tell(self, identity: Identity) -> None:
        """Say it."""
        if not identity.ready:
            self._notices.forget(Kind.IDENTITY)
            self._notices.say(Kind.IDENTITY, identity.message)
        elif not self._told:
            self._notices.forget(Kind.IDENTITY)
            self._notices.say(Kind.IDENTITY, "Queries work now.")
        self._told, self._latest = identity.ready, identity
        if self._hub:
            threading.Thread(target=self._insist, args=(self._hub, identity), daemon=True).start()

    def _insist(self, hub: Hub, identity: Identity) -> None:
        said = {"message": " ".join(identity.message.split())[:_SENTENCE]} if identity.message else {}
        for pause in _PAUSES:
            time.sleep(pause)
            if identity is not self._latest:
                return  # it has changed meanwhile
            try:
                hub.report({"identity": {"ready": identity.ready, **said}})
            except HubError as error:
                log.info("The hub was not told of the identity: %s", error)
            else:
                return
