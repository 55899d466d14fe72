"""When a model was last run, and since when the service has that run."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: The servers take over a run one after the other; all have it this long after the first.
SETTLING = dt.timedelta(minutes=10)

#: Models whose data lie under another name than the one that forecasts are asked by.
DIRECTORIES = {
    "ncep_gfs_global": "ncep_gfs013",
    "dwd_icon_global": "dwd_icon",
    "icon_global_eps": "dwd_icon_eps",
    "gem_global_ensemble": "cmc_gem_geps",
}

_Epoch = Annotated[int, Field(gt=0, lt=4102444800)]


class ModelUpdate(BaseModel):
    """The latest run of a model that the service has."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    initialised_epoch: _Epoch = Field(alias="last_run_initialisation_time")
    available_epoch: _Epoch = Field(alias="last_run_availability_time")
    update_interval_seconds: int = Field(gt=0)
    temporal_resolution_seconds: int = Field(gt=0)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.available_epoch < self.initialised_epoch:
            raise ValueError("the run was available before it began")
        return self

    @property
    def initialised_at(self) -> dt.datetime:
        """Return the run's time, which is that of the observations it starts from."""
        return dt.datetime.fromtimestamp(self.initialised_epoch, tz=dt.UTC)

    @property
    def available_at(self) -> dt.datetime:
        """Return when the first server had the run."""
        return dt.datetime.fromtimestamp(self.available_epoch, tz=dt.UTC)

    @property
    def settled_at(self) -> dt.datetime:
        """Return from when on every server answers with this run."""
        return self.available_at + SETTLING


def metadata_path(model_id: str) -> str:
    """Return where the service tells about a model's latest run."""
    return f"/data/{DIRECTORIES.get(model_id, model_id)}/static/meta.json"
