using System.Text.Json;
using Tulu2.Data.Rows;
using Tulu2.Serving.Bodies;
using Tulu2.Serving.Errors;

namespace Tulu2.Serving.Requests;

/// <summary><c>messages</c>: roles and contents, as strings or as parts of text.</summary>
internal static class MessageFields
{
    private const string Name = "messages", NotSupported = "unsupported_value";

    public static List<Message> Read(JsonFields fields)
    {
        var value = fields.Element(Name) ?? throw JsonFields.Missing(Name);
        if (value.ValueKind != JsonValueKind.Array) throw JsonFields.WrongType(Name, "an array of messages", value);
        if (value.GetArrayLength() == 0) throw ApiException.Invalid($"Invalid '{Name}': the array is empty.", Name);
        return [.. value.EnumerateArray().Select((message, index) => OfMessage(new JsonFields(message, $"{Name}[{index}]")))];
    }

    private static Message OfMessage(JsonFields fields)
    {
        var role = RoleOf(fields);
        foreach (var name in (string[])["tool_calls", "function_call", "audio", "refusal"])
            if (fields.Element(name) is { } value && !(value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0))
                throw ApiException.Invalid($"'{fields.PathOf(name)}' is not supported by this server.", fields.PathOf(name), NotSupported);
        // The chat template has no names.
        _ = fields.Text("name");
        var content = fields.Element("content") ?? throw JsonFields.Missing(fields.PathOf("content"));
        fields.RefuseOthers();
        return new Message(role, ContentOf(content, fields.PathOf("content")));
    }

    private static string RoleOf(JsonFields fields) => fields.Text("role") switch
    {
        Message.System or "developer" => Message.System,
        Message.User => Message.User,
        Message.Assistant => Message.Assistant,
        null => throw JsonFields.Missing(fields.PathOf("role")),
        "tool" or "function" =>
            throw ApiException.Invalid($"Invalid '{fields.PathOf("role")}': tools are not supported by this server.", fields.PathOf("role"), NotSupported),
        _ => throw ApiException.Invalid($"Invalid '{fields.PathOf("role")}': use system, developer, user or assistant.", fields.PathOf("role")),
    };

    private static string ContentOf(JsonElement content, string path)
    {
        if (content.ValueKind == JsonValueKind.String) return JsonFields.TextOf(content, path);
        if (content.ValueKind != JsonValueKind.Array) throw JsonFields.WrongType(path, "a string or an array of parts", content);
        return string.Concat(content.EnumerateArray().Select((part, index) => TextOf(new JsonFields(part, $"{path}[{index}]"))));
    }

    private static string TextOf(JsonFields part)
    {
        var kind = part.Text("type") ?? throw JsonFields.Missing(part.PathOf("type"));
        if (kind != "text")
            throw ApiException.Invalid($"Invalid '{part.PathOf("type")}': only 'text' is supported by this server.", part.PathOf("type"), NotSupported);
        var text = part.Text("text") ?? throw JsonFields.Missing(part.PathOf("text"));
        part.RefuseOthers();
        return text;
    }
}
