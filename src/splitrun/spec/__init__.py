"""The nouns a user writes, as strict and frozen pydantic models, read from YAML and described as JSON Schema.

No verbs live here: what is done with a spec before the first unit is in `plan`.
"""

from __future__ import annotations
