"""The parts of the page that hold what the lab asks to hand in: assumption, instrumentation, badge
samples, table; and what was measured under which conditions."""

import math
import os

from report import fields, run_file, sources
from report.comparison import escape, known, number_text
from report.markup import (figure, items, paragraph, picture, preformatted, section, table, text,
                           word_list, words)

BADGES_SHOWN = 3
SATURATED = .8  # share of node-time outside, as in mpidrift-compare's verdicts
LIMITS = {  # key of the corridor: what it limits
    "message_delay_max_us": "longest message delay (µs)",
    "heartbeat_gap_max_ms": "longest time between two heartbeats of a peer (ms)",
    "version_lag_max": "most versions a writer may be behind",
    "outside_fraction_max": "share of node-time outside up to which the assumption counts as held",
    "watch": "contexts that are watched"}
CALIBRATION = {  # key: what it says
    "calibration_nodes": "nodes", "calibration_samples": "samples",
    "calibration_quantile": "measured", "calibration_spread": "spread",
    "calibration_factor": "limit = measured ×", "calibration_idle": "idle mode",
    "calibration_link_class": "links", "calibration_load": "load"}
WATCHED = {  # context: boundary, what leaves the corridor there
    "message_delay_exceeded": ("receive", "a message took longer than the limit"),
    "heartbeat_missed": ("timeout", "a peer was silent for longer than the limit"),
    "message_missing": ("receive", "a message of the link never came"),
    "version_lag_exceeded": ("update", "a peer wrote on a value older than the limit allows"),
    "causal_order_violated": ("update", "an update builds on one that this node lacks"),
    "dual_leader_observed": ("leadership", "this node and a peer both believe in themselves"),
    "leader_view_split": ("leadership", "a peer believes in another leader"),
    "decision_split": ("decision", "a peer decided the same round otherwise")}
MEASURES = (("outside_messages", "share of observations beyond the limit"),
            ("outside_node", "share of node-time outside"),
            ("outside_node_without_self_stalled", "the same without self-stalled"),
            ("outside_system", "share of time with some node outside"),
            ("episodes_per_node_s", "episodes per node-second"),
            ("episodes_per_node_s_without_self_stalled", "the same without self-stalled"),
            ("episodes_per_message", "episodes per message"),
            ("episodes_per_pair_s", "episodes per directed pair-second"))
PROVENANCE = ("program_version", "git_commit", "compiler", "mpi_library", "topology", "bind_found",
              "mpi_yield_when_idle", "clock_resolution_s")


def setting_text(value):
    """A setting of a run file: a number, or text in whichever form HDF5 gave it."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, str):
        return value
    return "off" if math.isinf(float(value)) else f"{float(value):.12g}"


def node_words(column):
    """As people say it."""
    return "two nodes" if column.nodes == 2 else f"{column.nodes} nodes"


# ---- 1: assumption and corridor ----

def assumption(campaign, fill):
    """The sentence, the limits with what they were measured from, and the student's own part."""
    comparison = campaign.comparison
    return section(
        "assumption", "Assumption and corridor",
        "<blockquote>" + (words(comparison, "/assumption") or "No assumption was declared.")
        + "</blockquote>",
        fill(fields.ASSUMPTION, campaign), corridor_table(campaign), calibration_table(campaign),
        fill(fields.PREDICTION, campaign))


def corridor_table(campaign):
    """The limits of each scene."""
    scenes = [scene.name for scene in campaign.comparison.scenes if scene.name in campaign.settings]
    if not scenes:
        return paragraph("The limits are not known: no run file is there to read them from.")
    corridors = [campaign.settings[name]["/config/corridor"] for name in scenes]
    rows = [[f"<code>{text(key)}</code><br>{text(meaning)}",
             *(text(setting_text(corridor[key])) if key in corridor else "–"
               for corridor in corridors)] for key, meaning in LIMITS.items()]
    rows.append(["declared network", *(text(scene_words(campaign.settings[name]))
                                       for name in scenes)])
    return table(["The corridor: what normal looks like", *map(text, scenes)], rows)


def scene_words(settings):
    """What a scene declares."""
    perturbation = settings["/config/perturb"]
    described = setting_text(perturbation.get("scene_description", ""))
    conditions = [setting_text(value) for key, value in sorted(perturbation.items())
                  if key.startswith("condition_")]
    return "; ".join([described.rstrip("."), *conditions] if described else conditions) or (
        "the network as it is")


def calibration_table(campaign):
    """From what each limit was measured; a sentence where it was declared."""
    scenes = [scene.name for scene in campaign.comparison.scenes if scene.name in campaign.settings]
    corridors = [campaign.settings[name]["/config/corridor"] for name in scenes]
    if not any(corridor.get("calibration_nodes") for corridor in corridors):
        return paragraph("The limits were declared, not calibrated.") if scenes else ""
    rows = [[text(meaning), *(text(setting_text(corridor.get(key, "–"))) for corridor in corridors)]
            for key, meaning in CALIBRATION.items()]
    return table(["Where the limits come from", *map(text, scenes)], rows)


