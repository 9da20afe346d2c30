namespace Tulu2.Data.Rows.Reading;

/// <summary>Which of an instruction row's assistant turns are learnt; the others are context.</summary>
public enum LearntTurns
{
    /// <summary>All of them, unless the row itself marks one (<c>weight: 0</c>).</summary>
    All,
    /// <summary>The last one only.</summary>
    Last,
}

/// <summary>A file of rows and how it is read.</summary>
public sealed record DataFile(string Path)
{
    /// <summary>One of <see cref="RowFormats.Names"/>; null: the first record that matches a form decides.</summary>
    public string? Format { get; init; }

    /// <summary>Keys of the forms with the names that they have in this file, such as <c>prompt</c> with <c>question</c>.</summary>
    public IReadOnlyDictionary<string, string> Columns { get; init; } = new Dictionary<string, string>();

    public LearntTurns Learn { get; init; } = LearntTurns.All;

    /// <summary>Differs where the same bytes would give other rows; empty for a path alone.</summary>
    internal string ContentKey
    {
        get
        {
            var columns = Columns.OrderBy(column => column.Key, StringComparer.Ordinal).Select(column => $"{column.Key}<-{column.Value}");
            string[] parts = [.. Format is null ? (string[])[] : [$"format={Format}"], .. columns, .. Learn == LearntTurns.All ? (string[])[] : [$"learn={Learn}"]];
            return string.Join('|', parts);
        }
    }

    public static implicit operator DataFile(string path) => new(path);
}
