#!/bin/sh
# Canbao's verbs. Needs nothing but Python 3.11 to 3.13 with venv; the first call sets everything up.
set -eu
CALLED_FROM=$PWD
cd "$(dirname "$0")"
VENV=.venv
# Where uninstalled wheels of the lock file stand, for a machine without the network; empty for the index.
WHEELS=${WHEELS_FOLDER:-}

usage() {
    cat <<'END'
./do VERB [ARGUMENTS]                                          --help after a verb says more

  demo          四个统筹区的虚构人员度过十五个月 · made-up people live fifteen months on a real server
  test          全部检查与测试 · all checks and tests (arguments go to pytest)
  lint          格式、类型、依赖方向 · style, types, directions of imports
  format        整理代码格式 · put the code in order
  bench         规则的速度,与裸引擎的对比 · how fast the rules are, and the lives against the bare engine
  mutants       变异测试:故意改坏规则 · break the rules on purpose and see what the tests notice (half an hour)
  worker        运行工作进程 · run a worker (python worker.py)
  canbao ...    任何命令 · any command of the console program
  docs          由代码生成文档 · write the documents that are made from the code
  bundle DIR    离线安装包:源码与全部依赖 · a folder from which a bureau without a network installs
  lock          更新依赖锁定文件 · renew requirements.lock (needs the network)
  setup         只做安装 · set up and do nothing else
END
}

python_of_this_machine() {
    for candidate in python3.11 python3.12 python3.13 python3; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "./do: Python 3.11, 3.12 or 3.13 with venv is needed · 需要 Python 3.11–3.13(含 venv)" >&2
    exit 2
}

setup() {
    # What is installed follows from these files; while they stand as they are, there is nothing to do.
    state=$(cat requirements.lock pyproject.toml | cksum)
    [ -f "$VENV/.installed" ] && [ "$(cat "$VENV/.installed")" = "$state" ] && return
    echo "./do: 正在安装,约一分钟 · setting up, about a minute" >&2
    rm -rf "$VENV"
    "$(python_of_this_machine)" -m venv "$VENV"
    pip="$VENV/bin/python -m pip --disable-pip-version-check --quiet"
    if [ -n "$WHEELS" ]; then
        $pip install --no-index --find-links "$WHEELS" --require-hashes -r requirements.lock
    else
        $pip install --require-hashes -r requirements.lock
    fi
    $pip install --no-deps --no-build-isolation --no-index -e .
    echo "$state" >"$VENV/.installed"
}

lint() {
    "$VENV/bin/ruff" check .
    "$VENV/bin/ruff" format --check .
    "$VENV/bin/mypy"
    "$VENV/bin/lint-imports" --no-logo
    "$VENV/bin/deptry" .
}

bundle() {
    target=${1:-}
    # The folder is named from where the caller stands.
    case $target in "" | /*) ;; *) target=$CALLED_FROM/$target ;; esac
    [ -n "$target" ] || { echo "./do: name the folder: ./do bundle DIR · 请写明目录" >&2; exit 2; }
    if [ -e "$target" ] && [ -n "$(ls -A "$target")" ]; then
        echo "./do: $target is not empty; choose another folder · 目录非空,请另选" >&2
        exit 2
    fi
    if [ -n "$(git status --porcelain)" ]; then
        echo "./do: commit first; what is bundled is what is committed · 请先提交" >&2
        exit 2
    fi
    mkdir -p "$target/wheels"
    echo "./do: 正在收集依赖 · fetching the libraries" >&2
    "$VENV/bin/python" -m pip --disable-pip-version-check --quiet download --only-binary :all: --require-hashes \
        -r requirements.lock -d "$target/wheels"
    git archive --format=tar.gz --prefix=canbao/ -o "$target/canbao.tar.gz" HEAD
    made_for=$("$VENV/bin/python" -c 'import platform, sys; print("Python %d.%d, %s, %s" % (*sys.version_info[:2], platform.system(), platform.machine()))')
    { cat docs/bundle.md; echo; echo "制作环境 · Made for: $made_for, $(git rev-parse --short HEAD)"; } >"$target/README.md"
    (cd "$target" && sha256sum README.md canbao.tar.gz wheels/* >SHA256SUMS)
    echo "$target: $(ls "$target/wheels" | wc -l) wheels, $made_for; see $target/README.md"
    # Told by another way than the folder itself, it shows that nobody changed the folder on purpose.
    echo "SHA256SUMS $(sha256sum "$target/SHA256SUMS" | cut -d' ' -f1)"
}

[ $# -gt 0 ] || { usage; exit 0; }
verb=$1
shift
case $verb in
    -h | --help | help) usage; exit 0 ;;
    demo | test | lint | format | bench | mutants | worker | canbao | docs | bundle | lock | setup) ;;
    *) echo "./do: there is no verb $verb; ./do alone lists them · 没有此命令" >&2; exit 2 ;;
esac
case $verb in
    demo | worker | canbao | bench | mutants) ;; # their own help says more
    *) case "${1:-}" in -h | --help) usage; exit 0 ;; esac ;;
esac
setup
case $verb in
    setup) ;;
    demo) exec "$VENV/bin/canbao" demo "$@" ;;
    worker)
        # A heap per thread is what glibc does by itself; two are enough for a worker and leave more memory to lives.
        export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"
        exec "$VENV/bin/python" worker.py "$@"
        ;;
    canbao) exec "$VENV/bin/canbao" "$@" ;;
    bench) exec "$VENV/bin/python" -m bench "$@" ;;
    mutants) exec "$VENV/bin/python" -m tests.mutants "$@" ;;
    lint) lint ;;
    format) "$VENV/bin/ruff" check --fix . && "$VENV/bin/ruff" format . ;;
    docs)
        "$VENV/bin/canbao" configuration >docs/configuration.md
        "$VENV/bin/canbao" tax-sandbox --contract >adapters/tax/contract.json
        "$VENV/bin/canbao" schema >docs/schema/v1.json
        "$VENV/bin/python" -m tests.licences >docs/licences.md
        "$VENV/bin/python" -m demo.make_samples
        PICTURES_FOLDER=docs/images "$VENV/bin/pytest" -n 0 tests/test_web_ui.py
        ;;
    bundle) bundle "$@" ;;
    lock)
        "$VENV/bin/python" -m pip --quiet install uv
        "$VENV/bin/uv" pip compile --universal --python-version 3.11 --generate-hashes \
            --no-annotate --no-header --quiet pyproject.toml --group dev -o requirements.lock
        ;;
    test)
        # Checks that need no server first, so that a slip is told in seconds.
        [ $# -gt 0 ] || lint
        exec "$VENV/bin/pytest" "$@"
        ;;
esac
