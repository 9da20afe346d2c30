namespace Tulu2.Files;

/// <summary>Suggests a name for a mistyped one.</summary>
public static class NearestName
{
    /// <summary>The candidate with the fewest edits; null if more than a third of its letters would change.</summary>
    public static string? Of(string name, IEnumerable<string> candidates) =>
        candidates.Select(candidate => (candidate, Edits: EditDistance(candidate, name))).Where(pair => pair.Edits <= Math.Max(1, pair.candidate.Length / 3))
            .OrderBy(pair => pair.Edits).Select(pair => pair.candidate).FirstOrDefault();

    // Damerau-Levenshtein: swapping two neighbouring letters is one edit.
    private static int EditDistance(string a, string b)
    {
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    rows[i, j] = i + j;
                    continue;
                }
                rows[i, j] = Math.Min(Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1, rows[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
            }
        return rows[a.Length, b.Length];
    }
}
