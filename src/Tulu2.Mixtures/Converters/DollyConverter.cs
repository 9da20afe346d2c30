using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Templates;

namespace Tulu2.Mixtures.Converters;

/// <summary>databricks-dolly-15k: <c>instruction</c>, <c>context</c>, <c>response</c>, in the templates of the Alpaca form.</summary>
internal sealed class DollyConverter : IMixtureConverter
{
    public string Name => "dolly";

    public IReadOnlyList<string> Keys => ["instruction", "context", "response"];

    public IRecordConversion Begin(ConversionSetup setup) => new InstructionConversion(setup, "instruction", "context", "response");
}
