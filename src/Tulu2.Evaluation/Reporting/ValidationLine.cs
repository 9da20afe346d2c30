using System.Text;
using System.Text.Json;
using Tulu2.Protocol.Workers;

namespace Tulu2.Evaluation.Reporting;

/// <summary>A line of <c>validation.jsonl</c>: <c>{"step":50,"loss":1.5,...,"best":true,"seconds":2.5}</c>, with numbers as in <see cref="StepLine"/>.</summary>
public static class ValidationLine
{
    private const string Step = "step", Best = "best", Seconds = "seconds";

    /// <returns>The line without its newline.</returns>
    public static string Write(ValidationRecord validation)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, StepLine.Format))
        {
            json.WriteStartObject();
            json.WriteNumber(Step, validation.Step);
            foreach (var (name, value) in validation.Values) StepLine.Write(json, name, value);
            json.WriteBoolean(Best, validation.IsBest);
            StepLine.Write(json, Seconds, validation.Seconds);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    /// <exception cref="JsonException">The line is not a validation.</exception>
    public static ValidationRecord Read(ReadOnlyMemory<byte> line)
    {
        using var document = JsonDocument.Parse(line);
        if (document.RootElement.ValueKind != JsonValueKind.Object) throw new JsonException("not an object");
        int? step = null;
        bool? best = null;
        double? seconds = null;
        var values = new List<NamedValue>();
        foreach (var property in document.RootElement.EnumerateObject())
        {
            if (property.NameEquals(Step) && property.Value.ValueKind == JsonValueKind.Number && property.Value.TryGetInt32(out var number)) step = number;
            else if (property.NameEquals(Best)) best = property.Value.ValueKind == JsonValueKind.True;
            else if (property.NameEquals(Seconds)) seconds = StepLine.Number(property.Value);
            else if (StepLine.Number(property.Value) is { } value) values.Add(new NamedValue(property.Name, value));
        }
        return step is null || best is null || seconds is null || values.Count == 0
            ? throw new JsonException("not a validation")
            : new ValidationRecord(step.Value, [.. values], best.Value, seconds.Value);
    }
}
