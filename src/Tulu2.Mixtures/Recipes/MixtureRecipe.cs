using Tulu2.Data.Rows;
using Tulu2.Files;
using Tulu2.Mixtures.Conversion;
using Tulu2.Mixtures.Deduplication;
using Tulu2.Mixtures.Filters;
using Tulu2.Mixtures.Selection;
using Tulu2.Mixtures.Settings;

namespace Tulu2.Mixtures.Recipes;

public enum ShardFormat { JsonLines, Parquet }

/// <summary>A mixture as its file names it, checked. Sources are in the order of the rows.</summary>
internal sealed record MixtureRecipe(string File, int Seed, MixtureMode Mode, IReadOnlyList<SourceRecipe> Sources, IReadOnlyList<FilterRecipe> Filters,
    DuplicateRule Duplicates, int Shards, ShardFormat Format)
{
    /// <summary>Everything that the file and the arguments say, in one form: the same text builds the same mixture of the same inputs.</summary>
    public required string Canonical { get; init; }

    /// <summary>Full path of the folder in which relative paths of inputs begin.</summary>
    public required string Data { get; init; }
}

/// <param name="Entries">The source's files, entry by entry as the recipe writes them.</param>
/// <param name="Paper">What the paper's mixture has of it; null: the recipe does not say.</param>
internal sealed record SourceRecipe(string Name, string Converter, IReadOnlyList<string> Keys, IRecordConversion Conversion,
    IReadOnlyList<FileEntry> Entries, Amount Amount, PaperCount? Paper, Section Section)
{
    public BadInputException Fault(string key, string what, string fix) => Section.Fault(key, what, fix);
}

/// <param name="Text">As the recipe writes it.</param>
/// <param name="Paths">Full paths of the files that it stands for.</param>
internal sealed record FileEntry(string Text, IReadOnlyList<string> Paths);

/// <param name="Raw">Rows before the filter.</param>
/// <param name="Final">Rows in the released mixture.</param>
internal sealed record PaperCount(int? Raw, int? Final);

/// <param name="Except">Sources whose rows it does not look at.</param>
internal sealed record FilterRecipe(string Name, IReadOnlyList<string> Except, Func<IReadOnlyList<Message>, FilterVerdict> Test);
