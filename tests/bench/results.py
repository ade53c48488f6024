"""The numbers of a run: by workload, system and name, each with its repeats. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from statistics import median


class Results:
    """`failures` are the runs that gave no numbers, in words."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self.failures: list[str] = []

    def add(self, key: str, system: str, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            self._values[key, system][name].append(value)

    def systems(self, key: str) -> list[str]:
        return [system for known, system in self._values if known == key]

    def values(self, key: str, system: str, name: str) -> list[float]:
        return self._values.get((key, system), {}).get(name, [])

    def median(self, key: str, system: str, name: str) -> float | None:
        values = self.values(key, system, name)
        return median(values) if values else None

    def ratio(self, key: str, name: str, to: str, of: str = "parley") -> float | None:
        mine, theirs = self.median(key, of, name), self.median(key, to, name)
        return mine / theirs if mine is not None and theirs else None

    def spread(self, key: str, system: str, name: str, form: str = "{:.3g}") -> str:
        """`median (lowest to highest)`, or the one value, or a dash."""
        values = self.values(key, system, name)
        if not values:
            return "–"
        middle = form.format(median(values))
        if len(values) == 1 or min(values) == max(values):
            return middle
        return f"{middle} ({form.format(min(values))} to {form.format(max(values))})"

    def to_json(self) -> list[dict[str, object]]:
        return [{"workload": key, "system": system, "numbers": names} for (key, system), names in self._values.items()]
