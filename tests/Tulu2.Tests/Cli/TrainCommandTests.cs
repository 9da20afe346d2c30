using System.Text.Json;
using Tulu2.Runs.Output;
using Tulu2.Tests.Runs;
using Xunit;

namespace Tulu2.Tests.Cli;

/// <summary><c>train</c> as a user runs it: what it leaves behind, what its last line says, and what it refuses.</summary>
public sealed class TrainCommandTests : IDisposable
{
    private readonly SmallTraining _small = new();

    public void Dispose() => _small.Dispose();

    private static JsonElement LastLine(string output) => JsonDocument.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement;

    // As threads, which start sooner: that workers are processes is the subject of the first test and of Tulu2.ClusterTests.
    private Task<JsonElement> TrainAsync(params string[] arguments) => TrainByProcessesAsync([.. arguments, "--in-process"]);

    private async Task<JsonElement> TrainByProcessesAsync(params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", ["train", .. arguments, "--json"]);
        Assert.True(code == ExitCode.Done, output + errors);
        Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        return LastLine(output);
    }

    private async Task RefusedAsync(string what, params string[] arguments)
    {
        var (code, _, errors) = await CommandLineTests.RunAsync("", ["train", .. arguments, "--run", _small.In("refused")]);
        Assert.True(code == ExitCode.BadInput, errors);
        Assert.Contains(what, errors);
        Assert.Contains("\n  fix: ", errors);
        Assert.DoesNotContain("   at ", errors);
        Assert.False(Directory.Exists(_small.In("refused")));
    }

    [Fact]
    public Task A_run_that_no_machine_has_the_memory_for_is_refused_before_its_data_are_looked_at() =>
        RefusedAsync("of data 16384 x tensor 1 x pipeline 1, zero 1 need at least 1.", _small.Recipe(data: "rows.jsonl"), "parallel.data=16384", "batch.global=16384", "batch.slot=1");

