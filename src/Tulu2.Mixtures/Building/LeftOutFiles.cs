using Tulu2.Mixtures.Output;

namespace Tulu2.Mixtures.Building;

/// <summary>The lists of what a mixture leaves out, one JSON object a line: <c>{source, file, line, by, reason}</c>.</summary>
/// <remarks>Their names end in .ndjson: where a directory stands for its files of rows, they are none.</remarks>
/// <param name="shown">A file's path as the lists have it: relative, so that they do not depend on where the inputs lie.</param>
internal sealed class LeftOutFiles(Stream rejected, Stream onlyParity, Func<string, string> shown)
{
    public const string RejectedName = "rejected.ndjson", OnlyParityName = "parity-only.ndjson";

    public long Rejected { get; private set; }

    public long OnlyParityRows { get; private set; }

    /// <param name="by">The filter's name; <c>unreadable</c>, <c>converter</c> or <c>deduplicate</c>.</param>
    public void Reject(string source, string file, long line, string by, string reason)
    {
        Rejected++;
        ListLine.Write(rejected, new { Source = source, File = shown(file), Line = line, By = by, Reason = reason });
    }

    /// <summary>A row that <c>mode: parity</c> removes and <c>mode: fixed</c> does not.</summary>
    public void OnlyParity(string source, string file, long line, string reason, bool removed)
    {
        OnlyParityRows++;
        ListLine.Write(onlyParity, new { Source = source, File = shown(file), Line = line, Reason = reason, Removed = removed });
    }
}
