using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tulu2.Mixtures.Templates;
using Xunit;

namespace Tulu2.Tests.Mixtures;

/// <summary>
/// Released rows of the TÜLU 2 mixture. Of none of them the upstream record is at hand; so the record is derived from the row, and its converter has to
/// give the row back, byte for byte. That proves labels, ids, roles, the newline behind a prompt and the templates, as far as rows can.
/// </summary>
public class ReleasedRowTests
{
    private static readonly List<string> Lines = ReferenceData.Exists("tulu_v2_mix_sample") ? [.. Read()] : [];

    [SkippableTheory]
    [InlineData("flan_v2", 37)]
    [InlineData("cot", 45)]
    [InlineData("sharegpt", 80)]
    [InlineData("wizardlm", 30)]
    [InlineData("open_orca", 24)]
    [InlineData("science", 6)]
    [InlineData("oasst1", 9)]
    [InlineData("gpt4_alpaca", 15)]
    [InlineData("code_alpaca", 16)]
    public void A_converter_gives_released_rows(string source, int rows)
    {
        ReferenceData.Require("tulu_v2_mix_sample");
        var own = Lines.Where(line => JsonNode.Parse(line)!["dataset"]!.ToString() is var dataset && (dataset == source || dataset.StartsWith($"{source}.", StringComparison.Ordinal))).ToList();
        Assert.Equal(rows, own.Count);
        Assert.All(own, line => Assert.Contains(line, Converted(source, JsonNode.Parse(line)!)));
    }

    private static IEnumerable<string> Converted(string source, JsonNode row)
    {
        var id = row["id"]!.ToString()[(source.Length + 1)..];
        var index = int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
        var texts = row["messages"]!.AsArray().Select(turn => turn!["content"]!.ToString()).ToList();
        return Records(source, id, row["dataset"]!.ToString(), texts).Select(one =>
            ConversionOf.Line(Assert.Single(ConversionOf.Record(one.Converter, one.Record.ToJsonString(), index: index, draw: one.Draw, name: source).Rows), index));
    }

    private static IEnumerable<(string Converter, JsonNode Record, double Draw)> Records(string source, string id, string dataset, List<string> texts) => source switch
    {
        // Without the newline that the converter may have added.
        "flan_v2" or "cot" => [(source == "cot" ? "cot" : "flan", Of(new { inputs = texts[0].EndsWith('\n') ? texts[0][..^1] : texts[0], targets = texts[1] }), 0),
            (source == "cot" ? "cot" : "flan", Of(new { inputs = texts[0], targets = texts[1] }), 0)],
        "sharegpt" => [("sharegpt", Of(new { id, conversations = Spoken(texts) }), 0)],
        "wizardlm" => [("wizardlm", Of(new { idx = id, conversations = Spoken(texts) }), 0)],
        "open_orca" => [("open_orca", Of(new { id, system_prompt = texts[0], question = texts[1], response = texts[2] }), 0)],
        "science" => [("science", Of(new { dataset = dataset["science.".Length..], input = texts[0], output = texts[1] }), 0)],
        "oasst1" => [("oasst1", new JsonObject { ["prompt"] = Tree(texts, 0) }, 0)],
        _ => Templates(texts).Select(one => ("alpaca", Of(new { one.instruction, one.input, one.output }), one.draw)),
    };

    // Every way in which one of the 28 templates can have made the row.
    private static IEnumerable<(string instruction, string input, string output, double draw)> Templates(List<string> texts)
    {
        var (sum, draws) = (0.0, new List<double>());
        foreach (var weight in PromptTemplates.Weights)
        {
            draws.Add(sum + weight / 2);
            sum += weight;
        }
        foreach (var ((before, after, beforeAnswer), draw) in PromptTemplates.WithoutInput.Zip(draws))
            if (Inside(texts[0], before, after) is { } instruction && texts[1].StartsWith(beforeAnswer, StringComparison.Ordinal))
                yield return (instruction, "", texts[1][beforeAnswer.Length..], draw);
        foreach (var ((before, between, after), draw) in PromptTemplates.WithInput.Zip(draws))
            if (Inside(texts[0], before, after) is { } both)
                for (var at = both.IndexOf(between, StringComparison.Ordinal); at >= 0; at = both.IndexOf(between, at + 1, StringComparison.Ordinal))
                    yield return (both[..at], both[(at + between.Length)..], texts[1], draw);
    }

    private static string? Inside(string text, string before, string after) =>
        text.Length >= before.Length + after.Length && text.StartsWith(before, StringComparison.Ordinal) && text.EndsWith(after, StringComparison.Ordinal)
            ? text[before.Length..^after.Length] : null;

    private static IEnumerable<object> Spoken(IEnumerable<string> texts) => texts.Select((value, at) => new { from = at % 2 == 0 ? "human" : "gpt", value });

    private static JsonObject Tree(List<string> texts, int at) => new()
    {
        ["text"] = texts[at],
        ["role"] = at % 2 == 0 ? "prompter" : "assistant",
        ["replies"] = at + 1 < texts.Count ? new JsonArray(Tree(texts, at + 1)) : [],
    };

    private static JsonNode Of<T>(T record) => JsonSerializer.SerializeToNode(record)!;

    private static IEnumerable<string> Read()
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(ReferenceData.Path("tulu_v2_mix_sample", "sample_debug.jsonl.gz")), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line) yield return line;
    }
}
