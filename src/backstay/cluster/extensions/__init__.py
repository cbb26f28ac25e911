"""Extensions written in SQL under the names projects ask for, for ``extension_control_path``.

``extension/`` holds them as PostgreSQL wants them: NAME.control and NAME--VERSION.sql. Those that
can work in SQL do (pgjwt, pgmq, supabase_vault, uuid-ossp, cron's and net's tables); the others
offer the objects migrations mention and say at the call what is not available here.
"""

from __future__ import annotations

from pathlib import Path

PACK = Path(__file__).parent
"""A directory for ``extension_control_path``: PostgreSQL looks into its ``extension/``."""