# ---- 2: instrumentation ----

def instrumentation(campaign, fill):
    """What is watched at which boundary, the code that does it, and the student's own part."""
    comparison = campaign.comparison
    rows = [[f"<code>{text(name)}</code>", text(WATCHED.get(name, ("–", "–"))[0]),
             words(comparison, f"/columns/0/contexts/{escape(name)}/class"),
             text(WATCHED.get(name, ("–", "–"))[1])] for name in comparison.contexts]
    system = next((setting_text(settings["/config"]["system"])
                   for settings in campaign.settings.values()), "")
    listings = [f'<h4><code>{text(path)}</code>, from line {line}</h4>' + preformatted(code)
                for path, line, code in (sources.excerpts(system) if system else [])]
    return section(
        "instrumentation", "Where the instrumentation sits",
        f'<p class="chain">{text(sources.CHAIN)}</p>',
        paragraph("The boundary's one call returns nothing: observation cannot steer what it "
                  "observes. With --observe off the same sends happen. Nothing retries, re-elects, "
                  "resynchronises or enforces."),
        table(["Context", "Boundary", "Class", "It leaves the corridor when"], rows)
        if rows else paragraph("No context was watched."),
        *listings, fill(fields.INSTRUMENTATION, campaign))


# ---- 3: badges ----

def badges(campaign):
    """The first badges at two and at N nodes, exactly in the lab's form."""
    samples = ['<div class="samples">' + "".join(
        f"<div><h3>{text(column.label)}</h3>{sample(campaign, column)}</div>"
        for column in scene.ends) + "</div>" for scene in campaign.comparison.scenes if scene.ends]
    return section("badges", "Badge samples",
                   paragraph("The first badges of a run, in the lab's form. timestamp: microseconds "
                             "of the node's own clock since its window opened."),
                   *(samples or [paragraph("There is no run to show.")]))


def sample(campaign, column):
    """Badges of the first run that has any."""
    paths = campaign.paths_of(column)
    if not paths:
        return paragraph("Its run files are not there.")
    for path in paths:
        if run_file.badge_count(path) > 0:
            rows = run_file.read_badges(path, ["node", "context", "time_s"], BADGES_SHOWN)
            return preformatted("\n".join(map(badge_text, rows))) + (
                f'<p class="hint">{text(os.path.basename(path))}</p>')
    node_s = sum(run_file.read_watch(path).node_s for path in paths)
    return preformatted(f"# no badge in {node_s:g} node-seconds\n")


def badge_text(row):
    """The lab's five lines."""
    return (f"[BADGE]\ntype: COHERENCE_DRIFT\nnode: node_{run_file.node_letters(row['node'])}\n"
            f"context: {run_file.context_name(int(row['context']))}\n"
            f"timestamp: {math.floor(row['time_s'] * 1e6)}\n")


# ---- 4: the table ----

def comparison_table(campaign):
    """The lab's own table for each scene, what must stand right under it, then all scales."""
    comparison = campaign.comparison
    parts = []
    for scene in comparison.scenes:
        parts.append(lab_table(comparison, scene))
    parts.append('<div class="under">' + word_list(comparison, "/first_lines") + "</div>")
    return section("table", "Comparison table", *parts)


def lab_table(comparison, scene):
    """Aspect, two nodes, N nodes."""
    if scene.two is None:
        return paragraph(f"{scene.name}: there is no run at two nodes to compare with.")
    columns = [column.place if column else None for column in (scene.two, scene.largest)]
    name = f"N Nodes (N = {scene.largest.nodes})" if scene.largest else "N Nodes"
    rows = [[text(aspect), *(words(comparison, f"{place}/table/{escape(aspect)}") if place
                             else "no run" for place in columns)]
            for aspect in list(scene.two.told["table"])[:4]]
    return table(["Aspect", "Two Nodes", text(name)], rows, scene.name, "cells")


def all_scales(campaign):
    """Every column of each scene, and the recorded measures."""
    comparison = campaign.comparison
    parts = []
    for scene in comparison.scenes:
        columns = [column for column in scene.columns if column.runs]
        head = ["Aspect", *(text(column.label) for column in columns)]
        parts.append(table(head, [
            [text(aspect), *(words(comparison, f"{column.place}/table/{escape(aspect)}")
                             for column in columns)]
            for aspect in scene.columns[0].told["table"]], scene.name, "cells"))
        parts.append(table(["All contexts together", *head[1:]], [
            [text(name), *(figure(comparison, column.figure_place(key)) for column in columns)]
            for key, name in MEASURES], f"{scene.name}, as recorded", "figures"))
    return section("scales", "All scales and controls",
                   paragraph("Median of the runs, with its exact interval between runs in brackets "
                             "from six runs on; below that all runs in parentheses."), *parts)


