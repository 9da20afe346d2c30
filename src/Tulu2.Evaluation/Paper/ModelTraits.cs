using System.Globalization;
using System.Text.RegularExpressions;

namespace Tulu2.Evaluation.Paper;

/// <summary>What distinguishes the models that the paper compares; null: not known.</summary>
public sealed partial record ModelTraits
{
    /// <summary>It is a TÜLU model, rather than another lab's.</summary>
    public bool IsTulu { get; init; }

    /// <summary>Size of the base model in thousand millions of parameters, as its name says: 7, 13, 34, 70.</summary>
    public int? Billions { get; init; }

    /// <summary>Trained on preferences after instructions.</summary>
    public bool? Preferences { get; init; }

    /// <summary>Instruction data: <c>v1</c>, <c>v2</c>, <c>sharegpt</c>.</summary>
    public string? Mixture { get; init; }

    /// <summary>Trained as adapters beside a model in four bits.</summary>
    public bool? Quantized { get; init; }

    /// <summary>Its base model is Code Llama.</summary>
    public bool? Code { get; init; }

    /// <summary>Traits as a model's name tells them: <c>allenai/tulu-2-dpo-13b</c>, <c>TÜLU 2+DPO 13B</c>.</summary>
    public static ModelTraits OfName(string name)
    {
        var text = name.ToLowerInvariant().Replace('ü', 'u');
        var isTulu = text.Contains("tulu", StringComparison.Ordinal);
        return new ModelTraits
        {
            IsTulu = isTulu,
            Billions = Size().Match(text) is { Success: true } size ? int.Parse(size.Groups[1].Value, CultureInfo.InvariantCulture) : null,
            Preferences = text.Contains("dpo", StringComparison.Ordinal) ? true : isTulu || text.Contains("sft", StringComparison.Ordinal) ? false : null,
            Mixture = text.Contains("sharegpt", StringComparison.Ordinal) ? "sharegpt" : MixtureOf(text) ?? (TuluVersion().Match(text) is { Success: true } version ? $"v{version.Groups[1].Value}" : null),
            Quantized = isTulu || QLora().IsMatch(text) ? QLora().IsMatch(text) : null,
            Code = isTulu || CodeBase().IsMatch(text) ? CodeBase().IsMatch(text) : null,
        };
    }

    /// <summary>The version of a mixture that a file's or model's name carries, as in <c>tulu-v2-sft-mixture</c>; null: none.</summary>
    public static string? MixtureOf(string name) => Version().Match(name.ToLowerInvariant()) is { Success: true } version ? $"v{version.Groups[1].Value}" : null;

    /// <summary>The size as names give it: 6.74 thousand millions are 7.</summary>
    public static int? BillionsOf(long parameters) => parameters < 1_000_000_000 ? null : (int)Math.Round(parameters / 1e9, MidpointRounding.AwayFromZero) switch
    {
        69 => 70,
        33 => 34,
        var billions => billions,
    };

    /// <summary>These traits, and the other's where one is not known.</summary>
    public ModelTraits Or(ModelTraits other) => new()
    {
        IsTulu = IsTulu || other.IsTulu,
        Billions = Billions ?? other.Billions,
        Preferences = Preferences ?? other.Preferences,
        Mixture = Mixture ?? other.Mixture,
        Quantized = Quantized ?? other.Quantized,
        Code = Code ?? other.Code,
    };

    [GeneratedRegex(@"(?<![\d.])(\d{1,3})\s*b(?![a-z0-9])")]
    private static partial Regex Size();

    [GeneratedRegex(@"(?<![a-z0-9])v([12])(?!\d)")]
    private static partial Regex Version();

    [GeneratedRegex(@"tulu[\s_-]*([12])(?![\d.]*b)")]
    private static partial Regex TuluVersion();

    [GeneratedRegex(@"q[-_ ]?lora")]
    private static partial Regex QLora();

    [GeneratedRegex(@"code[-_ ]?(llama|tulu)")]
    private static partial Regex CodeBase();
}
