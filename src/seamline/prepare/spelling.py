"""How the fields of a load are spelled, and which of them cannot be."""

from dataclasses import dataclass

from seamline.core.names import NamingRules

SEPARATOR = "__"
"""Between the parts of a nested field's name (loading.md §5.2)."""

VALUE = "value"
"""The column of an array's scalars, and the name of an array inside an array (§5.3)."""


@dataclass(frozen=True, slots=True)
class Spelled:
    """A field's name, or the path of a nested one, and what the destination makes of it."""

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
        self._known: dict[tuple[str | None, str], Spelled] = {}

    def spell(self, raw: str, within: Spelled | None = None) -> Spelled:
        """Return how a field is spelled; ``within`` is the object it is a field of."""
        at = (None if within is None else within.raw, raw)
        if at not in self._known:
            self._known[at] = self._spelled(raw, within)
        return self._known[at]

    def _spelled(self, raw: str, within: Spelled | None) -> Spelled:
        leaf = self.rules.canonical(raw)
        problem = self.rules.column_problem(raw, leaf)
        if within is None:
            return Spelled(raw, leaf, problem, self.rules.column_loss(raw, leaf))
        # Each part is spelled by itself; leaf and whole path are tested (§3.5).
        whole_raw = f"{within.raw}{SEPARATOR}{raw}"
        whole = f"{within.canonical}{SEPARATOR}{leaf}"
        problem = problem or self.rules.column_problem(whole_raw, whole)
        loss = self.rules.column_loss(raw, leaf if not leaf else whole)
        return Spelled(whole_raw, whole, problem, loss)
