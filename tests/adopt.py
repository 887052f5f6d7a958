#!/usr/bin/python3
"""adopt.py BUILD: what a site installs and reads: the prefix, man pages, modulefile, Spack package,
ReFrame check, citation and changes. Nothing here needs a network."""

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import types

import launch

ADOPT = os.path.join(launch.ROOT, "jobs", "adopt")


def read(*names):
    with open(os.path.join(launch.ROOT, *names), encoding="utf-8") as file:
        return file.read()


VERSION = re.search(r"project\(mpidrift VERSION ([0-9.]+)", read("CMakeLists.txt")).group(1)


# ---- the prefix, moved after it was installed ----

def install(build, folder):
    first, prefix = os.path.join(folder, "first"), os.path.join(folder, "opt", "mpidrift")
    done = launch.run(["cmake", "--install", build, "--prefix", first], folder, None)
    assert done.returncode == 0, launch.told(done)
    os.makedirs(os.path.dirname(prefix))
    os.rename(first, prefix)
    return prefix


def check_prefix(prefix, folder):
    environment = launch.campaign_environment()
    done = launch.run(launch.mpirun(2, os.path.join(prefix, "bin", "mpidrift"),
                                    ["--dry-run", "--scene", "lossy"]), folder, environment)
    assert done.returncode == 0 and "lossy" in done.stdout, launch.told(done)
    script = os.path.join(prefix, "share", "mpidrift", "jobs", "local.sh")
    done = launch.run(["bash", script, "--card", "list"], folder, environment)
    assert "single-leader" in done.stdout, launch.told(done)
    done = launch.run(["bash", script, "--card", "causal-order", "--nodes", "2 3", "--no-controls",
                       "--repetitions", "1", "--duration", ".3", "--warmup", ".1", "--no-report"],
                      folder, environment)
    assert done.returncode == 0 and "| Aspect" in done.stdout, launch.told(done)
    # Results are where it was called, not in a prefix that belongs to somebody else.
    assert os.path.exists(os.path.join(folder, "results", "local-001", "comparison.json"))
    assert os.path.exists(os.path.join(prefix, "share", "mpidrift", "analysis", "report.py"))
    submit = os.path.join(prefix, "share", "mpidrift", "jobs", "slurm", "submit.sh")
    done = launch.run(["bash", submit, "--help"], folder, environment)
    assert done.returncode == 0 and "--per-host K" in done.stdout, launch.told(done)


def check_manual(prefix):
    for program in ("mpidrift", "mpidrift-compare", "mpidrift-badges", "mpidrift-recover"):
        path = os.path.join(prefix, "share", "man", "man1", f"{program}.1")
        with open(path, encoding="utf-8") as file:
            page = file.read()
        assert page.count(".TH ") == 1 and VERSION in page and r"\-\-" in page, path
    with open(os.path.join(prefix, "share", "man", "man1", "mpidrift.1"), encoding="utf-8") as file:
        assert r"\-\-per\-host" in file.read()


def check_module(prefix):
    modules = os.path.join(prefix, "share", "mpidrift", "modulefiles")
    done = subprocess.run(["bash", "-c", f"""
        . /usr/share/modules/init/bash && module use {modules} && module load mpidrift || exit 1
        command -v mpidrift-compare; echo $DRIFT_JOBS; echo $MANPATH
        module unload mpidrift; command -v mpidrift-compare || echo gone"""],
                          capture_output=True, text=True, check=False, timeout=60)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == 4, launch.told(done)
    assert lines[0] == os.path.join(prefix, "bin", "mpidrift-compare"), lines
    assert os.path.exists(os.path.join(lines[1], "slurm", "submit.sh")), lines
    assert os.path.join(prefix, "share", "man") in lines[2] and lines[3] == "gone", lines


# ---- what other programs read, against stand-ins for them ----

