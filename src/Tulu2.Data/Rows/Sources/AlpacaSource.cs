using System.Text.Json;
using Tulu2.Data.Rows.Conversion;

namespace Tulu2.Data.Rows.Sources;

/// <summary>
/// The form of Alpaca: <c>instruction</c>, an <c>input</c> that may be empty, and <c>output</c>, after the turns of a <c>history</c>. The user's turn is the
/// instruction, a blank line and the input; no other template is put around them.
/// </summary>
internal sealed class AlpacaSource : InstructionSource
{
    private const string Instruction = "instruction", History = "history";

    // Dolly's names for the same come second.
    private static readonly string[] Inputs = ["input", "context"], Outputs = ["output", "response"];

    public override string Name => "alpaca";

    public override IReadOnlyList<string> Keys => [Instruction, .. Inputs, .. Outputs, History];

    public override Likeness Match(JsonElement record)
    {
        if (!record.TryGetProperty(Instruction, out _)) return Likeness.None;
        // An instruction that is null may stand beside an input that asks.
        return Outputs.Any(name => JsonFields.Has(record, name)) ? Likeness.Complete : Likeness.Incomplete;
    }

    protected override string? Missing(JsonElement record) =>
        record.TryGetProperty(Instruction, out _) && Outputs.Any(name => record.TryGetProperty(name, out _)) ? null : $"no instruction with its output: the row has {JsonFields.Names(record)}; wanted: {Wanted}";

    protected override string? Turns(JsonElement record, out List<Message> messages)
    {
        messages = [];
        if (TextFields.One(record, [Instruction], out var instruction) is { } reason) return reason;
        if (TextFields.One(record, Inputs, out var input) is { } inputReason) return inputReason;
        if (TextFields.One(record, Outputs, out var output) is { } outputReason) return outputReason;
        if (output is null) return $"{Outputs.First(name => record.TryGetProperty(name, out _))} is null, not a text";
        if (string.IsNullOrWhiteSpace(instruction) && string.IsNullOrWhiteSpace(input)) return "instruction is empty";
        if (Earlier(record, messages) is { } earlierReason) return earlierReason;
        messages.Add(new Message(Message.User, TextFields.Prompt(instruction, input)));
        messages.Add(new Message(Message.Assistant, output));
        return null;
    }

    // The rounds before: a list of [question, answer].
    private static string? Earlier(JsonElement record, List<Message> messages)
    {
        if (!JsonFields.TryGet(record, History, out var history)) return null;
        if (history.ValueKind != JsonValueKind.Array) return $"{History} is {JsonFields.Describe(history)}, not a list of rounds";
        var number = 0;
        foreach (var round in history.EnumerateArray())
        {
            if (round.ValueKind != JsonValueKind.Array || round.GetArrayLength() != 2 || round.EnumerateArray().Any(text => text.ValueKind != JsonValueKind.String))
                return $"{History}[{number}] is not a question and an answer, both texts";
            messages.Add(new Message(Message.User, round[0].GetString()!));
            messages.Add(new Message(Message.Assistant, round[1].GetString()!));
            number++;
        }
        return null;
    }

    private const string Wanted = """{"instruction": "...", "input": "", "output": "..."}""";
}
