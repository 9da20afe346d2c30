#!/usr/bin/env bash
# Measures `data decontaminate` against all nine benchmarks, on the real rows of TULU2_DATA/tulu_v2_mix_sample repeated until there are 326,154, as many as the
# released mixture has:
#
#     tools/measure-decontamination.sh         # rows/s and peak resident memory for a few rows, for all rows with one thread and with two, and for twice the rows
#
# TULU2 is the command to run (default: the Release build of this checkout); WORK a folder that is kept (default: a temporary one).
set -euo pipefail
cd "$(dirname "$0")/.."
tulu2=${TULU2:-dotnet src/Tulu2.Cli/bin/Release/net10.0/tulu2.dll}
data=${TULU2_DATA:-../shared/data}
if [ -n "${WORK:-}" ]; then work=$WORK; mkdir -p "$work"; else work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; fi

repeat() { awk -v rows="$1" '{ line[NR] = $0 } END { for (i = 0; i < rows; i++) print line[i % NR + 1] }' "$work/sample.jsonl"; }

zcat "$data/tulu_v2_mix_sample/sample_debug.jsonl.gz" > "$work/sample.jsonl"
[ -f "$work/all.jsonl" ] || repeat 326154 > "$work/all.jsonl"

# Prints what was read and removed, seconds, rows/s and the highest resident set.
measure() {
    local begin ticks=0 peak=0 now pid
    begin=$(date +%s.%N)
    $tulu2 data decontaminate --against all --data "$data" --json --threads "$1" --to "$work/kept.jsonl.gz" "${@:2}" > "$work/out" 2> "$work/log" &
    pid=$!
    while now=$(awk '/VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
        peak=$now
        now=$(awk '{ print $14 + $15 }' "/proc/$pid/stat" 2>/dev/null) && [ -n "$now" ] && ticks=$now
        sleep 0.1
    done
    wait "$pid" || { cat "$work/log" >&2; exit 1; }
    tail -n 1 "$work/out" | grep -o '^{"read":[0-9]*,"kept":[0-9]*,"removed":[0-9]*,"bad":[0-9]*' | tr -d '{"\n' > "$work/counts"
    awk -v begin="$begin" -v end="$(date +%s.%N)" -v peak="$peak" -v counts="$(cat "$work/counts")" -v threads="$1" \
        -v used="$ticks" -v hertz="$(getconf CLK_TCK)" 'BEGIN {
        used /= hertz
        split(counts, part, /[:,]/)
        printf "%s; %d threads: %.1f s, %d rows/s (processor time %.1f s, %d rows/s), peak %d MB resident\n",
            counts, threads, end - begin, part[2] / (end - begin), used, part[2] / used, peak / 1024 }'
}

measure 1 "$work/sample.jsonl"
measure 1 "$work/all.jsonl"
sum=$(sha256sum < "$work/kept.jsonl.gz")
measure 2 "$work/all.jsonl"
[ "$sum" = "$(sha256sum < "$work/kept.jsonl.gz")" ] && echo "same bytes" || { echo "the bytes differ" >&2; exit 1; }
ln -sf all.jsonl "$work/again.jsonl"
measure 2 "$work/all.jsonl" "$work/again.jsonl"
