using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace Tulu2.Models.Kernels;

/// <summary>Attention of one new token per sequence over its cache.</summary>
internal sealed unsafe partial class CpuKernels<T>
{
    public override void DecodeAttention(Tensor fused_NS, int[] slots, int[] lengths, Tensor keys_XVLK, Tensor values_XVLK, Tensor output_NQ)
    {
        T* fused = Data(fused_NS), keys = Data(keys_XVLK), values = Data(values_XVLK), output = Data(output_NQ);
        int size = Heads.HeadSize, group = Heads.Group;
        var capacity = keys_XVLK.shape[2];
        var longest = lengths.Max() + 1;
        var (cosines, sines) = Rotary.Upto(longest);
        var query = stackalloc T[size];
        fixed (float* cosine = cosines, sine = sines, scores = new float[longest + Lanes.Count])
            for (var row = 0; row < slots.Length; row++)
            {
                var from = fused + (long)row * Heads.FusedWidth;
                var position = lengths[row];
                var turn = (long)position * Rotary.Half;
                for (var head = 0; head < Heads.KeyValueHeads; head++)
                {
                    var offset = ((long)slots[row] * Heads.KeyValueHeads + head) * capacity * size;
                    Turn(from + Heads.KeyColumn(head), cosine + turn, sine + turn, 1, keys + offset + (long)position * size);
                    Unsafe.CopyBlockUnaligned(values + offset + (long)position * size, from + Heads.ValueColumn(head), (uint)(size * sizeof(T)));
                    for (var g = 0; g < group; g++)
                    {
                        Turn(from + Heads.QueryColumn(head * group + g), cosine + turn, sine + turn, 1, query);
                        Attend(query, keys + offset, values + offset, position + 1, size, scores, output + (long)row * Heads.QueryWidth + (head * group + g) * size);
                    }
                }
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Attend(T* query, T* keys, T* values, int count, int size, float* scores, T* output)
    {
        for (var t = 0; t < count; t++)
        {
            var dots = Vector512<float>.Zero;
            for (var j = 0; j < size; j += Lanes.Count)
                dots = Vector512.FusedMultiplyAdd(Lanes.Load(query + j, size - j), Lanes.Load(keys + (long)t * size + j, size - j), dots);
            scores[t] = Vector512.Sum(dots);
        }
        var (_, sum) = CpuKernels<Single32>.Exponentials((Single32*)scores, count, Heads.Scale);
        var inverse = Vector512.Create(1 / sum);
        for (var j = 0; j < size; j += Lanes.Count)
        {
            var left = size - j;
            var total = Vector512<float>.Zero;
            for (var t = 0; t < count; t++)
                total = Vector512.FusedMultiplyAdd(Vector512.Create(scores[t]), Lanes.Load(values + (long)t * size + j, left), total);
            Lanes.Store(output + j, total * inverse, left);
        }
    }
}
