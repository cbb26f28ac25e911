"""The command line: one file per noun, ``main`` the entry.

Only what every verb needs is imported at the top of these files; a verb that starts a server or
talks to a database imports that when it runs, so that ``--help`` and ``status`` answer at once.
"""
