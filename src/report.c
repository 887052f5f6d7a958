#include "report.h"

#include "half_written.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

static const double MIB = 1024 * 1024;

/* ---- before ---- */

static void print_load(const struct config *config, uint32_t nodes)
{
    const char *acts = system_find(config->system)->acts;
    if (acts == NULL)
        return;
    if (config->load == LOAD_TOTAL)
        printf("%g %s/s shared by %u nodes, ", config->rate_per_s, acts,
               config->groups > 0 ? config->groups : nodes);
    else
        printf("%g %s/s per node, ", config->rate_per_s, acts);
}

void report_start(const struct report *report, uint32_t nodes)
{
    const struct config *config = report->config;
    printf("mpidrift %s: %s on %u nodes", MPIDRIFT_VERSION, config->system, nodes);
    if (config->groups > 0)
        printf(" in %u groups of %u", nodes / config->groups, config->groups);
    if (strcmp(config->scene, "bare") != 0)
        printf(", scene %s", config->scene);
    printf(config->simulated ? ", simulated, " : ", ");
    print_load(config, nodes);
    printf("%g s after %g s of warm-up\n", config->duration_s, config->warmup_s);
    printf("assumption: %s\nresult: %s\n", config->corridor.assumption, report->path);
    (void)fflush(stdout);
}

void report_options(const struct config *config, uint32_t nodes, uint64_t trace_node_bytes)
{
    static struct config_value values[CONFIG_VALUES_MAX];
    size_t count = config_values(config, values);
    printf("nodes = %u\n", nodes);
    printf("trace_reserved_mib = %.3f\n", (double)trace_node_bytes * nodes / MIB);
    for (size_t i = 0; i < count; i++)
        if (values[i].is_number && isinf(values[i].number))
            printf("%s = off\n", values[i].key);
        else if (values[i].is_number)
            printf("%s = %.10g\n", values[i].key, values[i].number);
        else
            printf("%s = %s\n", values[i].key, values[i].text);
}

/* ---- after ---- */

/* One line of the summary, the same for text and JSON. */
enum line_kind { LINE_COUNT, LINE_NUMBER, LINE_TEXT };
struct line {
    const char *key;
    enum line_kind kind;
    uint64_t count;
    double number; /* NaN: `text` says why there is none */
    const char *format;
    const char *text;
};
enum { LINES = 24 };
static const char NO_PAIR[] = "none", NOT_OBSERVED[] = "unknown (not observed)";

/* NaN: no pair is of that kind. */
static double uncertainty_us(const struct pair_clocks *clocks, enum link_class class)
{
    return clocks->pairs[class] > 0 ? clocks->uncertainty_max_s[class] * 1e6 : (double)NAN;
}

static double largest_uncertainty_s(const struct pair_clocks *clocks)
{
    return fmax(clocks->uncertainty_max_s[LINK_SAME_HOST],
                clocks->uncertainty_max_s[LINK_CROSS_HOST]);
}

static double same_host_fraction(const struct pair_clocks *clocks)
{
    return clocks->pairs[LINK_SAME_HOST] /
           (clocks->pairs[LINK_SAME_HOST] + clocks->pairs[LINK_CROSS_HOST]);
}

