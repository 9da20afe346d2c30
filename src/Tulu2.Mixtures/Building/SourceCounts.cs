namespace Tulu2.Mixtures.Building;

/// <summary>What became of a source, in numbers.</summary>
public sealed record SourceCounts(string Name)
{
    /// <summary>Records in the source's files.</summary>
    public long Records { get; internal set; }

    /// <summary>What stands in the files in place of a record.</summary>
    public long Unreadable { get; internal set; }

    /// <summary>Records taken, each as often as it is taken.</summary>
    public long Taken { get; internal set; }

    /// <summary>Of those taken, records or parts of them that gave no row.</summary>
    public long Rejected { get; internal set; }

    /// <summary>Rows before filters.</summary>
    public long Converted { get; internal set; }

    /// <summary>Rows left after each filter and, where duplicates are looked for, after that; in order.</summary>
    public List<RowsLeft> Left { get; } = [];

    /// <summary>Rows that only <c>mode: parity</c> removes.</summary>
    public long OnlyParity { get; internal set; }

    /// <summary>Rows of the mixture.</summary>
    public long Kept { get; internal set; }

    /// <summary>Slips of the original that were met, and how often.</summary>
    public SortedDictionary<string, long> Slips { get; } = new(StringComparer.Ordinal);

    /// <summary>What the paper's mixture has of it, before and after its filter; null: the recipe does not say.</summary>
    public int? PaperRaw { get; internal set; }

    /// <inheritdoc cref="PaperRaw"/>
    public int? PaperFinal { get; internal set; }
}

/// <param name="After">The filter's name, or <c>deduplicate</c>.</param>
public sealed record RowsLeft(string After, long Rows);
