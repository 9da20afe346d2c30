namespace Tulu2.Data.Statistics.Content;

/// <summary>Sampled rows that were taken to be in one language.</summary>
public readonly record struct LanguageCount(string Name, int Rows);

/// <summary>An estimate of the languages of the rows.</summary>
/// <param name="Sampled">Rows that were looked at: all, or a sample of them.</param>
/// <param name="Languages">Most frequent first. Rows whose text is too short or too mixed to tell are <c>unknown</c>.</param>
public sealed record LanguageStatistics(int Sampled, IReadOnlyList<LanguageCount> Languages)
{
    public const string Unknown = "unknown";

    /// <summary>Share of the sampled rows, 0 to 1.</summary>
    public double Share(LanguageCount language) => Sampled == 0 ? 0 : (double)language.Rows / Sampled;
}
