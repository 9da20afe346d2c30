using System.CommandLine;
using Tulu2.Cli.Shell;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Data.Statistics;
using Tulu2.Data.Store;
using Tulu2.Files;
using Tulu2.Runs.Output;
using Tulu2.Runs.Preparation;

namespace Tulu2.Cli.Commands;

/// <summary><c>data stats FILE...</c>: token lengths, truncation, and the rows that training would leave out.</summary>
internal sealed class DataStatsCommand(Terminal terminal)
{
    private readonly Argument<string[]> _files = CommandBuilder.Arguments("FILE", "Row files, all instruction rows or all preference pairs");
    private readonly EncodingFlags _flags = new();
    private readonly RowFlags _rows = new();
    private readonly Option<string?> _picture = CommandBuilder.Optional<string>("--picture", "Write the histogram as an SVG file");
    private readonly Option<string?> _leftOut = CommandBuilder.Optional<string>("--left-out", "Write the rows that would be left out to a file, one per line");
    private readonly Option<string?> _cache = CommandBuilder.Optional<string>("--cache", "Directory of the token store; TULU2_CACHE, else ~/.cache/tulu2");

    public Command Create() => CommandBuilder.Command("stats", "Token lengths, truncation, and rows that training would leave out",
        [_files, .. _flags.Symbols, .. _rows.Learning, _picture, _leftOut, _cache], RunAsync);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        List<DataFile> files = [.. parsed.GetValue(_files)!.SelectMany(FilePatterns.ExpandRows).Select(path => _rows.Of(parsed, path))];
        var (_, encoder) = _flags.Read(parsed);
        var kind = RowKinds.Of(files);
        if (RowFormats.Found(files, kind) is { } found) terminal.Say(found);
        var request = new TokenStoreRequest(
            Path.Combine(CacheDirectory.Of(parsed.GetValue(_cache)), "tokens"), files, encoder, kind, Environment.ProcessorCount);
        using var store = await ProgressDisplay.RunAsync(terminal, "tokenising", report =>
            TokenStore.Open(request, new StoreProgressReport(report), cancellation), cancellation);
        SayLeftOut(store.Report, parsed.GetValue(_leftOut));
        if (store.Items == 0) store.Report.ThrowIfUnusable(stopOnBadRows: false, stopOnBadFiles: false);
        var statistics = DataStatistics.Of(store, encoder.MaxLength);
        foreach (var line in StatisticsText.Lines(statistics)) terminal.WriteHuman(line);
        if (parsed.GetValue(_picture) is { } picture)
        {
            AtomicFile.WriteAllText(picture, HistogramPicture.Svg(statistics.Histogram, "tokens in a sequence"));
            terminal.WriteHuman($"picture: {Path.GetFullPath(picture)}");
        }
        if (terminal.Json) terminal.Output.WriteLine(Json(statistics));
        return ExitCode.Done;
    }

    private void SayLeftOut(StoreReport report, string? file)
    {
        foreach (var damage in report.DamagedFiles)
            terminal.Say($"damaged file: {damage.Location}: {damage.Reason}; training stops at it unless data.bad_files is keep_whole_rows");
        foreach (var line in RowFaultLines.Of(report.Faults, "would be left out: ", "--left-out FILE lists them all")) terminal.Say(line);
        if (file is not null)
            AtomicFile.WriteAllText(file, string.Concat(report.DamagedFiles.Concat(report.Faults).Select(fault => RowFaultLines.Line(fault) + "\n")));
    }

    private static string Json(DataStatistics statistics) => JsonLine.Of(new
    {
        statistics.Report.Rows,
        statistics.Report.Used,
        statistics.Sequences,
        statistics.Report.Tokens,
        statistics.Report.LossTokens,
        statistics.Median,
        statistics.Mean,
        statistics.Longest,
        Truncated = statistics.Truncations.ToDictionary(count => $"{count.Length}", count => count.Sequences),
        LeftOut = statistics.Report.Faults.Count,
        DamagedFiles = statistics.Report.DamagedFiles.Count,
    });
}
