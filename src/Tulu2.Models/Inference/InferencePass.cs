// R rows (new tokens of all parts), D hidden, Q queries, keys and values, F feed-forward, C vocabulary; widths are those of whole panels.
using Tulu2.Collectives;
using Tulu2.Models.Families;

namespace Tulu2.Models.Inference;

/// <summary>
/// Computes new tokens of several sequences at once, with keys and values in pages. The bits of a token's logits depend on its sequence alone: not on the other
/// sequences, on how its tokens are divided among passes, on which pages it has, or on the number of threads or shards. For one caller at a time.
/// </summary>
public sealed unsafe class InferencePass : IDisposable
{
    private readonly InferenceModel _model;
    private readonly KeyValuePages _pages;
    private readonly ComputePool _pool;
    private readonly MatrixProduct _product;
    private readonly PagedAttention _attention;
    private readonly RowBuffers _buffers;
    private readonly ShardGroup? _group;
    private readonly IReadOnlyList<ElementRange> _heads, _hidden, _feed, _vocabulary;
    private int _rows;

    /// <param name="pages">Of the model's <see cref="InferenceModel.Local"/> shape; disposed of by the caller, as the model is.</param>
    /// <param name="threads">With the caller's.</param>
    /// <param name="group">The shards' processes, each of which calls <see cref="Run"/> and <see cref="Logits"/> with the same values; null: the model is whole.</param>
    public InferencePass(InferenceModel model, KeyValuePages pages, int threads = 1, ShardGroup? group = null)
    {
        var shard = model.Shard;
        if (shard != (group is null ? InferenceShard.Whole : new InferenceShard(group.Rank, group.Count)))
            throw new ArgumentException($"{shard} of a model, in another group", nameof(group));
        (_model, _pages, _group) = (model, pages, group);
        _pool = new ComputePool(threads);
        _product = new MatrixProduct(_pool);
        _attention = new PagedAttention(model.Local, _pool);
        _buffers = new RowBuffers(model);
        _heads = shard.All(Config.QueryWidth, Config.KeyValueHeads);
        _hidden = shard.All(Config.HiddenSize, Config.HiddenSize);
        _feed = shard.All(Config.IntermediateSize, Config.IntermediateSize);
        _vocabulary = shard.All(Config.VocabularySize, Config.VocabularySize);
    }

    private ModelConfig Config => _model.Config;

    private ModelConfig Local => _model.Local;

    /// <summary>Computes the parts' tokens and puts their keys and values into the pages. <see cref="Logits"/> reads from it what it needs.</summary>
    /// <param name="parts">Of different sequences.</param>
    /// <exception cref="ArgumentException">No tokens, an id that is not in the vocabulary, or too few pages.</exception>
    public void Run(IReadOnlyList<SequencePart> parts)
    {
        foreach (var part in parts) Check(part);
        var rows = _rows = parts.Sum(part => part.Ids.Length);
        if (rows == 0) throw new ArgumentException("no tokens", nameof(parts));
        _buffers.Reserve(rows);
        float* hidden = _buffers.Hidden, normed = _buffers.Normed, mixed = _buffers.Mixed;
        int width = _buffers.HiddenWidth, queries = _buffers.QueryWidth;
        var positions = Positions(parts);
        var ids = parts.SelectMany(part => part.Ids.ToArray()).ToArray();
        _pool.Run(rows, (row, _) => _model.Embedding.Read(ids[row], hidden + (long)row * width));
        for (var layer = 0; layer < Config.Layers; layer++)
        {
            var block = _model.Blocks[layer];
            Norm(hidden, block.AttentionNorm, normed, rows);
            Apply(block.QueryKeyValue, normed, width, rows, _buffers.Heads);
            KeepAndRotate(layer, parts, positions);
            Attend(layer, parts, rows);
            ApplyWhole(block.AttentionOutput, _buffers.Attended, queries, rows, mixed);
            Add(hidden, mixed, rows);
            Norm(hidden, block.FeedNorm, normed, rows);
            Apply(block.GateUp, normed, width, rows, _buffers.GateUp);
            Activate(rows);
            ApplyWhole(block.Down, _buffers.Feed, _buffers.FeedWidth, rows, mixed);
            Add(hidden, mixed, rows);
        }
    }

