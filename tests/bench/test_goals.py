from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from bench.swarm.goals import goals
from bench.swarm.metrics import Figures, figures
from bench.swarm.settings import LINKS, Setting
from tests.bench.test_metrics import seen, visit

FOUR = Setting(4, LINKS["loopback"], 60.0)
GOOD = replace(figures(seen(1, [visit(sent=100_000) for _ in range(4)])), cpu=0.1)
PLAIN = replace(figures(seen(4)), cpu=0.1)


def missed(
    ours: Figures, setting: Setting = FOUR, others: Mapping[str, Figures] = MappingProxyType({})
) -> set[str]:
    results = {"ours": ours, "hlsjs": PLAIN, **others}
    return {goal.name for goal in goals(results, setting) if not goal.reached}


def test_the_bound_with_an_even_load_reaches_every_goal() -> None:
    assert missed(GOOD) == set()


def test_each_goal_can_be_missed() -> None:
    assert missed(replace(GOOD, offload=0.70)) == {"offload"}
    assert missed(replace(GOOD, stalls=1)) == {"stalls"}
    assert missed(replace(GOOD, fairness=2.1)) == {"highest upload ÷ mean"}
    assert missed(replace(GOOD, copies_mean=1.2), Setting(6, FOUR.links, 60.0)) == {"copies per segment"}
    assert missed(replace(GOOD, start_ms=600.0)) == {"start-up ÷ plain hls.js"}
    assert missed(replace(GOOD, cpu=0.13)) == {"CPU per viewer ÷ plain hls.js"}
    assert missed(replace(GOOD, latency=7.6)) == {"latency less plain hls.js's, s"}
    assert missed(replace(GOOD, drift=0.6)) == {"latency's drift, s"}


def test_shaped_links_ask_for_less_offload() -> None:
    slow = Setting(4, LINKS["wan"], 60.0)
    assert missed(replace(GOOD, offload=0.70), slow) == set()
    assert missed(replace(GOOD, offload=0.66), slow) == {"offload"}


def test_beside_an_equal_the_fairer_load_decides() -> None:
    lopsided = replace(GOOD, fairness=1.9)
    assert missed(replace(GOOD, fairness=1.2), others={"p2pml-3": lopsided}) == set()
    theirs = replace(GOOD, fairness=1.2)
    assert missed(lopsided, others={"p2pml-3": theirs}) == {"highest upload ÷ mean, beside its"}
    worse = replace(GOOD, offload=0.735)
    assert missed(worse, others={"p2pml-1": replace(GOOD, offload=0.70), "p2pml-3": GOOD}) == {
        "offload beside p2p-media-loader's best"
    }


def test_without_ours_or_alone_there_is_little_to_say() -> None:
    assert list(goals({"hlsjs": PLAIN}, FOUR)) == []
    alone = replace(figures(seen(1, [visit()])), cpu=0.1)
    names = {goal.name for goal in goals({"ours": alone, "hlsjs": PLAIN}, Setting(1, FOUR.links, 60.0))}
    assert "offload" not in names
    assert "start-up ÷ plain hls.js" in names
