from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.lifecycle.seals.registering import register
from splitrun.errors import StoreError
from splitrun.govern.lifecycle.table import Verb
from tests.conduct.lifecycle.shop import KEY, asked


@pytest.mark.requirement("R77")
def test_an_experiment_whose_rows_were_deleted_is_not_registered_again(shop: Path) -> None:
    register(KEY, asked(shop))
    move(Verb.START, KEY, asked(shop))
    with closing(sqlite3.connect(shop / "state" / "registry.db")) as behind:
        for table in ("lives", "plans"):
            behind.execute(f"DROP TRIGGER {table}_no_delete")
            behind.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        behind.commit()

    with pytest.raises(StoreError, match="the registry has nothing of it any more"):
        register(KEY, asked(shop, reason="anew"))
