"""The curves of a campaign as Markdown that an orchestrator's page can show."""

import base64
import re
import xml.etree.ElementTree as ET

import campaign_frames as campaign

from mgrd.report.curves import curves_markdown


def test_curves_have_every_round_in_a_table_and_a_picture_of_each_chart_that_needs_no_network() -> None:
    told = curves_markdown(campaign.metrics(), campaign.ledger())
    heading, _, first = told.splitlines()[:3]
    assert heading == "| figure (test split) | cold start | round 1 | round 2 | round 3 | change |"
    assert re.fullmatch(
        r"\| Accuracy, greedy \| ([\d.]+ % \([\d.]+ to [\d.]+\) \| ){4}.*intervals (apart|overlap) \|", first
    )
    pictures = re.findall(r"^!\[(.+)\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)$", told, re.MULTILINE)
    assert len(pictures) == told.count("![") >= 5
    for summary, data in pictures:
        root = ET.fromstring(base64.b64decode(data))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        dots = root.findall(".//{http://www.w3.org/2000/svg}circle")
        assert [dot[0].text for dot in dots], summary
        assert all(str(dot[0].text) in summary for dot in dots)
    assert "http" not in re.sub(r"\(data:[^)]+\)", "", told)


def test_a_campaign_without_figures_says_so() -> None:
    empty = campaign.empty_campaign()
    assert curves_markdown(empty.metrics, empty.ledger) == "Nothing has been evaluated yet."
