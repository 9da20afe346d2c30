using System.Text.RegularExpressions;

namespace Tulu2.Evaluation.Paper;

/// <summary>Finds the row of the paper that is about the same model.</summary>
public static partial class PaperModels
{
    /// <param name="name">The model's name in tables.</param>
    /// <returns>Null: the table has no such model.</returns>
    public static PaperRow? Match(PaperTable table, string name, ModelTraits traits) =>
        table.Rows.FirstOrDefault(row => Plain(row.Name) == Plain(name)) ?? table.Rows.FirstOrDefault(row => row.Traits is { } of && of.IsTulu == traits.IsTulu
            && of.Billions == traits.Billions && of.Preferences == traits.Preferences && of.Quantized == traits.Quantized && of.Code == traits.Code
            // Preference data do not name the instruction data before them.
            && (of.Mixture == traits.Mixture || (traits.Mixture is null && of is { Preferences: true })));

    // Llama-2-Chat 7B and meta-llama/Llama-2-7b-chat-hf are one model.
    private static string Plain(string name) => string.Join(' ',
        Word().Matches(name[(name.LastIndexOf('/') + 1)..].ToLowerInvariant().Replace('ü', 'u')).Select(word => word.Value)
            .Where(word => word is not ("hf" or "lm")).Order(StringComparer.Ordinal));

    [GeneratedRegex(@"\d+b|\d+(\.\d+)?|[a-z]+")]
    private static partial Regex Word();
}
