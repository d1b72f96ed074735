"""The clock by which cluster tokens are judged; it can be set wrong, to see what becomes of a node whose clock is.

Two clocks of one machine never differ, and a cluster on one node has no other. So the stand-in's may be so many seconds
ahead of its node's: to a person that is the same as a node which is as far behind. Nothing else is dated by it.
"""

import time
from dataclasses import dataclass
from email.utils import formatdate

from aiohttp import web


@dataclass(frozen=True)
class Clock:
    """The node's clock, plus so many seconds."""

    ahead: int = 0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.ahead

    async def date(self, _request: web.BaseRequest, response: web.StreamResponse) -> None:
        """Put the time into an answer's ``Date``, as every service at Google does."""
        response.headers["Date"] = formatdate(self.now(), usegmt=True)
