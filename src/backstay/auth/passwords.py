"""Password hashes: bcrypt of our own, and those imported from elsewhere.

Hashing takes tens of milliseconds of CPU, so it runs in a small pool of threads. What is accepted
as a hash: bcrypt, argon2i and argon2id in PHC form, and Firebase's scrypt.
https://supabase.com/docs/guides/auth/password-security
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import bcrypt
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.low_level import Type, verify_secret
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from backstay.auth.errors import AuthError, Code, invalid
from backstay.config.auth import AuthSettings, PasswordRequirements

A = TypeVar("A")
R = TypeVar("R")

COST: Final = 10
LONGEST: Final = 72
"""Bytes of a password bcrypt looks at."""

_BCRYPT: Final = re.compile(r"\$2[abxy]?\$(\d\d)\$[./A-Za-z0-9]{53}")
_ARGON2: Final = re.compile(
    r"\$argon2(?P<kind>i|id)\$v=19\$m=(?P<m>\d+),t=(?P<t>\d+),p=(?P<p>\d+)"
    r"\$(?P<salt>[A-Za-z0-9+/]+)\$(?P<hash>[A-Za-z0-9+/]+)"
)
_FIREBASE: Final = re.compile(
    r"\$fbscrypt\$v=1,n=(?P<n>\d+),r=(?P<r>\d+),p=(?P<p>\d+)(?:,ss=(?P<ss>[^,]+))?"
    r"(?:,sk=(?P<sk>[^$]+))?\$(?P<salt>[^$]+)\$(?P<hash>.+)"
)
_LETTERS: Final = string.ascii_lowercase + string.ascii_uppercase
_SYMBOLS: Final = "!@#$%^&*()_+-=[]{};'\\:\"|<>?,./`~"
REQUIRED: Final[dict[PasswordRequirements, tuple[str, ...]]] = {
    "": (),
    "letters_digits": (_LETTERS, string.digits),
    "lower_upper_letters_digits": (string.ascii_lowercase, string.ascii_uppercase, string.digits),
    "lower_upper_letters_digits_symbols": (
        string.ascii_lowercase,
        string.ascii_uppercase,
        string.digits,
        _SYMBOLS,
    ),
}
"""Sets a password must have at least one character of each."""


class Hasher:
    """Hashes and compares off the event loop. ``cost`` is bcrypt's, lower only in tests."""

    def __init__(self, *, cost: int = COST, threads: int = 2) -> None:
        self._cost = cost
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="password")
        # Compared with when there is no account, so that the answer takes as long as with one.
        self._decoy = _hash(secrets.token_urlsafe(16), cost)

    async def hash(self, password: str) -> str:
        """A bcrypt hash; the empty password has the empty hash, which nothing matches."""
        return await self._run(_hash, password, self._cost) if password else ""

    async def matches(self, password: str, hashed: str) -> bool:
        """Whether ``hashed`` is a hash of ``password``; an empty hash costs the same time."""
        found = await self._run(_matches, password, hashed or self._decoy)
        return found and bool(hashed)

    def close(self) -> None:
        """End the threads; what is being hashed is finished."""
        self._pool.shutdown(wait=False)

    async def _run(self, work: Callable[[str, A], R], first: str, second: A) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, first, second)


def is_hash(text: str) -> bool:
    """Whether ``text`` is a hash this module can compare with."""
    if text.startswith("$argon2"):
        return _argon2(text) is not None
    return bool(_FIREBASE.fullmatch(text) or _BCRYPT.fullmatch(text))


def weakness(password: str, settings: AuthSettings) -> AuthError | None:
    """422 ``weak_password`` with its reasons, or None."""
    messages: list[str] = []
    reasons: list[str] = []
    if len(password.encode()) < settings.minimum_password_length:
        reasons.append("length")
        messages.append(
            f"Password should be at least {settings.minimum_password_length} characters."
        )
    required = REQUIRED[settings.password_requirements]
    if any(not set(characters) & set(password) for characters in required):
        reasons.append("characters")
        listed = ", ".join(required)
        messages.append(f"Password should contain at least one character of each: {listed}.")
    if not reasons:
        return None
    return AuthError(422, Code.WEAK_PASSWORD, " ".join(messages), reasons=tuple(reasons))


def check_new_password(password: str, settings: AuthSettings) -> None:
    """Raises ``AuthError`` for a password that is too long or too weak."""
    if len(password.encode()) > LONGEST:
        raise invalid(f"Password cannot be longer than {LONGEST} characters")
    weak = weakness(password, settings)
    if weak is not None:
        raise weak


def random_password(settings: AuthSettings, length: int = 64) -> str:
    """One that no policy refuses, for accounts that sign in otherwise."""
    sets = REQUIRED[settings.password_requirements] or (_LETTERS + string.digits,)
    needed = [secrets.choice(characters) for characters in sets]
    filling = [secrets.choice(_LETTERS + string.digits) for _ in range(length - len(needed))]
    return "".join(needed + filling)


def _hash(password: str, cost: int) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost, b"2a")).decode()


def _matches(password: str, hashed: str) -> bool:
    if hashed.startswith("$argon2"):
        return _matches_argon2(password, hashed)
    if hashed.startswith("$fbscrypt"):
        return _matches_firebase(password, hashed)
    try:
        return bcrypt.checkpw(password.encode()[:LONGEST], hashed.encode())
    except ValueError:
        return False


def _argon2(hashed: str) -> re.Match[str] | None:
    found = _ARGON2.fullmatch(hashed)
    # Limits on what an imported hash may cost: 1 GiB, 20 passes, 16 lanes.
    fits = found and int(found["m"]) <= 1 << 20 and int(found["t"]) <= 20 and int(found["p"]) <= 16
    return found if fits else None


def _matches_argon2(password: str, hashed: str) -> bool:
    found = _argon2(hashed)
    if found is None:
        return False
    kind = Type.ID if found["kind"] == "id" else Type.I
    try:
        return verify_secret(hashed.encode(), password.encode(), kind)
    except (Argon2Error, InvalidHashError):
        return False


def _matches_firebase(password: str, hashed: str) -> bool:
    found = _FIREBASE.fullmatch(hashed)
    if found is None:
        return False
    try:
        salt = base64.b64decode(found["salt"]) + base64.b64decode(found["ss"] or "")
        signer, expected = base64.b64decode(found["sk"] or ""), base64.b64decode(found["hash"])
        n, r, p = 1 << min(int(found["n"]), 20), int(found["r"]), int(found["p"])
        memory = 128 * r * (n + p + 2)
        key = hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, dklen=32, maxmem=memory)
    except (ValueError, OverflowError):
        return False
    # Firebase encrypts its signer key under the derived key; the counter starts at zero.
    encryptor = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    return hmac.compare_digest(encryptor.update(signer), expected)
