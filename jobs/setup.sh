#!/usr/bin/env bash
# Makes sure that everything mpidrift is built from and runs on is there.
#
#   bash jobs/setup.sh [--tests] [--ci]
#
#   --tests   also what the tests need
#   --ci      also what the checks of .ci/run need; implies --tests
#
# As root on Debian or Ubuntu it installs what is missing, without asking. Anywhere else it says
# what is missing and how to get it. Prints nothing when nothing is missing. Asks what the machine
# can do, not which packages it has: a cluster with modules is as good as a Debian.
# Exit codes: 0 all there; 64 unknown option; 69 something is missing.
#
# Kept readable for bash 3.2, so that macOS gets an answer instead of a syntax error.
set -u

# Without the first two no pictures are drawn, without the others a test that looks at the page in a
# browser is left out; everything else works.
optional="python-plots python-pandas browser pdftotext"

usage() {
    sed -n '2,12s/^# \{0,1\}//p' "$0"
}

# ---- what is needed: one line each, probe | Debian | Fedora | Spack ----
needs() {
    cat <<'TABLE'
compiler|gcc libc6-dev|gcc|gcc
make|make|make|gmake
cmake|cmake|cmake|cmake@3.21:
pkg-config|pkg-config|pkgconf-pkg-config|pkgconf
mpi|openmpi-bin libopenmpi-dev|openmpi openmpi-devel|openmpi
hdf5|libhdf5-dev|hdf5-devel|hdf5~mpi
inih|libinih-dev|inih-devel|inih
jansson|libjansson-dev|jansson-devel|jansson
gsl|libgsl-dev|gsl-devel|gsl
hwloc|libhwloc-dev|hwloc-devel|hwloc
python-plots|python3-h5py python3-matplotlib|python3-h5py python3-matplotlib|py-h5py py-matplotlib
TABLE
    [ "$with_tests" = no ] || cat <<'TABLE'
cunit|libcunit1-dev|CUnit-devel|cunit
h5dump|hdf5-tools|hdf5|hdf5~mpi
python-pandas|python3-pandas|python3-pandas|py-pandas
browser|chromium|chromium|
pdftotext|poppler-utils|poppler-utils|poppler
git|git|git|git
help2man|help2man|help2man|help2man
modulecmd|environment-modules|environment-modules|environment-modules
ip|iproute2|iproute|iproute2
nsenter|util-linux|util-linux|util-linux
perl|perl-base|perl-interpreter|perl
TABLE
    [ "$with_ci" = no ] || cat <<'TABLE'
parallel-hdf5|libhdf5-openmpi-dev|hdf5-openmpi-devel|hdf5+mpi
mpich|mpich libmpich-dev|mpich mpich-devel|mpich
smpicc|libsimgrid-dev|simgrid-devel|simgrid+smpi
slurm|slurmctld slurmd slurm-client munge|slurm slurm-slurmctld slurm-slurmd munge|slurm munge
clang-format|clang-format|clang-tools-extra|llvm+clang
clang-tidy|clang-tidy|clang-tools-extra|llvm+clang
fuzzer|clang libclang-rt-dev|clang compiler-rt|llvm+clang
TABLE
}

# ---- probes: quiet, and true when the machine can do it ----
have() {
    command -v "$1" >/dev/null 2>&1
}

have_module() {
    have pkg-config && pkg-config --exists "$1"
}

can_compile() {
    have gcc || have cc || return 1
    # A compiler without the C library's headers is of no use.
    echo '#include <stdio.h>' | "$(command -v gcc || command -v cc)" -fsyntax-only -x c - 2>/dev/null
}

cmake_is_new() {
    have cmake || return 1
    local version
    version=$(cmake --version | sed -n '1s/^[^0-9]*\([0-9.]*\).*/\1/p')
    # Version sort puts the older one first.
    [ "$(printf '3.21\n%s\n' "$version" | sort -V | head -n 1)" = 3.21 ]
}

can_launch_mpi() {
    have mpicc && { have mpirun || have mpiexec || have srun; }
}

have_hdf5() {
    have h5cc || have h5pcc || have_module hdf5
}

# Debian's own interpreter first: another python3 in front of it often lacks the modules.
python_can() {
    local python
    for python in /usr/bin/python3 python3; do
        have "$python" && "$python" -c "$1" >/dev/null 2>&1 && return 0
    done
    return 1
}

