using Tulu2.Data.Benchmarks;
using Tulu2.Files;
using Tulu2.Mixtures.BenchmarkTexts;
using Tulu2.Mixtures.Overlaps;

namespace Tulu2.Mixtures.Decontamination;

/// <param name="Items">Their ids.</param>
/// <param name="TooShort">How many of them have no text that counts.</param>
internal sealed record IndexedBenchmark(string Name, IReadOnlyList<string> Items, int TooShort, long NGrams);

/// <summary>The benchmarks that rows are compared with.</summary>
internal sealed record BenchmarkIndex(OverlapIndex Overlaps, IReadOnlyList<IndexedBenchmark> Benchmarks)
{
    /// <exception cref="BadInputException">There is no such benchmark, or its files cannot be used.</exception>
    public static BenchmarkIndex Read(DecontaminationRequest request, Action<int> itemRead, CancellationToken cancellation, Func<int, ulong>? hash = null)
    {
        var builder = new OverlapIndexBuilder(request.Rule);
        var benchmarks = new List<IndexedBenchmark>();
        var total = 0;
        foreach (var (name, texts) in Named(request))
        {
            var (ids, tooShort) = (new List<string>(), 0);
            foreach (var item in texts)
            {
                cancellation.ThrowIfCancellationRequested();
                var counted = false;
                foreach (var text in item.Texts)
                    if (request.Parts.Contains(text.Part)) counted |= builder.Add(new TextOwner(benchmarks.Count, ids.Count, (int)text.Part), text.Text);
                if (!counted) tooShort++;
                ids.Add(item.Id);
                itemRead(++total);
            }
            if (ids.Count == 0) throw new BadInputException($"--against {name}", "has no item", "give the benchmark's own files, as they are published");
            benchmarks.Add(new IndexedBenchmark(name, ids, tooShort, 0));
        }
        var index = builder.Build(hash);
        var counts = index.CountByBenchmark(benchmarks.Count);
        return new BenchmarkIndex(index, [.. benchmarks.Zip(counts, (benchmark, count) => benchmark with { NGrams = count })]);
    }

    // All names are looked at before a file is read.
    private static List<(string Name, IEnumerable<ItemTexts> Texts)> Named(DecontaminationRequest request)
    {
        var named = new List<(string Name, IEnumerable<ItemTexts> Texts)>();
        foreach (var name in request.Against.SelectMany(name => name == BenchmarkTextSources.Every ? BenchmarkTextSources.Names : [name]).Distinct())
            named.Add((name, name.StartsWith(RowFileTexts.Prefix, StringComparison.Ordinal) ? RowFileTexts.Read(name[RowFileTexts.Prefix.Length..], request.ItemColumns)
                : BenchmarkTextSources.Named(name).Read(Folder(name, request.Data))));
        return named.Count > 0 ? named
            : throw new BadInputException("--against", "names no benchmark", $"use some of {string.Join(", ", BenchmarkTextSources.Names)}, or {BenchmarkTextSources.Every}");
    }

    private static BenchmarkFolder Folder(string name, string? data)
    {
        if (data is null)
            throw new BadInputException("--data", $"is needed to read the items of {name}", "name the folder that the benchmarks' folders are in; docs/data.md lists their files");
        var root = Path.GetFullPath(FilePatterns.Home(data));
        return Directory.Exists(root) ? new BenchmarkFolder(root, name)
            : throw new BadInputException($"--data {data}", "there is no such directory", "name the folder that the benchmarks' folders are in");
    }
}
