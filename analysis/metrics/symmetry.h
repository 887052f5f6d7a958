#ifndef MPIDRIFT_METRICS_SYMMETRY_H
#define MPIDRIFT_METRICS_SYMMETRY_H

#include <stddef.h>
#include <stdint.h>

enum symmetry_verdict {
    SYMMETRY_SILENT,  /* no episode */
    SYMMETRY_ONE,     /* one node has nobody to differ from */
    SYMMETRY_TOO_FEW, /* fewer than max(5, nodes) episodes */
    SYMMETRY_ASYMMETRIC,
    SYMMETRY_SYMMETRIC, /* not rejected */
};

/* Do the nodes of one run emit alike? */
struct symmetry {
    uint64_t episodes;
    size_t nodes;
    size_t top_node; /* the busiest; the first of equals */
    size_t emitting; /* nodes with at least one episode */
    double phi;      /* pooled dispersion */
    double chi2;     /* Pearson's statistic against equal shares */
    double p;        /* of chi2 / phi */
    double cv;       /* coefficient of variation beyond chance */
    double top_share;
    double jain;          /* Jain's fairness index (DEC TR-301, 1984) */
    double jain_expected; /* for symmetric nodes: n / (n + phi (N - 1)) */
    enum symmetry_verdict verdict;
};

/* counts [nodes][windows] of the observers' episodes, silent nodes included. p is against
 * chi-square with nodes - 1 degrees of freedom where a node expects 5 episodes or more, else
 * against multinomial draws from `seed`. Figures are NaN where the verdict is silent or one node.
 */
struct symmetry symmetry_of(const uint32_t *counts, size_t nodes, size_t windows, unsigned seed);

/* The verdict over repetitions: `always node_X` (asymmetric with the same busiest node in two
 * thirds of them, and more often than chance would), `mostly node_X`, `another node each run`,
 * `symmetric (not rejected)`, `too few`, `silent` or `mixed`. */
void symmetry_runs(const struct symmetry *runs, size_t count, char text[64]);

#endif
