"""Who may use the app, and what a page may do: hosts, token or proxy header, session, CSRF, and the content policy.

On loopback the machine's user is trusted, but a foreign page in the same browser is not: the host must be ours (DNS
rebinding), a write must come from our own page (fetch metadata and a token bound to the session cookie), and a page
runs no script but the app's own files.
"""

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from mgrd.errors import ConfigError

SESSION, TOKEN, NAME = "mgrd_session", "mgrd_token", "mgrd_reviewer"
"""Cookies: the session that CSRF tokens are bound to, the access token, and the reviewer's name."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
CSRF_HEADER = "x-csrf-token"


@dataclass(frozen=True, slots=True)
class Access:
    """How the app is reached. Without token and user header it answers on loopback alone."""

    token: str | None = None
    user_header: str | None = None
    reviewer: str = "reviewer"

    def check_host(self, host: str) -> None:
        """Raises ConfigError for an address beyond loopback that nothing guards."""
        if not is_loopback(host) and not self.token and not self.user_header:
            raise ConfigError(
                f"{host} can be reached by others; set MGRD_REVIEW_TOKEN to a secret, or pass --user-header NAME when "
                "a reverse proxy names the user, or bind to 127.0.0.1"
            )

    def host_allowed(self, header: str) -> bool:
        """Whether a Host header is ours: behind a token or a proxy any name is, on loopback only its names."""
        return bool(self.token or self.user_header) or host_name(header) in LOOPBACK

    def granted(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> bool:
        """Whether a visitor may see pages: named by the proxy, with the token, or on loopback without either."""
        if self.user_header:
            return bool(headers.get(self.user_header.lower(), "").strip())
        if not self.token:
            return True
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        return any(self.token_is(given) for given in (bearer, cookies.get(TOKEN, "")))

    def token_is(self, given: str) -> bool:
        return bool(self.token) and hmac.compare_digest(given.encode(), str(self.token).encode())

    def reviewer_of(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> str:
        """The proxy's user; otherwise the name that the reviewer chose, or the default."""
        if self.user_header:
            return headers.get(self.user_header.lower(), "")
        return cookies.get(NAME, "") or self.reviewer


def is_loopback(host: str) -> bool:
    """Whether an address to bind is reached from this machine alone; other names are taken not to be."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_name(header: str) -> str:
    """The name in a Host header, without its port."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.rpartition(":")[0] if ":" in header else header


def new_session() -> str:
    return secrets.token_urlsafe(24)


def csrf_token(session: str) -> str:
    """Bound to the session's cookie, which no other site can read: it needs no memory and outlives a restart."""
    return hmac.new(session.encode(), b"mgrd review csrf", hashlib.sha256).hexdigest()


def write_allowed(headers: Mapping[str, str], cookies: Mapping[str, str], form: Mapping[str, str]) -> bool:
    """Whether a write comes from a page of this app."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    session = cookies.get(SESSION, "")
    given = headers.get(CSRF_HEADER, "") or form.get("csrf", "")
    return bool(session) and hmac.compare_digest(given.encode(), csrf_token(session).encode())


def security_headers(nonce: str) -> dict[str, str]:
    """Scripts from our own files alone; styles too, but for the one that wavesurfer adds, which carries the nonce."""
    policy = (
        f"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
        "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
