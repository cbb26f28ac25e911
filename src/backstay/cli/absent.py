"""Verbs of the Supabase CLI that backstay does not have, each with what to do instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import typer

from backstay.errors import OperatorError

_CLOUD: Final = "It manages projects on supabase.com, and backstay serves this machine."
_LATER: Final = "It is not there yet."

ABSENT: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "bootstrap": (_CLOUD, "Make a project with: backstay init"),
        "branches": (_CLOUD, "Use the Supabase CLI for it: npx supabase branches"),
        "domains": (_CLOUD, "Use the Supabase CLI for it: npx supabase domains"),
        "functions": (_LATER, "Use the Supabase CLI for it: npx supabase functions"),
        "gen": (_LATER, 'Use: npx supabase gen types --db-url "$(backstay status --get DB_URL)"'),
        "inspect": (_LATER, "Look yourself: backstay db psql"),
        "link": (_CLOUD, "Use the Supabase CLI for it: npx supabase link"),
        "login": (_CLOUD, "Nothing here asks for an account: backstay start"),
        "orgs": (_CLOUD, "Use the Supabase CLI for it: npx supabase orgs"),
        "projects": (_CLOUD, "Use the Supabase CLI for it: npx supabase projects"),
        "secrets": (_CLOUD, "Local secrets live in supabase/.env and supabase/functions/.env."),
        "seed": (_LATER, "Seeds run with: backstay db reset"),
        "services": (_CLOUD, "See what runs here: backstay status"),
        "storage": (_LATER, "Use the Supabase CLI for it: npx supabase storage"),
        "test": (_LATER, "Run your tests against: backstay start"),
        "unlink": (_CLOUD, "Use the Supabase CLI for it: npx supabase unlink"),
    }
)


def add_absent(app: typer.Typer) -> None:
    """Answer these verbs with a reason instead of "no such command"."""
    for verb, (why, instead) in ABSENT.items():
        app.command(
            verb,
            hidden=True,
            context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
        )(_refusal(verb, why, instead))


def _refusal(verb: str, why: str, instead: str) -> Callable[[], None]:
    def refuse() -> None:
        raise OperatorError(f"backstay has no {verb}.", why=why, next=instead)

    return refuse
