"""Money as a person says it."""

from dataclasses import dataclass

_TIB = 1024**4


@dataclass(frozen=True)
class Price:
    """What a TiB costs; `currency` is written in front."""

    per_tib: float
    currency: str

    def amount(self, number: int) -> float:
        """What so many billed bytes cost."""
        return number * self.per_tib / _TIB

    def of(self, number: int) -> str:
        """The same, for people."""
        return self.say(self.amount(number))

    def say(self, amount: float) -> str:
        """An amount for people: to the cent, and never 0 for what costs something."""
        if 0 < amount < 0.01:
            return f"less than {self.currency}0.01"
        return f"{self.currency}{amount:,.2f}"
