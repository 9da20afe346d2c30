using System.Text.Json;
using Tulu2.Mixtures.Conversion;

namespace Tulu2.Mixtures.Converters;

/// <summary>The science tasks: <c>dataset</c>, <c>input</c>, <c>output</c>. Each task is a dataset of its own, as in <c>science.scitldr_aic</c>.</summary>
internal sealed class ScienceConverter : IMixtureConverter
{
    public string Name => "science";

    public IReadOnlyList<string> Keys => ["dataset", "input", "output"];

    public IRecordConversion Begin(ConversionSetup setup) => new ScienceConversion(setup);

    private sealed class ScienceConversion(ConversionSetup setup) : IRecordConversion
    {
        public void Convert(JsonElement record, RecordContext context, RecordOutput output)
        {
            if (!RecordFields.Text(record, "dataset", output, out var task) || !RecordFields.Text(record, "input", output, out var input)
                || !RecordFields.Text(record, "output", output, out var answer))
                return;
            output.Add($"{setup.Source}.{task}", $"{setup.Source}_{context.Index}", RecordFields.User(input), RecordFields.Assistant(answer));
        }
    }
}
