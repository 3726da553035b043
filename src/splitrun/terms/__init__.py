"""The language of audiences, filters and values: one text, one meaning, in Python and in SQL.

`tree` holds the typed form, `words` and `parse` read text into it, `kinds` knows what does not fit,
`rendering` writes it as SQL (sqlglot, loaded there), and `closures` will run it in process. Three-valued
logic is SQL's everywhere; a shared table of cases proves it.
"""

from __future__ import annotations
