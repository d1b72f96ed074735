"""How people sign in: with the sign-in that comes along, or with any other that ``hub.config`` names."""

from typing import Any

from carrel_hub.values import IdentityProvider


def configure(c: Any, provider: IdentityProvider) -> None:  # noqa: ANN401 - traitlets' Config has no types
    """Set what holds for every sign-in, and all of it for the one that comes along.

    Groups are managed by the sign-in whichever it is, because sizes and images are allowed by group. Whatever
    ``hub.config`` says is applied later and wins, so ``JupyterHub.authenticator_class: google`` and its settings
    work as they do with Zero to JupyterHub.
    """
    c.Authenticator.enable_auth_state = True
    # What the owner of a Notebook may be called: refused when the user is made, not at every start.
    c.Authenticator.username_pattern = r"[^\x00-\x1f\x7f]{1,255}$"
    # Whoever is signed in is looked up again every five minutes. Once more before each start would only make it
    # slower, and JupyterHub answers a second click in that moment with an internal error.
    c.Authenticator.refresh_pre_spawn = False
    if not provider.enabled:
        return
    c.JupyterHub.authenticator_class = "generic-oauth"
    generic = c.GenericOAuthenticator
    # It is made afresh when it restarts, and forgets the tokens it gave: whoever clicks then must not have to sign in
    # again. Groups are looked up again in their own time (group_refresh.py).
    generic.auth_refresh_age = 0
    generic.login_service = provider.name
    generic.client_id = "hub"
    generic.basic_auth = True
    generic.enable_pkce = True
    generic.authorize_url = f"{provider.public_url}/oauth/authorize"  # the browser goes there,
    generic.token_url = f"{provider.url}/oauth/token"  # the hub itself here
    generic.userdata_url = f"{provider.url}/oauth/userinfo"
    generic.scope = ["openid", "profile", "email", "groups"]
    generic.username_claim = "sub"
    generic.manage_groups = True
    generic.auth_state_groups_key = _groups
    generic.admin_groups = set(provider.admin_groups)
    if provider.allowed_groups:
        generic.allowed_groups = set(provider.allowed_groups) | set(provider.admin_groups)
    else:
        generic.allow_all = True


def _groups(auth_state: dict[str, Any]) -> list[str]:
    """The groups of a person; who is in none has no such claim."""
    found: list[str] = auth_state["oauth_user"].get("groups", [])
    return found
