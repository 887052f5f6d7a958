"""The student's own parts. They are left blank; a draft fills them in from the figures, as a
specimen of what an answer could look like, never as somebody's own words."""

from dataclasses import dataclass

from report import markup
from report.comparison import figure_text

SENTENCES_MOST = 10


@dataclass(frozen=True)
class Field:
    """One part: `key` names it on the page."""
    key: str
    label: str
    hint: str


AUTHOR = Field("author", "Name, course, date", "")
ASSUMPTION = Field(
    "assumption", "The assumption, in your own words",
    "One sentence: what does the system silently rely on? It is yours, and nobody judges it.")
PREDICTION = Field(
    "prediction", "Your prediction",
    "Before you read on: what do you expect at N nodes, in which row of the table, and why?")
INSTRUMENTATION = Field(
    "instrumentation", "Your instrumentation",
    "Which boundary did you watch? If you added or changed an observation, paste it here or name "
    "file and lines; if you used what is built in, say which context and why.")
REFLECTION = Field("reflection", "Short reflection", "8 to 10 sentences.")
QUESTIONS = {
    "assumptions": Field("assumptions", "Your answer", "Which ones, and by which figure?"),
    "pace": Field("pace", "Your answer", "Gradually or suddenly? Name the scales between which it "
                  "happened."),
    "time_or_state": Field("time_or_state", "Your answer", "Compare a time context with a state "
                           "context."),
    "awareness": Field("awareness", "Your answer", "What could a single node see, and what only "
                       "all of them together?"),
    "enforcement": Field("enforcement", "Your answer", "What would it have cost, and what would "
                         "nobody have seen any more?")}


def blank(field, campaign=None):
    """The field with nothing in it."""
    del campaign
    return markup.field(field.key, field.label, field.hint)


def filled(field, campaign):
    """The field with a specimen."""
    return markup.field(field.key, field.label, field.hint, specimen(field.key, campaign))


# ---- the specimen ----

def specimen(key, campaign):
    """What could stand in that field, from the comparison's own sentences."""
    comparison = campaign.comparison
    if key == "author":
        return "Nobody: this page was filled in by a program."
    if key == "assumption":
        return comparison.told["assumption"] or "(none was declared)"
    if key == "prediction":
        return ("Each node watches N − 1 peers, so there is more to see at N nodes. I expect drift "
                "to come earlier and more often per node, though no single link changes.")
    if key == "instrumentation":
        return ("The built-in observation, unchanged: "
                f"{', '.join(comparison.contexts) or 'no context'}.")
    if key == "reflection":
        return " ".join(reflection(comparison))
    return " ".join(f"{scene.name}: {as_sentence(answer)}" for scene in comparison.scenes
                    for answer in [answer_of(scene, key)] if answer) or NO_ANSWER


NO_ANSWER = "The comparison does not answer this question for these runs."


def answer_of(scene, key):
    """The comparison's one-line answer; empty without one."""
    return next((question["answer"] for question in scene.list("questions")
                 if question["key"] == key), "")


def as_sentence(words):
    """One sentence out of one or several."""
    words = "; ".join(part.strip() for part in words.rstrip(". ").split(". "))
    return words[:1].upper() + words[1:] + "."


def reflection(comparison):
    """8 to 10 sentences, of the first scene with two scales."""
    scene = next((scene for scene in comparison.scenes if scene.largest), None)
    if scene is None:
        return ["Only one scale was run, so there is nothing yet to reflect on: run the same system "
                "at more nodes."]
    sentences = [f"I assumed: {as_sentence(comparison.told['assumption'] or 'nothing')}",
                 *(sentence for column in scene.ends for sentence in column_sentences(column))]
    sentences += [as_sentence(answer) for key in QUESTIONS
                  for answer in [answer_of(scene, key)] if answer]
    return sentences[:SENTENCES_MOST - 1] + [
        "What I cannot tell apart here, the list of confounds names."]


def column_sentences(column):
    """What a column's first drift and rate say."""
    first = column.told["table"]["First drift observed"].split("\n")[0]
    rate = figure_text(column.figure("episodes_per_node_s"))
    share = figure_text(column.figure("outside_node"))
    return [f"At {column.nodes} nodes ({column.scene}) the first drift came at: {first}.",
            f"There, each node left the corridor {rate} times a second and was outside for a share "
            f"of {share} of the time."]
