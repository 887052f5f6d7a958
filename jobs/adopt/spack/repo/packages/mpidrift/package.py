# What Spack needs to know. The sources are those of this clone: spack.yaml names them.
from spack.package import *


class Mpidrift(CMakePackage):
    """MPI benchmark that makes coherence drift visible as the node count grows."""

    license("BSD-3-Clause")
    version("main")

    depends_on("c", type="build")
    depends_on("cmake@3.21:", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("mpi")
    depends_on("hdf5~mpi")
    depends_on("inih")
    depends_on("jansson")
    depends_on("gsl")
    depends_on("hwloc")
    depends_on("python", type="run")
    depends_on("py-h5py~mpi", type="run")
    depends_on("py-matplotlib", type="run")

    def cmake_args(self):
        return [self.define("BUILD_TESTING", False)]
