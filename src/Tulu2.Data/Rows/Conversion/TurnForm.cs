using System.Text.Json;

namespace Tulu2.Data.Rows.Conversion;

/// <summary>The keys of a turn and the names of its speakers.</summary>
internal sealed class TurnForm
{
    private static readonly TurnForm RoleContent = new("role", "content", new()
    {
        ["system"] = Message.System,
        ["user"] = Message.User,
        ["assistant"] = Message.Assistant,
    });

    // ShareGPT and what was made of it.
    private static readonly TurnForm FromValue = new("from", "value", new()
    {
        ["system"] = Message.System,
        ["human"] = Message.User,
        ["user"] = Message.User,
        ["gpt"] = Message.Assistant,
        ["chatgpt"] = Message.Assistant,
        ["assistant"] = Message.Assistant,
    });

    private readonly Dictionary<string, string> _roles;

    private TurnForm(string role, string content, Dictionary<string, string> roles) => (Role, Content, _roles) = (role, content, roles);

    /// <summary>Key of the speaker.</summary>
    public string Role { get; }

    /// <summary>Key of the text.</summary>
    public string Content { get; }

    public static TurnForm Of(JsonElement turn) => !JsonFields.TryGet(turn, RoleContent.Role, out _) && JsonFields.TryGet(turn, FromValue.Role, out _) ? FromValue : RoleContent;

    /// <summary>Role of a speaker; null: there is no such one.</summary>
    public string? RoleOf(string speaker) => _roles.GetValueOrDefault(speaker);

    public string Unknown(string path, string speaker) => $"{path} has the unknown role '{speaker}' (known: {string.Join(", ", _roles.Keys)})"
        + (speaker is "tool" or "function" or "function_call" or "observation" or "ipython" ? ": calls of tools have no place in the chat template" : "");
}
