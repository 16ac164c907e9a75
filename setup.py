# SPDX-License-Identifier: BSD-3-Clause
"""Compile the Cython kernels; everything else is in pyproject.toml.

Environment variables steer the build: ``SKESOM_NO_OPENMP=1`` leaves OpenMP out,
``SKESOM_BOUNDS_CHECK=1`` makes every kernel check its indices, ``SKESOM_ABI3=1`` makes
a wheel for Python 3.11 and all that follow, and ``SKESOM_SANITIZE=address,undefined``
builds with these sanitizers of GCC or clang.
"""

import os
import sys
from glob import glob
from pathlib import PurePath
from runpy import run_path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# Distances are finite by the time a kernel sees them, so the compiler may turn the
# search for a minimum into vector code. Contraction to fused multiply-add stays off, so
# that kernels give the same bits whatever instructions the processor has;
# docs/kernels.md says what that leaves to other libraries.
UNIX_FLAGS = ["-O3", "-fno-trapping-math", "-fno-math-errno", "-ffp-contract=off"]
UNIX_FLAGS += ["-g0"]  # Python's own flags may ask for debugging information: slow

SHARED = "skesom.som._cyutility"  # Cython's code for arrays, compiled once
DIRECTIVES = {
    "boundscheck": os.environ.get("SKESOM_BOUNDS_CHECK") == "1",
    "cdivision": True,
    "freethreading_compatible": True,
    "initializedcheck": False,
    "language_level": 3,
    "wraparound": False,
}

# Calls take half a microsecond more then; the kernels are as fast.
ABI3 = os.environ.get("SKESOM_ABI3") == "1"
MACRO = "Py_LIMITED_API", "0x030B0000"
LIMITED = {"py_limited_api": True, "define_macros": [MACRO]} if ABI3 else {}


class BuildKernels(build_ext):
    """Build extensions on all cores, with the flags that this compiler understands."""

    def finalize_options(self):
        """Use one job for each core, unless the command line gives a number."""
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def build_extensions(self):
        """Translate to C and add the flags, then build as setuptools does."""
        # Here, because commands that compile nothing load this file, too.
        from Cython.Build import cythonize

        translated = cythonize(
            self.extensions,
            build_dir="build",
            compiler_directives=DIRECTIVES,
            # Where processes are not forked, each would run this file again.
            nthreads=self.parallel if sys.platform == "linux" else 0,
            shared_utility_qualified_name=SHARED,
        )
        sources = {extension.name: extension.sources for extension in translated}
        compile_flags, link_flags = self.flags()
        for extension in self.extensions:
            extension.sources = sources[extension.name]
            extension.extra_compile_args = list(compile_flags)
            if extension.name == SHARED and "-O3" in compile_flags:
                extension.extra_compile_args.append("-O1")  # has no long loop
            extension.extra_link_args = link_flags
        super().build_extensions()

    def copy_extensions_to_source(self):
        """Copy what a build in place has compiled, and note from which sources.

        `import skesom.som` compares them, so that a checkout does not run with kernels
        of before the last ``git pull``.
        """
        super().copy_extensions_to_source()
        kernel_sources = run_path("skesom/som/_kernel_sources.py")
        kernel_sources["write_record"](self.get_ext_filename("skesom.som._vectors"))

    def flags(self):
        """Return the flags for compiler and linker, with OpenMP where there is one."""
        from extension_helpers import add_openmp_flags_if_available

        tried = Extension("tried", [])
        if os.environ.get("SKESOM_NO_OPENMP") != "1":
            add_openmp_flags_if_available(tried)
        if self.compiler.compiler_type == "unix":
            tried.extra_compile_args += UNIX_FLAGS
        if sanitizers := os.environ.get("SKESOM_SANITIZE"):
            flags = [f"-fsanitize={sanitizers}", "-fno-omit-frame-pointer", "-g1"]
            tried.extra_compile_args += [*flags, "-O1"]
            tried.extra_link_args += flags
        return tried.extra_compile_args, tried.extra_link_args


def kernel(path):
    """Return the extension of a .pyx file."""
    name = ".".join(PurePath(path).with_suffix("").parts)
    headers = sorted(glob("skesom/som/*.h"))
    where = {"include_dirs": ["skesom/som"], "depends": headers}
    return Extension(name, [path], **where, **LIMITED)


# What compiles longest comes first, so that no core waits for it at the end.
paths = sorted(glob("skesom/som/*.pyx"), key=lambda path: "_vectors" not in path)
setup(
    ext_modules=[*map(kernel, paths), Extension(SHARED, [], **LIMITED)],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if ABI3 else {},
    cmdclass={"build_ext": BuildKernels},
)
