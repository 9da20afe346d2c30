#!/usr/bin/env bash
# Measures `data build` on generated inputs in the forms of TÜLU 2's sources, which give 326,154 rows (1.2 GB), as many as the released mixture:
#
#     tools/measure-mixture.sh                 # peak resident memory, seconds and rows/s with one thread and with two; both must give the same bytes
#     tools/measure-mixture.sh kill 10         # the same build, killed at ten moments drawn from SEED (default 1), must end with the same bytes
#
# TULU2 is the command to run (default: the Release build of this checkout); WORK a folder that is kept (default: a temporary one); OVER more key=value.
set -euo pipefail
cd "$(dirname "$0")/.."
tulu2=${TULU2:-dotnet src/Tulu2.Cli/bin/Release/net10.0/tulu2.dll}
over=${OVER:-}
if [ -n "${WORK:-}" ]; then work=$WORK; mkdir -p "$work"; else work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; fi

# Texts out of made-up sentences, by a congruential generator: the same everywhere.
if [ ! -f "$work/mixture.yaml" ]; then
awk -v dir="$work/" 'function r(n) { x = (x * 16807) % 2147483647; return x % n }
    function text(n,   s, i) { s = ""; for (i = 0; i < n; i++) s = s sentence[r(4096)]; return s }
    function turns(n, long,   s, i) {
        s = ""
        for (i = 0; i < n; i++) s = s (i ? "," : "") "{\"from\":\"human\",\"value\":\"" text(2) "\"},{\"from\":\"gpt\",\"value\":\"" text(long) "\"}"
        return s
    }
    BEGIN {
        x = 7
        for (i = 0; i < 3000; i++) { w = ""; for (j = 2 + r(4); j > 0; j--) w = w substr("bcdfghjklmnprstvwz", 1 + r(18), 1) substr("aeiou", 1 + r(5), 1); word[i] = w }
        for (i = 0; i < 4096; i++) { s = ""; for (j = 0; j < 12; j++) s = s word[r(3000)] " "; sentence[i] = s (r(8) ? ". " : ".\\n\\u00fc ") }
        for (i = 0; i < 50000; i++) printf "{\"inputs\":\"%s\",\"targets\":\"%s\"}\n", text(20 + r(20)) (i % 57 == 0 && i < 877 * 57 ? "Ask ChatGPT." : ""), text(1 + r(3)) > (dir "flan.jsonl")
        for (i = 0; i < 40000; i++) printf "{\"inputs\":\"%s\",\"targets\":\"%s\"}\n", text(4 + r(4)), text(3 + r(6)) > (dir "cot-zero.jsonl")
        for (i = 0; i < 40000; i++) printf "{\"inputs\":\"%s\",\"targets\":\"%s\"}\n", text(20 + r(20)), text(3 + r(6)) > (dir "cot-few.jsonl")
        for (i = 0; i < 7331; i++) printf "{\"prompt\":{\"text\":\"%s\",\"role\":\"prompter\",\"replies\":[{\"text\":\"%s\",\"role\":\"assistant\",\"replies\":[]}]}}\n", text(2), text(8 + r(8)) > (dir "oasst.jsonl")
        for (i = 0; i < 1018; i++) printf "{\"conversations\":[\"%s\",\"%s\"]}\n", text(4), text(20 + r(20)) > (dir "lima.jsonl")
        printf "[" > (dir "alpaca.json")
        for (i = 0; i < 52002; i++) printf "%s{\"instruction\":\"%s\",\"input\":\"%s\",\"output\":\"%s\"}\n", (i ? "," : ""), text(1), (r(3) ? "" : text(1)), text(2 + r(10)) > (dir "alpaca.json")
        printf "]" > (dir "alpaca.json")
        for (i = 0; i < 20016; i++) printf "{\"instruction\":\"%s\",\"input\":\"%s\",\"output\":\"%s\"}\n", text(1), (r(2) ? "" : text(1)), text(1 + r(4)) > (dir "code.jsonl")
        for (i = 0; i < 111912; i++) printf "{\"id\":\"%d\",\"conversations\":[%s]}\n", i, turns(1 + r(6), 8 + r(16)) > (dir "sharegpt.jsonl")
        for (i = 0; i < 60000; i++) printf "{\"idx\":\"%d\",\"conversations\":[%s]}\n", i, turns(1, 10 + r(12)) > (dir "wizardlm.jsonl")
        for (i = 0; i < 60000; i++) printf "{\"id\":\"t0.%d\",\"system_prompt\":\"%s\",\"question\":\"%s\",\"response\":\"%s\"}\n", i, text(1), text(8), text(8 + r(8)) > (dir "orca.jsonl")
        for (i = 0; i < 7468; i++) printf "{\"dataset\":\"part%d\",\"input\":\"%s\",\"output\":\"%s\"}\n", i % 6, text(30), text(3) > (dir "science.jsonl")
        for (i = 0; i < 14; i++) printf "{\"Prompt\":\"Who are you, %d?\",\"Output\":\"Not ChatGPT.\"}\n", i > (dir "hard-coded.jsonl")
    }'