def load(path, **stand_ins):
    """A Python file run with the modules that it imports replaced."""
    before = {name: sys.modules.get(name) for name in stand_ins}
    sys.modules.update(stand_ins)
    try:
        spec = importlib.util.spec_from_file_location("adopted", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def check_spack():
    """Every library that the build asks for is a dependency."""
    wanted = set(re.findall(r'^need\(\w+ \S+ \S+ "?([a-z0-9-]+)', read("CMakeLists.txt"), re.MULTILINE))
    wanted = (wanted - {"cunit"}) | {"mpi", "hdf5~mpi", "cmake@3.21:"}
    depends = []
    package = types.ModuleType("spack.package")
    package.CMakePackage = type("CMakePackage", (), {"define": lambda self, name, value: (name, value)})
    package.license = package.version = lambda *words: None
    package.depends_on = lambda spec, **when: depends.append(spec)
    package.__all__ = ["CMakePackage", "license", "version", "depends_on"]
    module = load(os.path.join(ADOPT, "spack", "repo", "packages", "mpidrift", "package.py"),
                  spack=types.ModuleType("spack"), **{"spack.package": package})
    assert wanted <= set(depends), wanted - set(depends)
    assert module.Mpidrift().cmake_args() == [("BUILD_TESTING", False)]
    environment = read("jobs", "adopt", "spack", "spack.yaml")
    assert "- mpidrift@main" in environment and "- ./repo" in environment
    path = re.search(r"path: (\S+)", environment).group(1)
    assert os.path.samefile(os.path.join(ADOPT, "spack", path), launch.ROOT)


def stand_in_for_reframe(text):
    """As much of ReFrame as the check uses; what would be deferred happens at once."""
    def keep(*_words):
        return lambda function: function

    def extract(pattern, _file, group, kind):
        return kind(re.search(pattern, text, re.MULTILINE).group(group))

    sanity = types.ModuleType("reframe.utility.sanity")
    sanity.all = all
    sanity.assert_found = lambda pattern, _file: bool(re.search(pattern, text, re.MULTILINE))
    sanity.assert_not_found = lambda pattern, _file: not re.search(pattern, text, re.MULTILINE)
    sanity.extractsingle = extract
    reframe, utility = types.ModuleType("reframe"), types.ModuleType("reframe.utility")
    reframe.utility, utility.sanity = utility, sanity
    reframe.simple_test = lambda test: test

    class Words(type):
        """Names that ReFrame gives to the body of a class."""
        @classmethod
        def __prepare__(mcs, _name, _bases):
            return {"parameter": lambda values: values[0], "run_before": keep,
                    "sanity_function": lambda function: function, "performance_function": keep}

    reframe.RunOnlyRegressionTest = Words("RunOnlyRegressionTest", (), {"stdout": "out"})
    return {"reframe": reframe, "reframe.utility": utility, "reframe.utility.sanity": sanity}


def reframe_says(text):
    module = load(os.path.join(ADOPT, "reframe_check.py"), **stand_in_for_reframe(text))
    check = module.MpidriftCheck()
    check.executable_opts = list(check.executable_opts)
    check.expect_the_size()
    assert check.executable_opts[-2:] == ["--expect-nodes", "2"], check.executable_opts
    return check


def check_reframe(prefix, folder):
    """It reads what the program prints now."""
    done = launch.run(launch.mpirun(2, os.path.join(prefix, "bin", "mpidrift"),
                                    ["--duration", ".3", "--warmup", ".1"]), folder,
                      launch.campaign_environment())
    check = reframe_says(done.stdout)
    assert check.nothing_is_lost(), launch.told(done)
    assert check.clock_uncertainty() >= 0 and check.episodes_per_node() >= 0
    assert 0 <= check.outside_node_fraction() <= 1
    lost = reframe_says(done.stdout.replace("badges_lost: 0", "badges_lost: 3"))
    assert not lost.nothing_is_lost()
    assert not reframe_says(done.stdout.replace("nodes: 2", "nodes: 1")).nothing_is_lost()


def check_papers():
    citation = read("CITATION.cff")
    assert f"\nversion: {VERSION}\n" in citation and "cff-version: 1.2.0" in citation
    for key in ("message", "title", "authors"):
        assert re.search(rf"^{key}:", citation, re.MULTILINE), key
    assert f"\n## {VERSION}" in read("CHANGELOG.md")


def main(build):
    check_papers()
    check_spack()
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        prefix = install(build, folder)
        check_manual(prefix)
        check_module(prefix)
        check_prefix(prefix, folder)
        check_reframe(prefix, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