    [Fact]
    public async Task A_run_leaves_everything_and_a_resumed_one_ends_with_the_same_bits()
    {
        var (recipe, run) = (_small.Recipe(), _small.In("run"));
        var whole = await TrainByProcessesAsync(recipe, "--run", run);
        Assert.Equal(["run", "steps", "loss_first", "loss_last", "tokens_per_second", "parameters_sha256", "goodput"], whole.EnumerateObject().Select(key => key.Name));
        Assert.Equal(4, whole.GetProperty("steps").GetInt32());
        Assert.True(whole.GetProperty("loss_last").GetDouble() < whole.GetProperty("loss_first").GetDouble());
        foreach (var name in new[] { "recipe.yaml", "events.jsonl", "metrics.jsonl", "report.html", "exports/final/config.json",
            "exports/final/model.safetensors" })
            Assert.True(File.Exists(Path.Combine(run, name)), name);
        foreach (var name in new[] { "tensorboard", "checkpoints", "ledger" }) Assert.NotEmpty(Directory.GetFileSystemEntries(Path.Combine(run, name)));
        Assert.Equal(4, File.ReadAllLines(Path.Combine(run, "metrics.jsonl")).Length);

        // A shard whose twin failed is no damage; it is named, and gone when the run has gone on.
        var orphan = Path.Combine(run, "checkpoints", "shards", new string('0', 64) + ".safetensors");
        File.WriteAllText(orphan, "of a checkpoint that was given up");
        var (verified, _, named) = await CommandLineTests.RunAsync("", "checkpoint", "verify", run);
        Assert.Equal(ExitCode.Done, verified);
        Assert.Contains($"{orphan}: no checkpoint names this shard of 33 bytes", named);

        // As if killed after the checkpoint of step 2: the newest one is gone, the metrics are ahead and torn.
        File.Delete(Directory.GetFiles(Path.Combine(run, "checkpoints", "manifests")).Order().Last());
        File.AppendAllText(Path.Combine(run, "metrics.jsonl"), "{\"step\":5,");
        var resumed = await TrainByProcessesAsync(recipe, "--run", run, "--resume", "--set", "parallel.data=1");
        Assert.Equal(whole.GetProperty("parameters_sha256").GetString(), resumed.GetProperty("parameters_sha256").GetString());
        Assert.Equal(4, File.ReadAllLines(Path.Combine(run, "metrics.jsonl")).Length);

        Assert.False(File.Exists(orphan));

        // At its end there is nothing left to do, and the hash is the checkpoint's.
        var again = await TrainByProcessesAsync(recipe, "--run", run, "--resume");
        Assert.Equal(whole.GetProperty("parameters_sha256").GetString(), again.GetProperty("parameters_sha256").GetString());

        var (other, _, errors) = await CommandLineTests.RunAsync("", "train", recipe, "--run", run, "--resume", "--set", "seed=7");
        Assert.Equal(ExitCode.BadInput, other);
        Assert.Contains("the run was started with other values of seed", errors);
        Assert.Contains("already contains a run", (await CommandLineTests.RunAsync("", "train", recipe, "--run", run)).Errors);
        var (isSound, proof, _) = await CommandLineTests.RunAsync("", "ledger", "verify", run, "--json");
        Assert.Equal(ExitCode.Done, isSound);
        Assert.Equal(4, JsonDocument.Parse(proof).RootElement.GetProperty("steps_with_samples").GetInt32());
        Assert.Equal(ExitCode.Done, (await CommandLineTests.RunAsync("", "checkpoint", "verify", run)).Code);

        // Two sessions, of which every moment of both ranks is in one class.
        var (told, text, _) = await CommandLineTests.RunAsync("", "status", run, "--json");
        Assert.Equal(ExitCode.Done, told);
        var status = JsonDocument.Parse(text).RootElement;
        Assert.Equal(("completed", 4), (status.GetProperty("state").GetString(), status.GetProperty("step").GetInt32()));
        var time = status.GetProperty("time");
        Assert.InRange(time.GetProperty("goodput").GetDouble(), 1e-6, 1);
        Assert.Equal(100, time.GetProperty("percent").EnumerateObject().Sum(share => share.Value.GetDouble()), 1e-9);
        Assert.Equal(time.GetProperty("rank_seconds").GetDouble(), time.GetProperty("seconds").EnumerateObject().Sum(seconds => seconds.Value.GetDouble()), 1e-6);
        Assert.Equal(ExitCode.BadInput, (await CommandLineTests.RunAsync("", "status")).Code);
        Assert.Equal(ExitCode.BadInput, (await CommandLineTests.RunAsync("", "status", Path.Combine(run, "checkpoints"))).Code);
    }