static size_t summary_lines(const struct report *report, const struct run_summary *summary,
                            char node[NODE_NAME_BYTES], struct line lines[LINES])
{
    bool drifted = !isnan(summary->first_drift_s);
    enum line_kind counted = report->config->observe ? LINE_COUNT : LINE_NUMBER;
    const struct pair_clocks *clocks = &summary->clocks;
    double rate =
        summary->node_seconds > 0 ? (double)summary->episodes / summary->node_seconds : (double)NAN;
    node_name(summary->first_drift_node, node);
    const struct line all[LINES] = {
        {"nodes", LINE_COUNT, summary->nodes, 0, NULL, NULL},
        {"hosts", LINE_COUNT, summary->hosts, 0, NULL, NULL},
        {"cores", LINE_COUNT, summary->cores, 0, NULL, NULL},
        {"messages_received", LINE_COUNT, summary->messages_received, 0, NULL, NULL},
        {"episodes", LINE_COUNT, summary->episodes, 0, NULL, NULL},
        {"episodes_per_node_s", LINE_NUMBER, 0, rate, "%.6g", NOT_OBSERVED},
        {"outside_node_fraction", LINE_NUMBER, 0, summary->outside_node_fraction, "%.6f",
         NOT_OBSERVED},
        {"first_drift_s", LINE_NUMBER, 0, summary->first_drift_s, "%.6f", "none"},
        {"first_drift_node", LINE_TEXT, 0, 0, NULL, drifted ? node : "none"},
        {"already_outside_at_start", LINE_COUNT, summary->already_outside, 0, NULL, NULL},
        {"badges_lost", LINE_COUNT, summary->badges_lost, 0, NULL, NULL},
        {"send_suppressed", LINE_COUNT, summary->suppressed, 0, NULL, NULL},
        {"clock_uncertainty_us", LINE_NUMBER, 0, largest_uncertainty_s(clocks) * 1e6, "%.3f", NULL},
        {"clock_uncertainty_same_host_us", LINE_NUMBER, 0, uncertainty_us(clocks, LINK_SAME_HOST),
         "%.3f", NO_PAIR},
        {"clock_uncertainty_cross_host_us", LINE_NUMBER, 0, uncertainty_us(clocks, LINK_CROSS_HOST),
         "%.3f", NO_PAIR},
        {"same_host_pair_fraction", LINE_NUMBER, 0, same_host_fraction(clocks), "%.6g", NO_PAIR},
        {"clock_domains", LINE_COUNT, (uint64_t)clocks->domains, 0, NULL, NULL},
        {"clock_sync_s", LINE_NUMBER, 0, summary->sync_s, "%.3f", NULL},
        {"messages_early", counted, summary->messages_early, (double)NAN, NULL, NOT_OBSERVED},
        {"messages_impossible", counted, summary->messages_impossible, (double)NAN, NULL,
         NOT_OBSERVED},
        {"clock_suspects", LINE_COUNT, summary->clock_suspects, 0, NULL, NULL},
        {"converged", LINE_TEXT, 0, 0, NULL, converged_text(summary->converged)},
        {"file", LINE_TEXT, 0, 0, NULL, report->path},
    };
    memcpy(lines, all, sizeof all);
    size_t count = 0;
    while (count < LINES && lines[count].key != NULL)
        count++;
    return count;
}

static void print_line(const struct line *line)
{
    if (line->kind == LINE_COUNT) {
        printf("%s: %llu\n", line->key, (unsigned long long)line->count);
    } else if (line->kind == LINE_TEXT || isnan(line->number)) {
        printf("%s: %s\n", line->key, line->text);
    } else {
        char number[40];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(number, sizeof number, line->format, line->number);
#pragma GCC diagnostic pop
        printf("%s: %s\n", line->key, number);
    }
}

static void print_first_badge(const struct run_summary *summary, bool observed)
{
    if (!observed)
        printf("# not observed: --observe off\n");
    else if (summary->has_first_badge)
        badge_print_lab(stdout, &summary->first_badge);
    else
        printf("# no badge in %g node-seconds\n", summary->node_seconds);
}

static void print_trace(const struct report *report, const struct run_summary *summary)
{
    const struct config *config = report->config;
    if (!config->trace || !config->observe) {
        printf("# no trace: %s\n", config->trace ? "--observe off" : "--trace off");
        return;
    }
    printf("# trace: %llu events, %.3g MiB reserved of at most %g, ",
           (unsigned long long)summary->trace_events, summary->trace_reserved_bytes / MIB,
           config->trace_max_mib);
    if (summary->trace_dropped == 0)
        printf("covers the whole window\n");
    else
        printf("covers the first %.3f s; %llu dropped\n", summary->trace_covered_until_s,
               (unsigned long long)summary->trace_dropped);
}

static void print_conditions(const struct config *config, const struct run_summary *summary)
{
    if (config->scene_file[0] != '\0')
        printf("# scene %s: %s\n", config->scene, config->scene_description);
    for (uint32_t i = 0; i < config->perturbation.count; i++) {
        char text[CONDITION_TEXT_BYTES];
        condition_text(&config->perturbation.conditions[i], text);
        printf("# declared: %s\n", text);
    }
    if (summary->lost > 0)
        printf("# declared loss: %llu messages\n", (unsigned long long)summary->lost);
}

