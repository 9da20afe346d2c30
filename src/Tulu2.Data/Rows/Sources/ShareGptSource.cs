using System.Text.Json;
using Tulu2.Data.Rows.Conversion;

namespace Tulu2.Data.Rows.Sources;

/// <summary>The form of ShareGPT's exports: turns <c>{from, value}</c> under <c>conversations</c>.</summary>
internal sealed class ShareGptSource : InstructionSource
{
    private static readonly string[] Lists = ["conversations", "conversation"];

    public override string Name => "sharegpt";

    public override IReadOnlyList<string> Keys => Lists;

    public override Likeness Match(JsonElement record) => Lists.Any(name => JsonFields.TryGet(record, name, out _)) ? Likeness.Complete : Likeness.None;

    protected override string? Missing(JsonElement record) =>
        Match(record) == Likeness.None ? $"no conversations: the row has {JsonFields.Names(record)}; wanted: {Wanted}" : null;

    protected override string? Turns(JsonElement record, out List<Message> messages)
    {
        var name = Lists.First(list => JsonFields.TryGet(record, list, out _));
        return TurnParser.Messages(record.GetProperty(name), name, out messages);
    }

    private const string Wanted = """{"conversations": [{"from": "human", "value": "..."}, {"from": "gpt", "value": "..."}]}""";
}
