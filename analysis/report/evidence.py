"""The lab's five questions with the figures that bear on them, its key insight as a checklist, and
theory beside measurement. The words are mpidrift-compare's; the answers are the student's."""

from report import fields
from report.markup import figure, paragraph, section, table, text, word_list, words

QUESTIONS = {  # key: the lab's question, keys of the pictures that bear on it
    "assumptions": ("Which assumptions held at two nodes but failed at N?", ("growth", "raster")),
    "pace": ("Did drift appear gradually or suddenly?", ("growth", "survival", "windows")),
    "time_or_state": ("Did time matter more than state?", ("delay-tail", "sensitivity")),
    "awareness": ("Did any node “know” the system was incoherent?", ("raster", "pairs")),
    "enforcement": ("Would enforcement have helped – or hidden the problem?", ("windows",))}
NOT_ANSWERED = ("This comparison has no answer of its own to the question; the table and the "
                "pictures bear on it.")


def questions(campaign, fill, drawn):
    """Question after question: what the figures say, then the student's answer."""
    parts = [question(campaign, fill, drawn, number, key)
             for number, key in enumerate(QUESTIONS, 1)]
    return section("questions", "Reflection questions", *parts)


def question(campaign, fill, drawn, number, key):
    """One question."""
    asked, seen_in = QUESTIONS[key]
    evidence = "".join(scene_evidence(campaign.comparison, scene, key)
                       for scene in campaign.comparison.scenes)
    contexts = context_table(campaign.comparison) if key == "assumptions" else ""
    return (f'<article id="question-{key}"><h3>{number}. {text(asked)}</h3>'
            f"{evidence or paragraph(NOT_ANSWERED)}{contexts}{links(drawn, seen_in)}"
            f"{fill(fields.QUESTIONS[key], campaign)}</article>")


def scene_evidence(comparison, scene, key):
    """What the comparison says about one question in one scene; nothing where it is silent."""
    for index, told in enumerate(scene.list("questions")):
        if told["key"] == key:
            place = f"{scene.place}/questions/{index}"
            return (f'<div class="evidence"><p><b>{text(scene.name)}:</b> '
                    f"{words(comparison, place + '/answer', 'strong')}</p>"
                    f"{word_list(comparison, place + '/figures')}"
                    f'<div class="confounds">{word_list(comparison, place + "/confounds")}</div>'
                    "</div>")
    return ""


def links(drawn, prefixes):
    """Where to look."""
    found = [f'<a href="#picture-{one.key}">Picture {number}</a>'
             for number, one in enumerate(drawn, 1) if one.key.startswith(prefixes)]
    return f'<p class="hint">Look at: {", ".join(found)}.</p>' if found else ""


def context_table(comparison):
    """Share of node-time outside per context, at two nodes and at N."""
    columns = [column for scene in comparison.scenes for column in scene.ends]
    rows = [[f"<code>{text(name)}</code>",
             *(figure(comparison, column.figure_place("outside_node", name))
               for column in columns)] for name in comparison.contexts]
    if not rows or not columns:
        return ""
    return table(["Share of node-time outside", *(text(column.label) for column in columns)], rows)


def insight(campaign):
    """What the lab says one should notice, and whether it is seen here."""
    comparison = campaign.comparison
    parts = []
    for scene in comparison.scenes:
        rows = [[words(comparison, f"{scene.place}/insight/{index}/statement"),
                 words(comparison, f"{scene.place}/insight/{index}/verdict", "b"),
                 words(comparison, f"{scene.place}/insight/{index}/why")]
                for index in range(len(scene.list("insight")))]
        if rows:
            parts.append(table(["What you should notice", "Here", "Why"], rows, scene.name))
    return section("insight", "Key insight", *(parts or [paragraph(
        "This comparison does not judge the lab's key insight.")]))


def theory(campaign):
    """Predicted beside measured; nothing where the comparison has none."""
    comparison = campaign.comparison
    parts = [theory_table(comparison, scene) for scene in comparison.scenes if scene.list("theory")]
    if not parts:
        return ""
    return section("theory", "Theory beside measurement",
                   paragraph("A departure is a finding, not an error."), *parts)


def theory_table(comparison, scene):
    """One row per quantity, one cell per column that has it."""
    places, labels = {}, {}
    for index, told in enumerate(scene.list("theory")):
        places.setdefault(told["key"], {})[told["column"]] = f"{scene.place}/theory/{index}"
        labels[told["column"]] = True
    rows = [[theory_quantity(comparison, next(iter(of_key.values()))),
             *(theory_cell(comparison, of_key.get(label)) for label in labels)]
            for of_key in places.values()]
    return table(["Quantity", *map(text, labels)], rows, scene.name, "cells theory")


def theory_quantity(comparison, place):
    """Its name, its unit, and what the prediction rests on."""
    unit = comparison.at(f"{place}/unit") or ""
    return (words(comparison, f"{place}/quantity", "b") + (f" ({text(unit)})" if unit else "")
            + "<br>" + words(comparison, f"{place}/note"))


def theory_cell(comparison, place):
    """Predicted, measured, ratio in one column."""
    if place is None:
        return "–"
    return (f"predicted {figure(comparison, place + '/predicted')}<br>"
            f"measured {figure(comparison, place + '/measured')}<br>"
            f"ratio {figure(comparison, place + '/ratio')}")
