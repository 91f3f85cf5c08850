"""The table and the picture of figures that are known."""

from __future__ import annotations

from xml.etree import ElementTree

from bench.swarm.contestants import ALL
from bench.swarm.metrics import Bin, figures
from bench.swarm.svg import picture
from bench.swarm.table import table
from tests.bench.test_metrics import seen


def test_the_table_has_a_column_for_each_that_was_measured() -> None:
    text = table("4 viewers", {"ours": figures(seen(1)), "hlsjs": figures(seen(4))}, ALL)
    title, head, offload, *_ = text.splitlines()
    assert title == "4 viewers"
    assert head.split("  ")[-1] == "live-torrent"
    assert "p2p-media-loader" not in head
    assert offload.split() == ["offload", "0.000", "0.750"], "no minus before a nought"
    assert all(len(line) <= len(head) for line in text.splitlines())


def test_what_is_unknown_is_a_dash() -> None:
    text = table("nobody", {"ours": figures(seen(0, visits=[]))}, ALL)
    assert next(line for line in text.splitlines() if line.startswith("offload")).endswith("–")


def test_the_picture_is_well_formed_and_its_bars_stay_inside() -> None:
    bins = [Bin(0.0, 1e6, 0.0), Bin(2.0, 2e5, 8e5), Bin(4.0, 0.0, 0.0)]
    svg = picture(["6 viewers & <churn>"], ALL[:2], {("6 viewers & <churn>", "ours"): bins})
    tree = ElementTree.fromstring(svg)
    words = [element.text for element in tree.iter() if element.text and element.text.strip()]
    assert "6 viewers & <churn>" in words
    assert ALL[1].name in words
    assert "8.0" in words, "the scale, Mbit/s"
    assert svg.count("#d9822b") == 2, "a key and one plot: who was not measured has no bars"


def test_a_picture_of_nothing_is_a_picture() -> None:
    ElementTree.fromstring(picture([], [], {}))
