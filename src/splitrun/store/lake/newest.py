"""When the newest rows of a table came in, as its log tells: no file of rows is opened."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from splitrun.errors import StoreError
from splitrun.store.lake.place import Folder

__all__ = ["newest"]


def newest(folder: Folder) -> datetime | None:
    """Tell when the newest row that can be read was received; None where there is none.

    Raises:
        StoreError: The table cannot be read.
    """
    storage = folder.storage()
    try:
        table = DeltaTable(folder.uri, storage_options=None if storage is None else dict(storage))
        added = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    except TableNotFoundError:
        return None
    except (DeltaError, OSError) as error:
        says = str(error).splitlines()[0]
        raise StoreError(f"the table {folder.uri} cannot be read ({says}); mend or restore it") from error
    return max((one["max.received"] for one in added if one.get("max.received") is not None), default=None)
