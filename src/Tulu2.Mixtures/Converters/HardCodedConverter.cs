using System.Text.Json;
using Tulu2.Mixtures.Conversion;

namespace Tulu2.Mixtures.Converters;

/// <summary>The identity questions: <c>Prompt</c> and <c>Output</c>, the columns of the original's sheet. Taken several times by <c>weight</c>.</summary>
internal sealed class HardCodedConverter : IMixtureConverter
{
    public string Name => "hard_coded";

    public IReadOnlyList<string> Keys => ["Prompt", "Output"];

    public IRecordConversion Begin(ConversionSetup setup) => new HardCodedConversion(setup);

    private sealed class HardCodedConversion(ConversionSetup setup) : IRecordConversion
    {
        public void Convert(JsonElement record, RecordContext context, RecordOutput output)
        {
            if (!RecordFields.Text(record, "Prompt", output, out var prompt) || !RecordFields.Text(record, "Output", output, out var answer)) return;
            output.Add(setup.Source, $"{setup.Source}_{context.Index}", RecordFields.User(prompt), RecordFields.Assistant(answer));
        }
    }
}
