#!/bin/sh
# run_fuzz.sh DIRECTORY SECONDS
# Runs every fuzz target of DIRECTORY for SECONDS. What a run learns is kept beside the targets; the corpus in the
# repository is read and never written.
set -eu
directory=$1
seconds=$2
ran=0
for target in "$directory"/*_fuzz; do
  [ -x "$target" ] || continue
  name=$(basename "$target" _fuzz)
  mkdir -p "$directory/found/$name" "tests/fuzz/corpus/$name"
  echo "fuzz $name, $seconds s"
  "$target" -max_total_time="$seconds" -timeout=1 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="$directory/$name-" "$directory/found/$name" "tests/fuzz/corpus/$name"
  ran=$((ran + 1))
done
[ "$ran" -gt 0 ] || { echo "no fuzz target in $directory" >&2; exit 1; }
echo "fuzz: $ran targets, no finding"
