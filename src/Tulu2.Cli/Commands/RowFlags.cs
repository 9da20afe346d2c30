using System.CommandLine;
using Tulu2.Data.Rows.Reading;
using Tulu2.Files;

namespace Tulu2.Cli.Commands;

/// <summary>The options of everything that reads rows: which form they have and what their columns are called.</summary>
internal sealed class RowFlags
{
    private readonly Option<string?> _format = CommandBuilder.Optional<string>("--format",
        $"Form of the rows: {string.Join(", ", RowFormats.Names)}; by default the first row that matches one decides");
    private readonly Option<string[]> _column = CommandBuilder.Repeated("--column", "KEY=NAME: the form's key KEY is called NAME in the file, as in prompt=question; may be repeated");
    private readonly Option<LearntTurns> _learn = CommandBuilder.Option("--learn", "Assistant turns that are learnt: all, or the last of each row", LearntTurns.All);

    /// <summary>For commands that read texts.</summary>
    public IReadOnlyList<Symbol> Reading => [_format, _column];

    /// <summary>For commands that show what is learnt.</summary>
    public IReadOnlyList<Symbol> Learning => [_format, _column, _learn];

    /// <exception cref="BadInputException">A <c>--column</c> without its name.</exception>
    public DataFile Of(ParseResult parsed, string path) => new(path)
    {
        Format = parsed.GetValue(_format),
        Columns = (parsed.GetValue(_column) ?? []).Select(Column).ToDictionary(column => column.Key, column => column.Name),
        Learn = parsed.GetResult(_learn) is null ? LearntTurns.All : parsed.GetValue(_learn),
    };

    private static (string Key, string Name) Column(string text) => text.Split('=', 2) is [{ Length: > 0 } key, { Length: > 0 } name] ? (key, name)
        : throw new BadInputException($"--column {text}", "is not of the form KEY=NAME", "write, say, --column prompt=question");
}
