/* Memory of a node, from the sizes of its structures: linear in the number of peers, and how much.
 */

#include "cunit_main.h"
#include "net/net_mpi.h"
#include "observe/observer.h"
#include "pass.h"

/* Whoever makes it more says so here, and in the README. */
enum { PEER_BYTES_MAX = 576 };

static size_t bytes_at(uint32_t nodes)
{
    static const struct corridor no_corridor;
    struct observer_setup setup = {.nodes = nodes, .corridor = &no_corridor, .windows = 600};
    return observer_bytes(&setup);
}

static void test_each_peer_takes_the_same(void)
{
    size_t step = bytes_at(3) - bytes_at(2);
    CU_ASSERT(step > 0 && step <= observer_peer_bytes());
    CU_ASSERT_EQUAL(bytes_at(1024) - bytes_at(2), 1022 * step);
}

static void test_a_peer_takes_no_more_than_is_said(void)
{
    CU_ASSERT(pass_peer_bytes() >=
              observer_peer_bytes() + net_mpi_peer_bytes() + sizeof(struct link));
    CU_ASSERT(pass_peer_bytes() <= PEER_BYTES_MAX);
    (void)printf("%zu bytes for each peer\n", pass_peer_bytes());
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"each peer takes the same", test_each_peer_takes_the_same},
        {"a peer takes no more than is said", test_a_peer_takes_no_more_than_is_said},
        CU_TEST_INFO_NULL};
    return cunit_main("footprint", tests);
}
