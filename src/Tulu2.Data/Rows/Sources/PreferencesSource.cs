using System.Text.Json;
using Tulu2.Data.Rows.Conversion;

namespace Tulu2.Data.Rows.Sources;

/// <summary>
/// Binarised preferences (docs/reference/tulu2.md, rows): <c>chosen</c> and <c>rejected</c>, each a text after a <c>prompt</c> (or an <c>instruction</c>, or the turns
/// of <c>conversations</c>), an answer after it as a turn or a list of turns, or a whole dialogue as turns or as a text with <c>Human:</c> and <c>Assistant:</c>.
/// </summary>
internal sealed class PreferencesSource : PairSource
{
    private const string Instruction = "instruction", Input = "input", Conversations = "conversations";
    private const string Wanted = """{"prompt": "...", "chosen": "...", "rejected": "..."}, or chosen and rejected as lists of messages""";

    public override string Name => "preferences";

    public override IReadOnlyList<string> Keys => [RowKeys.Prompt, RowKeys.Chosen, RowKeys.Rejected, Instruction, Input, Conversations, .. PairScores.Keys];

    public override Likeness Match(JsonElement record)
    {
        // A messages beside both sides only repeats one of them.
        if (RowKeys.IsPair(record)) return Likeness.Certain;
        return record.TryGetProperty(RowKeys.Chosen, out _) || record.TryGetProperty(RowKeys.Rejected, out _) ? Likeness.Incomplete : Likeness.None;
    }

    protected override string? Sides(JsonElement record, out List<Message> chosen, out List<Message> rejected)
    {
        (chosen, rejected) = ([], []);
        return Prompt(record, out var prompt) ?? Side(record, RowKeys.Chosen, prompt, out chosen) ?? Side(record, RowKeys.Rejected, prompt, out rejected)
            ?? PairScores.Contradiction(record);
    }

    private static string? Prompt(JsonElement record, out List<Message>? prompt)
    {
        prompt = null;
        if (JsonFields.TryGet(record, RowKeys.Prompt, out var field))
        {
            if (field.ValueKind != JsonValueKind.String) return TurnParser.Messages(field, RowKeys.Prompt, out prompt);
            prompt = [new Message(Message.User, field.GetString()!)];
            return null;
        }
        if (JsonFields.TryGet(record, Conversations, out var turns)) return TurnParser.Messages(turns, Conversations, out prompt);
        if (TextFields.One(record, [Instruction], out var instruction) is { } reason) return reason;
        if (TextFields.One(record, [Input], out var input) is { } inputReason) return inputReason;
        if (TextFields.Prompt(instruction, input) is { Length: > 0 } text) prompt = [new Message(Message.User, text)];
        return null;
    }

    private static string? Side(JsonElement record, string name, List<Message>? prompt, out List<Message> dialogue)
    {
        dialogue = [];
        if (!JsonFields.TryGet(record, name, out var field)) return $"no {name} answer{Seen(record)}";
        if (field.ValueKind == JsonValueKind.String) return Text(record, name, field.GetString()!, prompt, out dialogue);
        List<Message> messages;
        if (field.ValueKind == JsonValueKind.Object)
        {
            if (TurnParser.One(field, name, out var turn) is { } turnReason) return turnReason;
            messages = [turn!];
        }
        else if (TurnParser.Messages(field, name, out messages) is { } reason) return reason;
        if (messages[^1].Role != Message.Assistant) return $"{name} does not end with an assistant turn";
        return Join(prompt, messages, name, out dialogue);
    }

    private static string? Text(JsonElement record, string name, string text, List<Message>? prompt, out List<Message> dialogue)
    {
        dialogue = [];
        if (prompt is not null)
        {
            dialogue = [.. prompt, new Message(Message.Assistant, text)];
            return null;
        }
        // Two answers that begin alike have no prompt to be guessed from; a transcript has.
        if (!Transcript.IsOne(text)) return $"{name} is a text but there is no prompt: the row has {JsonFields.Names(record)}; wanted: {Wanted}";
        dialogue = Transcript.Turns(text);
        return dialogue[^1].Role == Message.Assistant ? null : $"{name} does not end with an assistant turn";
    }

    // A list is either the whole dialogue (the prompt field then only repeats its beginning) or the answer alone.
    private static string? Join(List<Message>? prompt, List<Message> messages, string name, out List<Message> dialogue)
    {
        dialogue = messages;
        if (messages[0].Role != Message.Assistant)
        {
            var repeats = prompt is null || messages.Count > prompt.Count && SameDialogue(prompt, messages.Take(prompt.Count))
                || prompt.Count == 1 && messages.Exists(message => message.Role == prompt[0].Role && SameTurn(message, prompt[0]));
            return repeats ? null : $"{name} is a whole dialogue that does not hold the prompt";
        }
        if (prompt is null) return $"{name} begins with an assistant turn and there is no prompt";
        dialogue = messages.Count > prompt.Count && SameDialogue(prompt, messages.Take(prompt.Count)) ? messages : [.. prompt, .. messages];
        return null;
    }

    private static string Seen(JsonElement record) =>
        JsonFields.TryGet(record, RowKeys.Messages, out _) ? ": this is an instruction row (set objective: sft, or give preference pairs)"
        : record.EnumerateObject().Any() ? $": the row has {JsonFields.Names(record)}; wanted: {Wanted}" : "";
}
