#!/usr/bin/python3
"""Goal:   what bench/ makes of its measurements is what they say: medians, ratios, verdicts that differ, the section that is written.
Method: the modules of bench/ as pure functions, on small inputs worked out by hand."""

import os
import pathlib
import sys
import tempfile
import unittest
import xml.dom.minidom

BENCH = pathlib.Path(__file__).resolve().parents[3] / "bench"
sys.dont_write_bytecode = True
sys.path[:0] = [str(BENCH / folder) for folder in ("run", "promises", "capacity", "guard")]

import guard  # noqa: E402  pylint: disable=wrong-import-position
import model  # noqa: E402  pylint: disable=wrong-import-position
import plot  # noqa: E402  pylint: disable=wrong-import-position
import rig  # noqa: E402  pylint: disable=wrong-import-position
import section  # noqa: E402  pylint: disable=wrong-import-position
from values import Values, number  # noqa: E402  pylint: disable=wrong-import-position
from verdicts import compare  # noqa: E402  pylint: disable=wrong-import-position


def values_of(**lists):
    values = Values()
    for name, items in lists.items():
        for item in items:
            values.note(name, item)
    return values


class TestValues(unittest.TestCase):
    def test_medians(self):
        values = values_of(odd=[9, 1, 5], even=[1, 2, 4, 100], gap=[3, None, 5])
        self.assertEqual([values.median(name) for name in ("odd", "even", "gap", "none")], [5, 3, 4, None])
        self.assertEqual((values.text("even", 2), values.text("none")), ("3.00", "-"))
        self.assertEqual((values.spread("odd", 0), values.spread("none")), ("1 to 9", "-"))

    def test_ratios(self):
        values = values_of(ours=[10, 40, 30], floor=[20, 20, 60], zero=[0, 0, 0])
        self.assertEqual(values.ratio("ours", "floor"), 1.5)
        self.assertEqual(values.ratio_each("ours", "floor"), 0.5)  # rounds side by side: 0.5, 2, 0.5
        self.assertIsNone(values.ratio("ours", "none"))
        self.assertIsNone(values.ratio("ours", "zero"))
        self.assertIsNone(values.ratio_each("ours", "zero"))

    def test_sums(self):
        values = values_of(**{"full.mixed.wrong": [1, 2], "full.mixed": [7], "cold.wrong": [0]})
        self.assertEqual(sorted(values.sums(".wrong")), [("cold", 0), ("full.mixed", 3)])

    def test_numbers(self):
        self.assertEqual([number(1234.56), number(1234.56, 0), number(None)], ["1,234.6", "1,235", "-"])


class TestSection(unittest.TestCase):
    def test_aims(self):
        self.assertEqual([section.holds(0.6, 0.6), section.holds(0.61, 0.6), section.holds(150, 150, True), section.holds(149, 150, True),
                          section.holds(None, 1)], ["yes", "**no**", "yes", "**no**", ""])

    def test_line(self):
        first, slope = section.fit([(x, 15 + 0.5 * x) for x in (4, 8, 64, 960)])
        self.assertAlmostEqual(first, 15)
        self.assertAlmostEqual(slope, 0.5)

    def replaced(self, before, *sections):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "RESULTS.md")
            pathlib.Path(path).write_text(before, encoding="utf-8")
            for one in sections:
                section.replace(path, one)
            return pathlib.Path(path).read_text(encoding="utf-8")

    def test_place(self):
        begin, end = section.BEGIN, section.END
        first = self.replaced("# Results\n\n## old\n\nwords\n", "## new\n")
        self.assertEqual(first, f"# Results\n\n{begin}\n## new\n{end}\n\n## old\n\nwords\n")
        self.assertEqual(self.replaced(first, "## newer\n", "## newest\n"), first.replace("## new\n", "## newest\n"))


EXPECT = {"spf": "pass", "dmarc": "fail", "dkim": [{"domain": "a.example", "selector": "s", "result": "pass"},
                                                   {"domain": "a.example", "selector": "s", "result": "fail"}]}


