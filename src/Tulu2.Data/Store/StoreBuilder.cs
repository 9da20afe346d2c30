using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;
using Tulu2.Files;

namespace Tulu2.Data.Store;

/// <summary>Tokenises the files of a request into a folder that gets its final name only when it is whole.</summary>
internal static class StoreBuilder
{
    private const int ChunkRows = 256;
    private const string LockName = "lock";

    public static void Build(TokenStoreRequest request, string key, string folder, IProgress<StoreProgress>? progress, CancellationToken cancellation)
    {
        var part = $"{Path.Combine(request.Directory, $".{key}.{Guid.NewGuid():N}")}{AtomicFile.PartSuffix}";
        try
        {
            Directory.CreateDirectory(part);
        }
        catch (Exception failure) when (failure is UnauthorizedAccessException or IOException)
        {
            throw new BadInputException(request.Directory, $"the token store cannot be written there: {FaultText.Of(failure)}",
                "set data.cache (or TULU2_CACHE) to a directory that can be written", failure);
        }
        RemoveLeftovers(request.Directory);
        try
        {
            using (new FileStream(Path.Combine(part, LockName), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
                Fill(request, key, part, progress, cancellation);
            File.Delete(Path.Combine(part, LockName));
            Publish(part, folder);
        }
        finally
        {
            if (Directory.Exists(part)) Directory.Delete(part, recursive: true);
        }
    }

    // Gives the part its final name, unless another process has put a sound store there meanwhile, which may be in use.
    private static void Publish(string part, string folder)
    {
        using (var other = StoreFiles.TryOpen(folder))
            if (other is not null) return;
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        try
        {
            Directory.Move(part, folder);
        }
        catch (IOException) when (Directory.Exists(folder))
        {
            // The other process was a moment faster; its content is the same.
        }
    }

    private static void Fill(TokenStoreRequest request, string key, string folder, IProgress<StoreProgress>? progress, CancellationToken cancellation)
    {
        using var writer = new ShardWriter(folder, StoreSchema.Of(request.Kind));
        var tally = new Tally(writer);
        for (var file = 0; file < request.Files.Count; file++)
        {
            var rows = request.Files[file];
            if (request.Kind == RowKind.Messages)
                Encode(RowReader.ReadMessages(rows), request, row => SequenceEncoding.Of(request.Encoder, row), file, tally, progress, cancellation);
            else if (request.Kind == RowKind.Unpaired)
                Encode(RowReader.ReadUnpaired(rows), request, row => SequenceEncoding.Of(request.Encoder, row), file, tally, progress, cancellation);
            else
                Encode(RowReader.ReadPreferences(rows), request, row => SequenceEncoding.Of(request.Encoder, row), file, tally, progress, cancellation);
        }
        tally.Manifest(key, request.Kind, writer.Finish()).Write(folder);
    }

    // Chunks are read in order, encoded in parallel and written in order: the store does not depend on the number of threads.
    private static void Encode<TRow>(IEnumerable<RowResult<TRow>> rows, TokenStoreRequest request, Func<TRow, SequenceEncoding> encode, int file,
        Tally tally, IProgress<StoreProgress>? progress, CancellationToken cancellation)
        where TRow : class
    {
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, request.Threads), CancellationToken = cancellation };
        foreach (var chunk in rows.Chunk(ChunkRows))
        {
            var encoded = new SequenceEncoding[chunk.Length];
            Parallel.For(0, chunk.Length, parallel, index =>
                encoded[index] = chunk[index].Row is { } row ? encode(row) : SequenceEncoding.Of(chunk[index].Fault!));
            foreach (var one in encoded) tally.Add(one, file);
            progress?.Report(new StoreProgress(tally.Rows, file, request.Files.Count));
        }
    }

    // A part whose lock can be taken belongs to no living process. One without a lock is just being made or named, or was left at that moment, which its age
    // tells.
    private static void RemoveLeftovers(string directory)
    {
        foreach (var part in Directory.EnumerateDirectories(directory, $".*{AtomicFile.PartSuffix}"))
        {
            try
            {
                var path = Path.Combine(part, LockName);
                if (File.Exists(path)) using (new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None)) { }
                else if (DateTime.UtcNow - Directory.GetLastWriteTimeUtc(part) < AtomicFile.LeftoverAge) continue;
                Directory.Delete(part, recursive: true);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                // In use, or not ours to delete.
            }
        }
    }

    private sealed class Tally(ShardWriter writer)
    {
        private readonly List<StoreManifest.Fault> faults = [];
        private int used, truncated;
        private long tokens, lossTokens;

        public long Rows { get; private set; }

        public void Add(SequenceEncoding encoding, int file)
        {
            if (encoding.Fault is not { Kind: RowFaultKind.DamagedFile }) Rows++;
            if (encoding.Fault is { } fault)
            {
                faults.Add(new StoreManifest.Fault(file, fault.Location.Line, fault.Reason, fault.Kind));
                return;
            }
            used++;
            if (encoding.Sequences.Any(sequence => sequence.Truncated)) truncated++;
            foreach (var sequence in encoding.Sequences)
            {
                tokens += sequence.Ids.Length;
                lossTokens += sequence.LossTokens;
                writer.Add(sequence, file, encoding.Line, encoding.Dataset, encoding.Desirable);
            }
        }

        public StoreManifest Manifest(string key, RowKind kind, IReadOnlyList<StoreManifest.Shard> shards) => new()
        {
            Key = key,
            Objective = kind.ToString(),
            Shards = shards,
            Rows = Rows,
            Used = used,
            TruncatedRows = truncated,
            Tokens = tokens,
            LossTokens = lossTokens,
            Faults = faults,
        };
    }
}
