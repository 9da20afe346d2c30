using System.Text.Json;
using Tulu2.Data.Rows.Conversion;

namespace Tulu2.Mixtures.Conversion;

/// <param name="Sender">Who speaks, as the record writes it.</param>
internal readonly record struct SpokenTurn(string Sender, string Text);

/// <summary>Turns of the form <c>{from, value}</c>, as ShareGPT and what follows it have them.</summary>
internal static class SpokenTurns
{
    public const string Key = "conversations";

    public static bool Read(JsonElement record, RecordOutput output, out List<SpokenTurn> turns)
    {
        turns = [];
        if (!RecordFields.List(record, Key, output, out var list)) return false;
        foreach (var item in list.EnumerateArray())
        {
            var place = $"{Key}[{turns.Count}]";
            if (item.ValueKind != JsonValueKind.Object) return Refuse($"{place} is {JsonFields.Describe(item)}, not an object with from and value");
            if (!TextOf(item, "from", out var sender)) return Refuse($"{place} has no text in from");
            if (!TextOf(item, "value", out var text)) return Refuse($"{place} has no text in value");
            turns.Add(new SpokenTurn(sender, text));
        }
        return true;

        bool Refuse(string reason)
        {
            output.Reject(reason);
            return false;
        }
    }

    private static bool TextOf(JsonElement item, string key, out string text)
    {
        var found = JsonFields.TryGet(item, key, out var field) && field.ValueKind == JsonValueKind.String;
        text = found ? field.GetString()! : "";
        return found;
    }
}
