using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace Tulu2.Models.Kernels;

internal sealed unsafe partial class CpuKernels<T>
{
    private static readonly Vector512<uint> LaneNumbers = Vector512.Create(0u, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Dropout(Tensor input_NW, DropoutMask mask, Tensor output_NW)
    {
        var (rows, width, pitch) = (input_NW.shape[0], (int)input_NW.shape[1], input_NW.stride(0));
        T* input = Data(input_NW), output = Data(output_NW);
        for (var row = 0L; row < rows; row++, input += pitch, output += width)
        {
            var key = mask.KeyOf(row);
            for (var j = 0; j < width; j += Lanes.Count)
                Lanes.Store(output + j, Lanes.Load(input + j, width - j) * Factors(mask, key, j), width - j);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void AddColumns(Tensor values_NW, DropoutMask? mask, Tensor target_NO, long firstColumn)
    {
        var (rows, width, pitch) = (values_NW.shape[0], (int)values_NW.shape[1], target_NO.shape[1]);
        T* values = Data(values_NW), target = Data(target_NO) + firstColumn;
        for (var row = 0L; row < rows; row++, values += width, target += pitch)
        {
            var key = mask?.KeyOf(row) ?? 0;
            for (var j = 0; j < width; j += Lanes.Count)
            {
                var added = Lanes.Load(values + j, width - j);
                if (mask is not null) added *= Factors(mask, key, j);
                Lanes.Store(target + j, Lanes.Load(target + j, width - j) + added, width - j);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Factors(DropoutMask mask, ulong key, int column)
    {
        var bits = (LaneNumbers + Vector512.Create((uint)column + mask.FirstColumn)) * Vector512.Create(DropoutMask.Column) + Vector512.Create((uint)key);
        bits = (bits ^ (bits >>> 16)) * Vector512.Create(DropoutMask.First) + Vector512.Create((uint)(key >> 32));
        bits = (bits ^ (bits >>> 15)) * Vector512.Create(DropoutMask.Second);
        bits ^= bits >>> 16;
        return Vector512.ConditionalSelect(Vector512.LessThan(bits, Vector512.Create(mask.Threshold)).AsSingle(), Vector512<float>.Zero, Vector512.Create(mask.Scale));
    }
}
