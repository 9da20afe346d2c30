// R rows, I inputs, O outputs with those that fill the last panel.

namespace Tulu2.Models.Inference;

/// <summary>Products of rows with a <see cref="PackedMatrix"/>: y_RO = x_RI W^T. Each element has the same bits for any number of rows and threads.</summary>
internal sealed unsafe class MatrixProduct : IDisposable
{
    private readonly ComputePool _pool;
    private readonly NativeBuffer[] _restored;
    private NativeBuffer _packed = new(64);

    public MatrixProduct(ComputePool pool)
    {
        _pool = pool;
        _restored = [.. Enumerable.Range(0, pool.Threads).Select(_ => new NativeBuffer(SinglePanel.Bytes(PanelKernels.Block)))];
    }

    /// <summary>Rows that y must have room for: whole tiles are written.</summary>
    public static int WholeTiles(int rows) => rows / PanelKernels.MostRows * PanelKernels.MostRows + TileOf(rows % PanelKernels.MostRows);

    /// <param name="stride">From a row of x to the next.</param>
    /// <param name="y">[<see cref="WholeTiles"/>, <see cref="PackedMatrix.Width"/>].</param>
    public void Run(PackedMatrix matrix, float* x, long stride, int rows, float* y)
    {
        var packed = rows == 1 && matrix.Inputs % 2 == 0 ? x : Pack(matrix, x, stride, rows);
        switch (matrix.Form)
        {
            case WeightForm.Single: Run<SinglePanel>(matrix, packed, rows, y); break;
            case WeightForm.Brain: Run<BrainPanel>(matrix, packed, rows, y); break;
            case WeightForm.Half: Run<HalfPanel>(matrix, packed, rows, y); break;
            default: Run<Nf4Panel>(matrix, packed, rows, y); break;
        }
    }

    public void Dispose()
    {
        _packed.Dispose();
        foreach (var buffer in _restored) buffer.Dispose();
    }

    private void Run<T>(PackedMatrix matrix, float* x, int rows, float* y) where T : struct, IPanelFormat
    {
        var panels = matrix.Panels;
        // A lone row takes two panels at a time; so do all, to share the threads alike.
        _pool.Run((panels + 1) / 2, (item, thread) =>
        {
            var (first, inputs, width) = (2 * item, (nint)matrix.EvenInputs, matrix.Width);
            var target = y + (long)first * Panel.Width;
            if (rows == 1 && first + 1 < panels)
            {
                for (nint begin = 0; begin < inputs; begin += PanelKernels.Block)
                    PanelKernels.TwoPanels<T>(matrix[first], matrix[first + 1], x, begin, Math.Min(inputs, begin + PanelKernels.Block), target);
                return;
            }
            for (var panel = first; panel < Math.Min(panels, first + 2); panel++, target += Panel.Width)
                if (typeof(T) == typeof(Nf4Panel) && rows > PanelKernels.MostRows) Restored(matrix[panel], inputs, x, rows, target, width,
                    _restored[thread].Address);
                else
                    for (nint begin = 0; begin < inputs; begin += PanelKernels.Block)
                        Tiles<T>(matrix[panel], inputs, begin, x, rows, target, width, isAhead: true);
        });
    }

    // Of many rows: a block is restored once for all of them.
    private static void Restored(Panel panel, nint inputs, float* x, int rows, float* y, nint stride, byte* restored)
    {
        for (nint begin = 0; begin < inputs; begin += PanelKernels.Block)
        {
            var end = Math.Min(inputs, begin + PanelKernels.Block);
            for (var input = begin; input < end; input += 2)
            {
                Nf4Panel.Pair(panel, input, out var a0, out var b0, out var a1, out var b1);
                var target = (float*)restored + (input - begin) * Panel.Width;
                System.Runtime.Intrinsics.Vector512.Store(a0, target);
                System.Runtime.Intrinsics.Vector512.Store(b0, target + 16);
                System.Runtime.Intrinsics.Vector512.Store(a1, target + 32);
                System.Runtime.Intrinsics.Vector512.Store(b1, target + 48);
            }
            // The kernels count inputs from the panel's beginning.
            Tiles<SinglePanel>(new Panel(restored - SinglePanel.Bytes(begin), null), inputs, begin, x, rows, y, stride, isAhead: false);
        }
    }

    private static void Tiles<T>(Panel panel, nint inputs, nint begin, float* x, int rows, float* y, nint stride, bool isAhead) where T : struct, IPanelFormat
    {
        var end = Math.Min(inputs, begin + PanelKernels.Block);
        // While tiles of rows use this block, they fetch the next one, each its share. A single tile of fp32 waits for memory anyway.
        var tiles = (rows + PanelKernels.MostRows - 1) / PanelKernels.MostRows;
        var next = isAhead ? panel.Weights + T.Bytes(end) : (byte*)x;
        var pace = !isAhead || (tiles == 1 && typeof(T) == typeof(SinglePanel)) ? 0 : (nint)(T.Bytes(2) / tiles);
        for (; rows > 0; rows -= PanelKernels.MostRows, x += inputs * PanelKernels.MostRows, y += PanelKernels.MostRows * stride,
            next += pace * ((end - begin) / 2))
            switch (TileOf(Math.Min(rows, PanelKernels.MostRows)))
            {
                case 8: PanelKernels.Rows8<T>(panel, x, begin, end, y, stride, next, pace); break;
                case 4: PanelKernels.Rows4<T>(panel, x, begin, end, y, stride, next, pace); break;
                case 2: PanelKernels.Rows2<T>(panel, x, begin, end, y, stride); break;
                default: PanelKernels.Rows1<T>(panel, x, begin, end, y, stride); break;
            }
    }

    private static int TileOf(int rows) => rows switch { 0 => 0, 1 => 1, 2 => 2, <= 4 => 4, _ => 8 };

    // Tiles of rows, each [inputs][rows of the tile]; rows and an input that fill one are 0.
    private float* Pack(PackedMatrix matrix, float* x, long stride, int rows)
    {
        var (inputs, even) = (matrix.Inputs, matrix.EvenInputs);
        var bytes = (long)WholeTiles(rows) * even * sizeof(float);
        if (_packed.Bytes < bytes)
        {
            _packed.Dispose();
            _packed = new NativeBuffer(2 * bytes);
        }
        var packed = _packed.Singles;
        _pool.Run((rows + PanelKernels.MostRows - 1) / PanelKernels.MostRows, (item, _) =>
        {
            var first = item * PanelKernels.MostRows;
            var used = Math.Min(PanelKernels.MostRows, rows - first);
            var tile = TileOf(used);
            PackTile(x + first * stride, stride, used, packed + (long)first * even, tile, inputs);
            if (even > inputs) new Span<float>(packed + (long)first * even + (long)inputs * tile, tile).Clear();
        });
        return packed;
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveOptimization)]
    private static void PackTile(float* x, long stride, int used, float* target, int tile, int inputs)
    {
        if (used == PanelKernels.MostRows)
        {
            float* x4 = x + 4 * stride;
            for (var input = 0L; input < inputs; input++, target += PanelKernels.MostRows)
            {
                target[0] = x[input];
                target[1] = x[stride + input];
                target[2] = x[2 * stride + input];
                target[3] = x[3 * stride + input];
                target[4] = x4[input];
                target[5] = x4[stride + input];
                target[6] = x4[2 * stride + input];
                target[7] = x4[3 * stride + input];
            }
            return;
        }
        for (var row = 0; row < tile; row++)
            for (var input = 0; input < inputs; input++) target[input * tile + row] = row < used ? x[row * stride + input] : 0;
    }
}
