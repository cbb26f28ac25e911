"""backstay: one Python process over a real PostgreSQL that serves a Supabase project folder."""

__version__ = "0.1.0"
