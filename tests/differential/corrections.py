"""When an oracle is wrong: the allow list, each entry of which has to prove itself case by case.

An entry is a correction of the oracle, small and for one rule of an RFC. The oracle with all of them has to agree with us in
every case. Where it does not agree as it is, the one correction that is enough, or else the fewest that are, are charged
with the disagreement. So an entry cannot hide any but those that its rule explains, nor spoil what was right without it;
and one that is never charged has no reason to stay.
"""


class Correction:
    """`name` is how the oracle knows it; `section` proves the oracle wrong; `why` is for people."""

    def __init__(self, name, section, why):
        self.name = name
        self.section = section
        self.why = why
        self.uses = 0
        self.example = None


class AllowList:
    def __init__(self, corrections):
        self.corrections = {correction.name: correction for correction in corrections}

    def names(self):
        return frozenset(self.corrections)

    def judge(self, case_number, agrees):
        """Is the case as it has to be? `agrees(names)` asks the oracle corrected by them."""
        if not agrees(self.names()):
            return False
        if agrees(frozenset()):
            return True
        for name in self._one(agrees) or self._fewest(agrees):
            self.corrections[name].uses += 1
            if self.corrections[name].example is None:
                self.corrections[name].example = case_number
        return True

    def _one(self, agrees):
        """One that is enough; the likeliest are tried first."""
        for name in sorted(self.corrections, key=lambda name: -self.corrections[name].uses):
            if agrees(frozenset([name])):
                return {name}
        return set()

    def _fewest(self, agrees):
        """A set none of which can be left out."""
        needed = set(self.names())
        for name in sorted(needed):
            if agrees(frozenset(needed - {name})):
                needed.discard(name)
        return needed

    def print(self):
        for correction in self.corrections.values():
            example = f", as in case {correction.example}" if correction.uses else ""
            print(f"allowed {correction.uses:6} {correction.name}: {correction.section}: {correction.why}{example}")

    def unused(self):
        return [correction.name for correction in self.corrections.values() if not correction.uses]
