using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Data.Tokenizers.Learning;
using Tulu2.Files;
using Tulu2.Runs.Output;

namespace Tulu2.Cli.Commands;

/// <summary><c>tokenizer train FILE... --to DIR</c>: a small SentencePiece-compatible tokenizer.</summary>
internal sealed class TokenizerTrainCommand(Terminal terminal)
{
    private readonly Argument<string[]> _files = CommandBuilder.Arguments("FILE",
        "Row files of either kind (JSON Lines, JSON, Parquet), or plain text named *.txt");
    private readonly Option<int> _vocabulary = CommandBuilder.Option("--vocabulary", "Vocabulary size, including 3 special pieces and 256 bytes", 2048);
    private readonly Option<string> _to = CommandBuilder.Required<string>("--to", "Directory to write tokenizer.model, tokenizer.json and their configuration to");

    private readonly RowFlags _rows = new();

    public Command Create() => CommandBuilder.Command("train", "Train a small tokenizer on rows or texts", [_files, _vocabulary, _to, .. _rows.Reading],
        (parsed, cancellation) => ProgressDisplay.RunAsync(terminal, "reading rows", report => Run(parsed, report), cancellation));

    private int Run(ParseResult parsed, Action<ProgressSnapshot> report)
    {
        var faults = new List<RowFault>();
        var texts = parsed.GetValue(_files)!.SelectMany(file => Texts(_rows.Of(parsed, file), faults)).Select((text, number) =>
        {
            if (number % 1000 == 0) report(new ProgressSnapshot(number, 0));
            return text;
        });
        var trained = SentencePieceTrainer.Train(texts, new SentencePieceTrainerOptions { VocabularySize = parsed.GetValue(_vocabulary) });
        foreach (var line in RowFaultLines.Of(faults, "left out: ")) terminal.Say(line);
        var directory = Path.GetFullPath(parsed.GetValue(_to)!);
        trained.Write(directory);
        if (trained.VocabularySize < parsed.GetValue(_vocabulary))
            terminal.Say($"the text is too small for {parsed.GetValue(_vocabulary)} pieces: {trained.VocabularySize} were learned");
        terminal.WriteHuman($"{directory}: {trained.VocabularySize} pieces");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(new { Tokenizer = directory, trained.VocabularySize }));
        return ExitCode.Done;
    }

    // What the model will read: the tags of the template belong to it.
    private static IEnumerable<string> Texts(DataFile file, List<RowFault> faults)
    {
        if (file.Path.EndsWith(".txt", StringComparison.OrdinalIgnoreCase))
        {
            if (!File.Exists(file.Path)) throw new BadInputException(file.Path, "there is no such file", "check the path");
            return File.ReadLines(file.Path);
        }
        return RowKinds.Of(file) switch
        {
            RowKind.Preferences => Usable(RowReader.ReadPreferences(file), faults).SelectMany(row => Dialogue(row.Chosen).Append(row.Rejected[^1].Content)),
            RowKind.Unpaired => Usable(RowReader.ReadUnpaired(file), faults).SelectMany(row => Dialogue(row.Messages)),
            _ => Usable(RowReader.ReadMessages(file), faults).SelectMany(row => Dialogue(row.Messages)),
        };
    }

    private static IEnumerable<TRow> Usable<TRow>(IEnumerable<RowResult<TRow>> rows, List<RowFault> faults)
        where TRow : class
    {
        foreach (var (row, fault) in rows)
            if (row is not null) yield return row;
            else if (fault?.Kind == RowFaultKind.DamagedFile) throw new BadInputException(fault.Location.ToString(), fault.Reason, "fetch or write the file again");
            else if (fault is not null) faults.Add(fault);
    }

    private static IEnumerable<string> Dialogue(IEnumerable<Message> messages) => messages.Select(message => $"<|{message.Role}|>\n{message.Content}\n");
}