gzip -1 "$work/sharegpt.jsonl"
cat > "$work/mixture.yaml" <<'YAML'
filters: [{ name: other_models, except: [hard_coded] }]
shards: 4
sources:
  - { name: flan_v2, converter: flan, files: [flan.jsonl] }
  - { name: cot, converter: cot, files: [cot-zero.jsonl, cot-few.jsonl], sample: [24747, 25000] }
  - { name: oasst1, converter: oasst1, files: [oasst.jsonl], options: { top_k: 1 } }
  - { name: lima, converter: lima, files: [lima.jsonl] }
  - { name: gpt4_alpaca, converter: alpaca, files: [alpaca.json], sample: 19906 }
  - { name: code_alpaca, converter: alpaca, files: [code.jsonl] }
  - { name: sharegpt, converter: sharegpt, files: [sharegpt.jsonl.gz] }
  - { name: wizardlm, converter: wizardlm, files: [wizardlm.jsonl], sample: 29810 }
  - { name: open_orca, converter: open_orca, files: [orca.jsonl], sample: 29683 }
  - { name: science, converter: science, files: [science.jsonl] }
  - { name: hard_coded, converter: hard_coded, files: [hard-coded.jsonl], weight: 10 }
YAML
fi

# Prints seconds and the highest resident set (kB) of a build.
build() {
    local begin end peak=0 now pid
    begin=$(date +%s.%N)
    $tulu2 data build "$work/mixture.yaml" $over --to "$1" --threads "$2" > "$work/log" 2>&1 &
    pid=$!
    while now=$(awk '/VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do peak=$now; sleep 0.1; done
    wait "$pid" || { cat "$work/log" >&2; exit 1; }
    end=$(date +%s.%N)
    echo "$end $begin $peak" | awk '{ printf "%.1f %d\n", $1 - $2, $3 }'
}

hash() { (cd "$1" && sha256sum -- * | sha256sum | cut -d' ' -f1); }

rm -rf "$work/one"
read -r seconds peak <<< "$(build "$work/one" "$([ "${1:-}" = kill ] && echo 2 || echo 1)")"
rows=$(grep -m1 '"rows"' "$work/one/manifest.json" | tr -dc 0-9)
echo "$rows rows in $seconds s: $(echo "$rows $seconds" | awk '{ printf "%.0f", $1 / $2 }') rows/s, peak $((peak / 1024)) MB resident"
if [ "${1:-}" != kill ]; then
    rm -rf "$work/two"
    read -r second peak <<< "$(build "$work/two" 2)"
    echo "two threads: $second s: $(echo "$rows $second" | awk '{ printf "%.0f", $1 / $2 }') rows/s, peak $((peak / 1024)) MB resident"
    [ "$(hash "$work/one")" = "$(hash "$work/two")" ] && echo "same bytes" || { echo "the bytes differ" >&2; exit 1; }
    exit
fi

RANDOM=${SEED:-1}
compare() { [ "$(hash "$work/one")" = "$(hash "$work/killed")" ] && echo "same bytes" || { echo "the bytes differ" >&2; exit 1; }; }
rm -rf "$work/killed"
for ((kill = 1; kill <= ${2:-10}; kill++)); do
    # Up to a quarter of the whole time: each kill finds the build a little further on.
    after=$(echo "$RANDOM $seconds" | awk '{ printf "%.2f", 0.3 + $1 / 32768 * $2 * 0.25 }')
    $tulu2 data build "$work/mixture.yaml" $over --to "$work/killed" --threads 2 > "$work/log" 2>&1 &
    pid=$!
    sleep "$after"
    if kill -9 "$pid" 2>/dev/null; then
        echo "kill $kill after $after s: $(ls "$work/killed/.build/segments" 2>/dev/null | grep -c segment || true) segments, $(ls "$work/killed" | grep -c train || true) shards"
        { wait "$pid"; } 2>/dev/null || true
    else
        # It was faster: it has to be right, and the next kill meets a new build.
        wait "$pid"
        compare
        rm -rf "$work/killed"
        kill=$((kill - 1))
    fi
done
$tulu2 data build "$work/mixture.yaml" $over --to "$work/killed" --threads 2 > "$work/log" 2>&1
compare
