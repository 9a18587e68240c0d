#!/usr/bin/env bash
# Does all set-up and runs every test: format, lints, unit, property and integration tests, then the end-to-end suite on a
# real control plane, whose binaries it builds into a cache. Needs Rust and a C compiler. What else is missing (Go, a
# Prometheus, the network) is left out loudly, with the reason, and listed again at the end.
#
#   hack/test.sh                        everything
#   hack/test.sh --no-e2e               without the end-to-end suite and what only it needs
#   hack/test.sh --only-e2e [NAME …]    the end-to-end suite, or its scenarios of these names, and what they need
#   hack/test.sh --list                 the names of the scenarios; any part of one is a NAME
#
# Given in the environment, these are used instead of what the script would make:
#   HELIOTROPE_CONTROLPLANE=DIR    binaries of the control plane (hack/controlplane/build.sh says which)
#   HELIOTROPE_METRICS=DIR         metrics-server and an adapter (hack/metrics/build.sh prints such a folder), for two scenarios
#   HELIOTROPE_KEDA=DIR            KEDA's binaries and definitions (hack/keda/build.sh prints such a folder), for one scenario
#   HELIOTROPE_BUILD_ALL=yes       build the two above where they were not built before: 12 minutes more on two cores, once.
#                                  Without it they are built for scenarios that are asked for by NAME alone
#   HELIOTROPE_PROMETHEUS=FILE     a prometheus binary
#   HELIOTROPE_NODE_EXPORTER=FILE  a prometheus-node-exporter binary, for one integration test
#   HELIOTROPE_BIN=FILE            the heliotrope binary that the end-to-end suite runs
#   HELIOTROPE_E2E_KUBECONFIG=FILE a cluster that runs already, for the end-to-end suite to be a guest on
#   HELIOTROPE_E2E_SCHEDULER=NAME  a scheduler of that cluster with Heliotrope beside it, to be tried too
#   HELIOTROPE_E2E_OUT=DIR         where figures, drawn and as JSON, and recorded bodies go (default: target/e2e)
#   HELIOTROPE_E2E_MINUTES=N       when to stop the end-to-end suite (default: 60)
#   HELIOTROPE_CACHE=DIR           where built binaries are kept (default: ~/.cache/heliotrope)
#
# Ends with the closing line of each test runner and the list of what was left out. Exit code: 0 only if nothing failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

checks=yes e2e=yes list=no scenarios=()
case "${1:-}" in
  "") ;;
  --no-e2e) e2e=no ;;
  --only-e2e) checks=no scenarios=("${@:2}") ;;
  --list) list=yes ;;
  -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
  *) echo "unknown argument $1; see hack/test.sh --help" >&2; exit 2 ;;
esac

# What a NAME is held against: "a_greenest_zone::a_pods_land_in_the_greenest_zone_and_follow_it".
scenario_names() { cargo test --test e2e --locked -- --list | sed -n 's/^scenarios::\(.*\): test$/\1/p'; }

if [ $list = yes ]; then
  scenario_names
  exit
fi

