"""What was measured, round by round: names and their values, medians, spreads and ratios."""

import collections

from rig import median


class Values:
    def __init__(self):
        self._lists = collections.defaultdict(list)

    def note(self, name, value):
        if value is not None:
            self._lists[name].append(value)

    def has(self, name):
        return bool(self._lists.get(name))

    def all(self, name):
        return list(self._lists.get(name, ()))

    def sums(self, ending):
        """(name without the ending, sum) of all values whose name ends so."""
        return [(name.removesuffix(ending), sum(values)) for name, values in self._lists.items() if name.endswith(ending)]

    def median(self, name):
        return median(self._lists[name]) if self.has(name) else None

    def ratio(self, name, other):
        """Of the medians; None where one is missing."""
        if not self.has(name) or not self.median(other):
            return None
        return self.median(name) / self.median(other)

    def ratio_each(self, name, other):
        """Median of the ratios of each round: what disturbed a round disturbed both."""
        pairs = [a / b for a, b in zip(self.all(name), self.all(other)) if b]
        return median(pairs) if pairs else None

    def text(self, name, digits=1):
        return number(self.median(name), digits)

    def spread(self, name, digits=1):
        values = self._lists.get(name)
        return f"{number(min(values), digits)} to {number(max(values), digits)}" if values else "-"


def number(value, digits=1):
    return "-" if value is None else f"{value:,.{digits}f}"
