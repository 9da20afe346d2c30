using System.Text.Json;
using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Selection;

namespace Tulu2.Mixtures.Converters;

/// <summary>FLAN's chain-of-thought files (docs/reference/tulu2.md, sources): zero-shot, then few-shot, with a sample of each.</summary>
internal sealed class ChainOfThoughtConverter : IMixtureConverter
{
    public string Name => "cot";

    public IReadOnlyList<string> Keys => InputsAndTargets.Keys;

    public IRecordConversion Begin(ConversionSetup setup) => new ChainOfThoughtConversion(setup);

    private sealed class ChainOfThoughtConversion(ConversionSetup setup) : IRecordConversion
    {
        public ISelectionRule Selection => new ChainOfThoughtRule(setup.Mode == MixtureMode.Parity);

        public void Convert(JsonElement record, RecordContext context, RecordOutput output) => InputsAndTargets.Convert(setup.Source, record, context, output);
    }
}