static void print_limit(const struct context_info *info, double limit)
{
    if (info->limit_key == NULL)
        return;
    if (isinf(limit))
        printf(" %s off", info->limit_key);
    else
        printf(" %s %g", info->limit_key, limit / info->limit_unit);
}

static void print_provenance(const struct report *report, const struct run_summary *summary)
{
    const struct corridor *corridor = &report->config->corridor;
    uint32_t contexts = system_find(report->config->system)->contexts;
    printf("# run %s\n", summary->run_id);
    printf("# corridor (%s):",
           *report->config->corridor_file ? report->config->corridor_file : "built-in");
    for (enum context c = 0; c < CONTEXT_COUNT; c++)
        if (contexts & 1U << c)
            print_limit(&context_table[c], corridor->limit[c]);
    printf("\n");
    print_conditions(report->config, summary);
    printf("# watched %g node-seconds", summary->node_seconds);
    /* One-sided 95 % bound for no event in the time watched: -ln .05 (Garwood 1936). */
    if (summary->episodes == 0 && summary->node_seconds > 0)
        printf("; without a badge: at most %.3g episodes per node-second (95 %%)",
               2.995732 / summary->node_seconds);
    printf("\n");
    print_trace(report, summary);
    printf("# mpidrift %s (%s), %s\n", MPIDRIFT_VERSION, MPIDRIFT_COMMIT, report->mpi_library);
    printf("# %s; CPUs of node_A %s; mpi_yield_when_idle %s\n", report->machine->topology,
           report->machine->binding,
           report->yield_when_idle < 0   ? "unknown"
           : report->yield_when_idle > 0 ? "on"
                                         : "off");
}

void report_summary(const struct report *report, const struct run_summary *summary)
{
    struct line lines[LINES];
    char node[NODE_NAME_BYTES];
    size_t count = summary_lines(report, summary, node, lines);
    for (size_t i = 0; i < count; i++)
        print_line(&lines[i]);
    print_first_badge(summary, report->config->observe);
    print_provenance(report, summary);
}

/* ---- warnings ---- */

