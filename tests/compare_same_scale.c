#include "same_scale.h"

#include <stdlib.h>

/* compare_same_scale RUNS_PER_GROUP RUN.h5...
 * Each 2 × RUNS_PER_GROUP files in a row are one comparison of two groups at one node count (see
 * same_scale.h). Exit codes: 0 every row passes; 1 one does not; 64 usage; 65 bad input. */

enum { DEALING_SEED = 20250101 };

int main(int argc, char **argv)
{
    struct same_scale sum = {.comparisons = 0};
    struct failure failure = {EXIT_DONE, ""};
    size_t files = argc > 2 ? (size_t)argc - 2 : 0;
    size_t both = argc > 1 ? 2 * strtoul(argv[1], NULL, 10) : 0;
    if (both < 4 || files == 0 || files % both != 0) {
        (void)fprintf(stderr, "usage: compare_same_scale RUNS_PER_GROUP RUN.h5... (a multiple of "
                              "2 × RUNS_PER_GROUP, at least 2)\n");
        return EXIT_BAD_USAGE;
    }
    bool done = true;
    for (size_t i = 0; done && i < files; i += both)
        done = same_scale_add(&sum, argv + 2 + i, both,
                              (struct same_scale_deal){1, DEALING_SEED + i}, &failure);
    if (!done) {
        (void)fprintf(stderr, "compare_same_scale: %s\n", failure.text);
        return (int)failure.code;
    }
    same_scale_print(stdout, &sum);
    for (size_t a = 0; a < ASPECTS_OF_THE_LAB; a++)
        done = done && same_scale_holds(&sum, a);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
