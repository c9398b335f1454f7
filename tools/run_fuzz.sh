#!/bin/sh
# run_fuzz.sh DIRECTORY SECONDS [JOBS]
# Runs every fuzz target of DIRECTORY for SECONDS, JOBS of them at a time (2). What a run learns is kept beside the targets; the
# corpus in the repository is read and never written. A crash, a leak, or an input that takes more than five seconds is
# a finding: the input is left in DIRECTORY, as NAME-crash-…, and the targets after it run all the same.
set -eu
directory=$1
seconds=$2
jobs=${3:-2}

# Called by itself for one target: its words are shown when it has ended, so that those of two do not mix.
if [ -n "${FUZZ_ONE:-}" ]; then
  name=$(basename "$FUZZ_ONE" _fuzz)
  mkdir -p "$directory/found/$name" "tests/fuzz/corpus/$name"
  if "$FUZZ_ONE" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -detect_leaks=1 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="$directory/$name-" "$directory/found/$name" "tests/fuzz/corpus/$name" >"$directory/$name.log" 2>&1
  then
    echo "fuzz $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$directory/$name.log") inputs in $seconds s"
    exit 0
  fi
  echo "fuzz $name: a finding"
  cat "$directory/$name.log"
  exit 1
fi

set -- "$directory"/*_fuzz
[ -x "$1" ] || { echo "no fuzz target in $directory" >&2; exit 1; }
printf '%s\n' "$@" | xargs -P "$jobs" -I TARGET env FUZZ_ONE=TARGET "$0" "$directory" "$seconds" \
  || { echo "fuzz: findings, see above" >&2; exit 1; }
echo "fuzz: $# targets, no finding"