# ---- pictures ----

def pictures(drawn):
    """All pictures with their numbers."""
    return section("pictures", "Pictures",
                   *(picture(one, number) for number, one in enumerate(drawn, 1)))


# ---- conditions ----

def conditions(campaign):
    """What confounds the reading, and where everything comes from."""
    comparison = campaign.comparison
    return section(
        "conditions", "Provenance and what confounds the reading",
        "<h3>What confounds the reading</h3>",
        word_list(comparison, "/notes") or paragraph("Nothing was noted."),
        differences(comparison), "<h3>Where it was measured</h3>", provenance(campaign),
        "<h3>The runs</h3>", run_table(comparison), files_beside(campaign))


def differences(comparison):
    """What should be equal between the runs and is not."""
    parts = []
    for place, title in (("/differences", "The runs differ in what must be equal (--force)"),
                         ("/machine_differences", "The machine differed between the runs")):
        found = word_list(comparison, place)
        parts.append(f"<h3>{text(title)}</h3>{found}" if found else "")
    return "".join(parts)


def provenance(campaign):
    """Program, libraries and machine, as the first run of each scene found them."""
    scenes = list(campaign.settings)
    if not scenes:
        return paragraph("Not known: no run file is there.")
    rows = [[text(key), *(text(setting_text(campaign.settings[scene]["/provenance"].get(key, "–")))
                          for scene in scenes)] for key in PROVENANCE]
    return table(["First run of", *map(text, scenes)], rows)


def run_table(comparison):
    """One line per run."""
    rows = []
    for column in comparison.columns:
        for index, run in enumerate(column.runs):
            place = f"{column.place}/runs/{index}"
            rows.append([text(os.path.basename(run["file"])), text(column.label),
                         number_text(run["repetition"]), number_text(run["seed"]),
                         "yes" if run["complete"] else "no",
                         figure(comparison, f"{place}/episodes"),
                         figure(comparison, f"{place}/first_drift_s")
                         if run["first_drift_s"] is not None else "none"])
    return table(["File", "Column", "Repetition", "Seed", "Complete", "Episodes",
                  "First drift (s)"], rows, "", "runs")


def files_beside(campaign):
    """Corridor files and the campaign's own log."""
    parts = [f"<h3>corridor-{text(scene)}.ini</h3>{preformatted(content)}"
             for scene, content in campaign.corridors.items()]
    log = [line for line in campaign.log.split("\n") if not line.startswith("run: ")]
    if campaign.log:
        parts.append(f"<h3>campaign.txt, without its runs</h3>" + preformatted("\n".join(log)))
    return "".join(parts)


def notices(campaign):
    """What the reader must know first: files that were left out, warnings."""
    left_out = items([f"<b>{text(name)}</b> {text(why)}" for name, why in campaign.left_out])
    parts = [f"<p><b>Not all run files could be used.</b></p>{left_out}" if left_out else "",
             word_list(campaign.comparison, "/warnings"), items(cannot_show(campaign))]
    return f'<div class="notice">{"".join(parts)}</div>' if any(parts) else ""


def cannot_show(campaign):
    """What these runs cannot show, whatever is written below; sentences in HTML."""
    comparison = campaign.comparison
    columns = [column for column in comparison.columns if column.runs]
    found = []
    if len({column.nodes for column in columns}) == 1:
        found.append(f"There is one scale only ({node_words(columns[0])}): nothing stands beside it "
                     "to be compared with.")
    if not any(scene.two for scene in comparison.scenes):
        found.append("There is no run at two nodes, so nothing can be set beside two nodes.")
    if columns and max(len(column.runs) for column in columns) == 1:
        found.append("There is one run of each kind: how much runs differ among themselves is not "
                     "known.")
    if columns and not any(run["episodes"] for run in comparison.runs):
        watched_s = sum(run["watched_s"] for run in comparison.runs)
        found.append(f"No badge in {number_text(watched_s)} node-seconds, at any scale. Silence is a "
                     "result: nothing left the corridor.")
    if any(setting_text(settings["/config"].get("trace", "on")) == "off"
           for settings in campaign.settings.values()):
        found.append("There is no trace (--trace off), so whether any node knew, and what "
                     "enforcement would have cost, cannot be told.")
    return list(map(text, found + [sentence for column in columns
                                   for sentence in extremes(column)]))


def extremes(column):
    """Sentences on a column whose figures are at an end of what is possible."""
    emitting = known(column.figure("symmetry").get("all", {}).get("emitting"))
    share = known(column.figure("outside_node"))
    if emitting == 1 and column.nodes > 2:
        yield f"{column.label}: one node alone emits all badges."
    if share is not None and share > SATURATED:
        yield (f"{column.label}: nodes are outside the corridor nearly all the time "
               f"({number_text(share)} of it), so few episodes are no sign of health: they hardly "
               "ever end.")
