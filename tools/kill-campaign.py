#!/usr/bin/env python3
"""Kills processes of small training runs with SIGKILL, at random moments, and says what that cost.

    dotnet build -c Release src/Tulu2.Cli
    tools/kill-campaign.py --kills 100 --seed 1

Each run has a layout, an objective, a precision and a hosting of its own. Workers, spare workers, the coordinating process and its spare, and with --nodes the nodes, are
killed (a fifth of the workers and nodes is told to end, with SIGTERM, instead); after a third of the kills another one, at most three in a row, comes within 0.3 s, while the run recovers. The next one waits for a step. A run passes if it ends with exit code 0, its parameters have the hash of an
undisturbed run on one rank, and its ledger is sound. Exit code 1 if one does not. Needs Linux and Python 3.8.
"""
import argparse
import datetime
import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "src/Tulu2.Cli/bin/Release/net10.0/tulu2"
LAYOUTS = [
    {"data": 2},
    {"data": 1, "tensor": 2},
    {"data": 1, "pipeline": 2},
    {"data": 2, "zero": 2},
    {"data": 1, "tensor": 2, "pipeline": 2},
    {"data": 2, "tensor": 2},
    {"data": 3},
]
DEADLINE = 600


def write_data(folder, program):
    chosen = random.Random(7)
    rows, pairs = [], []
    for row in range(96):
        a, b = chosen.randrange(100), chosen.randrange(100)
        question = f"What is {a} plus {b}{', and please say it twice' if row % 3 == 0 else ''}?"
        rows.append({"dataset": "sum", "id": f"sum_{row}", "messages": [
            {"role": "user", "content": question}, {"role": "assistant", "content": f"It is {a + b}."}]})
        pairs.append({"prompt": question, "chosen": f"It is {a + b}.", "rejected": f"Perhaps {a + b}1, or {b}?"})
    for name, content in (("rows", rows), ("pairs", pairs)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in content))
    subprocess.run([program, "tokenizer", "train", "rows.jsonl", "--vocabulary", "512", "--to", "tokenizer"], cwd=folder, check=True, capture_output=True)


def write_recipe(folder, objective, precision, steps):
    path = folder / f"{objective}-{precision}.yaml"
    path.write_text(f"""objective: {objective}
model: {{ preset: demo, tokenizer: tokenizer }}
data: {{ train: [{'pairs' if objective == 'dpo' else 'rows'}.jsonl], max_length: 128 }}
batch: {{ global: 8, slot: 1 }}
steps: {steps}
optimizer: {{ learning_rate: 1e-3 }}
precision: {precision}
checkpoint: {{ every: {steps // 3}, keep: 2 }}
seed: 11
""")
    return path