__attribute__((format(printf, 1, 2))) static void warn(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("mpidrift: warning: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
}

static void warn_of_settings(const struct report *report)
{
    const struct config *config = report->config;
    if (report->yield_when_idle >= 0 && (report->yield_when_idle == 1) != config->yield)
        warn("mpi_yield_when_idle is %s although --yield %s was asked for",
             report->yield_when_idle ? "on" : "off", config->yield ? "on" : "off");
    if (config->bind == BIND_NONE && !report->machine->binding_widened)
        warn("the CPUs that a rank may use could not be widened; they are as launched: %s",
             report->machine->binding);
}

static void warn_of_class(const struct report *report, const struct pair_clocks *clocks,
                          enum link_class class, const char *where)
{
    double limit_s = report->config->corridor.limit[CONTEXT_MESSAGE_DELAY_EXCEEDED];
    if (clocks->below[class] > 0)
        warn("the delay limit of %g us is finer than the clocks of %.0f of %.0f pairs %s can tell "
             "(%.3g us): such badges are marked below_clock_resolution and stay out of verdicts",
             limit_s * 1e6, clocks->below[class], clocks->pairs[class], where,
             clocks->uncertainty_max_s[class] * 1e6);
}

void report_clocks(const struct report *report, const struct pair_clocks *clocks)
{
    warn_of_class(report, clocks, LINK_SAME_HOST, "on one host");
    warn_of_class(report, clocks, LINK_CROSS_HOST, "between hosts");
}

/* A scene is written for every node count; what it says of a node that is not there is passed over.
 */
static void warn_of_conditions(const struct config *config, uint32_t nodes,
                               const struct run_summary *summary)
{
    for (uint32_t i = 0; i < config->perturbation.count; i++) {
        const struct condition *condition = &config->perturbation.conditions[i];
        char text[CONDITION_TEXT_BYTES];
        condition_text(condition, text);
        if (!condition_applies(condition, nodes))
            warn("among %u nodes '%s' names one that is not there: it is passed over", nodes, text);
    }
    if (summary->overflowed > 0)
        warn("%llu messages found no room in the declared network and were dropped: lower the "
             "delay or the rate, or raise --inflight",
             (unsigned long long)summary->overflowed);
}

static bool has_clock_condition(const struct config *config)
{
    for (uint32_t i = 0; i < config->perturbation.count; i++)
        if (config->perturbation.conditions[i].kind == CONDITION_CLOCK)
            return true;
    return false;
}

static void warn_of_clocks(const struct config *config, const struct run_summary *summary)
{
    if (summary->clock_flags & RUN_CLOCK_CONTRADICTED)
        warn("a clock synchronisation contradicts itself or the one before: a clock drifts by "
             "more than 100 ppm, or steps");
    if (summary->clock_flags & RUN_CLOCK_JUMPED)
        warn("after the window a clock is not where it was expected: it has jumped, or changed its "
             "rate");
    if (summary->messages_impossible > 0)
        warn("%llu messages were seen to arrive before they were sent, by more than the clocks can "
             "be apart%s",
             (unsigned long long)summary->messages_impossible,
             has_clock_condition(config) ? ": a clock that is off is declared" : "");
    if (summary->clock_suspects > 0)
        warn("the clocks of %u nodes are suspect: do not trust their delays, nor those of others "
             "about them; mpidrift --clock-check shows the clocks",
             summary->clock_suspects);
}

void report_warnings(const struct report *report, const struct run_summary *summary)
{
    const struct config *config = report->config;
    warn_of_settings(report);
    warn_of_conditions(config, config->groups > 0 ? config->groups : summary->nodes, summary);
    warn_of_clocks(config, summary);
    if (summary->badges_lost > 0)
        warn("%llu badges did not fit into the spools and are lost",
             (unsigned long long)summary->badges_lost);
    if (summary->trace_dropped > 0)
        warn(
            "the trace is full after %g s of %g s: %llu events were dropped; raise --trace-max-mib "
            "for more",
            summary->trace_covered_until_s, report->config->duration_s,
            (unsigned long long)summary->trace_dropped);
    if (summary->suppressed > 0)
        warn("%llu messages were not sent because more than --inflight were under way",
             (unsigned long long)summary->suppressed);
    double planned_s = report->config->duration_s * summary->nodes;
    if (report->config->observe && summary->node_seconds < planned_s * (1 - 1e-6))
        warn("the window was ended early: %.6g of %.6g node-seconds were watched",
             summary->node_seconds, planned_s);
    if (!summary->books_balance)
        warn("the books %s", summary->books);
    if (summary->in_flight > 0)
        warn("%llu messages were sent and had not arrived when the drain ended",
             (unsigned long long)summary->in_flight);
    if (summary->late_start_max_s > 0)
        warn("a node began %g ms after the agreed start of the warm-up",
             summary->late_start_max_s * 1e3);
}

/* ---- JSON ---- */

static json_t *line_json(const struct line *line)
{
    if (line->kind == LINE_COUNT)
        return json_integer((json_int_t)line->count);
    if (line->kind == LINE_TEXT)
        return json_string(line->text);
    return isnan(line->number) ? json_null() : json_real(line->number);
}

static bool dump(const json_t *object, const char *path)
{
    size_t flags = JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12);
    if (strcmp(path, "-") == 0)
        return json_dumpf(object, stdout, flags) == 0 && fputc('\n', stdout) != EOF;
    return json_dump_file(object, path, flags) == 0;
}

bool report_json(const struct report *report, const struct run_summary *summary,
                 struct failure *failure)
{
    struct line lines[LINES];
    char node[NODE_NAME_BYTES];
    size_t count = summary_lines(report, summary, node, lines);
    json_t *object = json_object();
    bool built = json_object_set_new(object, "run", json_string(summary->run_id)) == 0;
    for (size_t i = 0; i < count; i++)
        built = json_object_set_new(object, lines[i].key, line_json(&lines[i])) == 0 && built;
    errno = 0;
    bool written = built && dump(object, report->config->json);
    int error = errno;
    json_decref(object);
    if (!written)
        half_written_remove(report->config->json);
    return written ||
           failure_set(failure, EXIT_WRITE_FAILED, "cannot write the JSON summary %s: %s",
                       report->config->json, strerror(error));
}
