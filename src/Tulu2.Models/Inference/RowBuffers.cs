namespace Tulu2.Models.Inference;

/// <summary>Memory for the rows of a pass; it grows with the most rows that there were.</summary>
internal sealed unsafe class RowBuffers(InferenceModel model) : IDisposable
{
    /// <summary>Rows whose logits are computed together.</summary>
    public const int LogitRows = 64;

    private readonly Dictionary<string, NativeBuffer> _buffers = [];
    private int _rows;

    // Of equal matrices in all blocks.
    private InferenceBlock Block => model.Blocks[0];

    public int HiddenWidth { get; } = (model.Config.HiddenSize + Panel.Width - 1) / Panel.Width * Panel.Width;

    public int HeadsWidth => Block.QueryKeyValue.Weight.Width;

    public int QueryWidth { get; } = (model.Config.QueryWidth + 15) / 16 * 16;

    public int GateUpWidth => Block.GateUp.Weight.Width;

    /// <summary>Of a shard's widest part: of the queries, of the feed-forward, or of the outputs that go to the residual stream.</summary>
    public int PartWidth { get; } = Math.Max(
        (Math.Max(model.Local.QueryWidth, model.Local.IntermediateSize) + 15) / 16 * 16, Math.Max(model.Blocks[0].Down.Weight.Width, model.Blocks[0].AttentionOutput.Weight.Width));

    public int FeedWidth { get; } = (model.Config.IntermediateSize + 15) / 16 * 16;

    /// <summary>The residual stream.</summary>
    public float* Hidden => _buffers["hidden"].Singles;

    public float* Normed => _buffers["normed"].Singles;

    /// <summary>What a block adds to the residual stream.</summary>
    public float* Mixed => _buffers["mixed"].Singles;

    /// <summary>Queries, keys and values.</summary>
    public float* Heads => _buffers["heads"].Singles;

    public float* Attended => _buffers["attended"].Singles;

    public float* GateUp => _buffers["gate_up"].Singles;

    public float* Feed => _buffers["feed"].Singles;

    /// <summary>Rows of the last norm whose logits are asked for.</summary>
    public float* Last => Get("last", LogitRows, HiddenWidth);

    public float* Logits(int rows) => Get("logits", rows, model.Head.Width);

    /// <summary>What a shard has computed, before it is gathered.</summary>
    public float* Part(int rows) => Get("part", rows, PartWidth);

    /// <summary>Parts of all shards, one behind the other.</summary>
    public float* Staging(int rows, int width) => Get("staging", rows, width);

    /// <summary>Inner rows of an adapter.</summary>
    public float* Low(int width, int rows) => Get("low", rows, width);

    public float* Added(int width, int rows) => Get("added", rows, width);

    public void Reserve(int rows)
    {
        if (rows <= _rows) return;
        foreach (var (name, width) in new[]
                 {
                     ("hidden", HiddenWidth), ("normed", HiddenWidth), ("mixed", HiddenWidth), ("heads", HeadsWidth), ("attended", QueryWidth),
                         ("gate_up", GateUpWidth), ("feed", FeedWidth),
                 })
            Get(name, rows, width);
        _rows = rows;
    }

    public void Dispose()
    {
        foreach (var buffer in _buffers.Values) buffer.Dispose();
    }

    // Whole tiles of rows are written, and SwiGLU reads up to a vector behind a row.
    private float* Get(string name, int rows, int width)
    {
        var bytes = ((long)MatrixProduct.WholeTiles(rows) * width + 16) * sizeof(float);
        if (_buffers.TryGetValue(name, out var held) && held.Bytes >= bytes) return held.Singles;
        held?.Dispose();
        return (_buffers[name] = new NativeBuffer(bytes)).Singles;
    }
}
