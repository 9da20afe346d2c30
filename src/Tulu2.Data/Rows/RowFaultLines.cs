using Tulu2.Files;

namespace Tulu2.Data.Rows;

/// <summary>Rows that were left out, for people: the first of them one a line, and how many more there are.</summary>
public static class RowFaultLines
{
    /// <summary>What fits on a screen, and shows what kind of fault it is.</summary>
    public const int Most = 20;

    /// <param name="prefix">Before each line.</param>
    /// <param name="all">Where all of them can be read; null: nowhere.</param>
    public static IEnumerable<string> Of(IReadOnlyCollection<RowFault> faults, string prefix, string? all = null)
    {
        foreach (var fault in faults.Take(Most)) yield return prefix + Line(fault);
        if (faults.Count > Most)
            yield return $"{prefix}{NumberText.Count(faults.Count - Most, "more row")}{(all is null ? "" : $"; {all}")}";
    }

    public static string Line(RowFault fault) => $"{fault.Location}: {fault.Reason}";
}
