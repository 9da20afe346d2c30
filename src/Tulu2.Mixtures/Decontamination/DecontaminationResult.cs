using Tulu2.Data.Rows;

namespace Tulu2.Mixtures.Decontamination;

/// <summary>What was found. <c>Read = Kept + Removed + Bad</c>, for every file and in all.</summary>
/// <param name="BadRows">The first of the bad rows, as many as are shown.</param>
public sealed record DecontaminationResult(IReadOnlyList<BenchmarkOverlap> Benchmarks, IReadOnlyList<FileOverlap> Files, IReadOnlyList<DatasetOverlap> Datasets,
    IReadOnlyList<RowFault> BadRows)
{
    public long Read => Files.Sum(file => file.Read);

    /// <summary>Rows that overlap with any of the benchmarks.</summary>
    public long Touched => Files.Sum(file => file.Touched);

    public long Removed => Files.Sum(file => file.Removed);

    public long Bad => Files.Sum(file => file.Bad);

    public long Kept => Files.Sum(file => file.Kept);
}

/// <summary>A benchmark and what of it is in the rows.</summary>
/// <param name="TooShort">Items without any text that is long enough to count.</param>
/// <param name="ItemsTouched">Items that share an n-gram with a row.</param>
/// <param name="RowsTouched">Rows that share an n-gram with an item.</param>
/// <param name="NGrams">Different n-grams of the benchmark; whole texts that are shorter count as one each.</param>
/// <param name="NGramsShared">Those that some row has.</param>
public sealed record BenchmarkOverlap(string Name, long Items, long TooShort, long ItemsTouched, long RowsTouched, long NGrams, long NGramsShared);

/// <param name="Bad">Rows that cannot be read, or are pairs without a preference.</param>
/// <param name="To">The file of those kept; null: there is none.</param>
public sealed record FileOverlap(string File, long Read, long Touched, long Bad, string? To)
{
    public long Removed => To is null ? 0 : Touched;

    public long Kept => Read - Removed - Bad;
}

/// <param name="Read">Rows of the dataset, bad ones left out: it is not known to which one they belong.</param>
public sealed record DatasetOverlap(string Name, long Read, long Touched);
