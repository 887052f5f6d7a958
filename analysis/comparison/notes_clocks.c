#include "analysis/comparison/measures.h"
#include "analysis/comparison/notes.h"

#include <math.h>
#include <string.h>

/* ---- right under the table ---- */

static bool is_prefix(const char *prefix, const char *text)
{
    return strncmp(prefix, text, strlen(prefix)) == 0;
}

static void write_cross_host(FILE *out, const struct column *column)
{
    write_digits(out, 1 - column->conditions.same_host_share, "");
}

/* A limit that was found on one host says nothing about a network. */
bool say_link_class(struct comparison *c)
{
    const char *class =
        run_reader_text(c->reference->reader, "/config/corridor", "calibration_link_class");
    bool crosses = false;
    for (size_t i = 0; i < c->run_count; i++)
        crosses = crosses || c->runs[i].same_host_share < 1;
    return !crosses || !is_prefix("same host", class) ||
           note_each(c, &c->first_lines,
                     "The corridor was calibrated on one host, but judges links between hosts, "
                     "which are slower without any drift. Share of the pairs between hosts",
                     write_cross_host);
}

static bool is_declared(const struct run *run)
{
    return run_reader_number(run->reader, "/config/perturb", "clock_perturbed") > 0;
}

static void write_reasons(FILE *out, const struct column *column)
{
    const struct column_conditions *k = &column->conditions;
    (void)fprintf(out, "%zu of %zu runs", k->clock_suspect, column->run_count);
    if (k->messages_impossible > 0)
        (void)fprintf(out,
                      ", %llu messages seen to arrive before they were sent by more than the "
                      "clocks can be apart",
                      (unsigned long long)k->messages_impossible);
    if (k->clock_flags & RUN_CLOCK_JUMPED)
        (void)fputs(", a clock jumped or changed its rate in the window", out);
    if (k->clock_flags & RUN_CLOCK_CONTRADICTED)
        (void)fputs(", a synchronisation contradicts itself", out);
}

bool say_clock_suspects(struct comparison *c)
{
    size_t suspect = 0, declared = 0;
    for (size_t i = 0; i < c->run_count; i++) {
        suspect += c->runs[i].clock_suspect;
        declared += c->runs[i].clock_suspect && is_declared(&c->runs[i]);
    }
    return suspect == 0 ||
           note_each(c, &c->first_lines,
                     declared == suspect
                         ? "The clocks are suspect, as a declared clock that is off makes them: "
                           "delays are what they seem, not what they were"
                         : "The clocks are suspect: do not trust delays and what follows from them",
                     write_reasons);
}

/* ---- among the conditions ---- */

static void write_uncertainty(FILE *out, const struct column *column)
{
    const struct column_conditions *k = &column->conditions;
    double same_s = k->class_uncertainty_s[PAIRS_SAME_HOST];
    double cross_s = k->class_uncertainty_s[PAIRS_CROSS_HOST];
    if (isnan(cross_s))
        write_digits(out, k->clock_uncertainty_s * 1e6, " us");
    else
        write_digits(out, cross_s * 1e6, " us between hosts");
    if (!isnan(cross_s) && !isnan(same_s)) {
        (void)fputs(", ", out);
        write_digits(out, same_s * 1e6, " us on one host");
    }
    uint64_t below = column->rows[ALL_CONTEXTS].below_clock;
    if (below > 0)
        (void)fprintf(out, ", badges left out as finer than the clocks: %llu",
                      (unsigned long long)below);
    if (k->clock_suspect > 0)
        (void)fprintf(out, ", suspect in %zu/%zu runs", k->clock_suspect, column->run_count);
    if (k->clock_unchecked > 0)
        (void)fprintf(out, ", not checked at the end of %zu/%zu runs", k->clock_unchecked,
                      column->run_count);
}

static void write_early(FILE *out, const struct column *column)
{
    const struct column_conditions *k = &column->conditions;
    if (k->clock_told < column->run_count)
        (void)fprintf(out, "unknown (%zu runs did not count them)",
                      column->run_count - k->clock_told);
    else
        (void)fprintf(out, "%llu, %llu", (unsigned long long)k->messages_early,
                      (unsigned long long)k->messages_impossible);
}

static void write_pairs(FILE *out, const struct column *column)
{
    const struct column_conditions *k = &column->conditions;
    write_digits(out, k->same_host_share, "");
    if (k->same_host_share >= 1)
        return;
    (void)fputs(" (late there ", out);
    write_digits(out, k->class_late_share[PAIRS_SAME_HOST], "");
    (void)fputs(", between hosts ", out);
    write_digits(out, k->class_late_share[PAIRS_CROSS_HOST], ")");
}

static bool say_uncertainty(struct comparison *c)
{
    double limit_us =
        run_reader_number(c->reference->reader, "/config/corridor", "message_delay_max_us");
    char what[96] = "Clock uncertainty", digits[32];
    number_text(limit_us, digits);
    if (isfinite(limit_us))
        (void)snprintf(what, sizeof what, "Clock uncertainty (the delay limit is %s us)", digits);
    return note_each(c, &c->notes, what, write_uncertainty);
}

bool say_clocks(struct comparison *c)
{
    return say_uncertainty(c) &&
           note_each(c, &c->notes,
                     "Messages that arrived before they were sent, and of these beyond the clock "
                     "uncertainty (none should)",
                     write_early) &&
           note_each(c, &c->notes, "Share of pairs on one host", write_pairs);
}