probe() {
    case $1 in
    compiler) can_compile ;;
    cmake) cmake_is_new ;;
    mpi) can_launch_mpi ;;
    hdf5) have_hdf5 ;;
    fuzzer) can_fuzz ;;
    mpich) have mpicc.mpich && have mpiexec.mpich ;;
    slurm) PATH=$PATH:/usr/sbin:/sbin have slurmctld && PATH=$PATH:/usr/sbin have slurmd && have sbatch ;;
    parallel-hdf5) have h5pcc || have_module hdf5-openmpi || have_module hdf5-mpich ;;
    inih | jansson | gsl | hwloc | cunit) have_module "$1" ;;
    modulecmd) [ -r /usr/share/modules/init/bash ] || have modulecmd || [ -n "${LMOD_CMD:-}" ] ;;
    python-plots) python_can 'import h5py, matplotlib' ;;
    browser) have chromium || have chromium-browser || have google-chrome ;;
    # Importing pandas takes half a second; that it is there is enough.
    python-pandas) python_can 'import importlib.util as u; assert u.find_spec("pandas")' ;;
    *) have "$1" ;;
    esac
}

# clang and libFuzzer, which some distributions keep apart.
can_fuzz() {
    have clang || return 1
    echo 'int LLVMFuzzerTestOneInput(const char *b, unsigned long n) { return n && !b; }' |
        clang -fsanitize=fuzzer,address -x c - -o /dev/null 2>/dev/null
}

# The lines of the table whose probe says no.
missing_needs() {
    local name rest
    needs | while IFS='|' read -r name rest; do
        probe "$name" </dev/null || printf '%s|%s\n' "$name" "$rest"
    done
}

# column N: that column of the missing lines, as one line of words.
column() {
    printf '%s\n' "$missing" | cut -d '|' -f "$1" | tr '\n' ' ' | sed 's/ *$//'
}

without_optional() {
    local name rest
    printf '%s\n' "$missing" | while IFS='|' read -r name rest; do
        case " $optional " in
        *" $name "*) ;;
        *) printf '%s|%s\n' "$name" "$rest" ;;
        esac
    done
}

# ---- installing ----
can_install() {
    [ "$(id -u)" = 0 ] && have apt-get
}

apt_quietly() {
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Options::=--force-confold "$@" >>"$apt_log" 2>&1 </dev/null
}

install_missing() {
    local packages
    packages=$(column 2)
    printf 'setup: installing %s\n' "$packages"
    apt_log=$(mktemp) || exit 69
    # One unreachable package source need not matter, so a failed update is not yet the end.
    apt_quietly update
    # shellcheck disable=SC2086 # the packages are words
    if ! apt_quietly install -y --no-install-recommends $packages; then
        printf 'setup: apt-get failed; its last lines:\n' >&2
        tail -n 15 "$apt_log" >&2
    fi
    rm -f "$apt_log"
}

# ---- telling ----
wrong_system() {
    case $(uname -s) in
    Linux) return 1 ;;
    Darwin) printf 'setup: mpidrift needs Linux; on macOS use a Linux virtual machine or container.\n' ;;
    *) printf 'setup: mpidrift needs Linux; on Windows use WSL2 (wsl --install -d Debian).\n' ;;
    esac >&2
}

tell_missing() {
    cat >&2 <<TEXT
setup: missing: $(column 1)

Get it in one of these ways, then run the same command again:
  Debian, Ubuntu, WSL2   sudo apt-get update && sudo apt-get install --no-install-recommends $(column 2)
  Fedora, RHEL           sudo dnf install $(column 3) && module load mpi
  Spack                  spack install $(column 4) && spack load $(column 4)
  cluster with modules   module load gcc cmake openmpi hdf5 gsl hwloc   (names vary: module avail)
TEXT
    case " $(column 1) " in
    *' cmake '*) printf 'cmake must be 3.21 or newer; "pip install cmake" brings one, too.\n' >&2 ;;
    esac
}

hint_optional() {
    printf 'setup: without %s everything works but pictures and their tests; Debian: apt install %s\n' \
        "$(column 1)" "$(column 2)" >&2
}

read_options() {
    with_tests=no with_ci=no
    while [ $# -gt 0 ]; do
        case $1 in
        --tests) with_tests=yes ;;
        --ci) with_tests=yes with_ci=yes ;;
        -h | --help) usage && exit 0 ;;
        *) printf 'setup.sh: unknown option %s; --help lists the options\n' "$1" >&2 && exit 64 ;;
        esac
        shift
    done
}

read_options "$@"
if wrong_system; then
    exit 69
fi
missing=$(missing_needs)
if [ -n "$missing" ] && can_install; then
    install_missing
    hash -r # forget where the shell looked in vain
    missing=$(missing_needs)
fi
if [ -z "$missing" ]; then
    exit 0
fi
if [ -z "$(without_optional)" ]; then
    hint_optional
    exit 0
fi
tell_missing
exit 69
