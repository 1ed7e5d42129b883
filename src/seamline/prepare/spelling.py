"""How the fields of a load are spelled, and which of them cannot be."""

from dataclasses import dataclass

from seamline.core.names import NamingRules


@dataclass(frozen=True, slots=True)
class Spelled:
    """A field name and what the destination makes of it."""

    raw: str
    canonical: str
    problem: str | None
    """Why a record with this field is rejected."""
    loss: str | None
    """Why the field is left out while its record loads."""

    @property
    def good(self) -> bool:
        """Whether the field can simply become a column."""
        return self.problem is None and self.loss is None


class Speller:
    """Spells field names by one destination's rules and remembers them."""

    def __init__(self, rules: NamingRules) -> None:
        self.rules = rules
        self._known: dict[str, Spelled] = {}

    def spell(self, raw: str) -> Spelled:
        """Return how a field is spelled."""
        if raw not in self._known:
            canonical = self.rules.canonical(raw)
            problem = self.rules.column_problem(raw, canonical)
            loss = self.rules.column_loss(raw, canonical)
            self._known[raw] = Spelled(raw, canonical, problem, loss)
        return self._known[raw]