    /// <summary>Logits after some of the last run's rows, numbered through all parts.</summary>
    /// <param name="logits">[rows, C], C being the configuration's vocabulary; of shards but the first, empty.</param>
    public void Logits(ReadOnlySpan<int> rows, Span<float> logits)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(logits.Length, _model.Shard.Rank > 0 ? 0 : rows.Length * Config.VocabularySize);
        for (var done = 0; done < rows.Length; done += RowBuffers.LogitRows)
        {
            var count = Math.Min(RowBuffers.LogitRows, rows.Length - done);
            for (var row = 0; row < count; row++)
            {
                ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rows[done + row], _rows);
                RowKernels.RmsNorm(
                    _buffers.Hidden + (long)rows[done + row] * _buffers.HiddenWidth, _model.LastNorm.Singles, Config.HiddenSize, Config.RmsNormEpsilon,
                    _buffers.Last + (long)row * _buffers.HiddenWidth);
            }
            var own = _buffers.Logits(count);
            _product.Run(_model.Head, _buffers.Last, _buffers.HiddenWidth, count, own);
            // Null on shards but the first, which do not use it.
            fixed (float* first = logits)
            {
                var target = first + (long)done * Config.VocabularySize;
                if (_group is not null)
                    _group.GatherAtFirst(_vocabulary, count, own, _model.Head.Width, _buffers.Staging(count, Config.VocabularySize), target, Config.VocabularySize);
                else
                    for (var row = 0; row < count; row++)
                        new ReadOnlySpan<float>(own + (long)row * _model.Head.Width, Config.VocabularySize).CopyTo(new Span<float>(target + (long)row * Config.VocabularySize, Config.VocabularySize));
            }
        }
    }

    public void Dispose()
    {
        _product.Dispose();
        _attention.Dispose();
        _buffers.Dispose();
        _pool.Dispose();
    }

    private void Check(SequencePart part)
    {
        if (part.Ids.Length == 0) throw new ArgumentException("a part without tokens");
        if (part.First < 0 || part.Pages.Count * KeyValuePages.Tokens < part.First + part.Ids.Length)
            throw new ArgumentException($"{part.Pages.Count} pages for {part.First + part.Ids.Length} tokens");
        foreach (var id in part.Ids.Span)
            if (id < 0 || id >= Config.VocabularySize) throw new ArgumentException($"the id {id} of a vocabulary of {Config.VocabularySize}");
        foreach (var page in part.Pages) ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(page, _pages.Count);
    }

    private static int[] Positions(IReadOnlyList<SequencePart> parts) =>
        [.. parts.SelectMany(part => Enumerable.Range(part.First, part.Ids.Length))];

    private void Norm(float* x, NativeBuffer weight, float* y, int rows)
    {
        var scale = weight.Singles;
        var (width, size, epsilon) = ((long)_buffers.HiddenWidth, Config.HiddenSize, Config.RmsNormEpsilon);
        _pool.Run(rows, (row, _) => RowKernels.RmsNorm(x + row * width, scale, size, epsilon, y + row * width));
    }

    private void Add(float* x, float* y, int rows)
    {
        var width = _buffers.HiddenWidth;
        if (rows == 1) RowKernels.Add(x, y, width);
        else _pool.Run(rows, (row, _) => RowKernels.Add(x + (long)row * width, y + (long)row * width, width));
    }

    private void Attend(int layer, IReadOnlyList<SequencePart> parts, int rows)
    {
        var (target, stride) = _group is null ? ((nint)_buffers.Attended, _buffers.QueryWidth) : ((nint)_buffers.Part(rows), Local.QueryWidth);
        _attention.Run(_pages, layer, parts, _buffers.Heads, _buffers.HeadsWidth, (float*)target, stride);
        Gather(_heads, rows, (float*)target, stride, _buffers.Attended, _buffers.QueryWidth);
    }

    private void Activate(int rows)
    {
        var size = Local.IntermediateSize;
        float* gate = _buffers.GateUp, feed = _group is null ? _buffers.Feed : _buffers.Part(rows);
        var (width, feedWidth) = ((long)_buffers.GateUpWidth, _group is null ? (long)_buffers.FeedWidth : (size + 15) / 16 * 16);
        _pool.Run(rows, (row, _) => RowKernels.SwiGlu(gate + row * width, gate + row * width + size, size, feed + row * feedWidth));
        Gather(_feed, rows, feed, feedWidth, _buffers.Feed, _buffers.FeedWidth);
    }

    private void Gather(IReadOnlyList<ElementRange> columns, int rows, float* own, long ownStride, float* whole, long stride) =>
        _group?.Gather(columns, rows, own, ownStride, _buffers.Staging(rows, (int)stride), whole, stride);

    // Of D outputs.
    private void ApplyWhole(InferenceLinear linear, float* x, long stride, int rows, float* y)
    {
        var own = _group is null ? y : _buffers.Part(rows);
        Apply(linear, x, stride, rows, own);
        Gather(_hidden, rows, own, linear.Weight.Width, y, _buffers.HiddenWidth);
    }

    private void Apply(InferenceLinear linear, float* x, long stride, int rows, float* y)
    {
        _product.Run(linear.Weight, x, stride, rows, y);
        var width = (long)linear.Weight.Width;
        if (linear.Bias is { } bias)
            for (var row = 0; row < rows; row++) RowKernels.Add(y + row * width, bias.Singles, (int)width);
        foreach (var adapter in linear.Adapters)
        {
            float* low = _buffers.Low(adapter.Input.Width, rows), added = _buffers.Added(adapter.Output.Width, rows);
            _product.Run(adapter.Input, x, stride, rows, low);
            _product.Run(adapter.Output, low, adapter.Input.Width, rows, added);
            for (var row = 0; row < rows; row++)
                RowKernels.AddScaled(y + row * width + adapter.First, adapter.Scale, added + (long)row * adapter.Output.Width, adapter.Output.Outputs);
        }
    }

    // Queries are turned in place; keys are turned on their way into the pages.
    private void KeepAndRotate(int layer, IReadOnlyList<SequencePart> parts, int[] positions)
    {
        var places = new (int Page, int Token)[positions.Length];
        var next = 0;
        foreach (var part in parts)
            for (var token = part.First; token < part.First + part.Ids.Length; token++)
                places[next++] = (part.Pages[token / KeyValuePages.Tokens], token % KeyValuePages.Tokens);
        var (cosines, sines) = _model.Rotary.Upto(positions.Max() + 1);
        var heads = _buffers.Heads;
        var width = (long)_buffers.HeadsWidth;
        _pool.Run(positions.Length, (row, _) =>
        {
            int size = Local.HeadSize, half = size / 2, position = positions[row];
            var source = heads + row * width;
            fixed (float* cosine = &cosines[position * half], sine = &sines[position * half])
            {
                for (var head = 0; head < Local.Heads + Local.KeyValueHeads; head++) RowKernels.Rotate(source + head * size, half, cosine, sine);
            }
            source += Local.QueryWidth;
            var (page, token) = places[row];
            for (var head = 0; head < Local.KeyValueHeads; head++)
            {
                float* keys = _pages.Keys(page, layer, head) + token, values = _pages.Values(page, layer, head) + (long)token * _pages.HeadWidth;
                for (var at = 0; at < size; at++) keys[at * KeyValuePages.Tokens] = source[head * size + at];
                Buffer.MemoryCopy(source + Local.KeyValueWidth + head * size, values, size * sizeof(float), size * sizeof(float));
                for (var at = size; at < _pages.HeadWidth; at++) values[at] = 0;
            }
        });
    }
}
