/* Conditions and scenes as text: what is understood, what is refused and how, which layer weighs
 * more. */

#include "config_options.h"
#include "cunit_main.h"
#include "given_config.h"

#include <glob.h>
#include <math.h>
#include <string.h>

/* ---- one condition ---- */

static void check_text(const char *given, const char *expected)
{
    struct condition condition, again;
    char why[256] = "", text[CONDITION_TEXT_BYTES], twice[CONDITION_TEXT_BYTES];
    bool read = condition_read(given, &condition, why);
    if (!read)
        printf("  %s: %s\n", given, why);
    CU_ASSERT_FATAL(read);
    condition_text(&condition, text);
    CU_ASSERT_STRING_EQUAL(text, expected);
    CU_ASSERT_FATAL(condition_read(text, &again, why));
    condition_text(&again, twice);
    CU_ASSERT_STRING_EQUAL(twice, text);
}

static void test_what_is_understood(void)
{
    check_text("delay link=A>B constant_us=3000 from_s=1 until_s=2",
               "delay link=A>B constant_us=3000 from_s=1 until_s=2");
    check_text("  delay\texponential_us=.5   constant_us=2e3 link=*>*",
               "delay link=*>* constant_us=2000 exponential_us=0.5");
    check_text("loss link=node_AA>3 share=0.1", "loss link=AA>D share=0.1");
    check_text("loss link=even>odd share=1 from_s=-0.25 for_s=.5",
               "loss link=even>odd share=1 from_s=-0.25 until_s=0.25");
    check_text("stall node=C from_s=1 for_s=0.2", "stall node=C from_s=1 until_s=1.2");
    check_text("stall node=odd", "stall node=odd");
    check_text("stall node=A from_s=0.7654321", "stall node=A from_s=0.7654321");
    check_text("clock node=1 offset_us=-500 rate_ppm=0.1",
               "clock node=B offset_us=-500 rate_ppm=0.1");
    check_text("clock node=B rate_ppm=0.30000000000000004",
               "clock node=B rate_ppm=0.30000000000000004");
}

static void test_without_when_it_always_holds(void)
{
    struct condition condition;
    char why[256];
    CU_ASSERT_FATAL(condition_read("stall node=B", &condition, why));
    CU_ASSERT(isinf(condition.from_s) && condition.from_s < 0);
    CU_ASSERT(isinf(condition.until_s) && condition.until_s > 0);
    CU_ASSERT(condition.from.choice == NODE_ONE && condition.from.node == 1);
}

/* What is wrong, and words that must stand in the refusal. */
static const char *const refusals[][2] = {
    {"", "is no kind of condition: delay, loss, stall or clock"},
    {"dely link=A>B constant_us=1", "'dely' is no kind of condition: delay, loss, stall or clock"},
    {"delay constant_us=1", "delay must say which link: delay link=A>B"},
    {"delay link=A>B", "does nothing without constant_us or exponential_us"},
    {"delay link=A>B constant_us=0", "does nothing without constant_us or exponential_us"},
    {"loss link=A>B", "does nothing without share"},
    {"clock node=B", "does nothing without offset_us or rate_ppm"},
    {"stall from_s=1", "stall must say which node: stall node=C"},
    {"delay link=A-B constant_us=1", "link='A-B' is not FROM>TO, as in A>B or *>*"},
    {"delay link=A>b constant_us=1", "'b' names no node: a name (A, node_A), an index (0), *"},
    {"delay link=>B constant_us=1", "'' names no node"},
    {"delay link=A>0 constant_us=1", "a node has no link to itself"},
    {"delay link=-1>B constant_us=1", "'-1' names no node"},
    {"delay link=ABCDEFGHIJKLMNOP>B constant_us=1", "names no node"},
    {"delay link=A>B us=1", "delay does not take 'us'; it takes link, constant_us, exponential_us, "
                            "from_s, until_s, for_s"},
    {"delay link=A>B share=1", "delay does not take 'share'"},
    {"stall node=B offset_us=1", "it takes node, from_s, until_s, for_s"},
    {"delay node=B constant_us=1", "delay does not take 'node'"},
    {"delay link=A>B constant_us", "'constant_us' is not KEY=VALUE"},
    {"delay link=A>B constant_us=", "constant_us: '' is no number"},
    {"delay link=A>B constant_us=1ms", "constant_us: '1ms' is no number"},
    {"delay link=A>B constant_us=nan", "constant_us: 'nan' is no number"},
    {"delay link=A>B constant_us=-1", "constant_us=-1 is out of range: 0 to 5000000"},
    {"delay link=A>B exponential_us=1e7", "is out of range: 0 to 1000000"},
    {"loss link=A>B share=5", "share=5 is out of range: 0 to 1"},
    {"loss link=A>B share=0.5 share=0.5", "share is given twice"},
    {"loss link=A>B link=B>A share=0.5", "link is given twice"},
    {"stall node=B for_s=1", "for_s goes with from_s, and without until_s"},
    {"stall node=B from_s=1 until_s=2 for_s=1", "for_s goes with from_s, and without until_s"},
    {"stall node=B from_s=2 until_s=1", "it ends at 1 s and begins at 2 s"},
    {"stall node=B from_s=1 for_s=0", "it ends at 1 s and begins at 1 s"},
    {"stall node=B from_s=1e9", "from_s=1000000000 is out of range"},
};

