"""a storage of Optuna in -> the same out, in which a heartbeat may fail and is then missed."""

import contextlib
import sqlite3

from optuna.exceptions import OptunaError
from optuna.storages import RDBStorage
from sqlalchemy.exc import SQLAlchemyError

from bpcli.errors import BpcliError


class Storage(RDBStorage):
    """Optuna's storage, whose thread for heartbeats does not end with a traceback."""

    def record_heartbeat(self, trial_id: int) -> None:
        with contextlib.suppress(OptunaError, SQLAlchemyError, sqlite3.Error, BpcliError):
            super().record_heartbeat(trial_id)
