using System.Diagnostics;
using System.Text.Json;
using Tulu2.Models.HuggingFace;
using Tulu2.Runs.Execution;
using Tulu2.Runs.Output;
using Tulu2.Runs.Preparation;
using Tulu2.Tests.Cli;
using Tulu2.Tests.Hub.Server;
using Tulu2.Tests.Runs;
using Tulu2.Training.Recipes.Reading;
using Xunit;

namespace Tulu2.Tests.Hub.Wiring;

/// <summary>The commands and recipes that name a hub, as a user runs them.</summary>
[Collection(HubEnvironment.Name)]
public sealed class HubCommandTests : IDisposable
{
    private const string First = "1111111111111111111111111111111111111111", Second = "2222222222222222222222222222222222222222";

    private readonly SmallTraining _small = new();
    private readonly LoopbackHub _hub = new();
    private readonly IDisposable _environment;

    public HubCommandTests() => _environment = HubEnvironment.Set(_hub.Endpoint, _small.In("hf"));

    public void Dispose()
    {
        _environment.Dispose();
        _hub.Dispose();
        _small.Dispose();
    }

    private void PutModel(string commit, int seed)
    {
        var directory = _small.In($"model-{seed}");
        var loaded = RecipeReader.Load(_small.Recipe(), [$"seed={seed}"]);
        ModelExport.Initial(ModelSource.Open(loaded), loaded.Recipe, directory);
        _hub.Put("models/org/small", commit, Directory.GetFiles(directory).ToDictionary(path => Path.GetFileName(path),
            path => new HubFile(File.ReadAllBytes(path), path.EndsWith(".safetensors", StringComparison.Ordinal))));
    }

    private void PutRows() => _hub.Put("datasets/org/rows", First, new()
    {
        ["README.md"] = HubFile.Text("rows"),
        ["data/a.jsonl"] = new HubFile(File.ReadAllBytes(_small.In("rows.jsonl")), true),
    });

    private static async Task<(JsonElement Result, string Errors)> DoneAsync(params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", [.. arguments, "--json"]);
        Assert.True(code == ExitCode.Done, output + errors);
        return (JsonDocument.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement, errors);
    }

    private static async Task<string> RefusedAsync(params string[] arguments)
    {
        var (code, _, errors) = await CommandLineTests.RunAsync("", arguments);
        Assert.True(code == ExitCode.BadInput, errors);
        Assert.Contains("\n  fix: ", errors);
        Assert.DoesNotContain("   at ", errors);
        return errors;
    }

    [Fact]
    public async Task A_model_is_fetched_and_a_data_set()
    {
        PutModel(First, 1);
        PutRows();
        var (model, _) = await DoneAsync("model", "fetch", "org/small");
        Assert.Equal((First, "main"), (model.GetProperty("commit").GetString(), model.GetProperty("revision").GetString()));
        Assert.Equal(model.GetProperty("bytes").GetInt64(), model.GetProperty("fetched_bytes").GetInt64());
        HuggingFaceModel.CheckWeights(model.GetProperty("directory").GetString()!, HuggingFaceModel.ReadConfig(model.GetProperty("directory").GetString()!));
        var (rows, _) = await DoneAsync("data", "fetch", "org/rows", "--verify");
        Assert.Equal(["data/a.jsonl"], rows.GetProperty("files").EnumerateArray().Select(file => file.GetString()!));
        var (all, _) = await DoneAsync("data", "fetch", "org/rows", "--include", "*.md", "--include", "data/", "--exclude", "README*");
        Assert.Equal(0, all.GetProperty("fetched_bytes").GetInt64());
        Assert.Contains("did you mean data/a.jsonl?", await RefusedAsync("data", "fetch", "hf://datasets/org/rows/data/b.jsonl"));
        Assert.Contains("there is no such repository", await RefusedAsync("model", "fetch", "org/none"));
        Assert.Contains("use `tulu2 data fetch org/rows`", await RefusedAsync("model", "fetch", "hf://datasets/org/rows"));
        Assert.Contains("leaves no file of hf://org/small@main", await RefusedAsync("model", "fetch", "org/small@main", "--exclude", "*"));
    }

    [Fact]
    public async Task A_hub_that_does_not_answer_ends_with_one()
    {
        _hub.FaultOf = _ => new Fault.Status(503, "Retry-After: 4000");
        var (code, _, errors) = await CommandLineTests.RunAsync("", "model", "fetch", "org/small");
        Assert.Equal(ExitCode.Failed, code);
        Assert.StartsWith("error: hf://org/small\n       127.0.0.1", errors);
        Assert.Contains("\n  fix: start it again then", errors);
    }