class TestVerdicts(unittest.TestCase):
    def test_equal(self):
        verdict = {"spf": "pass", "dmarc": "fail", "dkim": [("a.example", "s", "pass"), ("a.example", "s", "fail")]}
        found = compare("stack", [EXPECT], [verdict])
        self.assertEqual([found.text(method) for method in ("spf", "dmarc", "dkim")], ["1 of 1", "1 of 1", "2 of 2"])
        self.assertEqual(list(found.rows()), [])

    def test_different(self):
        verdict = {"spf": "none", "dmarc": "pass", "dkim": [("a.example", "s", "pass")]}
        found = compare("stack", [EXPECT, EXPECT], [verdict, verdict])
        self.assertEqual([found.text(method) for method in ("spf", "dmarc", "dkim")], ["0 of 2", "0 of 2", "2 of 4"])
        rows = {row[:3]: row[3:] for row in found.rows()}
        self.assertEqual(rows["spf", "pass", "none"], (2, 0, "not explained"))
        self.assertEqual(rows["dkim", "fail", "missing"][0], 2)
        self.assertTrue(rows["dmarc", "fail", "pass"][2].startswith("aspf=s"))

    def test_not_told(self):
        found = compare("python", [EXPECT], [{"spf": "pass", "dkim": []}])
        self.assertEqual((found.text("dmarc"), found.text("spf")), ("not told", "1 of 1"))


class TestPlot(unittest.TestCase):
    def test_labels(self):
        bottom = plot.HEIGHT - plot.BOTTOM
        for wanted in ([100, 101, 102], [bottom, bottom, bottom - 1], [80, 300]):
            found = plot.apart([(y, index) for index, y in enumerate(wanted)])
            places = sorted(found.values())
            self.assertTrue(all(b - a >= plot.LABEL_LINE for a, b in zip(places, places[1:])), str(found))
            self.assertLessEqual(places[-1], bottom)
        self.assertEqual(plot.apart([(80, 0), (300, 1)]), {0: 80, 1: 300})

    def test_ticks(self):
        ticks = [value for value, _ in plot.decades([3, 42], str)]
        self.assertEqual(ticks, [2, 5, 10, 20, 50])
        self.assertLessEqual(len(plot.decades([1e-3, 1e6], str)), 10)

    def test_well_formed(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "plot.svg")
            axes = [plot.Axis(title, [1, 100], plot.decades([1, 100], str)) for title in ("x < 1", "y & z")]
            plot.draw(path, 'a "title"', "a note", *axes, [plot.Series("one & two", 0, [(100, 1), (1, 100)])])
            texts = [node.firstChild.data for node in xml.dom.minidom.parse(path).getElementsByTagName("text")]
        self.assertTrue({'a "title"', "x < 1", "y & z", "one & two"} <= set(texts))


class TestReading(unittest.TestCase):
    def test_counters(self):
        """Field 4 of Status: a name and a value, which is absent when it is 0; other fields are passed over."""
        def counter(name, value):
            inner = b"\x0a" + bytes([len(name)]) + name + (b"\x10" + bytes([value]) if value else b"")
            return b"\x22" + bytes([len(inner)]) + inner
        octets = b"\x0a\x03abc" + counter(b"first", 7) + b"\x10\x05" + counter(b"second", 0)
        self.assertEqual(rig.counters(octets), {"first": 7, "second": 0})

    def test_instructions(self):
        dump = "ob=/usr/bin/assayd\nfn=a\n10 5\n+2 7\ncob=libc.so.6\ncfn=b\ncalls=3 0\n10 900\n11 1\nob=/lib/libc.so.6\nfn=b\n* 40\n"
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "dump")
            pathlib.Path(path).write_text(dump, encoding="utf-8")
            self.assertEqual(guard.instructions_by_object(path), {"assayd": 13, "libc.so.6": 40})


class TestModel(unittest.TestCase):
    def test_shares(self):
        shares = model.zipf_shares(1000)
        self.assertAlmostEqual(sum(shares), 1)
        self.assertAlmostEqual(shares[0] / shares[9], 10)
        groups = model.zipf_groups(100_000)
        self.assertEqual(sum(count for _, count in groups), 100_000)
        self.assertAlmostEqual(sum(share * count for share, count in groups), 1)

    def test_lifetimes(self):
        names = [f"{number}.example" for number in range(4000)]
        for seconds, share in model.LIFETIMES:
            found = sum(model.lifetime_of(name) == seconds for name in names) / len(names)
            self.assertAlmostEqual(found, share, delta=0.03)


unittest.main()
