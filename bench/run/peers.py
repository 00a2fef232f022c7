"""Peers in every round: one pass over the corpus each, with its caches warm. Their verdicts are compared once, after the pass that
warms them."""

from catalogue import Catalogue
from peer import measure, try_each
from rig import say
from verdicts import compare, expected

ROUNDS = 3
SIZED_MESSAGES = 30  # of each size, for the plot


class Peers:
    def __init__(self, rig, values, corpora, nsd):
        self.rounds = 1 if rig.quick else ROUNDS
        self._rig, self._values, self._nsd_pid = rig, values, nsd.process.pid
        self._corpora, self._catalogue = corpora, Catalogue(rig)
        self.labels, self.comparisons, self._running = {}, {}, []
        for name, label, start in self._catalogue.kinds:
            self._start(name, label, lambda start=start: start(corpora["mixed"], None), "mixed")
            if name == "rspamd":
                self._start("rspamd_opaque", label, lambda start=start: start(corpora["opaque"], None), "opaque")

    def _start(self, name, label, start, corpus):
        def first(kind):
            peer = start()
            say(f"   {kind.label}: warming, {peer.count} messages")
            peer.one_pass()
            self.comparisons[name] = compare(name.split("_")[0], expected(self._corpora[corpus]), peer.verdicts())
            self.labels[name] = label
            self._running.append((name, peer))
        try_each([_Named(label)], first)

    def one_round(self, _):
        def run(named):
            own, resolver, seconds = measure(named.peer, self._nsd_pid)
            self._values.note(f"peer.{named.name}.own", own)
            self._values.note(f"peer.{named.name}.resolver", resolver)
            self._values.note(f"peer.{named.name}", own + resolver)
            say(f"   {named.label}: {own:.0f} us and {resolver:.0f} of the name server, {seconds:.1f} s")
        left = try_each([_Named(peer.label, name, peer) for name, peer in self._running], run)
        self._running = [(named.name, named.peer) for named in left]

    def by_size(self, corpora):
        """CPU of each peer for messages of one size: {octets: corpus}. Once: it is for the plot."""
        messages = 5 if self._rig.quick else SIZED_MESSAGES
        for octets, corpus in corpora.items():
            try_each([_Named(label, name, start) for name, label, start in self._catalogue.kinds],
                     lambda named, octets=octets, corpus=corpus: self._sized(named, octets, corpus, messages))

    def _sized(self, named, octets, corpus, messages):
        peer = named.peer(corpus, messages)
        peer.one_pass()
        own, resolver, _ = measure(peer, self._nsd_pid)
        self._values.note(f"size.{octets}.{named.name}", own + resolver)
        peer.close()

    def close(self):
        for _, peer in self._running:
            peer.close()
        self._catalogue.close()


class _Named:
    """What try_each() needs of something that may not be running yet."""

    def __init__(self, label, name=None, peer=None):
        self.label, self.name, self.peer = label, name, peer
