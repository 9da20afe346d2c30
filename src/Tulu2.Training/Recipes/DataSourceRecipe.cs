using Tulu2.Data.Rows.Reading;

namespace Tulu2.Training.Recipes;

/// <summary>An entry of <c>data.train</c>: files, how they are read, and how often their rows are passed.</summary>
public sealed record DataSourceRecipe
{
    /// <summary>Row files or patterns.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>In metrics and report; null: the name of the first file.</summary>
    public string? Name { get; init; }

    /// <summary>How often an epoch passes each row: 2 is twice, 0.5 is half of the rows and the other half in the next epoch. Null: once.</summary>
    public double? Weight { get; init; }

    /// <summary>Rows an epoch passes, in place of a weight.</summary>
    public int? Sample { get; init; }

    /// <summary>Only this many usable rows, from the first on; null: all.</summary>
    public int? Limit { get; init; }

    /// <summary>In place of <c>data.format</c>.</summary>
    public string? Format { get; init; }

    /// <summary>In place of <c>data.columns</c>.</summary>
    public IReadOnlyDictionary<string, string>? Columns { get; init; }

    /// <summary>In place of <c>data.learn</c>.</summary>
    public LearntTurns? Learn { get; init; }

    /// <summary>One file and nothing said of it.</summary>
    public bool IsPlain => Files.Count == 1 && this is { Name: null, Weight: null, Sample: null, Limit: null, Format: null, Columns: null, Learn: null };

    public static implicit operator DataSourceRecipe(string file) => new() { Files = [file] };
}
