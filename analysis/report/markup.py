"""HTML from figures and texts. Whatever comes from the comparison carries its place, so that anybody
can hold the page against the JSON: data-figure for a number, data-text for words."""

import base64
from html import escape

from report.comparison import figure_text, known


def text(value):
    """Any text, safe between tags and in attributes. Long names may break after an underscore."""
    return escape(str(value)).replace("_", "_<wbr>")


def attribute(value):
    """Any text, safe in an attribute."""
    return escape(str(value))


def paragraph(value):
    """A paragraph of plain text."""
    return f"<p>{text(value)}</p>"


def figure(comparison, place, unit=""):
    """The FIGURE or number at a place, with its value beside what is shown."""
    found = comparison.at(place)
    value = found if isinstance(found, (int, float)) else known(found)
    shown = "unknown" if value is None else repr(value)
    return (f'<data data-figure="{attribute(place)}" value="{shown}">'
            f"{text(figure_text(found, unit))}</data>")


def words(comparison, place, tag="span"):
    """The text at a place, line by line; nothing where there is none."""
    found = comparison.at(place)
    if not isinstance(found, str):
        return ""
    lines = "<br>".join(text(line) for line in found.split("\n"))
    return f'<{tag} data-text="{attribute(place)}">{lines}</{tag}>'


def word_list(comparison, place):
    """The texts of a list at a place; nothing where it is empty."""
    count = len(comparison.at(place) or [])
    return items([words(comparison, f"{place}/{index}") for index in range(count)])


def items(entries):
    """A list of entries that are HTML already; nothing without any."""
    return f"<ul>{''.join(f'<li>{entry}</li>' for entry in entries)}</ul>" if entries else ""


def table(head, rows, caption="", kind=""):
    """A table of cells that are HTML already; the first of each row heads it."""
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(f'<tr><th scope="row">{row[0]}</th>'
                   + "".join(f"<td>{cell}</td>" for cell in row[1:]) + "</tr>" for row in rows)
    label = f"<caption>{text(caption)}</caption>" if caption else ""
    return (f'<div class="wide"><table class="{attribute(kind)}">{label}<thead><tr>{top}</tr>'
            f"</thead><tbody>{body}</tbody></table></div>")


def preformatted(value):
    """Text whose lines stay as they are."""
    return f"<pre>{escape(value)}</pre>"


def section(key, title, *parts):
    """A part of the page with a heading; page.css numbers them."""
    return f'<section id="{attribute(key)}"><h2>{text(title)}</h2>{"".join(parts)}</section>'


def picture(drawn, number):
    """A Picture with its number, alternative text and caption."""
    data = base64.b64encode(drawn.svg).decode()
    return (f'<figure id="picture-{attribute(drawn.key)}"><img alt="{attribute(drawn.alt)}" '
            f'src="data:image/svg+xml;base64,{data}"><figcaption><b>Picture {number}. '
            f"{text(drawn.title)}.</b> {text(drawn.caption)}</figcaption></figure>")


def field(key, label, hint, specimen=""):
    """A part of the student's own: empty, or filled in with a marked specimen."""
    mark = ' <span class="specimen">specimen</span>' if specimen else ""
    lines = "<br>".join(escape(specimen).split("\n"))
    return (f'<div class="field"><div class="label" id="label-{key}">{text(label)}{mark}</div>'
            f'<div class="hint">{text(hint)}</div><div class="answer" id="answer-{key}" '
            f'contenteditable="true" role="textbox" aria-multiline="true" '
            f'aria-labelledby="label-{key}">{lines}</div></div>')
