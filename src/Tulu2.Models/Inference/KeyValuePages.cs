// L layers, V key-value heads, K head size, rounded up to 16.
using Tulu2.Models.Families;

namespace Tulu2.Models.Inference;

/// <summary>
/// Keys and values of tokens, in fp32, in pages of <see cref="Tokens"/>: [L][V] of keys [K][tokens] and values [tokens][K], so that the scores of a page's
/// tokens are one vector. Memory that no page has used yet is only reserved. Who uses which page is the caller's to know.
/// </summary>
public sealed unsafe class KeyValuePages : IDisposable
{
    /// <summary>Tokens of a page.</summary>
    public const int Tokens = 16;

    private readonly NativeBuffer _buffer;
    private readonly int _keyValueHeads;
    private readonly long _headFloats, _pageFloats;

    /// <param name="count">Number of pages.</param>
    public KeyValuePages(ModelConfig config, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Count = count;
        HeadWidth = WidthOf(config);
        _keyValueHeads = config.KeyValueHeads;
        _headFloats = 2L * Tokens * HeadWidth;
        _pageFloats = _headFloats * config.KeyValueHeads * config.Layers;
        _buffer = new NativeBuffer(_pageFloats * count * sizeof(float));
    }

    public int Count { get; }

    public long Bytes => _buffer.Bytes;

    /// <summary>K.</summary>
    internal int HeadWidth { get; }

    /// <summary>Bytes of a page.</summary>
    public static long BytesOf(ModelConfig config) => 2L * Tokens * WidthOf(config) * config.KeyValueHeads * config.Layers * sizeof(float);

    public void Dispose() => _buffer.Dispose();

    /// <summary>[K][tokens].</summary>
    internal float* Keys(int page, int layer, int head) => _buffer.Singles + page * _pageFloats + ((long)layer * _keyValueHeads + head) * _headFloats;

    /// <summary>[tokens][K].</summary>
    internal float* Values(int page, int layer, int head) => Keys(page, layer, head) + (long)Tokens * HeadWidth;

    private static int WidthOf(ModelConfig config) => (config.HeadSize + 15) / 16 * 16;
}