def processes(launcher):
    """The live processes of a run by role."""
    found, parents, commands = {}, {}, {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            commands[int(entry)] = pathlib.Path(f"/proc/{entry}/cmdline").read_text().split("\0")
            state, parent = pathlib.Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()[:2]
        except (OSError, UnicodeDecodeError):
            continue
        if state not in "ZX":
            parents[int(entry)] = int(parent)

    def belongs(process):
        words = commands[process]
        if "--owner" in words:
            owner = int(words[words.index("--owner") + 1])
            return owner == launcher or owner in parents and belongs(owner)
        return parents[process] == launcher or parents[process] in parents and parents[process] > 1 and belongs(parents[process])

    for process in parents:
        for role in ("worker", "coordinator", "node"):
            if role in commands[process][:5] and belongs(process):
                found.setdefault(role, []).append(process)
    return found


def events(run, newest=None):
    """The events in a run's ledger, or only the newest ones: of a run that is under way, which should have the processors."""
    try:
        lines = [line for line in (run / "ledger/log.jsonl").read_text().splitlines() if line.endswith('"}')]
        return [json.loads(line) for line in lines[-newest if newest else None:]]
    except (OSError, ValueError):
        return []


def seconds(event):
    return datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=90)
    parser.add_argument("--every", type=float, default=2.5, help="seconds between kills, on average")
    parser.add_argument("--program", default=str(PROGRAM))
    parser.add_argument("--keep", action="store_true", help="keep the runs' directories")
    given = parser.parse_args()
    chosen = random.Random(given.seed)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tulu2-kills-"))
    os.environ["TULU2_CACHE"] = str(folder / "cache")
    write_data(folder, given.program)
    hashes, recoveries, failures, kills, runs, replayed = {}, {}, [], 0, 0, 0
    while kills < given.kills:
        objective, precision = chosen.choice(["sft", "dpo"]), chosen.choice(["fp32", "bf16"])
        recipe = write_recipe(folder, objective, precision, given.steps)
        if (objective, precision) not in hashes:
            quiet = subprocess.run([given.program, "train", recipe, "--run", folder / f"quiet-{objective}-{precision}", "--in-process", "--json", "parallel.data=1"],
                                   capture_output=True, text=True, check=True)
            hashes[objective, precision] = json.loads(quiet.stdout.splitlines()[-1])["parameters_sha256"]
        layout, nodes = chosen.choice(LAYOUTS), chosen.random() < 0.25
        run, runs = folder / f"run-{runs}", runs + 1
        words = [f"parallel.{key}={value}" for key, value in layout.items()]
        errors = open(folder / f"run-{runs - 1}.txt", "w")
        process = subprocess.Popen([given.program, "train", recipe, "--run", run, "--json", *(["--nodes", "2"] if nodes else []), *words],
                                   stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
        began, log, next_kill, last_kill = time.time(), [], None, 0
        while process.poll() is None and time.time() - began < DEADLINE:
            time.sleep(0.005)
            if next_kill is None:
                if any(event["kind"] == "step_committed" and seconds(event) > last_kill for event in events(run, newest=3)):
                    next_kill, burst = time.time() + chosen.expovariate(1 / given.every), 1
                continue
            if time.time() < next_kill:
                continue
            found = processes(process.pid)
            roles = [role for role in ("worker", "worker", "coordinator", "node") if role in found]
            if roles:
                role = chosen.choice(roles)
                victim = chosen.choice(sorted(found[role]))
                # Workers and nodes finish their step when they are told to end; a coordinator ends its run.
                told = role != "coordinator" and chosen.random() < 1 / 5
                try:
                    os.kill(victim, signal.SIGTERM if told else signal.SIGKILL)
                    log.append((f"{role} told to end" if told else role, time.time()))
                    kills += 1
                except ProcessLookupError:
                    pass
            last_kill = time.time()
            again = burst < 3 and chosen.random() < 1 / 3
            next_kill, burst = (last_kill + chosen.random() * 0.3, burst + 1) if again else (None, 0)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        output = process.communicate()[0]
        name = f"{objective} {precision} {' '.join(words)}{' --nodes 2' if nodes else ''}"
        verified = subprocess.run([given.program, "ledger", "verify", run], capture_output=True, text=True)
        verdict = next((line for line in verified.stdout.splitlines() if " replayed" in line), verified.stderr.strip())
        last = output.splitlines()[-1] if output.strip() else "{}"
        ok = process.returncode == 0 and verified.returncode == 0 and json.loads(last)["parameters_sha256"] == hashes[objective, precision]
        made_again = int(verdict.split(" replayed")[0].split()[-1]) if " replayed" in verdict else 0
        replayed += made_again
        committed = [seconds(event) for event in events(run) if event["kind"] == "step_committed"]
        for role, when in log:
            after = [moment for moment in committed if moment > when]
            if after:
                recoveries.setdefault(("a run with --nodes: " if nodes else "") + role, []).append(after[0] - when)
        print(f"{'ok    ' if ok else 'FAILED'} {name}: {len(log)} kills ({', '.join(role for role, _ in log)}), {time.time() - began:.0f} s, {verdict}", flush=True)
        if not ok:
            failures.append(f"{name}: exit code {process.returncode}; {folder / f'run-{runs - 1}.txt'}")
    print(f"\n{kills} kills in {runs} runs, {len(failures)} runs failed, {replayed} steps made again")
    print("seconds from a kill to the next commit, the step that is made again included (processes that nobody waits for, such as spares, too):")
    for role, times in sorted(recoveries.items()):
        times.sort()
        print(f"  {role}: median {statistics.median(times):.2f}, 90 % {times[int(0.9 * (len(times) - 1))]:.2f}, longest {times[-1]:.2f}, of {len(times)}")
    for failure in failures:
        print(failure)
    if failures or given.keep:
        print(f"runs are in {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
