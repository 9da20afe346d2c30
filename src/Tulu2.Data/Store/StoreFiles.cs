using System.Runtime.InteropServices;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Tulu2.Data.Chat;
using Tulu2.Files;

namespace Tulu2.Data.Store;

/// <summary>An existing store: its shards are mapped, its short columns are in memory, its tokens stay on disk.</summary>
internal sealed class StoreFiles : IDisposable
{
    // After "ARROW1" and two bytes of padding an Arrow file is an Arrow stream. The stream reader uses memory without copying it.
    private const int HeadBytes = 8;

    private readonly List<MappedFile> maps = [];
    private readonly List<Batch> batches = [];
    private readonly List<int> lengths = [], lossTokens = [], untruncated = [], files = [];
    private readonly List<long> lines = [];
    private readonly List<string> datasets = [];
    private readonly List<bool> desirable = [];
    private readonly Dictionary<string, string> names = [];

    private StoreFiles(StoreManifest manifest) => Manifest = manifest;

    public StoreManifest Manifest { get; }

    public int Sequences => lengths.Count;

    /// <summary>As <see cref="Open"/>; null where there is no store, or one that cannot be read, which is no loss: it is built again.</summary>
    public static StoreFiles? TryOpen(string folder)
    {
        if (!Directory.Exists(folder)) return null;
        try
        {
            return Open(folder);
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Verifies every byte against the manifest, then maps the shards.</summary>
    /// <exception cref="InvalidDataException">A shard is not what the manifest says.</exception>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    public static StoreFiles Open(string folder)
    {
        var store = new StoreFiles(StoreManifest.Read(folder));
        try
        {
            foreach (var shard in store.Manifest.Shards)
            {
                var path = Path.Combine(folder, shard.Name);
                if (FileLength.Of(path) != shard.Bytes || ContentHash.OfFile(path) != shard.Sha256)
                    throw new InvalidDataException($"{path}: the content is not what the manifest says");
                store.Map(path);
            }
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    public int Length(int sequence) => lengths[sequence];

    public int LossTokens(int sequence) => lossTokens[sequence];

    public int UntruncatedLength(int sequence) => untruncated[sequence];

    /// <summary>Number of the input file, and the line of the row in it.</summary>
    public (int File, long Line) Origin(int sequence) => (files[sequence], lines[sequence]);

    public string Dataset(int sequence) => datasets[sequence];

    /// <summary>The label of an unpaired preference; true of other rows.</summary>
    public bool Desirable(int sequence) => desirable.Count == 0 || desirable[sequence];

    public ReadOnlySpan<int> Ids(int sequence)
    {
        var (batch, row) = Find(sequence);
        return Slice(batch.Ids, row);
    }

    public ReadOnlySpan<LossSpan> Spans(int sequence)
    {
        var (batch, row) = Find(sequence);
        return MemoryMarshal.Cast<int, LossSpan>(Slice(batch.Spans, row));
    }

    public void Dispose()
    {
        foreach (var map in maps) map.Dispose();
    }

    private void Map(string path)
    {
        var map = new MappedFile(path);
        maps.Add(map);
        using var reader = new ArrowStreamReader(((ReadOnlyMemory<byte>)map.Memory)[HeadBytes..]);
        while (reader.ReadNextRecordBatch() is { } records) Add(records);
    }

    private void Add(RecordBatch records)
    {
        var batch = new Batch(lengths.Count, (ListArray)records.Column(StoreSchema.Ids), (ListArray)records.Column(StoreSchema.Spans));
        var labels = (StringArray)records.Column(StoreSchema.Dataset);
        untruncated.AddRange(((Int32Array)records.Column(StoreSchema.Untruncated)).Values);
        files.AddRange(((Int32Array)records.Column(StoreSchema.File)).Values);
        lines.AddRange(((Int64Array)records.Column(StoreSchema.Line)).Values);
        if (records.Schema.GetFieldIndex(StoreSchema.Desirable) is >= 0 and var column)
            desirable.AddRange(((BooleanArray)records.Column(column)).Select(label => label!.Value));
        for (var row = 0; row < records.Length; row++)
        {
            lengths.Add(batch.Ids.GetValueLength(row));
            var scored = 0;
            foreach (var span in MemoryMarshal.Cast<int, LossSpan>(Slice(batch.Spans, row))) scored += span.Length;
            lossTokens.Add(scored);
            datasets.Add(Pooled(labels.GetString(row)));
        }
        batches.Add(batch);
    }

    // Few names for many rows.
    private string Pooled(string name) => names.TryAdd(name, name) ? name : names[name];

    private (Batch Batch, int Row) Find(int sequence)
    {
        var (low, high) = (0, batches.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (batches[middle].First <= sequence) low = middle;
            else high = middle - 1;
        }
        return (batches[low], sequence - batches[low].First);
    }

    private static ReadOnlySpan<int> Slice(ListArray list, int row) =>
        ((Int32Array)list.Values).Values.Slice(list.ValueOffsets[row], list.GetValueLength(row));

    private sealed record Batch(int First, ListArray Ids, ListArray Spans);
}
