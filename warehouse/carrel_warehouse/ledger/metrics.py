"""The ledger as Prometheus sees it.

Its counters begin anew at midnight UTC, as Prometheus knows counters to do; what is exact is /usage.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from carrel_warehouse.ledger.usage import Reader
from carrel_warehouse.price import Price


class Figures(Collector):
    """Reads the ledger whenever somebody looks."""

    def __init__(
        self,
        reader: Reader,
        price: Price,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        self._reader, self._price, self._today = reader, price, today

    def describe(self) -> list[Metric]:
        """Nothing yet: the names are not looked up at registration."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Today's figures."""
        yield from self._queries()
        yield from self._servers()

    def _queries(self) -> Iterator[Metric]:
        labels = ("person", "project", "billing_project")
        read = CounterMetricFamily("carrel_query_billed_bytes", "Bytes billed for queries.", labels=labels)
        number = CounterMetricFamily("carrel_queries", "Queries that are over.", labels=labels)
        cost = CounterMetricFamily(
            "carrel_query_cost", "What queries cost, in the release's currency.", labels=labels
        )
        for *whose, billed, queries in self._reader.queries(self._today()):
            read.add_metric(whose, billed)
            number.add_metric(whose, queries)
            cost.add_metric(whose, self._price.amount(billed))
        yield from (read, number, cost)

    def _servers(self) -> Iterator[Metric]:
        labels = ("person", "project", "instance_type")
        time = CounterMetricFamily("carrel_notebook_seconds", "How long servers ran.", labels=labels)
        cost = CounterMetricFamily(
            "carrel_notebook_cost", "What servers cost, in the release's currency.", labels=labels
        )
        for *whose, seconds, price in self._reader.servers(self._today()):
            time.add_metric(whose, seconds)
            cost.add_metric(whose, price)
        yield from (time, cost)
