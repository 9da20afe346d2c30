using System.Text.Json;
using System.Text.Json.Nodes;
using Tulu2.Data.Tokenizers.Learning;
using Tulu2.Runs.Output;
using Tulu2.Tests.Checkpoints.TorchFiles;
using Tulu2.Tests.Runs;
using Xunit;

namespace Tulu2.Tests.Cli;

/// <summary>Models that come from elsewhere, as a user gives them to the commands.</summary>
public sealed class ForeignModelTests : IDisposable
{
    private readonly SmallTraining _small = new();
    private string? _first;

    public void Dispose() => _small.Dispose();

    [Fact]
    public async Task Rows_beyond_the_tokenizer_stay_bit_for_bit_what_they_were_whatever_the_decay()
    {
        await BaseAsync();
        var before = WiderModel.Write(_small.In("base/exports/final"), _small.In("wide"), rows: 323);
        foreach (var (objective, layout) in ((string, string)[])[("sft", "parallel.data=2"), ("sft", "parallel.tensor=2"), ("dpo", "parallel.zero=2")])
        {
            var run = _small.In($"{objective}-{layout}");
            var (hash, errors) = await TrainAsync(_small.Recipe(objective, "{ path: wide }"), "--run", run,
                "--set", "optimizer.weight_decay=0.5", "--set", layout, "--set", layout == "parallel.tensor=2" ? "parallel.data=1" : "parallel.data=2");
            Assert.Contains("3 rows beyond the tokenizer's 320 ids", errors);
            Assert.Equal(before, WiderModel.Rows(Path.Combine(run, "exports/final"), from: 320));
            Assert.NotEqual(WiderModel.Rows(_small.In("wide"), from: 0), WiderModel.Rows(Path.Combine(run, "exports/final"), from: 0));
            if (layout == "parallel.tensor=2") Assert.Equal(_first, hash);
            _first ??= hash;
        }
        var (code, output, _) = await CommandLineTests.RunAsync("", "generate", "--model", _small.In("wide"), "--prompt", "a", "--temperature", "100", "--max-tokens", "40", "--seed", "1", "--json");
        Assert.Equal(ExitCode.Done, code);
        Assert.All(JsonDocument.Parse(output).RootElement.GetProperty("ids").EnumerateArray(), id => Assert.InRange(id.GetInt32(), 0, 319));
    }

    [Fact]
    public async Task An_id_that_the_model_lacks_is_refused_with_its_row_and_costs_nothing_where_no_row_has_it()
    {
        await BaseAsync();
        var model = _small.In("base/exports/final");
        // A padding token behind the vocabulary, which no row has.
        Directory.CreateDirectory(_small.In("padded"));
        foreach (var file in Directory.GetFiles(_small.In("tokenizer"))) File.Copy(file, _small.In($"padded/{Path.GetFileName(file)}"));
        var json = JsonNode.Parse(File.ReadAllText(_small.In("padded/tokenizer.json")))!;
        json["added_tokens"]!.AsArray().Add(JsonNode.Parse("""{"id": 320, "content": "<pad>", "special": true, "normalized": false}"""));
        File.WriteAllText(_small.In("padded/tokenizer.json"), json.ToJsonString());
        var (_, errors) = await TrainAsync(_small.Recipe(model: $"{{ path: {model}, tokenizer: padded }}"), "--run", _small.In("plain"));
        Assert.Contains("1 id beyond the model's 320", errors);

        SentencePieceTrainer.Train(File.ReadLines(_small.In("rows.jsonl")), new SentencePieceTrainerOptions { VocabularySize = 330 }).Write(_small.In("larger"));
        var (code, _, refused) = await CommandLineTests.RunAsync("", "train", _small.Recipe(model: $"{{ path: {model}, tokenizer: larger }}"), "--run", _small.In("refused"));
        Assert.Equal(ExitCode.BadInput, code);
        Assert.Matches(@"rows\.jsonl:\d+\n +has the token '.+' \(id 3[2]\d\), but the model has only 320 ids", refused);
    }

