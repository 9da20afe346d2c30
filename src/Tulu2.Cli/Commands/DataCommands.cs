using System.CommandLine;
using Spectre.Console;
using Tulu2.Cli.Shell;
using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Data.Statistics;
using Tulu2.Data.Store;
using Tulu2.Files;
using Tulu2.Hub.References;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>data inspect FILE</c>: one row as the model reads it. The other commands of <c>data</c> have classes of their own.</summary>
internal sealed class DataCommands(Terminal terminal)
{
    private static readonly Style Scored = new(Color.Green, decoration: Decoration.Bold);
    private static readonly Style NotScored = new(Color.Grey);

    private readonly Argument<string> _file = CommandBuilder.Argument("FILE", "Row file");
    private readonly EncodingFlags _flags = new();
    private readonly RowFlags _rows = new();
    private readonly Option<long> _row = CommandBuilder.Option("--row", "Number of the row, from 1: its line, or its place in a JSON array or Parquet file", 1L);

    public Command Create() => CommandBuilder.Group("data", "Look at training data, build it, or fetch it",
        new DataBuildCommand(terminal).Create(),
        new DataStatsCommand(terminal).Create(),
        new DataDecontaminateCommand(terminal).Create(),
        new FetchCommand(terminal, RepositoryKind.Dataset).Create(),
        CommandBuilder.Command("inspect", "One row as the model reads it, scored tokens in colour", [_file, _row, .. _flags.Symbols, .. _rows.Learning], Inspect));

    private int Inspect(ParseResult parsed)
    {
        var file = _rows.Of(parsed, FilePatterns.One(parsed.GetValue(_file)!));
        var (tokenizer, encoder) = _flags.Read(parsed);
        if (RowFormats.Found([file]) is { } found) terminal.Say(found);
        var (sequences, nothing) = Sequences(file, parsed.GetValue(_row), encoder);
        foreach (var (label, sequence) in sequences)
        {
            if (label != "") terminal.WriteHuman($"-- {label} --");
            var inspection = RowInspection.Of(tokenizer, sequence);
            foreach (var run in inspection.Runs()) terminal.Human.Write(new RawText(run.Text, run.Scored ? Scored : NotScored));
            terminal.Human.WriteLine();
            var cut = sequence.Truncated ? $", cut from {sequence.UntruncatedLength}" : "";
            terminal.WriteHuman($"{NumberText.Count(sequence.Ids.Length, "token")}, {sequence.LossTokens} scored{cut}");
            // Colour is lost in a pipe; the spans are not.
            foreach (var span in sequence.Spans) terminal.WriteHuman($"scored: {span.Begin}..{span.End - 1}");
            if (terminal.Json)
            {
                var spans = sequence.Spans.Select(span => new[] { span.Begin, span.End });
                terminal.Output.WriteLine(JsonLine.Of(new { Side = label, sequence.Ids, Spans = spans }));
            }
        }
        if (nothing is not null) terminal.Say($"would be left out: {nothing.Location}: {nothing.Reason}");
        return ExitCode.Done;
    }

    // With the reason why training would leave the row out, if it would.
    private static (IReadOnlyList<(string Label, EncodedSequence Sequence)> Sequences, RowFault? Nothing) Sequences(DataFile file, long number, ChatEncoder encoder)
    {
        var kind = RowKinds.Of(file);
        if (kind == RowKind.Unpaired)
        {
            var unpaired = Find(RowReader.ReadUnpaired(file), row => row.Location, file.Path, number);
            var answer = encoder.EncodeDialogue(unpaired.Messages, LossRule.LastAssistantTurn);
            return ([(unpaired.Desirable ? "desirable" : "undesirable", answer)], LearningCheck.Of(unpaired, answer, encoder.MaxLength));
        }
        if (kind == RowKind.Preferences)
        {
            var pair = Find(RowReader.ReadPreferences(file), row => row.Location, file.Path, number);
            var chosen = encoder.EncodeDialogue(pair.Chosen, LossRule.LastAssistantTurn);
            var rejected = encoder.EncodeDialogue(pair.Rejected, LossRule.LastAssistantTurn);
            return ([("chosen", chosen), ("rejected", rejected)], LearningCheck.Of(pair, chosen, rejected, encoder.MaxLength));
        }
        var row = Find(RowReader.ReadMessages(file), row => row.Location, file.Path, number);
        var encoded = encoder.EncodeDialogue(row.Messages);
        return ([("", encoded)], LearningCheck.Of(row, encoded, encoder.MaxLength));
    }

    private static TRow Find<TRow>(IEnumerable<RowResult<TRow>> rows, Func<TRow, RowLocation> location, string file, long number)
        where TRow : class
    {
        if (number < 1) throw new BadInputException("--row", $"{number} is below 1", "rows count from 1");
        foreach (var (row, fault) in rows)
        {
            if (fault?.Kind == RowFaultKind.DamagedFile) throw new BadInputException(fault.Location.ToString(), fault.Reason, "fetch or write the file again");
            if (fault?.Location.Line == number) throw new BadInputException(fault.Location.ToString(), fault.Reason, "correct the row");
            if (row is not null && location(row).Line == number) return row;
        }
        throw new BadInputException($"{file}:{number}", "there is no such row", "use a smaller --row");
    }
}