if [ ${#scenarios[@]} -gt 0 ]; then # before anything long begins
  names=$(scenario_names) || exit 1
  for name in "${scenarios[@]}"; do
    grep -qF -- "$name" <<<"$names" && continue
    printf 'no scenario has "%s" in its name. There are:\n%s\n' "$name" "$names" >&2
    exit 2
  done
fi

target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
logs=$(mktemp -d "$target/test-logs.XXXXXX")
logs=$(cd "$logs" && pwd)
failed=() skipped=() times=()
began=$SECONDS

say() { printf '\n== %s\n' "$*"; }
minutes() { awk -v s="$1" 'BEGIN { printf "%.1f min", s / 60 }'; }
has() { command -v "$1" >/dev/null 2>&1; }

skip() { # what, why
  skipped+=("$1: $2")
  printf '\n!! SKIPPED %s: %s\n' "$1" "$2"
}

step() { # name, command …: runs it, keeps its output and its time, goes on when it fails
  local name=$1 from=$SECONDS rc
  shift
  say "$name"
  "$@" 2>&1 | tee "$logs/${name//[^a-zA-Z0-9]/-}.log"
  rc=${PIPESTATUS[0]}
  times+=("$(printf '%-44s %s' "$name" "$(minutes $((SECONDS - from)))")")
  if [ "$rc" -ne 0 ]; then
    failed+=("$name")
    printf '!! FAILED %s (exit code %s)\n' "$name" "$rc"
  fi
  return "$rc"
}

toolchain() { # the pinned Rust with its two components, and a linker
  local pinned
  pinned=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
  has cargo || { echo "cargo is not there: install Rust $pinned"; return 1; }
  has cc || { echo "cc is not there: install a C compiler (Debian: gcc libc6-dev)"; return 1; }
  rustc --version && cargo --version || return 1
  rustc --version | grep -qF "rustc $pinned " || echo "note: rust-toolchain.toml pins $pinned"
  if has rustup; then rustup component add clippy rustfmt || true; fi
}

shell_scripts() { git ls-files | xargs grep -lE '^#!.*\b(ba)?sh$' -- | sort; }

# Go of a version that every go.mod given accepts. A Go older than one of them fetches the right one by itself, if it may.
go_problem() {
  local module problem
  has go || { echo "Go is not installed"; return; }
  for module in "$@"; do
    problem=$(cd "$(dirname "$module")" && go list -m 2>&1 >/dev/null) && continue
    printf '%s: %s\n' "$module" "$(head -n 1 <<<"$problem")"
    return
  done
}

download_problem() { # go.mod …: why their modules cannot be had; empty if they can
  local module problem
  for module in "$@"; do
    problem=$(cd "$(dirname "$module")" && go mod download 2>&1 >/dev/null) && continue
    printf '%s: %s\n' "$module" "$(head -n 1 <<<"$problem")"
    return
  done
}

control_plane() { # sets HELIOTROPE_CONTROLPLANE, or says why not
  local problem folder from=$SECONDS
  if [ -n "${HELIOTROPE_CONTROLPLANE:-}" ]; then
    say "control plane: given in HELIOTROPE_CONTROLPLANE"
    return 0
  fi
  say "control plane from its Go modules"
  problem=$(go_problem hack/controlplane/*/go.mod)
  if [ -n "$problem" ]; then
    skip "end-to-end suite" "no control plane: $problem"
    return 1
  fi
  if folder=$(hack/controlplane/build.sh); then
    export HELIOTROPE_CONTROLPLANE=$folder
    times+=("$(printf '%-44s %s' "control plane" "$(minutes $((SECONDS - from)))")")
    return 0
  fi
  problem=$(download_problem hack/controlplane/*/go.mod)
  if [ -n "$problem" ]; then
    skip "end-to-end suite" "no control plane: modules cannot be downloaded: $problem"
  else
    failed+=("control plane")
    echo "!! FAILED control plane: hack/controlplane/build.sh"
  fi
  return 1
}

# What takes minutes to build and few scenarios need is built beside all that comes before the suite, and waited for then.
declare -A building=()
end_builds() {
  local process
  for process in "${building[@]}"; do kill -- "-$process" 2>/dev/null; done
}

build_begins() { # title, variable, folder of hack/, what the names of the scenarios have in common that need it
  local title=$1 variable=$2 folder=$3 needed=$4 problem
  [ -z "${!variable:-}${HELIOTROPE_E2E_KUBECONFIG:-}" ] || return 0
  if [ ${#scenarios[@]} -gt 0 ] && ! grep -qF -e "$needed" <(for name in "${scenarios[@]}"; do grep -F -- "$name" <<<"$names"; done); then
    return 0
  fi
  if [ ${#scenarios[@]} -eq 0 ] && [ -z "${HELIOTROPE_BUILD_ALL:-}" ] && ! "hack/$folder/build.sh" --built; then
    skip "$title" "not built before, and HELIOTROPE_BUILD_ALL is not set: hack/$folder/build.sh takes minutes, once"
    return 0
  fi
  problem=$(go_problem "hack/$folder/go.mod")
  if [ -n "$problem" ]; then
    skip "$title" "$problem"
    return 0
  fi
  say "$title from Go modules, in the background"
  set -m # a process group of its own, so that all of it can be ended
  nice "hack/$folder/build.sh" >"$logs/$folder-folder" 2>"$logs/$folder.log" &
  building[$folder]=$!
  set +m
  trap end_builds EXIT
}

build_ends() { # title, variable, folder of hack/: sets the variable to the folder of what was built, or says why not
  local title=$1 variable=$2 folder=$3 problem from=$SECONDS
  [ -n "${building[$folder]:-}" ] || return 0
  say "$title: waiting for the build"
  if wait "${building[$folder]}"; then
    export "$variable=$(cat "$logs/$folder-folder")"
    times+=("$(printf '%-44s %s' "$title, what was left of the build" "$(minutes $((SECONDS - from)))")")
    return 0
  fi
  cat "$logs/$folder.log"
  problem=$(download_problem "hack/$folder/go.mod")
  if [ -n "$problem" ]; then
    skip "$title" "modules cannot be downloaded: $problem"
  else
    failed+=("$title")
    echo "!! FAILED $title: hack/$folder/build.sh"
  fi
}

debian_binary() { # variable, package, what is left out without it: sets the variable to the package's binary, or says why not
  local variable=$1 package=$2 why=$logs/$2.err binary
  if [ -n "${!variable:-}" ]; then
    say "$package: given in $variable"
    return 0
  fi
  say "$package from its Debian package"
  if binary=$(hack/prometheus.sh "$package" 2>"$why"); then
    export "$variable=$binary"
    echo "$binary"
    return 0
  fi
  cat "$why"
  skip "$3" "no $package: $(tail -n 1 "$why")"
  return 1
}

alert_rules() { # what docs/operations.md shows, by the tool that comes with Prometheus
  local promtool rules=$logs/alerts.yaml
  promtool=$(dirname "$HELIOTROPE_PROMETHEUS")/promtool
  if [ ! -x "$promtool" ]; then
    skip "alert rules" "no promtool beside $HELIOTROPE_PROMETHEUS"
    return
  fi
  awk '/^### Alerts/ { here = 1 } here && /^```$/ { exit } block { print } here && /^```yaml$/ { block = 1 }' \
    docs/operations.md >"$rules"
  step "alert rules" "$promtool" check rules "$rules"
}

release_binary() {
  if [ -n "${HELIOTROPE_BIN:-}" ]; then
    say "heliotrope: given in HELIOTROPE_BIN"
    return 0
  fi
  step "cargo build --release" cargo build --release --locked || return 1
  export HELIOTROPE_BIN=$target/release/heliotrope
}

skipped_scenarios() { # takes over what the suite left out by itself: to its runner it has passed
  local what
  while IFS= read -r what; do skipped+=("$what"); done \
    < <(sed -n 's/^!! SKIPPED //p' "$logs/end-to-end-suite.log" 2>/dev/null)
}

drawn_figures() {
  if has python3; then
    step "figures drawn" python3 hack/draw-figures.py "$HELIOTROPE_E2E_OUT"
  else
    skip "figures drawn" "python3 is not installed; the JSON files are there"
  fi
}

closing_lines() { # the runner's own lines, each under the name of what it ran; targets without a test are left out
  awk '
    /^ *Running / { # "Running tests/it/main.rs (target/debug/deps/it-0123456789abcdef)": "it: tests/it/main.rs"
      name = $0; sub(/^ *Running /, "", name); sub(/ \(.*/, "", name)
      binary = $0; sub(/.*\(/, "", binary); sub(/.*\//, "", binary); sub(/-[0-9a-f]*\).*/, "", binary)
      name = binary ": " name
    }
    /^ *Doc-tests / { name = $0; sub(/^ */, "", name) }
    /^test result:/ && !/ok\. 0 passed; 0 failed; 0 ignored/ { print name; print }
  ' "$logs"/*.log
}

step "toolchain" toolchain || exit 1
if [ $e2e = yes ]; then
  build_begins "metrics servers" HELIOTROPE_METRICS metrics x_load
  build_begins KEDA HELIOTROPE_KEDA keda z_keda
fi

if [ $checks = yes ]; then
  if cargo fmt --version >/dev/null 2>&1; then
    step "cargo fmt" cargo fmt --all --check
  else
    skip "cargo fmt" "rustfmt is not installed"
  fi
  if cargo clippy --version >/dev/null 2>&1; then
    step "cargo clippy" cargo clippy --workspace --all-targets --locked -- -D warnings
    # --all-targets leaves out what a plain `cargo test` leaves out.
    step "cargo clippy, end-to-end suite" cargo clippy --test e2e --locked -- -D warnings
  else
    skip "cargo clippy" "clippy is not installed"
  fi
  if has cargo-deny; then
    step "cargo deny" cargo deny --locked check
  else
    skip "cargo deny" "cargo-deny is not installed, so licences and advisories of dependencies were not checked"
  fi
  if has shellcheck; then
    mapfile -t scripts < <(shell_scripts)
    step "shellcheck" shellcheck "${scripts[@]}"
  else
    skip "shellcheck" "shellcheck is not installed"
  fi
  if ! has python3 && [ -n "$(git ls-files '*.py')" ]; then
    skip "recomputation by an independent script" "python3 is not installed"
  fi
  has python3 || skip "the example server of deploy/examples/serving" "python3 is not installed"
  debian_binary HELIOTROPE_PROMETHEUS prometheus "integration test with a real Prometheus"
  debian_binary HELIOTROPE_NODE_EXPORTER prometheus-node-exporter "integration test with a real node_exporter"
  step "cargo test" cargo test --workspace --locked --no-fail-fast
fi

if [ $e2e = yes ]; then
  if control_plane && debian_binary HELIOTROPE_PROMETHEUS prometheus "end-to-end suite" && release_binary; then
    alert_rules
    build_ends "metrics servers" HELIOTROPE_METRICS metrics
    build_ends KEDA HELIOTROPE_KEDA keda
    if [ -z "${HELIOTROPE_E2E_OUT:-}" ]; then
      rm -rf "$target/e2e"
      export HELIOTROPE_E2E_OUT=$target/e2e
    fi
    # Tests run in the folder of their package, so each path that is handed on must be absolute.
    for name in HELIOTROPE_CONTROLPLANE HELIOTROPE_METRICS HELIOTROPE_KEDA HELIOTROPE_PROMETHEUS HELIOTROPE_BIN HELIOTROPE_E2E_OUT HELIOTROPE_E2E_KUBECONFIG; do
      [ -z "${!name:-}" ] || export "$name=$(realpath -m "${!name}")"
    done
    step "end-to-end suite" timeout --kill-after=30 "${HELIOTROPE_E2E_MINUTES:-60}m" \
      cargo test --test e2e --locked -- --test-threads=1 --nocapture "${scenarios[@]}"
    skipped_scenarios
    drawn_figures
    echo "figures: $HELIOTROPE_E2E_OUT"
  fi
else
  skip "end-to-end suite" "--no-e2e was given"
fi

say "minutes"
printf '%s\n' "${times[@]}" "$(printf '%-44s %s' "all" "$(minutes $((SECONDS - began)))")"
say "skipped: ${#skipped[@]}"
[ ${#skipped[@]} -eq 0 ] || printf '%s\n' "${skipped[@]}"
say "failed: ${#failed[@]}"
[ ${#failed[@]} -eq 0 ] || printf '%s\n' "${failed[@]}"
say "closing lines"
closing_lines
[ ${#failed[@]} -eq 0 ]
