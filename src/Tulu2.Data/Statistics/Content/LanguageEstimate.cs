using Lingua;

namespace Tulu2.Data.Statistics.Content;

/// <summary>
/// Tells the languages of texts by their trigrams, with Lingua. Its smaller models (Tulu2.Data.csproj) agree with its full ones on texts of some sentences, and need a
/// tenth of the memory.
/// </summary>
internal static class LanguageEstimate
{
    private static readonly Lazy<LanguageDetector> Detector = new(() => LanguageDetectorBuilder.FromAllSpokenLanguages().WithLowAccuracyMode().Build());

    public static LanguageStatistics Of(IReadOnlyCollection<string> texts) => new(texts.Count,
    [
        .. texts.AsParallel().Select(NameOf).ToList().CountBy(name => name).Select(count => new LanguageCount(count.Key, count.Value))
            .OrderByDescending(count => count.Rows).ThenBy(count => count.Name, StringComparer.Ordinal),
    ]);

    private static string NameOf(string text) => !IsEnough(text) || Detector.Value.DetectLanguageOf(text) is var language && language == Language.Unknown
        ? LanguageStatistics.Unknown : $"{language}";

    // Of a few words any language may come out. A character of the scripts of the Far East says as much as several letters.
    private static bool IsEnough(string text)
    {
        const int letters = 20, lettersOfFarEast = 4;
        const char farEast = '\u2E80';
        return text.Sum(one => !char.IsLetter(one) ? 0 : one < farEast ? 1 : lettersOfFarEast) >= letters;
    }
}
