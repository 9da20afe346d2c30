using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace Tulu2.Models.Kernels;

/// <summary>Rows, norms and sums over shards.</summary>
internal sealed unsafe partial class CpuKernels<T>
{
    public override void GatherRows(Tensor table_XD, int[] rows, Tensor result_ND)
    {
        T* table = Data(table_XD), result = Data(result_ND);
        long width = result_ND.shape[1], count = result_ND.shape[0];
        var bytes = width * sizeof(T);
        for (var i = 0; i < count; i++)
            if (i < rows.Length) Buffer.MemoryCopy(table + rows[i] * width, result + i * width, bytes, bytes);
            else NativeMemory.Clear(result + i * width, (nuint)bytes);
    }

    public override void GatherEmbeddings(Tensor table_XD, int[] ids, int firstId, Tensor result_ND)
    {
        T* table = Data(table_XD), result = Data(result_ND);
        int width = (int)result_ND.shape[1], count = (int)result_ND.shape[0];
        var owned = table_XD.shape[0];
        for (var i = 0; i < count; i++, result += width)
        {
            var row = i < ids.Length ? ids[i] - firstId : -1;
            if (row < 0 || row >= owned) NativeMemory.Clear(result, (nuint)width * (nuint)sizeof(T));
            else
                for (var j = 0; j < width; j += Lanes.Count)
                    Lanes.Store(result + j, Lanes.Load(table + (long)row * width + j, width - j) + Vector512<float>.Zero, width - j);
        }
    }

