"""What the benches share: one place to hold a figure against its limit, and a table at the end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

# The talk's example of a memory device, which all figures are measured on.
DIMM = (
    "-M q35 -m 4G,slots=4,maxmem=16G -nodefaults "
    "-object memory-backend-ram,id=mem1,size=2G -device pc-dimm,id=dimm1,memdev=mem1"
)


@dataclass(frozen=True)
class Figure:
    """One measured figure and the limit it has to keep."""

    name: str
    value: float
    unit: str
    limit: float
    at_least: bool

    @property
    def kept(self) -> bool:
        """True if the figure is on the right side of its limit."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        side = "at least" if self.at_least else "at most"
        verdict = "" if self.kept else "  MISSED"
        return f"{self.name}: {self.value:,.4g} {self.unit} ({side} {self.limit:,.4g}){verdict}"


FIGURES: list[Figure] = []


class Figures:
    """Takes figures, fails the bench that misses its limit, and knows percentiles."""

    def at_most(self, name: str, value: float, limit: float, unit: str = "") -> None:
        """Record a figure that must not be above ``limit``."""
        self._hold(Figure(name, value, unit, limit, at_least=False))

    def at_least(self, name: str, value: float, limit: float, unit: str = "") -> None:
        """Record a figure that must not be below ``limit``."""
        self._hold(Figure(name, value, unit, limit, at_least=True))

    @staticmethod
    def percentile(values: Sequence[float], percent: float = 95) -> float:
        """The smallest of ``values`` that ``percent`` of them do not exceed."""
        return sorted(values)[math.ceil(len(values) * percent / 100) - 1]

    @staticmethod
    def _hold(figure: Figure) -> None:
        FIGURES.append(figure)
        assert figure.kept, str(figure)


@pytest.fixture
def figures() -> Figures:
    """Where a bench leaves what it measured."""
    return Figures()


@pytest.fixture(scope="session")
def dimm_line() -> str:
    """The command line that is measured."""
    return DIMM


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print every figure with its limit."""
    if FIGURES:
        terminalreporter.section("Measured")
        for figure in FIGURES:
            terminalreporter.line(str(figure))
