#!/usr/bin/env bash
# Run tests of the kernels with checks compiled into the kernels.
#
#   tests/sanitize.sh bounds  [pytest arguments]   Cython checks every index
#   tests/sanitize.sh address [pytest arguments]   AddressSanitizer and UBSan of GCC
#   tests/sanitize.sh thread  [pytest arguments]   ThreadSanitizer of clang
#
# Without arguments for pytest, all of tests/som runs, or the tests below for threads.
# PYTHON names the Python with the extra "test" (.venv/bin/python). The kernels are built
# in a temporary folder. CLANG names the compiler for threads (clang); it needs libomp
# of its version with libarcher, which tells ThreadSanitizer how OpenMP orders what
# threads do. GCC's libgomp does not: each of its barriers would be reported as a race.
# The exit status is not 0 if a test fails or a sanitizer reports anything.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=${1:?bounds, address or thread}
shift
python=$(realpath --no-symlinks "${PYTHON:-.venv/bin/python}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git ls-files -z setup.py pyproject.toml README.md LICENSE conftest.py skesom tests \
    | xargs -0 cp --parents --target-directory="$work"
cd "$work"

tests=(tests/som)
preload= run=()
export PYTHONPATH=$work
case $kind in
bounds)
    export SKESOM_BOUNDS_CHECK=1
    ;;
address)
    export SKESOM_SANITIZE=address,undefined CC=${CC:-gcc}
    preload="$($CC -print-file-name=libasan.so) $($CC -print-file-name=libubsan.so)"
    tests+=(--ignore=tests/som/test_memory.py) # it counts what PYTHONMALLOC changes
    # Python's own small-object memory would hide reads behind the end of an array, and
    # what it never frees is no leak of a kernel.
    export PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    ;;
thread)
    export SKESOM_SANITIZE=thread CC=${CLANG:-clang}
    preload=$("$CC" -print-file-name=libclang_rt.tsan-x86_64.so)
    [[ -e $preload ]] || preload=$("$CC" -print-file-name=libclang_rt.tsan.so)
    export OMP_NUM_THREADS=4 OPENBLAS_NUM_THREADS=1
    # libomp runs without libarcher where it does not find it: beside the compiler.
    OMP_TOOL_LIBRARIES=$("$CC" -print-file-name=libarcher.so)
    [[ -e $OMP_TOOL_LIBRARIES ]] || { echo "$CC has no libarcher.so" >&2; exit 2; }
    export OMP_TOOL_LIBRARIES
    # What Python, NumPy and libomp do is not compiled with checks: half of it is unseen.
    export TSAN_OPTIONS=ignore_noninstrumented_modules=1
    run=(setarch --addr-no-randomize) # ThreadSanitizer needs its places in memory
    tests=(tests/som/test_{threads,winners,training,online}.py)
    ;;
*)
    echo "$kind is not bounds, address or thread" >&2
    exit 2
    ;;
esac
"$python" setup.py --quiet build_ext --inplace
(($#)) && tests=("$@")
# Sanitizers write to the descriptor of stderr, so pytest must leave that alone.
"${run[@]}" env LD_PRELOAD="$preload" "$python" -m pytest --quiet --capture=sys \
    -m "" -p no:cacheprovider "${tests[@]}"
