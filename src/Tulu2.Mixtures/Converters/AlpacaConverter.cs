using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Templates;

namespace Tulu2.Mixtures.Converters;

/// <summary>The Alpaca form, which GPT-4 Alpaca and Code Alpaca have: <c>instruction</c>, <c>input</c>, <c>output</c>, in weighted templates.</summary>
internal sealed class AlpacaConverter : IMixtureConverter
{
    public string Name => "alpaca";

    public IReadOnlyList<string> Keys => ["instruction", "input", "output"];

    public IRecordConversion Begin(ConversionSetup setup) => new InstructionConversion(setup, "instruction", "input", "output");
}
