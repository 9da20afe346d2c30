using Tulu2.Files;

namespace Tulu2.Data.Rows;

/// <summary>Rows that were left out, as text: the first ones, one a line, then the number of the others.</summary>
public static class RowFaultLines
{
    /// <summary>Most rows that are listed: as many as fit on a screen.</summary>
    public const int Most = 20;

    /// <param name="prefix">Put before each line.</param>
    /// <param name="all">Where all of them can be read; null: nowhere.</param>
    public static IEnumerable<string> Of(IReadOnlyCollection<RowFault> faults, string prefix, string? all = null)
    {
        foreach (var fault in faults.Take(Most)) yield return prefix + Line(fault);
        if (faults.Count > Most)
            yield return $"{prefix}{NumberText.Count(faults.Count - Most, "more row")}{(all is null ? "" : $"; {all}")}";
    }

    public static string Line(RowFault fault) => $"{fault.Location}: {fault.Reason}";
}