static void test_what_is_refused_and_how(void)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct condition condition;
        char why[256] = "";
        CU_ASSERT(!condition_read(refusals[i][0], &condition, why));
        bool told = strstr(why, refusals[i][1]) != NULL;
        if (!told)
            printf("  %s: %s\n", refusals[i][0], why);
        CU_ASSERT(told);
    }
}

static void test_conditions_are_bounded(void)
{
    struct perturbation perturbation = {.count = 0};
    char why[256], line[1000];
    for (int i = 0; i < CONDITIONS_MAX / 2; i++)
        CU_ASSERT(perturbation_add(&perturbation, "stall node=B;stall node=C;", why));
    CU_ASSERT_EQUAL(perturbation.count, CONDITIONS_MAX);
    CU_ASSERT(!perturbation_add(&perturbation, "stall node=B", why));
    CU_ASSERT_STRING_EQUAL(why, "more than 32 conditions");
    perturbation.count = 0;
    memset(line, ' ', sizeof line);
    line[sizeof line - 1] = '\0';
    CU_ASSERT(!perturbation_add(&perturbation, line, why));
    CU_ASSERT_STRING_EQUAL(why, "a condition is longer than 255 characters");
}

/* Damaged lines are refused or understood, never more; what is understood survives the way through
 * its text. */
static void test_damaged_lines_do_no_harm(void)
{
    static const char *const lines[] = {
        "delay link=A>B constant_us=3000 exponential_us=50 from_s=1 until_s=2",
        "loss link=*>even share=0.05 from_s=-1", "stall node=ZZ from_s=1 for_s=0.2",
        "clock node=7 offset_us=-500 rate_ppm=1e2 until_s=4"};
    static const char bytes[] = " =>*.-;\t09AZeE%\xff\n";
    uint32_t state = 7, understood = 0;
    for (int i = 0; i < 40000; i++) {
        char line[200], why[256] = "", text[CONDITION_TEXT_BYTES], twice[CONDITION_TEXT_BYTES];
        struct condition condition;
        (void)snprintf(line, sizeof line, "%s", lines[i % 4]);
        for (int damage = 0; damage <= i % 3; damage++) {
            state = state * 1664525U + 1013904223U;
            line[(state >> 16) % strlen(line)] = bytes[(state >> 8) % sizeof bytes];
            if (line[0] == '\0')
                break;
        }
        if (!condition_read(line, &condition, why)) {
            CU_ASSERT(why[0] != '\0');
            continue;
        }
        understood++;
        condition_text(&condition, text);
        CU_ASSERT_FATAL(condition_read(text, &condition, why));
        condition_text(&condition, twice);
        CU_ASSERT_STRING_EQUAL(text, twice);
    }
    CU_ASSERT(understood > 100 && understood < 39000);
}

/* ---- through options and files ---- */

static void check_refusal(const struct given *given, enum exit_code code, const char *words)
{
    struct outcome outcome = read_given(given);
    CU_ASSERT(!outcome.done);
    CU_ASSERT_EQUAL(outcome.failure.code, code);
    bool told = strstr(outcome.failure.text, words) != NULL;
    if (!told)
        printf("  %s\n", outcome.failure.text);
    CU_ASSERT(told);
}

