"""The expression language of audiences, filters and values: one text, one meaning, in Python and in SQL.

`tree` holds the typed form, `parse` reads text into it (sqlglot, loaded when asked), `rendering` writes it as
SQL, and `closures` will run it in process. Three-valued logic is SQL's everywhere; a shared table of cases proves it.
"""

from __future__ import annotations
