using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Tulu2.Protocol.Workers;

namespace Tulu2.Evaluation.Reporting;

/// <summary>
/// A line of <c>metrics.jsonl</c>: one JSON object with the seven keys of every step, followed by the objective's metrics. Numbers are written in full
/// precision; values that are not finite are strings such as <c>"NaN"</c>. A step some of whose slots were left out has their number under <c>left_out_slots</c>,
/// one that changed nothing the reason under <c>skipped</c>.
/// </summary>
public static class StepLine
{
    internal static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private const string LeftOut = "left_out_slots";

    /// <returns>The line without its newline.</returns>
    public static string Write(StepRecord step)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Format))
        {
            json.WriteStartObject();
            json.WriteNumber("step", step.Step);
            Write(json, "loss", step.Loss);
            Write(json, "learning_rate", step.LearningRate);
            Write(json, "grad_norm", step.GradNorm);
            json.WriteNumber("tokens", step.Tokens);
            json.WriteNumber("loss_tokens", step.LossTokens);
            Write(json, "seconds", step.Seconds);
            foreach (var (name, value) in step.More) Write(json, name, value);
            if (step.LeftOutSlots > 0) json.WriteNumber(LeftOut, step.LeftOutSlots);
            if (step.Skipped is { } why) json.WriteString("skipped", why);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    /// <summary>Parses a line. Numbers under keys other than the seven are the objective's metrics; other values are ignored.</summary>
    /// <exception cref="JsonException">The line is not an object, or one of the seven keys is missing or not a number.</exception>
    public static StepRecord Read(ReadOnlyMemory<byte> line)
    {
        using var document = JsonDocument.Parse(line);
        if (document.RootElement.ValueKind != JsonValueKind.Object) throw new JsonException("not an object");
        var values = new OrderedDictionary<string, JsonElement>();
        foreach (var property in document.RootElement.EnumerateObject()) values[property.Name] = property.Value;
        var step = new StepRecord((int)Whole("step", int.MaxValue), Real("loss"), Real("learning_rate"), Real("grad_norm"), Whole("tokens"), Whole("loss_tokens"), Real("seconds"));
        var skipped = values.Remove("skipped", out var why) && why.ValueKind == JsonValueKind.String ? why.GetString() : null;
        var left = values.ContainsKey(LeftOut) ? (int)Whole(LeftOut, int.MaxValue) : 0;
        var more = values.Select(value => (value.Key, Value: Number(value.Value))).Where(value => value.Value is not null);
        return step with { Skipped = skipped, LeftOutSlots = left, More = [.. more.Select(value => new NamedValue(value.Key, value.Value!.Value))] };

        double Real(string key) => Number(Take(key)) ?? throw new JsonException($"{key} is not a number");

        long Whole(string key, long most = long.MaxValue) =>
            Take(key) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number) && number <= most ? number : throw new JsonException($"{key} is not a whole number");

        JsonElement Take(string key) => values.Remove(key, out var value) ? value : throw new JsonException($"{key} is missing");
    }

    internal static void Write(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(name, value);
        else json.WriteString(name, value.ToString(CultureInfo.InvariantCulture));
    }

    internal static double? Number(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.GetDouble(),
        JsonValueKind.String => value.GetString() switch
        {
            "NaN" => double.NaN,
            "Infinity" => double.PositiveInfinity,
            "-Infinity" => double.NegativeInfinity,
            _ => null,
        },
        _ => null,
    };
}
