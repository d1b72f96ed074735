"""Prices as people read them."""

from decimal import Decimal


def amount(price: float, currency: str) -> str:
    """``$0.12``, ``$1.50``, ``$0.004``: two decimals, or as many as a small price needs."""
    exact = Decimal(str(price))
    cents = exact.quantize(Decimal("0.01"))
    return f"{currency}{cents if cents == exact else format(exact.normalize(), 'f')}"


def per_hour(price: float, currency: str) -> str:
    """``$0.12 per hour``."""
    return f"{amount(price, currency)} per hour"
