using System.Text.Json;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Conversion;

namespace Tulu2.Mixtures.Trees;

/// <summary>A turn of an OpenAssistant tree with the replies to it.</summary>
/// <param name="Quality">Mean of the labels that people gave; 0 where there are none.</param>
internal sealed record ReplyNode(Message Message, bool Deleted, double Quality, IReadOnlyList<ReplyNode> Replies)
{
    /// <summary>Reads a node and all below it. Returns a reason where one cannot be read; what is below a deleted one is not looked at.</summary>
    /// <param name="path">The node's name in reasons.</param>
    public static string? Read(JsonElement element, string path, out ReplyNode? node)
    {
        node = null;
        if (element.ValueKind != JsonValueKind.Object) return $"{path} is {JsonFields.Describe(element)}, not an object";
        var deleted = JsonFields.TryGet(element, "deleted", out var mark) && mark.ValueKind == JsonValueKind.True;
        if (deleted)
        {
            node = new ReplyNode(new Message(Message.User, ""), true, 0, []);
            return null;
        }
        if (!JsonFields.TryGet(element, "text", out var text) || text.ValueKind != JsonValueKind.String) return $"{path} has no text";
        if (Role(element) is not { } role) return $"{path}.role is neither prompter nor assistant";
        List<ReplyNode> replies = [];
        if (JsonFields.TryGet(element, "replies", out var list))
        {
            if (list.ValueKind != JsonValueKind.Array) return $"{path}.replies is {JsonFields.Describe(list)}, not a list";
            foreach (var item in list.EnumerateArray())
            {
                if (Read(item, $"{path}.replies[{replies.Count}]", out var reply) is { } reason) return reason;
                replies.Add(reply!);
            }
        }
        node = new ReplyNode(new Message(role, text.GetString()!), false, QualityOf(element), replies);
        return null;
    }

    private static string? Role(JsonElement element) => JsonFields.TryGet(element, "role", out var role) && role.ValueKind == JsonValueKind.String
        ? role.GetString() switch { "prompter" => Message.User, "assistant" => Message.Assistant, _ => null } : null;

    private static double QualityOf(JsonElement element) =>
        JsonFields.TryGet(element, "labels", out var labels) && labels.ValueKind == JsonValueKind.Object
        && JsonFields.TryGet(labels, "quality", out var quality) && quality.ValueKind == JsonValueKind.Object
        && JsonFields.TryGet(quality, "value", out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : 0;
}
