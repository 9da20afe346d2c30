using System.Text.Json;

namespace Tulu2.Data.Rows;

/// <summary>Reading fields of a row with reasons instead of exceptions.</summary>
internal static class JsonFields
{
    public static string Describe(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        _ => "null",
    };

    /// <summary>The field, unless it is absent or null.</summary>
    public static bool TryGet(JsonElement row, string name, out JsonElement field) =>
        row.TryGetProperty(name, out field) && field.ValueKind != JsonValueKind.Null;

    /// <summary>A label (dataset, id): text or a number; absent and empty are the fallback. Returns a reason where it is neither.</summary>
    public static string? Label(JsonElement row, string name, string fallback, out string label)
    {
        label = fallback;
        if (!TryGet(row, name, out var field)) return null;
        if (field.ValueKind == JsonValueKind.String) label = field.GetString() is { Length: > 0 } text ? text : fallback;
        else if (field.ValueKind == JsonValueKind.Number) label = field.GetRawText();
        else return $"{name} is {Describe(field)}, not a text";
        return null;
    }

    /// <summary>A list of <c>{role, content}</c>. Returns a reason where it is anything else; <paramref name="name"/> is how the reason calls it.</summary>
    public static string? Messages(JsonElement list, string name, out List<Message> messages)
    {
        messages = [];
        if (list.ValueKind != JsonValueKind.Array) return $"{name} is {Describe(list)}, not a list";
        foreach (var item in list.EnumerateArray())
        {
            var place = $"{name}[{messages.Count}]";
            if (item.ValueKind != JsonValueKind.Object) return $"{place} is {Describe(item)}, not an object with role and content";
            if (!TryGet(item, "role", out var role)) return $"{place} has no role";
            if (role.ValueKind != JsonValueKind.String) return $"{place}.role is {Describe(role)}, not a text";
            if (!item.TryGetProperty("content", out var content)) return $"{place} has no content";
            if (content.ValueKind != JsonValueKind.String) return $"{place}.content is {Describe(content)}, not a text";
            var roleName = role.GetString()!;
            if (roleName is not (Message.System or Message.User or Message.Assistant))
                return $"{place} has the unknown role '{roleName}' (known: system, user, assistant)";
            messages.Add(new Message(roleName, content.GetString()!));
        }
        return messages.Count == 0 ? $"{name} is empty" : null;
    }
}
