#!/usr/bin/env bash
# Proof that a change changes no bit: trains 20 steps of SFT and of DPO, in fp32 and bf16, on 15 layouts, and prints one line for each
# objective, precision and layout with the SHA-256 of the final fp32 parameters. Run it before and after a change and compare:
#
#     tools/prove-bits.sh > before.txt      # at the commit before
#     tools/prove-bits.sh > after.txt
#     diff before.txt after.txt
#
# Exits with 1 when layouts of one objective and precision disagree. TULU2 is the command to run (default: the Release build of this checkout);
# LAYOUTS replaces the list of layouts, each data.tensor.pipeline.zero.
set -euo pipefail
cd "$(dirname "$0")/.."
tulu2=${TULU2:-dotnet src/Tulu2.Cli/bin/Release/net10.0/tulu2.dll}
layouts=${LAYOUTS:-1.1.1.1 2.1.1.1 4.1.1.1 8.1.1.1 1.2.1.1 1.1.2.1 2.2.1.1 2.1.2.1 1.2.2.1 2.2.2.1 2.1.1.2 4.1.1.2 4.1.1.4 2.2.1.2 2.1.2.2}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Rows out of a small vocabulary, by a congruential generator: the same everywhere.
awk -v dir="$work" 'function r(n) { x = (x * 16807) % 2147483647; return x % n }
    function sentence(n,   s, i) { s = ""; for (i = 0; i < n; i++) s = s (i ? " " : "") w[r(24)]; return s }
    BEGIN {
        x = 7
        split("apple bridge cloud desk ember field garden hill island jacket kettle lamp mirror needle orchard pencil quilt river stone table umbrella valley window yard", v, " ")
        for (i in v) w[i - 1] = v[i]
        for (i = 0; i < 200; i++) {
            q = sentence(3 + r(8)); a = sentence(2 + r(12)); b = sentence(2 + r(12))
            printf "{\"dataset\":\"generated\",\"id\":\"%d\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"},{\"role\":\"assistant\",\"content\":\"%s\"}]}\n", i, q, a > (dir "/rows.jsonl")
            printf "{\"prompt\":\"%s\",\"chosen\":\"%s\",\"rejected\":\"%s\"}\n", q, a, b > (dir "/pairs.jsonl")
        }
    }'
[ -s "$work/pairs.jsonl" ] || { echo "prove-bits: no rows were made" >&2; exit 1; }
$tulu2 tokenizer train "$work/rows.jsonl" --vocabulary 320 --to "$work/tokenizer" > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }

status=0
for objective in sft dpo; do
    data=rows; [ "$objective" = dpo ] && data=pairs
    for precision in fp32 bf16; do
        first=
        for layout in $layouts; do
            IFS=. read -r d t p z <<< "$layout"
            rm -rf "$work/run"
            cat > "$work/recipe.yaml" <<YAML
objective: $objective
model: { preset: tiny, tokenizer: $work/tokenizer }
data: { train: [$work/$data.jsonl], max_length: 64, cache: $work/cache }
batch: { global: 16, slot: 2 }
steps: 20
optimizer: { learning_rate: 1e-3 }
precision: $precision
parallel: { data: $d, tensor: $t, pipeline: $p, zero: $z }
checkpoint: { every: 0 }
seed: 42
YAML
            $tulu2 train "$work/recipe.yaml" --run "$work/run" --in-process --json > "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
            hash=$(tail -1 "$work/log" | grep -oE '"parameters_sha256":"[0-9a-f]+"' | cut -d'"' -f4)
            [ -n "$hash" ] || { cat "$work/log" >&2; exit 1; }
            echo "$objective $precision $layout $hash"
            first=${first:-$hash}
            [ "$hash" = "$first" ] || { status=1; echo "prove-bits: $objective $precision $layout differs from the first layout" >&2; }
        done
    done
done
exit $status
