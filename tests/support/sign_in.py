"""Signing in as a browser does, without one: forms are filled and redirects followed until the hub knows the person."""

from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

from support.cluster import Platform


class _Form(HTMLParser):
    """The fields of the page's form for names and passwords, with what they hold, and where it goes."""

    def __init__(self) -> None:
        super().__init__()
        self.action, self.fields, self._within = "", {}, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form" and (given.get("method") or "").lower() == "post" and not self.fields:
            self._within, self.action = True, given.get("action") or ""
        elif tag == "input" and self._within and given.get("name"):
            self.fields[str(given["name"])] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._within = False


def sign_in(platform: Platform, name: str, password: str) -> httpx.Client:
    """A client whose cookies the hub and the sign-in know as that person's."""
    client = httpx.Client(follow_redirects=True, timeout=60, trust_env=False)
    page = client.get(f"{platform.url}/hub/oauth_login")
    for _ in range(4):
        if str(page.url).startswith(platform.url):
            return client
        form = _Form()
        form.feed(page.text)
        filled = form.fields | {
            field: value for field, value in (("login", name), ("password", password)) if field in form.fields
        }
        page = client.post(urljoin(str(page.url), form.action), data=filled)
    client.close()
    message = f"{name} was not signed in: {page.url} answered {page.status_code}"
    raise AssertionError(message)
