using System.Text.Json;
using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Selection;
using Tulu2.Mixtures.Settings;

namespace Tulu2.Mixtures.Converters;

/// <summary>
/// FLAN v2 (docs/reference/tulu2.md, sources): <c>inputs</c> and <c>targets</c>. With the option <c>shares</c> the files are sub-mixes and are resampled.
/// </summary>
internal sealed class FlanConverter : IMixtureConverter
{
    private const string Shares = "shares", Total = "total", V1 = "v1", V2 = "v2";

    // In the order in which the original draws them.
    private static readonly (string Name, double V1, double V2)[] Released =
    [
        ("flan_zsopt", .1, 0), ("flan_fsopt", .1, .2), ("flan_zsnoopt", .1, 0), ("flan_fsnoopt", .1, .2),
        ("t0_zsopt", .08, 0), ("t0_fsopt", .08, .16), ("t0_zsnoopt", .08, 0), ("t0_fsnoopt", .08, .16),
        ("niv2_zsopt", .1, 0), ("niv2_fsopt", .1, .23), ("cot_zsopt", .025, 0), ("cot_fsopt", .025, .05),
        ("dialog_zsopt", .015, 0), ("dialog_fsopt", .015, 0),
    ];

    public string Name => "flan";

    public IReadOnlyList<string> Keys => InputsAndTargets.Keys;

    public IRecordConversion Begin(ConversionSetup setup) => new FlanConversion(setup.Source, Rule(setup));

    private static ISelectionRule Rule(ConversionSetup setup)
    {
        var total = setup.Options.Whole(Total, least: 1);
        if (!setup.Options.Has(Shares))
            return total is null ? new SampleRule()
                : throw setup.Options.Fault(Total, "has no effect without shares", $"add `{Shares}: {V2}`, or use the source's sample");
        if (total is not { } wanted) throw setup.Options.Fault(Shares, "has no total beside it", $"add `{Total}: 50000`");
        return new SharesRule(wanted, setup.Options.IsPart(Shares) ? Own(setup.Options.Part(Shares)) : Named(setup.Options), setup.Seed);
    }

    private static List<KeyValuePair<string, double>> Named(Section options)
    {
        var first = options.Choice(Shares, V2, V1, V2) == V1;
        return [.. Released.Select(mix => KeyValuePair.Create(mix.Name, first ? mix.V1 : mix.V2))];
    }

    private static List<KeyValuePair<string, double>> Own(Section shares)
    {
        var own = shares.Keys.Select(name => KeyValuePair.Create(name, shares.Number(name, least: 0, most: 1) ?? 0)).ToList();
        if (own.Sum(share => share.Value) > 1 + 1e-9)
            throw shares.Fault(own[^1].Key, $"brings the sum of the shares to {own.Sum(share => share.Value):0.###}", "keep the sum at 1 or below");
        shares.RefuseUnread();
        return own;
    }

    private sealed class FlanConversion(string source, ISelectionRule rule) : IRecordConversion
    {
        public ISelectionRule Selection => rule;

        public void Convert(JsonElement record, RecordContext context, RecordOutput output) => InputsAndTargets.Convert(source, record, context, output);
    }
}
