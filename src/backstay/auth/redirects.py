"""Where a link may lead: the site, and what the project allows beside it.

https://supabase.com/docs/guides/auth/redirect-urls
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import SplitResult, urlsplit

_DECIMAL: Final = re.compile(r"[0-9]+")
_AUTHORITY: Final = re.compile(
    r"(?:[A-Za-z0-9\-._:~!$&'()*+,;=%@]*@)?(?:\[[0-9A-Fa-f:.%]+\]|[^\[\]\\@:\s]*)(?::[0-9]*)?"
)
"""What may stand before the path. A browser ends it at a backslash too, and would go to the host
before the backslash in ``https://evil.example\\@app.example.com``."""
_HOST: Final = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?")


class Redirects:
    """The allow list of one project. Globs: ``*`` and ``?`` stop at ``.`` and ``/``, ``**`` not."""

    def __init__(self, site_url: str, allowed: Iterable[str]) -> None:
        self.site_url = site_url
        self._site = _split(site_url)
        self._patterns = tuple(_pattern(glob) for glob in allowed)

    def choose(self, wanted: str, referer: str) -> str:
        """The first of ``wanted`` and ``referer`` that is allowed; else the site."""
        for url in (wanted, referer):
            if self.allows(url):
                return url
        return self.site_url

    def allows(self, url: str) -> bool:
        """Whether a link may lead to ``url``."""
        parts = _split(url) if url else None
        if parts is None:
            return False
        host = parts.hostname or ""
        if self._is_site(parts):
            return True
        if _DECIMAL.fullmatch(host):
            return False
        address = _address(host)
        if address is not None:
            return address.is_loopback
        if parts.scheme in ("http", "https") and not _HOST.fullmatch(host):
            return False
        bare = url.partition("#")[0]
        return any(pattern.fullmatch(bare) for pattern in self._patterns)

    def _is_site(self, parts: SplitResult) -> bool:
        site = self._site
        if site is None or (site.hostname, site.scheme) != (parts.hostname, parts.scheme):
            return False
        # Native applications listen on whatever loopback port is free.
        return _port(site) == _port(parts) or _is_loopback(parts.hostname or "")


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _port(parts)
    except ValueError:
        return None
    # A control character could end the header the URL is sent in.
    if any(ord(c) < 32 or ord(c) == 127 for c in url):
        return None
    return parts if _AUTHORITY.fullmatch(parts.netloc) else None


def _port(parts: SplitResult) -> int | None:
    return parts.port


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return address.is_loopback if address is not None else host == "localhost"


def _pattern(glob: str) -> re.Pattern[str]:
    """A glob as a regular expression; one that cannot be read matches only itself."""
    try:
        return re.compile(_translate(glob))
    except (re.error, ValueError):
        return re.compile(re.escape(glob))


def _translate(glob: str) -> str:
    out: list[str] = []
    position, depth = 0, 0
    while position < len(glob):
        char = glob[position]
        position += 1
        if char == "*":
            if glob.startswith("*", position):
                position += 1
                out.append(".*")
            else:
                out.append("[^./]*")
        elif char == "?":
            out.append("[^./]")
        elif char == "[":
            end = glob.index("]", position)
            body = glob[position:end].replace("\\", "\\\\")
            out.append(f"[^{body[1:]}]" if body.startswith("!") else f"[{body}]")
            position = end + 1
        elif char == "{":
            depth += 1
            out.append("(?:")
        elif char == "}" and depth:
            depth -= 1
            out.append(")")
        elif char == "," and depth:
            out.append("|")
        elif char == "\\" and position < len(glob):
            out.append(re.escape(glob[position]))
            position += 1
        else:
            out.append(re.escape(char))
    if depth:
        raise ValueError(glob)
    return "".join(out)
