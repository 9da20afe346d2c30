// R rows, V key-value heads, G query heads of each, K head size.
using Tulu2.Models.Families;

namespace Tulu2.Models.Inference;

/// <summary>Causal attention of new tokens to all tokens of their sequences, whose keys and values are in pages.</summary>
internal sealed unsafe class PagedAttention : IDisposable
{
    // Rows of a sequence whose attention is one item of work.
    private const int ItemRows = 32;

    private readonly ModelConfig _config;
    private readonly ComputePool _pool;
    private readonly Scratch[] _scratch;
    private readonly List<(int Part, int Row, int Rows)> _blocks = [];

    public PagedAttention(ModelConfig config, ComputePool pool)
    {
        (_config, _pool) = (config, pool);
        _scratch = [.. Enumerable.Range(0, pool.Threads).Select(_ => new Scratch((config.HeadSize + 15) / 16 * 16))];
    }

    /// <param name="parts">Their keys and values of this layer are in the pages.</param>
    /// <param name="queries">Of the first row: [heads, head size]; <paramref name="stride"/> to the next row.</param>
    /// <param name="outputs">[R, heads, head size]; <paramref name="outputStride"/> to the next row.</param>
    public void Run(KeyValuePages pages, int layer, IReadOnlyList<SequencePart> parts, float* queries, long stride, float* outputs, long outputStride)
    {
        _blocks.Clear();
        for (var part = 0; part < parts.Count; part++)
            for (var row = 0; row < parts[part].Ids.Length; row += ItemRows) _blocks.Add((part, row, Math.Min(ItemRows, parts[part].Ids.Length - row)));
        int[] firstRows = new int[parts.Count];
        for (var part = 1; part < parts.Count; part++) firstRows[part] = firstRows[part - 1] + parts[part - 1].Ids.Length;
        var most = parts.Max(part => part.First + part.Ids.Length);
        foreach (var scratch in _scratch) scratch.Reserve(most);
        var heads = _config.KeyValueHeads;
        _pool.Run(_blocks.Count * heads, (item, thread) =>
        {
            var (part, row, rows) = _blocks[item / heads];
            var first = firstRows[part] + row;
            Attend(pages, layer, item % heads, parts[part], row, rows, queries + first * stride, stride, outputs + first * outputStride, outputStride,
                _scratch[thread]);
        });
    }

    public void Dispose()
    {
        foreach (var scratch in _scratch) scratch.Dispose();
    }

    private void Attend(
        KeyValuePages pages, int layer, int head, SequencePart part, int row, int rows, float* queries, long stride, float* outputs, long outputStride,
            Scratch scratch)
    {
        int group = _config.Heads / _config.KeyValueHeads, size = _config.HeadSize, width = pages.HeadWidth, count = rows * group;
        var scale = (float)(1 / Math.Sqrt(size));
        var lengths = stackalloc int[AttentionKernels.ScoreRows];
        var sums = stackalloc float[AttentionKernels.ScoreRows];
        for (var first = 0; first < count; first += AttentionKernels.ScoreRows)
        {
            var used = Math.Min(AttentionKernels.ScoreRows, count - first);
            for (var query = 0; query < used; query++) lengths[query] = part.First + row + (first + query) / group + 1;
            // The last query sees the most.
            var seen = (lengths[used - 1] + KeyValuePages.Tokens - 1) / KeyValuePages.Tokens;
            Scores(pages, layer, head, part, Query, used, seen, size, scratch);
            for (var query = 0; query < used; query++) sums[query] = AttentionKernels.Softmax(scratch.Scores + query * scratch.Stride, lengths[query], seen,
                scale);
            new Span<float>(scratch.Outputs, used * width).Clear();
            for (var page = 0; page < seen; page++)
                Weigh(pages.Values(part.Pages[page], layer, head), page, used, lengths, width, scratch);
            for (var query = 0; query < used; query++)
            {
                var source = scratch.Outputs + query * width;
                var target = outputs + (first + query) / group * outputStride + (head * group + (first + query) % group) * (long)size;
                var inverse = 1 / sums[query];
                for (var at = 0; at < size; at++) target[at] = source[at] * inverse;
            }

            float* Query(int query) => queries + (first + query) / group * stride + (head * group + (first + query) % group) * (long)size;
        }
    }

