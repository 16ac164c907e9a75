# SPDX-License-Identifier: BSD-3-Clause
"""Compile the Cython kernels; everything else is in pyproject.toml.

Two environment variables steer the build: ``SKESOM_NO_OPENMP=1`` leaves OpenMP
out, ``SKESOM_BOUNDS_CHECK=1`` makes every kernel check its indices.
"""

import os
from glob import glob

from Cython.Build import cythonize
from extension_helpers import add_openmp_flags_if_available
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# Distances are finite by the time a kernel sees them, so the compiler may turn the
# search for a minimum into vector code. Contraction to fused multiply-add stays off, so
# that kernels give the same bits whatever instructions the processor has;
# docs/kernels.md says what that leaves to other libraries.
UNIX_FLAGS = ["-O3", "-fno-trapping-math", "-fno-math-errno", "-ffp-contract=off"]
UNIX_FLAGS += ["-g0"]  # Python's own flags may ask for debugging information: slow

checked = os.environ.get("SKESOM_BOUNDS_CHECK") == "1"

kernels = cythonize(
    [
        Extension(
            "*",
            ["skesom/**/*.pyx"],
            depends=sorted(glob("skesom/som/*.h")),
            include_dirs=["skesom/som"],
        )
    ],
    build_dir="build",
    compiler_directives={
        "boundscheck": checked,
        "cdivision": True,
        "freethreading_compatible": True,
        "initializedcheck": False,
        "language_level": 3,
        "wraparound": False,
    },
)
if os.environ.get("SKESOM_NO_OPENMP") != "1":
    add_openmp_flags_if_available(kernels[0])  # compiles a program to try: once
    for kernel in kernels[1:]:
        kernel.extra_compile_args = list(kernels[0].extra_compile_args)
        kernel.extra_link_args = list(kernels[0].extra_link_args)


class BuildKernels(build_ext):
    """Build extensions on all cores, with the flags that this compiler understands."""

    def finalize_options(self):
        """Use one job for each core, unless the command line gives a number."""
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def build_extensions(self):
        """Add the flags, then build as setuptools does."""
        if self.compiler.compiler_type == "unix":
            for extension in self.extensions:
                extension.extra_compile_args += UNIX_FLAGS
        super().build_extensions()


setup(ext_modules=kernels, cmdclass={"build_ext": BuildKernels})
