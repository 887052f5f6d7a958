#ifndef MPIDRIFT_ANSWERS_H
#define MPIDRIFT_ANSWERS_H

#include "analysis/comparison/comparison.h"
#include "analysis/metrics/assumption.h"
#include "analysis/metrics/scale.h"

/* The lab's five questions, its key insight and theory beside measurement, for one scene: two nodes
 * against its largest N. The metrics page, sections 4 and 5. */

enum question {
    QUESTION_ASSUMPTIONS,
    QUESTION_PACE,
    QUESTION_TIME_OR_STATE,
    QUESTION_AWARENESS,
    QUESTION_ENFORCEMENT,
    QUESTION_COUNT
};
extern const char *const question_keys[QUESTION_COUNT];
extern const char *const question_texts[QUESTION_COUNT]; /* as the lab asks */

/* What is said to one question. */
struct answer {
    char *line;
    struct text_list figures;
    struct text_list confounds;
};

enum side { SIDE_TWO, SIDE_LARGEST, SIDE_COUNT };

enum time_verdict { TIME_CANNOT_TELL, TIME_MATTERS_MORE, STATE_MATTERS_MORE, TIME_VERDICTS };
extern const char *const time_words[TIME_VERDICTS];

enum awareness_verdict {
    AWARENESS_CANNOT_TELL,
    AWARENESS_NONE,
    AWARENESS_SOME,
    AWARENESS_ALL,
    AWARENESS_VERDICTS
};
extern const char *const awareness_words[AWARENESS_VERDICTS];

/* Gradually or suddenly: over the scales of the main series. */
struct pace_figures {
    const struct column **scales; /* [count] ascending, those with runs; owned */
    size_t count;
    struct scale_pace pace;
    struct figure exponent; /* of the rate over N (N - 1); 95 % */
    double cores;           /* NaN: not recorded */
};

enum insight {
    INSIGHT_EARLIER,
    INSIGHT_MORE_FREQUENT,
    INSIGHT_FRAGMENT,
    INSIGHT_RARE_AND_SYMMETRIC,
    INSIGHT_TIME_DOMINATES,
    INSIGHT_EMERGENT,
    INSIGHT_COUNT
};
extern const char *const insight_keys[INSIGHT_COUNT];
extern const char *const insight_texts[INSIGHT_COUNT];

enum insight_verdict { CANNOT_TELL, NOT_SEEN, SEEN, INSIGHT_VERDICTS };
extern const char *const insight_words[INSIGHT_VERDICTS];

struct insight_line {
    enum insight_verdict verdict;
    char *why;
};

/* One quantity of one column. */
struct theory_row {
    const struct column *column;
    const char *key;
    const char *quantity;
    const char *unit;
    struct figure predicted;
    struct figure measured;
    double ratio; /* measured / predicted; NaN: unknown */
    const char *note;
};
enum { THEORY_ROWS_PER_COLUMN = 12 };

struct scene_answers {
    const struct column *sides[SIDE_COUNT]; /* the same where there is no larger N */
    double outside_fraction_max;
    enum assumption_verdict held[SIDE_COUNT][CONTEXT_COUNT]; /* of watched contexts */
    struct pace_figures pace;
    enum time_verdict time;
    enum awareness_verdict awareness;
    struct answer answers[QUESTION_COUNT];
    struct insight_line insight[INSIGHT_COUNT];
    struct theory_row *theory;
    size_t theory_count;
};

/* Fill in comparison->answers [scene_count]. After all figures. False when memory is short. */
bool answers_make(struct comparison *comparison);
void answers_free(struct comparison *comparison);

/* Parts of it, in this order; each false when memory is short. */
bool answer_assumptions(const struct comparison *comparison, struct scene_answers *answers);
bool answer_pace(const struct comparison *comparison, size_t scene, struct scene_answers *answers);
bool answer_time_or_state(struct scene_answers *answers);
bool answer_awareness(struct scene_answers *answers);
bool answer_enforcement(struct scene_answers *answers);
bool judge_insight(struct scene_answers *answers);
bool set_theory(const struct comparison *comparison, size_t scene, struct scene_answers *answers);

/* Is there anything to set beside two nodes? If not, the answer's line says why, and *done whether
 * there was memory for it. */
bool can_be_answered(const struct scene_answers *answers, struct answer *answer, bool *done);
/* The one line. False when memory is short. */
__attribute__((format(printf, 2, 3))) bool answer_say(struct answer *answer, const char *format,
                                                      ...);

#endif
