using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Cli.Tables;
using Tulu2.Evaluation.Reporting.Evaluations;
using Tulu2.Evaluation.Summaries;
using Tulu2.Files;
using Tulu2.Runs.Output;
using Tulu2.Runs.Reports;

namespace Tulu2.Cli.Commands;

/// <summary><c>leaderboard DIR...</c>: many models in one table, ranked.</summary>
internal sealed class LeaderboardCommand(Terminal terminal)
{
    private readonly Argument<string[]> _directories = CommandBuilder.Arguments("DIR",
        "Result folder of `eval --out`, run directory with evaluations, or a directory of result folders");

    private readonly EvaluationFlags _flags = new();

    public Command Create() => CommandBuilder.Command("leaderboard", "Rank models by their scores", [_directories, .. _flags.All], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var (directories, bootstrap) = (parsed.GetValue(_directories)!, _flags.BootstrapOf(parsed));
        var page = parsed.GetValue(_flags.Page) is { } file ? EvaluationFlags.File(_flags.Page, file) : null;
        var board = await Task.Run(() => Made(directories, _flags.NamesOf(parsed), bootstrap), cancellation).WaitAsync(cancellation);
        if (page is not null) AtomicFile.WriteAllText(page, EvaluationPage.Render(board));
        var markdown = _flags.Write(parsed, board.Table.Heading, [board.Table]);
        EvaluationTables.Write(terminal, [board.Table]);
        if (page is not null) terminal.WriteHuman($"page: {page}");
        if (markdown is not null) terminal.WriteHuman($"markdown: {markdown}");
        if (terminal.Json) terminal.Output.WriteLine(JsonLine.Of(new { Report = page, Markdown = markdown, Leaderboard = EvaluationJson.Of(board) }));
        return ExitCode.Done;
    }

    private static Leaderboard Made(string[] directories, string[] names, Evaluation.Resampling.Bootstrap bootstrap)
    {
        var models = EvaluatedModels.Read(directories, names);
        return models.Count > 0 ? Leaderboard.Of(models, bootstrap)
            : throw new BadInputException(directories[0], "has no result of an evaluation", "name folders that `tulu2 eval --out` wrote, or runs that were evaluated");
    }
}
