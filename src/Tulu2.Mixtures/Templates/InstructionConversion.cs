using System.Text.Json;
using Tulu2.Mixtures.Conversion;

namespace Tulu2.Mixtures.Templates;

/// <summary>Rows of an instruction, an optional input and an output, each in a template of its own.</summary>
/// <param name="instruction">Names of the record's three keys.</param>
internal sealed class InstructionConversion(ConversionSetup setup, string instruction, string input, string output) : IRecordConversion
{
    public bool Draws => true;

    public void Convert(JsonElement record, RecordContext context, RecordOutput rows)
    {
        if (!RecordFields.Text(record, instruction, rows, out var asked) || !RecordFields.TextOrEmpty(record, input, rows, out var given)
            || !RecordFields.Text(record, output, rows, out var answered))
            return;
        var (prompt, answer) = PromptTemplates.Fill(context.Draw, setup.Mode == MixtureMode.Fixed, asked, given, answered, out var misspelt);
        if (misspelt) rows.Slip(PromptTemplates.Misspelt);
        rows.Add(setup.Source, $"{setup.Source}_{context.Index}", RecordFields.User(prompt), RecordFields.Assistant(answer));
    }
}
