"""What stands behind the calls of a client.

The rule: after construction nothing is raised into the product. What goes wrong inside is caught at the
border in `engine`, counted, and answered with the default.
"""

from __future__ import annotations
