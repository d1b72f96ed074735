"""What a server may ask the hub with its own token."""

from carrel_operator import names


def of_server(user: str, server: str) -> list[str]:
    """JupyterHub's own, and to resize, restart and report on itself.

    Whoever works in a team's server can read its token, and might keep it: it opens nothing.
    """
    return [
        "users:activity!user",
        *([] if names.project_of(user) else [f"access:servers!server={user}/{server}"]),
        f"servers!server={user}/{server}",
    ]