    private static void Scores(KeyValuePages pages, int layer, int head, SequencePart part, QueryOf query, int used, int seen, int size, Scratch scratch)
    {
        if (used > 3)
        {
            for (var row = 0; row < AttentionKernels.ScoreRows; row++)
            {
                var source = row < used ? query(row) : null;
                for (var at = 0; at < size; at++) scratch.Queries[at * AttentionKernels.ScoreRows + row] = source is null ? 0 : source[at];
            }
            for (var page = 0; page < seen; page++)
                AttentionKernels.Scores8(scratch.Queries, pages.Keys(part.Pages[page], layer, head), size, scratch.Scores + page * KeyValuePages.Tokens,
                    scratch.Stride);
            return;
        }
        for (var row = 0; row < used; row++)
            for (var page = 0; page < seen; page += 4)
                AttentionKernels.Scores1(query(row), Keys(page), Keys(page + 1), Keys(page + 2), Keys(page + 3), size,
                    scratch.Scores + row * scratch.Stride + page * KeyValuePages.Tokens);

        // Scores of pages that are not there go to room behind the others.
        float* Keys(int page) => pages.Keys(part.Pages[Math.Min(page, seen - 1)], layer, head);
    }

    private static void Weigh(float* values, int page, int used, int* lengths, int width, Scratch scratch)
    {
        var first = page * KeyValuePages.Tokens;
        for (var query = 0; query < used;)
        {
            // Of several queries the last one sees the most; the weights of what others do not see are 0.
            var together = used - query >= AttentionKernels.OutputRows ? AttentionKernels.OutputRows : 1;
            var tokens = Math.Min(KeyValuePages.Tokens, lengths[query + together - 1] - first);
            float* weights = scratch.Scores + query * scratch.Stride + first, outputs = scratch.Outputs + query * width;
            var at = 0;
            if (tokens > 0)
            {
                for (; at + 64 <= width; at += 64)
                    if (together > 1) AttentionKernels.Outputs4(weights, scratch.Stride, values + at, tokens, width, outputs + at);
                    else AttentionKernels.Outputs1(weights, values + at, tokens, width, outputs + at);
                for (; at < width; at += 16)
                    for (var row = 0; row < together; row++) AttentionKernels.OutputsPart(weights + row * scratch.Stride, values + at, tokens, width,
                        outputs + row * width + at);
            }
            query += together;
        }
    }

    private delegate float* QueryOf(int query);

    /// <summary>Memory of one thread.</summary>
    private sealed class Scratch(int width) : IDisposable
    {
        private readonly NativeBuffer _queries = new(AttentionKernels.ScoreRows * width * sizeof(float));
        private readonly NativeBuffer _outputs = new(AttentionKernels.ScoreRows * width * sizeof(float));
        private NativeBuffer _scores = new(64);

        public float* Queries => _queries.Singles;

        public float* Outputs => _outputs.Singles;

        /// <summary>[8, <see cref="Stride"/>].</summary>
        public float* Scores => _scores.Singles;

        public nint Stride { get; private set; }

        public void Reserve(int positions)
        {
            // Whole groups of four pages.
            if (positions <= Stride) return;
            Stride = (Math.Max(positions, 2 * (int)Stride) + 63) / 64 * 64;
            _scores.Dispose();
            _scores = new NativeBuffer(AttentionKernels.ScoreRows * Stride * sizeof(float));
        }

        public void Dispose()
        {
            _queries.Dispose();
            _outputs.Dispose();
            _scores.Dispose();
        }
    }
}
