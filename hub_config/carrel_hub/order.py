"""What a start asks for."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

_SESSION_BYTES = 8


def new_session() -> str:
    """What tells one run of a server from every other."""
    return secrets.token_hex(_SESSION_BYTES)


@dataclass(frozen=True, slots=True)
class Order:
    """What a start asks for."""

    owner: str
    server: str
    instance_type: str
    image: str
    groups: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    rescue: bool = False
    by: str = ""  # the person who asks
    session: str = field(default_factory=new_session)
