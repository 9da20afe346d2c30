namespace Tulu2.Mixtures.Segments;

/// <summary>A converted row as a segment keeps it: what decides its place and its fate, and where its line is.</summary>
/// <param name="Place">Place of its record in the source's output.</param>
/// <param name="Part">Its number among the rows of that record.</param>
/// <param name="File">Number of the record's file in its source.</param>
/// <param name="NumberAt">As in <see cref="Rows.RowJson.Write"/>.</param>
/// <param name="Filter">Number of the filter that removes it; -1: none does.</param>
/// <param name="Reason">Why that filter removes it.</param>
/// <param name="OnlyParity">As in <see cref="Filters.FilterVerdict"/>.</param>
/// <param name="Signature">Of a row that no filter removes, where near duplicates are looked for.</param>
/// <param name="Offset">Of the line, in the segment's file.</param>
/// <param name="Length">Of the line, in bytes.</param>
internal sealed record SegmentRow(int Place, int Part, int File, long Line, int NumberAt, int Filter, string? Reason, string? OnlyParity, UInt128 Fingerprint,
    ushort[]? Signature, long Offset, int Length);

/// <summary>A record, or a part of one, that gave no row.</summary>
internal sealed record SegmentReject(int Place, int File, long Line, string Reason);

/// <summary>What became of one batch of records.</summary>
internal sealed record Segment(IReadOnlyList<SegmentRow> Rows, IReadOnlyList<SegmentReject> Rejects, IReadOnlyDictionary<string, int> Slips);
