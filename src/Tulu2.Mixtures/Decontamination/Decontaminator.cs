using Tulu2.Data.Rows;
using Tulu2.Files;
using Tulu2.Mixtures.BenchmarkTexts;
using Tulu2.Mixtures.Copies;
using Tulu2.Mixtures.Rows;

namespace Tulu2.Mixtures.Decontamination;

/// <param name="Rows">Rows so far; 0: the benchmarks are being read.</param>
public readonly record struct DecontaminationProgress(int Items, long Rows);

/// <summary>
/// Finds rows that overlap with benchmarks, and copies the others. The benchmarks' n-grams are in memory; rows pass through once, some batches at a time
/// (of Parquet, which is copied afterwards, the numbers of the rows that are left out are kept).
/// </summary>
public sealed class Decontaminator(DecontaminationRequest request, Action<DecontaminationProgress>? report = null)
{
    // The first ones of each, as many as are shown.
    private readonly List<RowFault> _bad = [], _broken = [];
    private readonly SortedDictionary<string, (long Read, long Touched)> _datasets = new(StringComparer.Ordinal);
    private long _rows, _brokenRows;

    /// <exception cref="BadInputException">A file, a row or a name cannot be used. Nothing is written then.</exception>
    public DecontaminationResult Run(CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Threads, 1);
        IReadOnlyList<PlannedCopy> copies = request.To is { } to ? CopyPlan.Of(to, request.Files) : [];
        CheckWritten([.. copies.Select(copy => copy.Path)]);
        // What is wrong with a file's form is said before the benchmarks are read.
        var readers = new Queue<RowTurnReader>(request.Files.Select(file => new RowTurnReader(file)));
        var index = BenchmarkIndex.Read(request, items => report?.Invoke(new DecontaminationProgress(items, 0)), cancellation);
        using var pending = new PendingFiles();
        var list = request.Report is null ? null : pending.Create(request.Report);
        var tally = new OverlapTally(index, list);
        var files = new List<FileOverlap>();
        foreach (var copy in copies)
        {
            var stream = pending.Create(copy.Path);
            using (var kept = copy.Open(stream))
            {
                foreach (var _ in copy.Files) files.Add(Judge(readers.Dequeue(), index, tally, kept, copy.Path, cancellation));
                kept.End();
            }
            PendingFiles.Finish(stream);
        }
        if (copies.Count == 0)
            foreach (var reader in readers) files.Add(Judge(reader, index, tally, null, null, cancellation));
        ThrowIfBroken();
        if (list is not null) PendingFiles.Finish(list);
        pending.Publish();
        return new DecontaminationResult(tally.Overlaps, files, [.. _datasets.Select(dataset => new DatasetOverlap(dataset.Key, dataset.Value.Read, dataset.Value.Touched))],
            _bad);
    }

    // Nothing that is read is written over: not the rows, and not a person's own benchmark.
    private void CheckWritten(IReadOnlyCollection<string> copies)
    {
        HashSet<string> read = [.. request.Files.Select(file => Path.GetFullPath(file.Path)), .. request.Against.SelectMany(RowFileTexts.FilesOf)];
        const string areRead = "are read";
        CopyPlan.Refuse(copies, read, $"--to {request.To}", areRead);
        if (request.Report is not { } report) return;
        CopyPlan.Refuse([Path.GetFullPath(report)], read, $"--report {report}", areRead);
        CopyPlan.Refuse([Path.GetFullPath(report)], copies, $"--report {report}", "--to writes");
    }

    private FileOverlap Judge(RowTurnReader reader, BenchmarkIndex index, OverlapTally tally, IKeptRows? kept, string? to, CancellationToken cancellation)
    {
        var judge = new RowJudge(index.Overlaps, request.Turns, reader, kept);
        var (rows, touched, bad, dropped) = (0L, 0L, 0L, new List<long>());
        OrderedWork.Run(RowBatches.Of(reader, withText: kept is not null), judge.Judge, Take, request.Threads, cancellation);
        kept?.EndFile(reader.File, rows, dropped);
        return new FileOverlap(reader.File.Path, rows, touched, bad, to);

        void Take(JudgedBatch batch)
        {
            (rows, touched, bad) = (rows + batch.Rows, touched + batch.Touched.Count, bad + batch.Bad.Count);
            foreach (var (dataset, count) in batch.Datasets) Count(dataset, count, 0);
            foreach (var row in batch.Touched)
            {
                Count(row.Dataset, 0, 1);
                tally.Add(row);
            }
            Keep(batch.Bad);
            kept?.Add(batch.Kept);
            if (kept is not null) dropped.AddRange(batch.Touched.Select(row => row.Location.Line).Concat(batch.Bad.Select(fault => fault.Location.Line)).Order());
            _rows += batch.Rows;
            report?.Invoke(new DecontaminationProgress(0, _rows));
        }
    }

    private void Count(string dataset, long read, long touched)
    {
        var known = _datasets.GetValueOrDefault(dataset);
        _datasets[dataset] = (known.Read + read, known.Touched + touched);
    }

    private void Keep(IReadOnlyList<RowFault> bad)
    {
        List<RowFault> broken = [.. bad.Where(fault => fault.Kind != RowFaultKind.Dirt)];
        _brokenRows += broken.Count;
        _bad.AddRange(bad.Take(RowFaultLines.Most - _bad.Count));
        _broken.AddRange(broken.Take(RowFaultLines.Most - _broken.Count));
    }

    // Pairs without a preference never stop a command.
    private void ThrowIfBroken()
    {
        if (request.SkipBadRows || _brokenRows == 0) return;
        var more = _brokenRows > _broken.Count ? $"\n  {NumberText.Count(_brokenRows - _broken.Count, "more row")}" : "";
        throw new BadInputException(_broken[0].Location.ToString(), _brokenRows == 1 ? _broken[0].Reason
            : $"{NumberText.Count(_brokenRows)} of {NumberText.Count(_rows)} rows cannot be read:{string.Concat(_broken.Select(fault => $"\n  {RowFaultLines.Line(fault)}"))}{more}",
            "correct the rows, or use --bad-rows skip to count them and leave them out");
    }
}
