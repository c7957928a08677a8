"""What finds the nearest of many vectors, whoever keeps them: a matrix in memory, a database."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Keeper = Literal["exact", "pgvector"]


class Near(NamedTuple):
    """An entity's number and the cosine of its vector with the query's, -1 to 1."""

    entity: int
    similarity: float


class VectorIndex(Protocol):
    """The vectors of one model, as `graph_vectors` has them. May raise StoreUnavailable."""

    @property
    def keeper(self) -> Keeper: ...

    async def nearest(self, query: Floats, limit: int, kinds: Collection[str] = ()) -> list[Near]:
        """The nearest entities, best first, of these kinds (empty: any). `query`: (dimensions,)."""
        ...

    async def refresh(self) -> None:
        """Takes in all that changed. Only who keeps the indexes of the graph calls it."""
        ...
