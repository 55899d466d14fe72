from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from boz.core import agents
from boz.core.agents import AgentFunction


@pytest.fixture
def add_agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, AgentFunction], None]]:
    """Register agents that are gone after the test."""
    monkeypatch.setattr(agents, "_AGENTS", dict(agents._AGENTS))

    def add(name: str, run: AgentFunction, *, order: int = 1, acts_outside: bool = False) -> None:
        agents.register_agent(
            name,
            run,
            description=f"Test agent {name}.",
            order=order,
            acts_outside=acts_outside,
        )

    yield add
