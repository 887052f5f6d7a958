"""The page as a whole: one file that needs nothing else, neither network nor script to be read."""

import os

from report import evidence, fields, run_file, sections
from report.campaign import HERE, read_text
from report.markup import attribute, section, text
from report.pictures import curves, growth, pair_map, raster, style, survival, time_course

ANSWERED = 'data-answered="yes"'  # set by page.js once a field holds something
# Stands over every printed page; page.css puts a large one behind, for browsers without margin boxes.
DRAFT_CSS = """@page { @top-center { content: "SPECIMEN, filled in by a program";
    font: 700 9pt sans-serif; color: #d55e00; } }
"""
PER_SCENE = (raster.draw, survival.draw, time_course.draw, pair_map.draw, curves.draw_sensitivity)


def draw_all(campaign):
    """Every Picture in the order of the page."""
    scenes = campaign.comparison.scenes
    first, *others = PER_SCENE
    drawn = [draw_or_say(first, campaign, scene) for scene in scenes]
    drawn += [growth.draw(campaign), curves.draw_delay_tail(campaign)]
    return drawn + [draw_or_say(draw, campaign, scene) for draw in others for scene in scenes]


def draw_or_say(draw, campaign, scene):
    """A scene's Picture; one of words where its run files turn out to be unreadable."""
    try:
        return draw(campaign, scene)
    except run_file.UNREADABLE as error:
        kind = draw.__module__.rsplit(".", 1)[-1]
        words = f"the run files cannot be read: {error}"
        return style.Picture(f"{kind}-{scene.name}", f"{kind.replace('_', ' ')}, {scene.name}",
                             style.only_words(words), words, "")


def make_page(campaign, is_draft):
    """The HTML text of a campaign; with specimens in the student's fields if it is a draft."""
    fill = fields.filled if is_draft else fields.blank
    drawn = draw_all(campaign)
    body = "".join([
        header(campaign, fill, is_draft),
        sections.assumption(campaign, fill), sections.instrumentation(campaign, fill),
        sections.badges(campaign), sections.comparison_table(campaign),
        sections.all_scales(campaign), sections.pictures(drawn),
        evidence.questions(campaign, fill, drawn), evidence.insight(campaign),
        evidence.theory(campaign),
        section("reflection", "Reflection", fill(fields.REFLECTION, campaign),
                '<p class="hint" id="sentence-count"></p>'),
        sections.conditions(campaign)])
    return document(body, is_draft)


def header(campaign, fill, is_draft):
    """Title, notices, whose page it is."""
    comparison = campaign.comparison
    counts = sorted({column.nodes for column in comparison.columns if column.runs})
    scales = ", ".join(map(str, counts)) or "no"
    draft = ('<div class="notice" id="draft-notice"><b>SPECIMEN.</b> The fields of this page were '
             "filled in by a program, from the figures. They are nobody's own words, and nothing to "
             "hand in.</div>" if is_draft else "")
    return (f"<header><h1>Two nodes vs N nodes</h1><p>What assumptions hold at two nodes that "
            f"quietly fail at N nodes? {len(comparison.runs)} runs at {text(scales)} nodes, observed "
            f"with mpidrift.</p>{draft}{sections.notices(campaign)}{fill(fields.AUTHOR, campaign)}"
            f"{tools(is_draft)}</header>")


def tools(is_draft):
    """What the page can do; not printed."""
    if is_draft:
        return ""
    return ('<div class="tools"><button type="button" id="save">Save a copy with my answers'
            '</button> <button type="button" id="print">Print, or save as PDF</button> '
            '<span class="hint">Write into the framed fields. This browser keeps what you write; '
            "a copy keeps it for good.</span></div>")


def document(body, is_draft):
    """Everything in one file."""
    css, script = (read_text(os.path.join(HERE, name)) for name in ("page.css", "page.js"))
    kind = "draft" if is_draft else "blank"
    css += DRAFT_CSS if is_draft else ""
    return (f'<!DOCTYPE html>\n<html lang="en" class="{attribute(kind)}">\n<head>'
            '<meta charset="utf-8"><meta name="viewport" content="width=device-width, '
            'initial-scale=1"><link rel="icon" href="data:,"><title>Two nodes vs N nodes'
            f'</title>\n<style>\n{css}</style></head>\n<body>\n{body}\n<script>\n{script}</script>'
            "\n</body>\n</html>\n")
