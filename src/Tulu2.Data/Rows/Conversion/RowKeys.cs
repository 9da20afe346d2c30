using System.Text.Json;

namespace Tulu2.Data.Rows.Conversion;

/// <summary>
/// The keys of records and turns that mean something to this program or to another well-known trainer of chat models. The former are read; the latter are
/// refused by
/// name where they are not empty, since ignoring them would change what is learnt. All other keys are the user's own and are ignored.
/// </summary>
internal static class RowKeys
{
    public const string Messages = "messages";
    public const string Prompt = "prompt";
    public const string Chosen = "chosen";
    public const string Rejected = "rejected";
    public const string Dataset = "dataset";
    public const string Id = "id";

    /// <summary>Keys that give a system turn beside the dialogue.</summary>
    public static readonly string[] System = ["system", "system_prompt"];

    private const string Tools = "calls of tools have no place in the chat template";

    private static readonly Refused Media = new("only text is trained", "image", "images", "video", "videos", "audio", "audios");

    /// <summary>Keys refused in a record, with the reason.</summary>
    public static readonly IReadOnlyDictionary<string, string> RefusedInRow = ByKey(
        new(Tools, "tools", "functions"),
        Media,
        new("the chat template is fixed", "chat_template_kwargs"));

    /// <summary>Keys refused in a turn, with the reason.</summary>
    public static readonly IReadOnlyDictionary<string, string> RefusedInTurn = ByKey(
        new(Tools, "tool_calls", "tool_call_id", "function_call"),
        new("names of speakers have no place in the chat template", "name"),
        new("reasoning beside the answer has no place in the chat template", "reasoning", "reasoning_content", "thinking"),
        new("it has no place in the chat template", "refusal"),
        Media,
        new("only whole turns can be left out of the loss, by weight: 0", "mask", "loss_mask", "train_detail", "training_detail"));

    /// <summary>Keys that say whether a turn is learnt: 0 or 1, false or true.</summary>
    public static readonly string[] Learnt = ["weight", "train", "training", "loss"];

    /// <summary>The keys that every row source looks at.</summary>
    public static readonly IReadOnlyList<string> Common = [Dataset, Id, .. System, .. RefusedInRow.Keys];

    /// <summary>The record is a preference pair, whatever other keys it has.</summary>
    public static bool IsPair(JsonElement record) => JsonFields.TryGet(record, Chosen, out _) && JsonFields.TryGet(record, Rejected, out _);

    /// <summary>The reason against the first refused key that is not empty; null: there is none.</summary>
    /// <param name="path">Put before the key's name, as in <c>messages[1].</c></param>
    public static string? Refusal(JsonElement element, string path, IReadOnlyDictionary<string, string> refused)
    {
        foreach (var property in element.EnumerateObject())
            if (refused.TryGetValue(property.Name, out var why) && !IsNothing(property.Value)) return $"{path}{property.Name}: {why}";
        return null;
    }

    private static Dictionary<string, string> ByKey(params Refused[] groups) =>
        groups.SelectMany(group => group.Keys.Select(key => (key, group.Why))).ToDictionary();

    // A column that only some rows use is often present but empty in the others.
    private static bool IsNothing(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => true,
        JsonValueKind.String => string.IsNullOrWhiteSpace(value.GetString()),
        JsonValueKind.Array => value.EnumerateArray().All(IsNothing),
        JsonValueKind.Object => value.EnumerateObject().All(property => IsNothing(property.Value)),
        _ => false,
    };

    /// <summary>Keys that are refused for the same reason.</summary>
    private sealed record Refused(string Why, params string[] Keys);
}