    [Fact]
    public async Task A_recipe_names_model_and_data_on_a_hub_and_a_resumed_run_keeps_their_commits()
    {
        PutModel(First, 1);
        PutRows();
        const string model = "{ path: hf://org/small }", rows = "\"hf://datasets/org/rows\"";
        var (recipe, run) = (_small.Recipe(model: model, data: rows), _small.In("run"));
        string[] train = ["train", recipe, "--run", run, "--in-process"];
        var (whole, _) = await DoneAsync(train);
        var remembered = File.ReadAllText(Path.Combine(run, "recipe.yaml"));
        Assert.Contains($"# fetched hf://org/small at commit {First}\n", remembered);
        Assert.Contains("path: \"hf://org/small\"", remembered);
        Assert.Contains("\"hf://datasets/org/rows/data/a.jsonl\"", remembered);
        // The branch moves, and the newest checkpoint is lost: the run goes on with what it began with, without asking the hub.
        PutModel(Second, 2);
        _small.Recipe(model: model, data: rows);
        File.Delete(Directory.GetFiles(Path.Combine(run, "checkpoints", "manifests")).Order().Last());
        _hub.Requests.Clear();
        var (resumed, said) = await DoneAsync([.. train, "--resume"]);
        Assert.Equal(whole.GetProperty("parameters_sha256").GetString(), resumed.GetProperty("parameters_sha256").GetString());
        Assert.Contains($"hf://org/small: commit {First}, with which the run began", said);
        Assert.Empty(_hub.Requests);
        await DoneAsync("export", run, "--to", _small.In("export"));

        // A new run has the new commit.
        var next = await HubSources.FetchAsync(RecipeReader.Load(recipe, []), null, _ => { }, _ => { }, CancellationToken.None);
        Assert.Equal((Second, First), (next.Names.Commits["hf://org/small"], next.Names.Commits["hf://datasets/org/rows"]));
        Assert.Equal("hf://org/small", next.Names.Restore(next.Loaded.Recipe).Model.Path);
    }

    [Fact]
    public async Task Offline_a_missing_one_is_one_clear_sentence_that_names_the_line()
    {
        PutModel(First, 1);
        PutRows();
        Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", "1");
        var recipe = _small.Recipe(model: "{ path: hf://org/small }", data: "\"hf://datasets/org/rows\"");
        var error = await RefusedAsync("train", recipe, "--run", _small.In("run"));
        Assert.Equal($"error: {recipe}:3: data.train\n       hf://datasets/org/rows: is not in the cache, and HF_HUB_OFFLINE forbids to fetch it\n"
            + "  fix: unset HF_HUB_OFFLINE, or run `tulu2 data fetch org/rows` where there is a network\n", error);
        Assert.False(Directory.Exists(_small.In("run")));
        Assert.Contains("model.path\n       hf://org/small: is not in the cache",
            await RefusedAsync("train", recipe, "data.train=rows.jsonl", "--run", _small.In("run")));
        Assert.Contains("is not in the cache", await RefusedAsync("generate", "--model", "hf://org/small", "--prompt", "x"));
        Assert.Contains("is a data set, not a model", await RefusedAsync("train", recipe, "model.path=hf://datasets/org/rows", "data.train=rows.jsonl",
            "--run", _small.In("run")));
        Assert.Contains("only a recipe takes", await RefusedAsync("data", "inspect", "hf://datasets/org/rows/a.jsonl", "--tokenizer", _small.In("tokenizer")));
        Assert.Empty(_hub.Requests);
        Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", null);
        await DoneAsync("model", "fetch", "org/small");
        Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", "1");
        await DoneAsync("generate", "--model", "hf://org/small", "--prompt", "x", "--max-tokens", "2");
        await DoneAsync("plan", recipe, "--ranks", "2", "--memory", "8GiB", "--flops", "1T");
    }

    [SkippableFact]
    public async Task What_one_of_both_fetched_is_found_by_the_other_huggingface_hub_and_this_program()
    {
        Skip.IfNot(await PythonAsync("import huggingface_hub") is not null, "python3 has no huggingface_hub");
        PutModel(First, 1);
        var (model, _) = await DoneAsync("model", "fetch", "org/small");
        var directory = model.GetProperty("directory").GetString()!;
        // And what it has fetched by itself is found here.
        PutRows();
        var file = (await PythonAsync("import huggingface_hub as h; print(h.hf_hub_download('org/rows', 'data/a.jsonl', repo_type='dataset'))"))!.Trim();
        Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", "1");
        Assert.Equal([Path.Combine(directory, "config.json"), directory],
            (await PythonAsync("import huggingface_hub as h; print(h.hf_hub_download('org/small', 'config.json')); print(h.snapshot_download('org/small'))"))!
                .Split('\n', StringSplitOptions.RemoveEmptyEntries));
        var (rows, _) = await DoneAsync("data", "fetch", "org/rows");
        Assert.Equal(file, Path.Combine(rows.GetProperty("directory").GetString()!, "data", "a.jsonl"));
    }

    // Null: there is no python3, or it has no huggingface_hub.
    private static async Task<string?> PythonAsync(string script)
    {
        try
        {
            using var python = Process.Start(new ProcessStartInfo("python3", ["-c", script]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var errors = python.StandardError.ReadToEndAsync();
            var output = await python.StandardOutput.ReadToEndAsync();
            await python.WaitForExitAsync();
            if (python.ExitCode == 0) return output;
            return (await errors).Contains("ModuleNotFoundError", StringComparison.Ordinal) ? null : throw new InvalidOperationException(await errors);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
