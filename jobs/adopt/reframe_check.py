# A check for ReFrame: the program runs at two nodes and at sixteen, loses nothing, and its figures are
# kept. A run full of badges is no failure; what the site calls normal it adds as `reference`.
#   reframe -c jobs/adopt/reframe_check.py -r -S valid_systems='*' -S valid_prog_environs='*'
import reframe as rfm
import reframe.utility.sanity as sn


@rfm.simple_test
class MpidriftCheck(rfm.RunOnlyRegressionTest):
    descr = "mpidrift: coherence drift at two nodes and at sixteen"
    valid_systems = ["*"]
    valid_prog_environs = ["*"]
    executable = "mpidrift"
    num_tasks = parameter([2, 16])
    num_tasks_per_node = 1
    executable_opts = ["--output", "run.h5", "--duration", "5"]
    keep_files = ["run.h5"]

    @run_before("run")
    def expect_the_size(self):
        self.executable_opts += ["--expect-nodes", str(self.num_tasks)]

    @sanity_function
    def nothing_is_lost(self):
        return sn.all([
            sn.assert_found(rf"^nodes: {self.num_tasks}$", self.stdout),
            sn.assert_found(r"^badges_lost: 0$", self.stdout),
            sn.assert_not_found(r"^converged: no$", self.stdout),
        ])

    @performance_function("us")
    def clock_uncertainty(self):
        return sn.extractsingle(r"^clock_uncertainty_us: (\S+)$", self.stdout, 1, float)

    @performance_function("1/s")
    def episodes_per_node(self):
        return sn.extractsingle(r"^episodes_per_node_s: (\S+)$", self.stdout, 1, float)

    @performance_function("1")
    def outside_node_fraction(self):
        return sn.extractsingle(r"^outside_node_fraction: (\S+)$", self.stdout, 1, float)
