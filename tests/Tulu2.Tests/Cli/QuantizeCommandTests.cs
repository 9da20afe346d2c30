using System.Text.Json.Nodes;
using Tulu2.Models.HuggingFace;
using Tulu2.Runs.Output;
using Tulu2.Tests.Runs;
using Xunit;

namespace Tulu2.Tests.Cli;

/// <summary><c>quantize</c>, and what other commands do with the directory that it writes.</summary>
public sealed class QuantizeCommandTests : IDisposable
{
    private readonly SmallTraining _small = new();

    public void Dispose() => _small.Dispose();

    [Fact]
    public async Task A_model_is_quantised_and_then_generates_is_scored_and_trained()
    {
        await DoneAsync("train", _small.Recipe(), "--run", _small.In("base"), "--in-process");
        var (source, to) = (_small.In("base/exports/final"), _small.In("nf4"));
        var json = JsonNode.Parse(await DoneAsync("quantize", "--model", source, "--to", to, "--json"))!;
        Assert.Equal((source, to), ((string)json["model"]!, (string)json["export"]!));
        Assert.Equal(new FileInfo(Path.Combine(source, "model.safetensors")).Length, (long)json["bytes_before"]!);
        Assert.Equal(new FileInfo(Path.Combine(to, "model.safetensors")).Length, (long)json["bytes_after"]!);
        Assert.Equal(14, (int)json["matrices"]!);
        Assert.InRange((double)json["bits_per_weight"]!, 4.125, 4.14);
        foreach (var name in (string[])["tokenizer.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "generation_config.json"])
            if (File.Exists(Path.Combine(source, name))) Assert.Equal(File.ReadAllBytes(Path.Combine(source, name)), File.ReadAllBytes(Path.Combine(to, name)));

        // An earlier one is replaced; the text for people has sizes and bits.
        var text = await DoneAsync("quantize", "--model", source, "--to", to, "--no-double-quant", "--dtype", "fp32");
        Assert.Contains("14 matrices in NF4, 4.500 bits per weight; embedding, norms and head in fp32", text);
        await DoneAsync("quantize", "--model", source, "--to", to);

        var generated = JsonNode.Parse(await DoneAsync("generate", "--model", to, "--prompt", "What is 3 plus 1?", "--max-tokens", "8", "--json"))!;
        Assert.NotEmpty(generated["ids"]!.AsArray());
        await DoneAsync("eval", "rows", "--model", to, "--data", _small.In("rows.jsonl"), "--max-tokens", "2", "--in-process");
        var (chatted, reply, _) = await CommandLineTests.RunAsync("Hello\n", "chat", "--model", to, "--max-tokens", "2", "--json");
        Assert.Equal(ExitCode.Done, chatted);
        Assert.NotEmpty(reply);
        await DoneAsync("train", _small.Recipe(model: "{ path: nf4 }"), "--run", _small.In("tuned"), "--in-process");
        var config = JsonNode.Parse(File.ReadAllText(_small.In("tuned/exports/final/config.json")))!.AsObject();
        Assert.False(config.ContainsKey("quantization_config"));
        Assert.Empty(HuggingFaceModel.CheckWeights(_small.In("tuned/exports/final"), HuggingFaceModel.ReadConfig(_small.In("tuned/exports/final"))));
    }

    [Fact]
    public async Task What_cannot_be_quantised_or_written_is_refused()
    {
        await DoneAsync("train", _small.Recipe(), "--run", _small.In("base"), "--in-process");
        var source = _small.In("base/exports/final");
        Directory.CreateDirectory(_small.In("mine"));
        File.WriteAllText(_small.In("mine/notes.txt"), "mine");
        await RefusedAsync("holds notes.txt", "--model", source, "--to", _small.In("mine"));
        await RefusedAsync("is the model that it would be made from", "--model", source, "--to", source);
        await RefusedAsync("is a run, not a model", "--model", _small.In("base"), "--to", _small.In("nf4"));
        await RefusedAsync("no such", "--model", _small.In("nowhere"), "--to", _small.In("nf4"));
        await RefusedAsync("--dtype", "--model", source, "--to", _small.In("nf4"), "--dtype", "int8");
        await RefusedAsync("--to", "--model", source);
        Assert.False(Directory.Exists(_small.In("nf4")));

        await DoneAsync("quantize", "--model", source, "--to", _small.In("nf4"));
        await RefusedAsync("is quantised already, with scales in 8 bits", "--model", _small.In("nf4"), "--to", _small.In("other"), "--no-double-quant");
        var path = _small.In("nf4/config.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"nf4\"", "\"fp4\""));
        await RefusedAsync("quantization_config.bnb_4bit_quant_type", "--model", _small.In("nf4"), "--to", _small.In("other"));
    }

    [SkippableFact]
    public async Task The_reference_model_generates_from_4_bits()
    {
        var source = ReferenceData.Require("tinystories656K_hf");
        await DoneAsync("quantize", "--model", source, "--to", _small.In("nf4"));
        var text = await DoneAsync("generate", "--model", _small.In("nf4"), "--prompt", "Once upon a time", "--max-tokens", "20", "--temperature", "0");
        Assert.Matches("[a-z]+ [a-z]+ [a-z]+", text);
    }

    private static async Task<string> DoneAsync(params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", arguments);
        Assert.True(code == ExitCode.Done, output + errors);
        return output;
    }

    private static async Task RefusedAsync(string named, params string[] arguments)
    {
        var (code, output, errors) = await CommandLineTests.RunAsync("", ["quantize", .. arguments]);
        Assert.True(code == ExitCode.BadInput, output + errors);
        Assert.Contains(named, errors);
        Assert.Contains("\n  fix: ", errors);
    }
}
