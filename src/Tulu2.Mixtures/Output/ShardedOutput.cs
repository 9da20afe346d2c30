using System.Text.Json;
using Tulu2.Files;
using Tulu2.Mixtures.Recipes;

namespace Tulu2.Mixtures.Output;

/// <summary>A file of the mixture.</summary>
public sealed record Shard(string File, long Rows, long Bytes, string Sha256);

/// <summary>Writes the mixture's rows to shards of equal numbers of rows. A shard that an earlier start has finished is not written again.</summary>
/// <param name="folder">Of the mixture.</param>
/// <param name="notes">Folder for what is remembered of finished shards.</param>
internal sealed class ShardedOutput(string folder, string notes, ShardFormat format)
{
    private readonly IShardFormat _format = format == ShardFormat.Parquet ? new ParquetShard() : new JsonLinesShard();

    /// <summary>First row of a shard: shards differ by at most one row.</summary>
    public static int Begin(int rows, int shards, int shard) => (int)((long)rows * shard / shards);

    /// <param name="line">A row's line, by its number; called in order, by one thread.</param>
    /// <param name="written">Is told how many rows are written.</param>
    public IReadOnlyList<Shard> Write(int rows, int shards, Func<int, byte[]> line, int threads, Action<int> written, CancellationToken cancellation)
    {
        var done = new List<Shard>();
        for (var shard = 0; shard < shards; shard++)
        {
            var (begin, end) = (Begin(rows, shards, shard), Begin(rows, shards, shard + 1));
            var name = $"train-{shard:00000}-of-{shards:00000}{_format.Ending}";
            done.Add(Finished(name) ?? One(name, end - begin, at => line(begin + at), threads, at => Report(begin + at, written, cancellation)));
            Report(end, written, cancellation);
        }
        return done;
    }

    private Shard One(string name, int rows, Func<int, byte[]> line, int threads, Action<int> written)
    {
        var path = Path.Combine(folder, name);
        AtomicFile.Write(path, stream => _format.Write(stream, rows, line, threads, written));
        var shard = new Shard(name, rows, FileLength.Of(path), ContentHash.OfFile(path));
        AtomicFile.WriteAllText(Note(name), JsonSerializer.Serialize(shard));
        return shard;
    }

    private Shard? Finished(string name)
    {
        var path = Path.Combine(folder, name);
        if (!File.Exists(Note(name)) || !File.Exists(path)) return null;
        var shard = JsonSerializer.Deserialize<Shard>(File.ReadAllText(Note(name)))!;
        return FileLength.Of(path) == shard.Bytes && ContentHash.OfFile(path) == shard.Sha256 ? shard : null;
    }

    private string Note(string name) => Path.Combine(notes, name + ".json");

    private static void Report(int rows, Action<int> written, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        written(rows);
    }
}
