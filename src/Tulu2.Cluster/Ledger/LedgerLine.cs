using System.Text.Json;
using System.Text.Json.Serialization;
using Tulu2.Files;

namespace Tulu2.Cluster.Ledger;

/// <summary>
/// An entry as one line of JSON: <c>{"n":7,"time":"...","kind":"step_committed","event":{...},"sum":"..."}</c>. The sum is over the sum of the line before and
/// all of this line before its own, so that a line can neither be altered nor taken out unseen.
/// </summary>
internal static class LedgerLine
{
    /// <summary>The sum before the first line.</summary>
    public const string Origin = "0000000000000000";

    private const string SumKey = ",\"sum\":\"";

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    private static readonly Dictionary<string, Type> Kinds =
        typeof(LedgerEvent).GetNestedTypes().ToDictionary(type => JsonNamingPolicy.SnakeCaseLower.ConvertName(type.Name));

    private static readonly Dictionary<Type, string> Names = Kinds.ToDictionary(kind => kind.Value, kind => kind.Key);

    /// <summary>The kinds of event there are, by their names in the log.</summary>
    public static IReadOnlyCollection<string> KindNames => Kinds.Keys;

    public static (string Line, string Sum) Write(LedgerEntry entry, string sumBefore)
    {
        var body = $"{{\"n\":{entry.Number},\"time\":\"{entry.Time.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffZ}\",\"kind\":\"{Names[entry.Event.GetType()]}\"," +
            $"\"event\":{JsonSerializer.Serialize(entry.Event, entry.Event.GetType(), Options)}";
        var sum = SumOf(body, sumBefore);
        return ($"{body}{SumKey}{sum}\"}}", sum);
    }

    /// <summary>Null, and why, where the line is not the one that was written after the line with <paramref name="sumBefore"/>.</summary>
    public static (LedgerEntry? Entry, string Sum, string? Fault) Read(string line, string sumBefore)
    {
        var at = line.LastIndexOf(SumKey, StringComparison.Ordinal);
        if (at < 0 || !line.EndsWith("\"}", StringComparison.Ordinal)) return (null, sumBefore, "is not a whole line");
        var body = line[..at];
        var sum = line[(at + SumKey.Length)..^2];
        if (sum != SumOf(body, sumBefore)) return (null, sumBefore, "has a wrong checksum, or the line before it is not the one it followed");
        try
        {
            using var document = JsonDocument.Parse(body + "}");
            var root = document.RootElement;
            var kind = root.GetProperty("kind").GetString()!;
            if (!Kinds.TryGetValue(kind, out var type)) return (null, sumBefore, $"has the unknown kind {kind}");
            var entry = new LedgerEntry(
                root.GetProperty("n").GetInt64(), root.GetProperty("time").GetDateTimeOffset(),
                    (LedgerEvent)root.GetProperty("event").Deserialize(type, Options)!);
            return (entry, sum, null);
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return (null, sumBefore, $"cannot be read: {FaultText.Of(fault)}");
        }
    }

    private static string SumOf(string body, string sumBefore) => ContentHash.Of(System.Text.Encoding.UTF8.GetBytes(sumBefore + body))[..16];
}
