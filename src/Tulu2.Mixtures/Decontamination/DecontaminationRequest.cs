using Tulu2.Data.Rows.Reading;
using Tulu2.Files;
using Tulu2.Mixtures.BenchmarkTexts;
using Tulu2.Mixtures.Overlaps;

namespace Tulu2.Mixtures.Decontamination;

/// <summary>Which turns of a row are compared with benchmarks.</summary>
public enum ComparedTurns
{
    All,
    /// <summary>Those of the user and the system.</summary>
    User,
    /// <summary>Answers; of a pair the chosen and the rejected one.</summary>
    Assistant,
}

/// <param name="Files">Rows, of any kind.</param>
/// <param name="Against">Names of benchmarks, <c>all</c>, or <c>file:PATH</c>.</param>
/// <param name="Data">The folder with the benchmarks' folders; null: none is named.</param>
public sealed record DecontaminationRequest(IReadOnlyList<DataFile> Files, IReadOnlyList<string> Against, string? Data)
{
    /// <summary>Columns with the texts of <c>file:PATH</c>; empty: its rows are read as <c>train</c> reads them.</summary>
    public IReadOnlyList<string> ItemColumns { get; init; } = [];

    /// <summary>The parts of an item that count.</summary>
    public IReadOnlyList<ItemPart> Parts { get; init; } = Enum.GetValues<ItemPart>();

    public OverlapRule Rule { get; init; } = OverlapRule.Of(OverlapRule.DefaultLength);

    public ComparedTurns Turns { get; init; } = ComparedTurns.All;

    /// <summary>Where rows without overlap go; null: nowhere.</summary>
    public string? To { get; init; }

    /// <summary>A file that gets a line for each row and benchmark that overlap; null: none. A leading <c>~</c> is the home directory.</summary>
    public string? Report { get; init => field = value is null ? null : FilePatterns.Home(value); }

    /// <summary>Rows that cannot be read are counted and left out; false: they stop the command.</summary>
    public bool SkipBadRows { get; init; }

    public int Threads { get; init; } = Environment.ProcessorCount;
}