    [Fact]
    public async Task Links_and_pickles_train_to_the_same_bits_as_the_files_that_they_are_made_of()
    {
        await BaseAsync();
        var model = _small.In("base/exports/final");
        var (hash, _) = await TrainAsync(_small.Recipe(model: $"{{ path: {model} }}"), "--run", _small.In("plain"));

        Directory.CreateDirectory(_small.In("links"));
        foreach (var file in Directory.GetFiles(model)) File.CreateSymbolicLink(_small.In($"links/{Path.GetFileName(file)}"), Path.GetRelativePath(_small.In("links"), file));
        Assert.Equal(hash, (await TrainAsync(_small.Recipe(model: "{ path: links }"), "--run", _small.In("linked"))).Hash);

        Directory.CreateDirectory(_small.In("pickled"));
        foreach (var file in Directory.GetFiles(model).Where(file => !file.EndsWith(".safetensors"))) File.Copy(file, _small.In($"pickled/{Path.GetFileName(file)}"));
        TorchWriter.Convert(Path.Combine(model, "model.safetensors"), _small.In("pickled/pytorch_model.bin"));
        Assert.Equal(hash, (await TrainAsync(_small.Recipe(model: "{ path: pickled }"), "--run", _small.In("unpickled"))).Hash);
        var (code, output, errors) = await CommandLineTests.RunAsync("", "export", _small.In("unpickled"), "--to", _small.In("exported"));
        Assert.True(code == ExitCode.Done, output + errors);
    }

    [Fact]
    public async Task What_is_no_model_is_named_by_every_command_that_takes_one()
    {
        await BaseAsync();
        Directory.CreateDirectory(_small.In("adapter"));
        File.WriteAllText(_small.In("adapter/adapter_config.json"), """{"base_model_name_or_path": "base"}""");
        foreach (var (given, named) in ((string, string)[])[(_small.In("base"), "is a run, not a model"), (_small.In("adapter"), "an adapter, not a model"), (_small.In("meta-llama/Llama-2-7b-hf"), "write hf://meta-llama/Llama-2-7b-hf")])
        {
            await RefusedAsync(named, "generate", "--model", given, "--prompt", "a");
            await RefusedAsync(named, "eval", "rows", "--model", given, "--data", _small.In("rows.jsonl"));
            await RefusedAsync(named, "train", _small.Recipe(model: $"{{ path: {given} }}"), "--run", _small.In("refused"));
            await RefusedAsync(named, "data", "stats", _small.In("rows.jsonl"), "--tokenizer", given);
        }
    }

    [Fact]
    public async Task A_pointer_in_the_place_of_any_file_is_named_with_the_file()
    {
        const string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 13476925163\n";
        await BaseAsync();
        foreach (var name in (string[])["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "generation_config.json"])
        {
            var copy = Directory.CreateDirectory(_small.In($"with-{name}")).FullName;
            foreach (var file in Directory.GetFiles(_small.In("base/exports/final"))) File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
            File.WriteAllText(Path.Combine(copy, name), pointer);
            var errors = await RefusedAsync("a Git LFS pointer", "generate", "--model", copy, "--prompt", "a");
            Assert.Contains(Path.Combine(copy, name), errors);
        }
        File.WriteAllText(_small.In("pointer.jsonl"), pointer);
        await RefusedAsync("a Git LFS pointer", "train", _small.Recipe(data: "pointer.jsonl"), "--run", _small.In("refused"));
        await RefusedAsync("a Git LFS pointer", "data", "stats", _small.In("pointer.jsonl"), "--tokenizer", _small.In("tokenizer"));
    }

    private static async Task<string> RefusedAsync(string named, params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", arguments);
        Assert.True(code == ExitCode.BadInput, $"{string.Join(' ', arguments)}: {output}{errors}");
        Assert.Contains(named, errors);
        return errors;
    }

    private Task<(string Hash, string Errors)> BaseAsync() => TrainAsync(_small.Recipe(), "--run", _small.In("base"));

    private static async Task<(string Hash, string Errors)> TrainAsync(params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", ["train", .. arguments, "--in-process", "--json"]);
        Assert.True(code == ExitCode.Done, output + errors);
        return (JsonDocument.Parse(output).RootElement.GetProperty("parameters_sha256").GetString()!, errors);
    }
}
