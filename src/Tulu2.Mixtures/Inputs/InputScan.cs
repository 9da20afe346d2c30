using System.Collections.Concurrent;
using System.Text.Json;
using Tulu2.Data.Rows.Records;
using Tulu2.Files;
using Tulu2.Mixtures.Recipes;

namespace Tulu2.Mixtures.Inputs;

/// <summary>Something in a file that is no record.</summary>
internal sealed record UnreadableRecord(long Line, string Reason);

/// <summary>What a file has for its source.</summary>
/// <param name="Bytes">Of the file as it lies there, packed or not.</param>
/// <param name="Records">Records that belong to the source.</param>
internal sealed record ScannedFile(string Path, long Bytes, string Sha256, int Records, IReadOnlyList<UnreadableRecord> Unreadable);

/// <summary>Reads every file once: its hash, and how many records it has.</summary>
internal static class InputScan
{
    /// <summary>Hashes of all files, in the order given. The files are read in parallel.</summary>
    public static string[] Hashes(IReadOnlyList<string> paths, int threads, CancellationToken cancellation)
    {
        var hashes = new string[paths.Count];
        Parallel.For(0, paths.Count, Options(threads, cancellation), at =>
        {
            _ = RecordFile.Existing(paths[at]);
            hashes[at] = ContentHash.OfFile(paths[at]);
        });
        return hashes;
    }

    /// <summary>The content of all files; each is given with its source and its hash.</summary>
    public static ScannedFile[] Count(
        IReadOnlyList<(SourceRecipe Source, string Path, string Sha256)> files, int threads, Action<long> counted, CancellationToken cancellation)
    {
        var scanned = new ScannedFile[files.Count];
        long total = 0;
        // The largest first: one of them is often most of the work.
        var order = Enumerable.Range(0, files.Count).OrderByDescending(at => FileLength.Of(files[at].Path)).ToList();
        Parallel.ForEach(Partitioner.Create(order, EnumerablePartitionerOptions.NoBuffering), Options(threads, cancellation), at =>
        {
            scanned[at] = Count(files[at].Source, files[at].Path, files[at].Sha256, () =>
            {
                if (Interlocked.Increment(ref total) is var now && now % 1024 == 0) Report(counted, now, cancellation);
            });
        });
        return scanned;
    }

    private static ScannedFile Count(SourceRecipe source, string path, string hash, Action counted)
    {
        var (records, unreadable) = (0, new List<UnreadableRecord>());
        try
        {
            // A damaged file is refused, so that no record has to wait for its checksum.
            foreach (var record in SourceRecords.Of(source, RecordFile.Unexamined(path)))
            {
                if (record.Fault is { } fault) unreadable.Add(new UnreadableRecord(record.Line, fault));
                else checked { records++; }
                counted();
            }
        }
        catch (PackedDamageException damage)
        {
            throw new BadInputException(path, damage.Message, "fetch or write the file again", damage);
        }
        return new ScannedFile(path, FileLength.Of(path), hash, records, unreadable);
    }

    public static void Write(string path, ScannedFile[] files) => AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, files));

    /// <summary>What an earlier start found in the same files; null: nothing, or not whole.</summary>
    public static ScannedFile[]? TryRead(string path, IReadOnlyList<string> hashes)
    {
        if (!File.Exists(path)) return null;
        try
        {
            using var stream = File.OpenRead(path);
            var files = JsonSerializer.Deserialize<ScannedFile[]>(stream);
            return files is not null && files.Select(file => file.Sha256).SequenceEqual(hashes) ? files : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static void Report(Action<long> counted, long total, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        counted(total);
    }

    private static ParallelOptions Options(int threads, CancellationToken cancellation) =>
        new() { MaxDegreeOfParallelism = threads, CancellationToken = cancellation };
}
