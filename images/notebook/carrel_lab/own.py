"""The name of the dataset that is a person's or a project's own, made of the name that their files bear."""

import re
from collections.abc import Mapping


def dataset(environment: Mapping[str, str]) -> str:
    """``ada`` for ada, ``ada_lovelace`` for ada-lovelace, ``project__sales`` for the project sales.

    A person's login has hyphens and never an underscore, a project's has one underscore: so no two get the same.
    """
    login = environment.get("USER") or "nobody"
    return re.sub(r"[^a-z0-9_]", "_", login.lower().replace("_", "__"))