    public override void ScatterAddRows(Tensor values_ND, int[] rows, int firstRow, Tensor target_XD)
    {
        var width = (int)values_ND.shape[1];
        var owned = target_XD.shape[0];
        if (target_XD.dtype == ScalarType.Float32) Scatter(Data(values_ND), rows, firstRow, (Single32*)Single(target_XD), owned, width);
        else Scatter(Data(values_ND), rows, firstRow, Data(target_XD), owned, width);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scatter<TTarget>(T* values, int[] rows, int firstRow, TTarget* target, long owned, int width) where TTarget : unmanaged, IElement<TTarget>
    {
        for (var i = 0; i < rows.Length; i++)
        {
            long row = rows[i] - firstRow;
            if (row < 0 || row >= owned) continue;
            var from = values + (long)i * width;
            var to = target + row * width;
            for (var j = 0; j < width; j += Lanes.Count)
                Lanes.Store(to + j, Lanes.Load(to + j, width - j) + Lanes.Load(from + j, width - j), width - j);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void RmsNorm(Tensor x_ND, Tensor weight_D, double epsilon, Tensor y_ND, Tensor r_N)
    {
        var width = (int)x_ND.shape[1];
        var rows = (int)x_ND.shape[0];
        T* x = Data(x_ND), y = Data(y_ND), weight = Data(weight_D);
        var r = Single(r_N);
        for (var row = 0; row < rows; row++, x += width, y += width)
        {
            var squares = Vector512<float>.Zero;
            for (var j = 0; j < width; j += Lanes.Count)
            {
                var values = Lanes.Load(x + j, width - j);
                squares = Vector512.FusedMultiplyAdd(values, values, squares);
            }
            r[row] = (float)(1 / Math.Sqrt(Vector512.Sum(squares) / width + epsilon));
            NormRow(x, weight, r[row], y, width);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void RmsNormAgain(Tensor x_ND, Tensor weight_D, Tensor r_N, Tensor y_ND)
    {
        var width = (int)x_ND.shape[1];
        var rows = (int)x_ND.shape[0];
        T* x = Data(x_ND), y = Data(y_ND), weight = Data(weight_D);
        var r = Single(r_N);
        for (var row = 0; row < rows; row++) NormRow(x + (long)row * width, weight, r[row], y + (long)row * width, width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void NormRow(T* x, T* weight, float r, T* y, int width)
    {
        var scale = Vector512.Create(r);
        for (var j = 0; j < width; j += Lanes.Count)
            Lanes.Store(y + j, Lanes.Load(x + j, width - j) * scale * Lanes.Load(weight + j, width - j), width - j);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void RmsNormBackward(Tensor x_ND, Tensor weight_D, Tensor r_N, Tensor dy_ND, Tensor dx_ND, Tensor dWeight_D)
    {
        var width = (int)x_ND.shape[1];
        var rows = (int)x_ND.shape[0];
        T* x = Data(x_ND), weight = Data(weight_D), dy = Data(dy_ND), dx = Data(dx_ND);
        float* r = Single(r_N), dWeight = Single(dWeight_D);
        NativeMemory.Clear(dWeight, (nuint)width * sizeof(float));
        for (var row = 0; row < rows; row++, x += width, dy += width, dx += width)
        {
            var scale = Vector512.Create(r[row]);
            var dots = Vector512<float>.Zero;
            for (var j = 0; j < width; j += Lanes.Count)
            {
                var left = width - j;
                var xj = Lanes.Load(x + j, left);
                var gradient = Lanes.Load(dy + j, left);
                dots = Vector512.FusedMultiplyAdd(gradient * Lanes.Load(weight + j, left), xj, dots);
                var sum = (Single32*)dWeight + j;
                Lanes.Store(sum, Vector512.FusedMultiplyAdd(gradient, xj * scale, Lanes.Load(sum, left)), left);
            }
            var share = Vector512.Create(Vector512.Sum(dots) / width * r[row] * r[row]);
            for (var j = 0; j < width; j += Lanes.Count)
            {
                var left = width - j;
                var inner = Lanes.Load(dy + j, left) * Lanes.Load(weight + j, left) - Lanes.Load(x + j, left) * share;
                Lanes.Store(dx + j, Vector512.FusedMultiplyAdd(inner, scale, Lanes.Load(dx + j, left)), left);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void AddBias(Tensor rows_NO, Tensor bias_O)
    {
        var (rows, width) = (rows_NO.shape[0], (int)rows_NO.shape[1]);
        T* values = Data(rows_NO), bias = Data(bias_O);
        for (var row = 0L; row < rows; row++, values += width)
            for (var j = 0; j < width; j += Lanes.Count)
                Lanes.Store(values + j, Lanes.Load(values + j, width - j) + Lanes.Load(bias + j, width - j), width - j);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void SumRows(Tensor rows_NO, Tensor target_O, bool first)
    {
        var (rows, width) = (rows_NO.shape[0], (int)rows_NO.shape[1]);
        var values = Data(rows_NO);
        var target = (Single32*)Single(target_O);
        if (first) NativeMemory.Clear(target, (nuint)width * sizeof(float));
        for (var row = 0L; row < rows; row++, values += width)
            for (var j = 0; j < width; j += Lanes.Count)
                Lanes.Store(target + j, Lanes.Load(target + j, width - j) + Lanes.Load(values + j, width - j), width - j);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void TreeSum(Tensor[] parts_ND, Tensor? residual_ND, Tensor result_ND)
    {
        var length = result_ND.numel();
        var result = Data(result_ND);
        var residual = residual_ND is null ? null : Data(residual_ND);
        var count = parts_ND.Length;
        var parts = stackalloc T*[count];
        for (var v = 0; v < count; v++) parts[v] = Data(parts_ND[v]);
        var nodes = stackalloc Vector512<float>[count];
        for (long i = 0; i < length; i += Lanes.Count)
        {
            var left = (int)Math.Min(length - i, Lanes.Count);
            Vector512<float> sum;
            if (count == 4)
                sum = T.Round(T.Round(Lanes.Load(parts[0] + i, left) + Lanes.Load(parts[1] + i, left))
                    + T.Round(Lanes.Load(parts[2] + i, left) + Lanes.Load(parts[3] + i, left)));
            else
            {
                for (var v = 0; v < count; v++) nodes[v] = Lanes.Load(parts[v] + i, left);
                for (var width = count; width > 1; width /= 2)
                    for (var v = 0; v < width / 2; v++)
                        nodes[v] = T.Round(nodes[2 * v] + nodes[2 * v + 1]);
                sum = nodes[0];
            }
            if (residual is not null) sum += Lanes.Load(residual + i, left);
            Lanes.Store(result + i, sum, left);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Accumulate(Tensor values, Tensor target, bool first)
    {
        var length = target.numel();
        var from = Data(values);
        var to = (Single32*)Single(target);
        for (long i = 0; i < length; i += Lanes.Count)
        {
            var left = (int)Math.Min(length - i, Lanes.Count);
            var added = Lanes.Load(from + i, left);
            Lanes.Store(to + i, first ? added : Lanes.Load(to + i, left) + added, left);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void SwiGlu(Tensor gateUp_N2F, int shards, Tensor product_NF)
    {
        var rows = product_NF.shape[0] * shards;
        var width = (int)(product_NF.shape[1] / shards);
        T* gate = Data(gateUp_N2F), product = Data(product_NF);
        var one = Vector512<float>.One;
        for (long row = 0; row < rows; row++, gate += 2 * width, product += width)
            for (var j = 0; j < width; j += Lanes.Count)
            {
                var left = width - j;
                var g = Lanes.Load(gate + j, left);
                Lanes.Store(product + j, g * (one / (Lanes.Exp(-g) + one)) * Lanes.Load(gate + width + j, left), left);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void SwiGluBackward(Tensor gateUp_N2F, int shards, Tensor product_NF)
    {
        var rows = product_NF.shape[0] * shards;
        var width = (int)(product_NF.shape[1] / shards);
        T* gate = Data(gateUp_N2F), product = Data(product_NF);
        var one = Vector512<float>.One;
        for (long row = 0; row < rows; row++, gate += 2 * width, product += width)
            for (var j = 0; j < width; j += Lanes.Count)
            {
                var left = width - j;
                var g = Lanes.Load(gate + j, left);
                var up = Lanes.Load(gate + width + j, left);
                var gradient = Lanes.Load(product + j, left);
                var sigmoid = one / (Lanes.Exp(-g) + one);
                var silu = g * sigmoid;
                Lanes.Store(product + j, silu * up, left);
                Lanes.Store(gate + width + j, gradient * silu, left);
                Lanes.Store(gate + j, gradient * up * (sigmoid * (one + g * (one - sigmoid))), left);
            }
    }
}
