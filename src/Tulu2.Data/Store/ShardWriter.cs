using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using Tulu2.Data.Chat;
using Tulu2.Files;

namespace Tulu2.Data.Store;

/// <summary>Writes sequences to Arrow files of bounded size, in record batches of bounded size.</summary>
internal sealed class ShardWriter(string folder, Schema schema) : IDisposable
{
    // A shard is mapped as one Memory<byte>, which has less than 2 GiB.
    private const long ShardBytes = 256L << 20;
    private const int BatchTokens = 1 << 18;
    private const int BatchRecords = 4096;

    private readonly List<StoreManifest.Shard> finished = [];
    private Pending pending = new(schema);
    private FileStream? stream;
    private ArrowFileWriter? writer;

    public void Add(EncodedSequence sequence, int file, long line, string dataset, bool desirable)
    {
        pending.Add(sequence, file, line, dataset, desirable);
        if (pending.Tokens >= BatchTokens || pending.Records >= BatchRecords) Flush();
    }

    /// <summary>Closes the last shard and returns all of them.</summary>
    public IReadOnlyList<StoreManifest.Shard> Finish()
    {
        Flush();
        CloseShard();
        return finished;
    }

    public void Dispose()
    {
        writer?.Dispose();
        stream?.Dispose();
    }

    private void Flush()
    {
        if (pending.Records == 0) return;
        if (writer is null)
        {
            var path = Path.Combine(folder, $"tokens-{finished.Count:00000}.arrow");
            stream = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 20);
            writer = new ArrowFileWriter(stream, schema, leaveOpen: true);
            writer.WriteStart();
        }
        using (var batch = pending.Build()) writer.WriteRecordBatch(batch);
        pending = new Pending(schema);
        if (stream!.Position >= ShardBytes) CloseShard();
    }

    private void CloseShard()
    {
        if (writer is null) return;
        writer.WriteEnd();
        writer.Dispose();
        stream!.Flush(flushToDisk: true);
        var path = stream.Name;
        stream.Dispose();
        (writer, stream) = (null, null);
        finished.Add(new StoreManifest.Shard(Path.GetFileName(path), FileLength.Of(path), ContentHash.OfFile(path)));
    }

    private sealed class Pending(Schema schema)
    {
        private readonly List<int> lengths = [], spanLengths = [], untruncated = [], files = [];
        private readonly ArrowBuffer.Builder<int> ids = new(), spans = new();
        private readonly List<long> lines = [];
        private readonly List<string> datasets = [];
        private readonly List<bool> desirable = [];

        public int Records => lengths.Count;
        public int Tokens => ids.Length;

        public void Add(EncodedSequence sequence, int file, long line, string dataset, bool isDesirable)
        {
            ids.Append(sequence.Ids);
            lengths.Add(sequence.Ids.Length);
            foreach (var span in sequence.Spans) spans.Append(span.Begin).Append(span.End);
            spanLengths.Add(2 * sequence.Spans.Length);
            untruncated.Add(sequence.UntruncatedLength);
            files.Add(file);
            lines.Add(line);
            datasets.Add(dataset);
            desirable.Add(isDesirable);
        }

        public RecordBatch Build() => new(schema,
        [
            List(ids, lengths),
            List(spans, spanLengths),
            new Int32Array.Builder().AppendRange(untruncated).Build(),
            new Int32Array.Builder().AppendRange(files).Build(),
            new Int64Array.Builder().AppendRange(lines).Build(),
            new StringArray.Builder().AppendRange(datasets).Build(),
            .. schema.GetFieldIndex(StoreSchema.Desirable) < 0 ? System.Array.Empty<IArrowArray>() : [new BooleanArray.Builder().AppendRange(desirable).Build()],
        ], Records);

        private static ListArray List(ArrowBuffer.Builder<int> values, List<int> lengths)
        {
            var offsets = new ArrowBuffer.Builder<int>(lengths.Count + 1);
            var offset = 0;
            offsets.Append(0);
            foreach (var length in lengths) offsets.Append(offset += length);
            var items = new Int32Array(values.Build(), ArrowBuffer.Empty, offset, 0, 0);
            return new ListArray(new ListType(Int32Type.Default), lengths.Count, offsets.Build(), items, ArrowBuffer.Empty, 0);
        }
    }
}
