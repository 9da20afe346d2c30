using System.Text.Json;
using Tulu2.Data.Rows;

namespace Tulu2.Mixtures.Conversion;

/// <summary>The form of FLAN and CoT: <c>inputs</c> is asked, <c>targets</c> answered.</summary>
internal static class InputsAndTargets
{
    private const string Inputs = "inputs", Targets = "targets";

    public static IReadOnlyList<string> Keys { get; } = [Inputs, Targets];

    public static void Convert(string source, JsonElement record, RecordContext context, RecordOutput output)
    {
        if (!RecordFields.Text(record, Inputs, output, out var asked) || !RecordFields.Text(record, Targets, output, out var answered)) return;
        output.Add(source, $"{source}_{context.Index}", RecordFields.User(WithNewline(asked)), RecordFields.Assistant(answered));
    }

    // Training strips it again: docs/reference/tulu2.md, chat template.
    private static string WithNewline(string prompt) => prompt.EndsWith('\n') || TurnText.TrimEnd(prompt).EndsWith(":") ? prompt : prompt + "\n";
}