static void test_conditions_of_all_layers_add_up(void)
{
    struct outcome outcome = read_given(&(struct given){
        .scene = "[scene]\ndescription = A\n  B\n[perturb]\none = stall node=A\n; a comment\n"
                 "two = stall node=B\n",
        .corridor = "[corridor]\nassumption = x\n[perturb]\none = stall node=C\n",
        .options = "keys = 3\n[perturb]\nslow = stall node=D\n",
        .environment = {"MPIDRIFT_PERTURB=stall node=E; stall node=F"},
        .arguments = {"--perturb", "stall node=G", "--perturb=stall node=H"}});
    CU_ASSERT_STRING_EQUAL(outcome.failure.text, "");
    CU_ASSERT_EQUAL_FATAL(outcome.config.perturbation.count, 8);
    for (uint32_t i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(outcome.config.perturbation.conditions[i].from.node, i);
    CU_ASSERT_STRING_EQUAL(outcome.config.scene, "scene"); /* after its file */
    CU_ASSERT_STRING_EQUAL(outcome.config.scene_file, given_path(GIVEN_SCENE));
    CU_ASSERT_STRING_EQUAL(value_text(&outcome.config, "scene_description"), "A B");
    CU_ASSERT_EQUAL(outcome.config.keys, 3);
}

static void test_refusals_name_option_or_line(void)
{
    static const struct {
        struct given given;
        enum exit_code code;
        const char *words;
    } rows[] = {
        {{.arguments = {"--perturb", "stall"}},
         EXIT_BAD_USAGE,
         "--perturb: stall must say which node"},
        {{.environment = {"MPIDRIFT_PERTURB=stall"}},
         EXIT_BAD_USAGE,
         "MPIDRIFT_PERTURB: stall must say which node"},
        {{.scene = "[scene]\ndescription = x\n[perturb]\n\nhere = loss link=A>B share=2\n"},
         EXIT_BAD_INPUT,
         "scene.ini:5: here: share=2 is out of range: 0 to 1"},
        {{.corridor = "[perturb]\nhere = clock node=B\n"},
         EXIT_BAD_INPUT,
         "corridor.ini:2: here: clock does nothing without offset_us or rate_ppm"},
        {{.options = "[perturb]\n\nx = delay link=A>B\n"},
         EXIT_BAD_INPUT,
         "options.ini:3: x: delay does nothing without"},
        {{.scene = "[perturb]\na = stall node=A\na = stall node=B\n"},
         EXIT_BAD_INPUT,
         "scene.ini:3: 'a' is given twice"},
        {{.scene = "[perturb]\na = stall node=A\n  node=B\n"}, EXIT_BAD_INPUT, "scene.ini:3: "},
        {{.scene = "[perturb]\nwatch = stall node=A\n  stall node=B\n"},
         EXIT_BAD_INPUT,
         "scene.ini:3: 'watch' is given twice"},
        {{.scene = "[corridor]\nversion_lag_max = 1\n"},
         EXIT_BAD_INPUT,
         "scene.ini:2: unknown section [corridor]; a scene has [scene], [perturb] and [load]"},
        {{.scene = "[scene]\nname = x\n"}, EXIT_BAD_INPUT, "scene.ini:2: unknown key 'name'"},
        {{.scene = "[load]\nseed = 1\n"},
         EXIT_BAD_INPUT,
         "scene.ini:2: unknown key 'seed' in [load]"},
        {{.arguments = {"--scene", "./absent.ini"}},
         EXIT_BAD_INPUT,
         "cannot read the scene ./absent.ini"},
        {{.arguments = {"--scene", "absent"}},
         EXIT_BAD_USAGE,
         "there is no 'absent'; there are: bare lan2ms lossy wan"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_refusal(&rows[i].given, rows[i].code, rows[i].words);
}

/* A corridor was calibrated at its load, so that weighs more than the scene's. */
static void test_load_of_scene_corridor_and_option(void)
{
    static const char corridor[] = "[load]\nrate_per_s = 7\n", options[] = "scene = lan2ms\n";
    static const struct {
        struct given given;
        double rate_per_s;
        const char *scene;
    } rows[] = {
        {{.arguments = {"--quiet"}}, 100, "bare"},
        {{.arguments = {"--scene", "bare"}}, 100, "bare"},
        {{.arguments = {"--scene", "lan2ms"}}, 10, "lan2ms"},
        {{.options = options}, 10, "lan2ms"},
        {{.environment = {"MPIDRIFT_SCENE=lan2ms"}}, 10, "lan2ms"},
        {{.options = options, .arguments = {"--scene", "bare"}}, 100, "bare"},
        {{.options = options, .corridor = corridor}, 7, "lan2ms"},
        {{.options = options, .corridor = corridor, .environment = {"MPIDRIFT_RATE=8"}},
         8,
         "lan2ms"},
        {{.options = options, .environment = {"MPIDRIFT_RATE=8"}, .arguments = {"--rate=9"}},
         9,
         "lan2ms"},
        {{.scene = "[load]\nrate_per_s = 3\n", .corridor = corridor}, 7, "scene"},
        {{.scene = "[load]\nrate_per_s = 3\n", .options = "keys = 2\n"}, 3, "scene"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct outcome outcome = read_given(&rows[i].given);
        CU_ASSERT_STRING_EQUAL(outcome.failure.text, "");
        CU_ASSERT_EQUAL(outcome.config.rate_per_s, rows[i].rate_per_s);
        CU_ASSERT_STRING_EQUAL(outcome.config.scene, rows[i].scene);
    }
}

static void test_conditions_are_part_of_what_must_be_equal(void)
{
    char text[CANONICAL_TEXT_BYTES];
    struct outcome outcome = read_given(&(struct given){.scene = NULL});
    config_canonical_text(&outcome.config, "all", text);
    CU_ASSERT_PTR_NULL(strstr(text, "perturb."));
    CU_ASSERT_STRING_EQUAL(value_text(&outcome.config, "clock_perturbed"), "0");
    outcome = read_given(&(struct given){
        .arguments = {"--perturb", "clock node=B offset_us=5e0", "--perturb=stall node=0"}});
    config_canonical_text(&outcome.config, "all", text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nperturb.condition_01=clock node=B offset_us=5\n"
                                        "perturb.condition_02=stall node=A\n"));
    CU_ASSERT_STRING_EQUAL(value_text(&outcome.config, "clock_perturbed"), "1");
    CU_ASSERT_STRING_EQUAL(value_text(&outcome.config, "conditions"), "2");
    outcome = read_given(&(struct given){.arguments = {"--perturb", "stall node=A"}});
    CU_ASSERT_STRING_EQUAL(value_text(&outcome.config, "clock_perturbed"), "0");
}

/* ---- the scenes that come along ---- */

static void check_scene(const char *path)
{
    struct outcome outcome = read_given(&(struct given){.arguments = {"--scene", path}});
    const struct perturbation *perturbation = &outcome.config.perturbation;
    CU_ASSERT_STRING_EQUAL(outcome.failure.text, "");
    CU_ASSERT(strlen(outcome.config.scene_description) > 10);
    CU_ASSERT_EQUAL(perturbation->count == 0, strcmp(outcome.config.scene, "bare") == 0);
    for (uint32_t c = 0; c < perturbation->count; c++)
        for (uint32_t nodes = 2; nodes <= 64; nodes++)
            CU_ASSERT(condition_applies(&perturbation->conditions[c], nodes));
}

static void test_every_scene_is_read_and_says_what_it_is(void)
{
    glob_t found;
    CU_ASSERT_EQUAL_FATAL(glob(SCENES_FOLDER "/*.ini", 0, NULL, &found), 0);
    CU_ASSERT_EQUAL(found.gl_pathc, 4);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_scene(found.gl_pathv[i]);
    globfree(&found);
    struct outcome lan = read_given(&(struct given){.arguments = {"--scene", "lan2ms"}});
    double mean_s = 0;
    for (uint64_t i = 1; i <= 10000; i++)
        mean_s += perturbation_fate(&lan.config.perturbation, 1, 3, 2, i, 0).delay_s / 10000;
    CU_ASSERT(fabs(mean_s - 4e-3) < 4 * 2e-3 / 100);
}

static void test_what_names_an_absent_node_is_known(void)
{
    struct perturbation p = {.count = 0};
    char why[256];
    CU_ASSERT_FATAL(perturbation_add(
        &p, "loss link=A>E share=1; stall node=E; clock node=odd offset_us=1", why));
    CU_ASSERT(!condition_applies(&p.conditions[0], 4) && condition_applies(&p.conditions[0], 5));
    CU_ASSERT(!condition_applies(&p.conditions[1], 4) && condition_applies(&p.conditions[1], 5));
    CU_ASSERT(condition_applies(&p.conditions[2], 2));
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"what is understood", test_what_is_understood},
        {"without when it always holds", test_without_when_it_always_holds},
        {"what is refused, and how", test_what_is_refused_and_how},
        {"conditions are bounded", test_conditions_are_bounded},
        {"damaged lines do no harm", test_damaged_lines_do_no_harm},
        {"conditions of all layers add up", test_conditions_of_all_layers_add_up},
        {"refusals name option or line", test_refusals_name_option_or_line},
        {"load of scene, corridor and option", test_load_of_scene_corridor_and_option},
        {"part of what must be equal", test_conditions_are_part_of_what_must_be_equal},
        {"every scene is read and says what it is", test_every_scene_is_read_and_says_what_it_is},
        {"what names an absent node is known", test_what_names_an_absent_node_is_known},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("conditions and scenes", tests);
}
