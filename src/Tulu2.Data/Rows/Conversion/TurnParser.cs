using System.Text.Json;

namespace Tulu2.Data.Rows.Conversion;

/// <summary>Parses the turns of a dialogue.</summary>
internal static class TurnParser
{
    /// <summary>Parses a list of <c>{role, content}</c> or <c>{from, value}</c>. Returns a reason where it is anything else.</summary>
    /// <param name="name">The list's name in reasons.</param>
    public static string? Messages(JsonElement list, string name, out List<Message> messages)
    {
        messages = [];
        if (list.ValueKind != JsonValueKind.Array) return $"{name} is {JsonFields.Describe(list)}, not a list";
        foreach (var item in list.EnumerateArray())
        {
            if (One(item, $"{name}[{messages.Count}]", out var message) is { } reason) return reason;
            messages.Add(message!);
        }
        return messages.Count == 0 ? $"{name} is empty" : null;
    }

    /// <summary>
    /// Inserts the system turn that a record gives beside its dialogue. Returns a reason where it is not a text, or differs from the dialogue's own system
    /// turn.
    /// </summary>
    public static string? AddSystem(JsonElement row, List<Message> messages)
    {
        foreach (var name in RowKeys.System)
        {
            if (!JsonFields.TryGet(row, name, out var field)) continue;
            if (field.ValueKind != JsonValueKind.String) return $"{name} is {JsonFields.Describe(field)}, not a text";
            var text = TurnText.Strip(field.GetString()!);
            if (text.Length == 0) continue;
            if (messages.Find(message => message.Role == Message.System) is not { } given) messages.Insert(0, new Message(Message.System, text));
            else if (TurnText.Strip(given.Content) != text) return $"{name} is another text than the system turn that the row has already";
        }
        return null;
    }

    /// <summary>Parses one turn. Returns a reason where it is anything else.</summary>
    /// <param name="path">Its location in the record, for reasons.</param>
    public static string? One(JsonElement item, string path, out Message? message)
    {
        message = null;
        if (item.ValueKind != JsonValueKind.Object) return $"{path} is {JsonFields.Describe(item)}, not an object with role and content";
        var form = TurnForm.Of(item);
        if (!JsonFields.TryGet(item, form.Role, out var role)) return $"{path} has no {form.Role}";
        if (role.ValueKind != JsonValueKind.String) return $"{path}.{form.Role} is {JsonFields.Describe(role)}, not a text";
        // Before the content: turns that call tools often have none.
        if (RowKeys.Refusal(item, path + ".", RowKeys.RefusedInTurn) is { } refusal) return refusal;
        if (form.RoleOf(role.GetString()!) is not { } roleName) return form.Unknown(path, role.GetString()!);
        if (!item.TryGetProperty(form.Content, out var content)) return $"{path} has no {form.Content}";
        if (TurnContent.Read(content, $"{path}.{form.Content}", out var text) is { } contentReason) return contentReason;
        if (IsLearnt(item, path, roleName, out var learnt) is { } reason) return reason;
        message = new Message(roleName, text) { Learnt = learnt };
        return null;
    }

    private static string? IsLearnt(JsonElement item, string path, string role, out bool learnt)
    {
        learnt = true;
        string? first = null;
        foreach (var name in RowKeys.Learnt)
        {
            if (!JsonFields.TryGet(item, name, out var field)) continue;
            bool? said = field.ValueKind switch
            {
                JsonValueKind.True => true,
                JsonValueKind.False => false,
                JsonValueKind.Number when field.GetDouble() is 0 or 1 => field.GetDouble() == 1,
                _ => null,
            };
            if (said is null) return $"{path}.{name} is {Shown(field)}; a turn is learnt (1 or true) or not (0 or false)";
            if (said.Value && role != Message.Assistant) return $"{path}.{name} asks to learn a turn of the {role}: only the assistant's are learnt";
            if (first is not null && said != learnt) return $"{path}.{first} and {path}.{name} contradict each other";
            (first, learnt) = (name, said.Value);
        }
        return null;
    }

    private static string Shown(JsonElement field) => field.ValueKind == JsonValueKind.Number ? field.GetRawText() : JsonFields.Describe(field);
}