    [Fact]
    public async Task A_run_whose_checkpoints_are_damaged_is_healed_from_its_mirror_and_one_that_is_lost_goes_on_from_it_with_the_same_bits()
    {
        var (recipe, run, second) = (_small.Recipe(), _small.In("mirrored"), _small.In("second"));
        string[] arguments = [recipe, "--run", run, "--set", $"checkpoint.mirror={second}"];
        var whole = await TrainAsync(arguments);
        string[] manifests = ["step-00000002.json", "step-00000004.json"];
        Assert.Equal(manifests, Directory.GetFiles(Path.Combine(second, "manifests")).Select(Path.GetFileName).Order());
        Assert.Contains("of their time", File.ReadAllText(Path.Combine(run, "report.html")));

        var shard = Directory.GetFiles(Path.Combine(run, "checkpoints", "shards")).Order().First();
        var sound = File.ReadAllBytes(shard);
        File.WriteAllBytes(shard, sound[..^1]);
        File.WriteAllText(Path.Combine(run, "checkpoints", "manifests", manifests[1]), "{");
        var (damaged, _, found) = await CommandLineTests.RunAsync("", "checkpoint", "verify", run);
        Assert.Equal(ExitCode.Failed, damaged);
        Assert.Equal(2, found.Split($"{second} has it: --heal").Length - 1);
        var (healed, _, what) = await CommandLineTests.RunAsync("", "checkpoint", "verify", run, "--heal");
        Assert.True(healed == ExitCode.Done, what);
        Assert.Equal(sound, File.ReadAllBytes(shard));
        Assert.Equal(ExitCode.Done, (await CommandLineTests.RunAsync("", "checkpoint", "verify", run)).Code);

        // The disk of the run is gone, and its last checkpoint had not been copied yet.
        Directory.Delete(run, recursive: true);
        File.Delete(Path.Combine(second, "manifests", manifests[1]));
        var (refused, _, errors) = await CommandLineTests.RunAsync("", ["train", .. arguments, "--in-process"]);
        Assert.Equal(ExitCode.BadInput, refused);
        Assert.Contains("add --resume if they are this run's", errors);
        var (code, output, said) = await CommandLineTests.RunAsync("", ["train", .. arguments, "--resume", "--in-process", "--json"]);
        Assert.True(code == ExitCode.Done, said);
        Assert.Contains($"the checkpoint of step 2 is healed from {second}", said);
        Assert.Contains("resuming after step 2", said);
        Assert.Equal(whole.GetProperty("parameters_sha256").GetString(), LastLine(output).GetProperty("parameters_sha256").GetString());
        Assert.Equal(ExitCode.Done, (await CommandLineTests.RunAsync("", "checkpoint", "verify", second)).Code);
        Assert.Equal(manifests, Directory.GetFiles(Path.Combine(second, "manifests")).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task Dpo_begins_at_ln_2_from_the_export_of_sft_and_reads_its_references_from_the_cache_the_second_time()
    {
        await TrainAsync(_small.Recipe(), "--run", _small.In("sft"));
        var recipe = _small.Recipe("dpo", "{ path: sft/exports/final }");
        var first = await TrainAsync(recipe, "--run", _small.In("dpo"));
        Assert.Equal(Math.Log(2), first.GetProperty("loss_first").GetDouble());
        var line = JsonDocument.Parse(File.ReadLines(Path.Combine(_small.In("dpo"), "metrics.jsonl")).First()).RootElement;
        Assert.Equal(0, line.GetProperty("rewards_margin").GetDouble());

        var (code, output, errors) = await CommandLineTests.RunAsync("", "train", recipe, "--run", _small.In("again"), "--in-process", "--json");
        Assert.Equal(ExitCode.Done, code);
        Assert.Contains("found in the cache", errors);
        Assert.Equal(first.GetProperty("parameters_sha256").GetString(), LastLine(output).GetProperty("parameters_sha256").GetString());

        var (generated, text, _) = await CommandLineTests.RunAsync("", "generate", "--model", _small.In("dpo/exports/final"), "--prompt", "What is 1 plus 1?",
            "--max-tokens", "4", "--json");
        Assert.Equal(ExitCode.Done, generated);
        Assert.InRange(LastLine(text).GetProperty("completion_tokens").GetInt32(), 0, 4);
        var (scored, score, scoreErrors) = await CommandLineTests.RunAsync("", "eval", "rows", "--model", _small.In("dpo/exports/final"), "--data",
            _small.In("pairs.jsonl"), "--json");
        Assert.True(scored == ExitCode.Done, scoreErrors);
        Assert.InRange(LastLine(score).GetProperty("score").GetDouble(), 0, 1);
        var (chatted, reply, _) = await CommandLineTests.RunAsync("Hello\n", "chat", "--model", _small.In("dpo/exports/final"), "--max-tokens", "2", "--json");
        Assert.Equal(ExitCode.Done, chatted);
        Assert.Equal("assistant", LastLine(reply).GetProperty("role").GetString());
    }

    /// <summary>The fine-tuning part divides by tokens of the whole step, which a rank's process knows from its start alone.</summary>
    [Fact]
    public async Task A_loss_without_reference_computes_and_stores_none_and_has_the_same_bits_by_processes()
    {
        var recipe = _small.Recipe("dpo", rest: "dpo: { loss: orpo }\nvalidation: { share: 0.2, every: 4 }");
        var processes = await TrainByProcessesAsync(recipe, "--run", _small.In("processes"));
        var threads = await TrainAsync(recipe, "--run", _small.In("threads"), "--set", "parallel.data=1");
        Assert.Equal(threads.GetProperty("parameters_sha256").GetString(), processes.GetProperty("parameters_sha256").GetString());
        Assert.Equal(threads.GetProperty("loss_last").GetDouble(), processes.GetProperty("loss_last").GetDouble());
        Assert.False(Directory.Exists(_small.In("cache/reference")));
        Assert.Contains("Length of the answers", File.ReadAllText(_small.In("processes/report.html")), StringComparison.Ordinal);
        await RefusedAsync("the orpo loss cannot use it: its odds are of means per token", recipe, "--set", "dpo.length_margin=0.1");
    }

    private static void DeleteNewest(string run, int manifests = 1)
    {
        foreach (var manifest in Directory.GetFiles(Path.Combine(run, "checkpoints", "manifests")).Order().TakeLast(manifests)) File.Delete(manifest);
    }

    [Fact]
    public async Task A_changed_run_has_the_bits_of_its_changes_however_often_it_was_interrupted()
    {
        var (recipe, run) = (_small.Recipe(), _small.In("run"));
        string[] train = [recipe, "--run", run, "--set", "checkpoint.keep=9"];
        async Task<string> Bits(params string[] flags) => (await TrainAsync([.. train, .. flags])).GetProperty("parameters_sha256").GetString()!;
        var begun = await Bits();
        // Steps 3 and 4 are made again after the change, by a rate that they did not have.
        DeleteNewest(run);
        var changed = await Bits("--resume", "--change", "optimizer.learning_rate=1e-3");
        Assert.NotEqual(begun, changed);
        // Interrupted after the change, and back to before it, where the rate is that of the begin.
        DeleteNewest(run);
        Assert.Equal(changed, await Bits("--resume", "auto", "--set", "parallel.data=1"));
        DeleteNewest(run, 2);
        Assert.Equal(changed, await Bits("--resume", "--in-process"));

        Assert.Equal([1, 2, 3, 4], File.ReadAllLines(Path.Combine(run, "metrics.jsonl")).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("step").GetInt32()));
        var (sound, _, notes) = await CommandLineTests.RunAsync("", "ledger", "verify", run);
        Assert.Equal(ExitCode.Done, sound);
        const string change = "changed after step 2: optimizer.learning_rate 0.01 -> 0.001";
        Assert.Contains(change, notes);
        Assert.Contains($"# {change}\n", File.ReadAllText(Path.Combine(run, "recipe.yaml")));
        var manifests = Directory.GetFiles(Path.Combine(run, "checkpoints", "manifests")).Order();
        Assert.Contains(change, new Tulu2.Checkpoints.CheckpointStore(Path.Combine(run, "checkpoints")).Read(manifests.Last()).Recipe);
    }

    [Fact]
    public async Task A_loss_that_is_not_a_number_names_the_command_that_goes_on()
    {
        string[] train = ["train", _small.Recipe(), "--run", _small.In("run"), "--set", "optimizer.learning_rate=1e30", "--set", "checkpoint.every=1"];
        var (failed, _, errors) = await CommandLineTests.RunAsync("", train);
        Assert.Equal(ExitCode.Failed, failed);
        var fix = $"`tulu2 {string.Join(' ', train)} --resume --change optimizer.learning_rate=1E+29`";
        Assert.Contains(fix, errors);
        // As it stands there, only with a rate that the model bears.
        var manifests = _small.In("run/checkpoints/manifests");
        if (Directory.Exists(manifests)) DeleteNewest(_small.In("run"), Directory.GetFiles(manifests).Length - 1);
        var (code, _, said) = await CommandLineTests.RunAsync("", [.. train, "--resume", "--change", "optimizer.learning_rate=1e-3"]);
        Assert.True(code == ExitCode.Done, said);
        Assert.Contains(": optimizer.learning_rate 1E+30 -> 0.001", said);
        Assert.Equal(ExitCode.Done, (await CommandLineTests.RunAsync("", "ledger", "verify", _small.In("run"))).Code);
    }

    [Fact]
    public async Task A_change_needs_a_run_and_another_recipe_names_the_change()
    {
        var (recipe, run) = (_small.Recipe(), _small.In("run"));
        string[] change = ["--change", "steps=5"];
        foreach (var (flags, says) in new[] { (change, "changes a run that is resumed"), (["--resume", "auto", .. change], "there is no run yet"), (["--resume", .. change], "contains no run") })
        {
            var (code, _, errors) = await CommandLineTests.RunAsync("", ["train", recipe, "--run", run, .. flags]);
            Assert.Equal(ExitCode.BadInput, code);
            Assert.Contains(says, errors);
            Assert.False(Directory.Exists(run));
        }
        var begun = await TrainAsync("--resume", "auto", recipe, "--run", run);
        var (refused, _, named) = await CommandLineTests.RunAsync("", "train", recipe, "--run", run, "--resume", "--set", "steps=6");
        Assert.Equal(ExitCode.BadInput, refused);
        Assert.Contains($"fix: `tulu2 train {recipe} --run {run} --set steps=6 --resume --change steps=6` changes it from here on", named);
        var (fewer, _, less) = await CommandLineTests.RunAsync("", "train", recipe, "--run", run, "--resume", "--change", "steps=3");
        Assert.Equal(ExitCode.BadInput, fewer);
        Assert.Contains("the run has made 4 steps already", less);
        // The flag that was named works, and after it the recipe as it was.
        var longer = await TrainAsync(recipe, "--run", run, "--set", "steps=6", "--resume", "--change", "steps=6");
        Assert.Equal(6, longer.GetProperty("steps").GetInt32());
        var again = await TrainAsync(recipe, "--run", run, "--resume");
        Assert.Equal(longer.GetProperty("parameters_sha256").GetString(), again.GetProperty("parameters_sha256").GetString());
        Assert.NotEqual(begun.GetProperty("parameters_sha256").GetString(), again.GetProperty("parameters_sha256").GetString());
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("flipped")]
    public async Task A_run_whose_recipe_and_metrics_are_damaged_goes_on(string how)
    {
        var (recipe, run) = (_small.Recipe(), _small.In("run"));
        var whole = await TrainAsync(recipe, "--run", run);
        var (kept, metrics) = (Path.Combine(run, "recipe.yaml"), Path.Combine(run, "metrics.jsonl"));
        if (how == "missing") File.Delete(kept);
        else File.WriteAllText(kept, File.ReadAllText(kept).Replace("seed: 42", "seed: 43"));
        var lines = File.ReadAllLines(metrics);
        File.WriteAllLines(metrics, [lines[0], lines[1].Replace("loss", "lo?s"), .. lines[2..]]);
        DeleteNewest(run);

        var (code, output, errors) = await CommandLineTests.RunAsync("", "train", recipe, "--run", run, "--resume", "--json");

        Assert.True(code == ExitCode.Done, errors);
        Assert.Equal(whole.GetProperty("parameters_sha256").GetString(), LastLine(output).GetProperty("parameters_sha256").GetString());
        Assert.Contains(how == "missing" ? $"{kept} is missing; its content is taken from {run}" : $"was edited: its checksum is wrong; the damaged file is {kept}.damaged-1", errors);
        Assert.Contains("1 lines cannot be read; the others are kept", errors);
        Assert.Equal(3, File.ReadAllLines(metrics).Length);
        Assert.True(File.Exists($"{metrics}.damaged-1"));
        Assert.Contains("seed: 42", File.ReadAllText(kept));
        // What it remembers still keeps another recipe out.
        File.Delete(kept);
        var (refused, _, other) = await CommandLineTests.RunAsync("", "train", recipe, "--run", run, "--resume", "--set", "seed=7");
        Assert.Equal(ExitCode.BadInput, refused);
        Assert.Contains("the run was started with other values of seed", other);
    }

    [Fact]
    public async Task A_report_without_samples_fails_no_run()
    {
        var run = _small.In("run");
        // Room for a prompt and its answer, and a rate that leaves finite weights and no finite logit.
        string[] train = ["train", _small.Recipe(), "--run", run, "--set", "steps=2", "--set", "optimizer.learning_rate=1e9", "--set", "data.max_length=128"];
        var (code, _, errors) = await CommandLineTests.RunAsync("", train);
        Assert.True(code == ExitCode.Done, errors);
        Assert.Contains("the report has no samples: ", errors);
        Assert.True(File.Exists(Path.Combine(run, "report.html")));
        // One that cannot be written at all likewise.
        File.Delete(Path.Combine(run, "report.html"));
        Directory.CreateDirectory(Path.Combine(run, "report.html"));
        (code, _, errors) = await CommandLineTests.RunAsync("", [.. train, "--resume"]);
        Assert.True(code == ExitCode.Done, errors);
        Assert.Contains($"there is no report; `tulu2 report {run}` tries again: ", errors);
    }

    [SkippableFact]
    public async Task The_reference_trajectory_is_followed_step_by_step()
    {
        var (model, rows) = (ReferenceData.Require("tinystories656K_hf"), ReferenceData.Require("reference_sft", "sft_rows.jsonl"));
        using var reference = JsonDocument.Parse(File.ReadAllText(ReferenceData.Require("reference_sft", "sft_trajectory.json")));
        var recipe = _small.Recipe(model: $"{{ path: {model} }}", data: rows);
        await TrainAsync(recipe, "--run", _small.In("reference"), "--set", "batch={global: 24, slot: 4}", "--set", "steps=12", "--set", "data.max_length=256",
            "--set", "optimizer.learning_rate=1e-3", "--set", "schedule.warmup=2");
        var lines = File.ReadAllLines(Path.Combine(_small.In("reference"), "metrics.jsonl"));
        var expected = reference.RootElement.GetProperty("main").GetProperty("float64").EnumerateArray().ToList();
        Assert.Equal(expected.Count, lines.Length);
        foreach (var (line, step) in lines.Zip(expected))
        {
            using var made = JsonDocument.Parse(line);
            Near("loss", 1e-5);
            Near("grad_norm", 1e-4);
            Assert.Equal(step.GetProperty("loss_tokens").GetInt64(), made.RootElement.GetProperty("loss_tokens").GetInt64());

            void Near(string key, double relative)
            {
                var (wanted, got) = (step.GetProperty(key).GetDouble(), made.RootElement.GetProperty(key).GetDouble());
                Assert.True(Math.Abs(got - wanted) <= relative * wanted, $"{key} of step {step.GetProperty("step")}: {got} in place of {wanted}");
            }
        }
    }

    [Fact]
    public async Task Show_recipe_prints_every_key_and_trains_nothing()
    {
        var (code, output, _) = await CommandLineTests.RunAsync("", "train", _small.Recipe(), "--show-recipe", "--set", "seed=5", "--run", _small.In("none"));
        Assert.Equal(ExitCode.Done, code);
        Assert.Contains("\nseed: 5\n", output);
        Assert.Contains("  weight_decay: 0\n", output);
        Assert.False(Directory.Exists(_small.In("none")));
    }

    [Fact]
    public async Task What_cannot_be_trained_on_is_refused_before_anything_starts()
    {
        await RefusedAsync("there is no file", _small.Recipe(data: "missing.jsonl"));
        await RefusedAsync("there is no such directory", _small.Recipe(model: "{ path: missing }"));
        await RefusedAsync("there is no preset 'giant'", _small.Recipe(model: "{ preset: giant, tokenizer: tokenizer }"));
        await RefusedAsync("tokens but the model has 32000", _small.Recipe(model: "{ preset: llama2-7b, tokenizer: tokenizer }"));
        await RefusedAsync("one step takes 400", _small.Recipe(), "--set", "batch.global=400");

        File.WriteAllText(_small.In("bad.jsonl"), SmallTraining.Row("a", "b") + "\n{\"messages\": [\n");
        await RefusedAsync("bad.jsonl:2", _small.Recipe(data: "bad.jsonl"));
        File.WriteAllText(_small.In("empty.jsonl"), "");
        await RefusedAsync("the file is empty", _small.Recipe(data: "empty.jsonl"));
        File.WriteAllText(_small.In("empty.jsonl"), "\n");
        await RefusedAsync("the files hold no row", _small.Recipe(data: "empty.jsonl"));
        File.WriteAllText(_small.In("mute.jsonl"), """{"messages": [{"role": "user", "content": "a"}]}""");
        await RefusedAsync("mute.jsonl:1", _small.Recipe(data: "mute.jsonl"));
        File.WriteAllText(_small.In("long.jsonl"), SmallTraining.Row(string.Join(' ', Enumerable.Range(0, 200)), "b"));
        await RefusedAsync("long.jsonl:1", _small.Recipe(data: "long.jsonl"));
        File.WriteAllText(_small.In("still.jsonl"), SmallTraining.Row("a", "b") + "\n" + SmallTraining.Row("a", " "));
        await RefusedAsync("the answer is empty", _small.Recipe(data: "still.jsonl"));
    }

    [Fact]
    public async Task What_has_no_effect_is_said_and_a_pattern_of_files_is_resumed_with_the_files_it_stood_for()
    {
        var (recipe, run) = (_small.Recipe(data: "rows*.jsonl"), _small.In("run"));
        var (code, _, errors) = await CommandLineTests.RunAsync("", "train", recipe, "--run", run, "--in-process", "--set", "steps=1");
        Assert.True(code == ExitCode.Done, errors);
        Assert.Contains("warning: the run's only step has rate 0", errors);
        Assert.Contains("warning: 32 of 40 rows are never used", errors);
        Assert.Contains($"train: [{_small.In("rows.jsonl")}]", File.ReadAllText(Path.Combine(run, "recipe.yaml")));

        File.Copy(_small.In("rows.jsonl"), _small.In("rows-more.jsonl"));
        var (other, _, refusal) = await CommandLineTests.RunAsync("", "train", recipe, "--run", run, "--in-process", "--set", "steps=1", "--resume");
        Assert.Equal(ExitCode.BadInput, other);
        Assert.Contains("data.train now matches other files, with rows-more.jsonl", refusal);
        await RefusedAsync("no file matches", _small.Recipe(data: "none*.jsonl"));
    }

    [Fact]
    public async Task Weights_that_cannot_be_used_are_refused_before_a_row_is_tokenised()
    {
        await TrainAsync(_small.Recipe(), "--run", _small.In("sft"));
        var recipe = _small.Recipe(model: "{ path: sft/exports/final }", data: "pairs.jsonl");
        var weights = _small.In("sft/exports/final/model.safetensors");
        using (var file = new FileStream(weights, FileMode.Open)) file.SetLength(file.Length - 100);
        // The rows are bad too, but they come after.
        await RefusedAsync("truncated", recipe);
        await RefusedAsync(weights, recipe);
    }

    [Fact]
    public async Task A_refusal_leaves_a_directory_that_was_there_in_its_place()
    {
        Directory.CreateDirectory(_small.In("mine"));
        await CommandLineTests.RunAsync("", "train", _small.Recipe(data: "missing.jsonl"), "--run", _small.In("mine"));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_small.In("mine")));
    }

    [Fact]
    public async Task An_unwritable_run_directory_is_refused()
    {
        File.WriteAllText(_small.In("file"), "");
        var (code, _, errors) = await CommandLineTests.RunAsync("", "train", _small.Recipe(), "--run", _small.In("file/run"));
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains("the run directory cannot be written", errors);
    }
}
