namespace Tulu2.Data.Rows;

/// <summary>One turn of a dialogue. <paramref name="Role"/> is <c>system</c>, <c>user</c> or <c>assistant</c>.</summary>
public sealed record Message(string Role, string Content)
{
    public const string System = "system";
    public const string User = "user";
    public const string Assistant = "assistant";

    /// <summary>False: an assistant turn that is context only (<c>weight: 0</c> in the record).</summary>
    public bool Learnt { get; init; } = true;

    /// <summary>There is something to learn: an assistant turn that is learnt and not empty.</summary>
    public bool IsAnswer => Role == Assistant && Learnt && TurnText.Strip(Content).Length > 0;
}
