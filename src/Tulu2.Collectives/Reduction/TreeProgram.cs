using System.Numerics.Tensors;

namespace Tulu2.Collectives.Reduction;

/// <summary>
/// The sequence of additions that computes the sum over a node of the tree from given sums over nodes below it. Built once per call and run block by block.
/// Operands are numbered: the given sums first, then the scratch blocks.
/// </summary>
internal sealed unsafe class TreeProgram
{
    private readonly record struct Step(int Left, int Right, int Target);

    /// <summary>Floats added at a time: the operands of one block stay in the second-level cache.</summary>
    public const int BlockFloats = 16 * 1024;

    private readonly List<Step> _steps = [];
    private readonly int _given;
    private readonly float[][] _scratch;
    private readonly int _root;

    /// <param name="given">Nodes whose sums are given; each slot of <paramref name="node"/> is in exactly one of them.</param>
    public TreeProgram(SlotRange node, IReadOnlyList<SlotRange> given)
    {
        _given = given.Count;
        var numbers = given.Select((range, index) => (range, index)).ToDictionary(pair => pair.range, pair => pair.index);
        var free = new Stack<int>();
        var allocated = 0;
        _root = Visit(node);
        // The only addition goes to the result.
        if (_steps.Count == 1) allocated = 0;
        _scratch = new float[allocated][];
        for (var index = 0; index < allocated; index++) _scratch[index] = GC.AllocateUninitializedArray<float>(BlockFloats);

        int Visit(SlotRange at)
        {
            if (numbers.TryGetValue(at, out var number)) return number;
            var (left, right) = ReductionTree.Split(at);
            int one = Visit(left), other = Visit(right);
            // A given sum is only read, so the target is always a scratch block.
            var target = one >= _given ? one : other >= _given ? other : free.TryPop(out var used) ? used : _given + allocated++;
            if (other >= _given && other != target) free.Push(other);
            _steps.Add(new Step(one, other, target));
            return target;
        }
    }

    /// <summary>Computes <paramref name="count"/> floats of the sum, or of the maximum by the same tree.</summary>
    /// <param name="given">Addresses of the given sums by number.</param>
    /// <param name="result">May be the address of a given sum.</param>
    public void Run(ReadOnlySpan<nint> given, nint result, int count, ReduceOperation operation = ReduceOperation.Sum)
    {
        if (_steps.Count == 0)
        {
            if (given[_root] != result) Buffer.MemoryCopy((void*)given[_root], (void*)result, (long)count * sizeof(float), (long)count * sizeof(float));
            return;
        }
        for (var at = 0; at < count; at += BlockFloats)
        {
            var block = Math.Min(BlockFloats, count - at);
            for (var index = 0; index < _steps.Count; index++)
            {
                var (left, right, target) = _steps[index];
                var sum = index == _steps.Count - 1 ? new Span<float>((float*)result + at, block) : _scratch[target - _given].AsSpan(0, block);
                var one = Operand(given, left, at, block);
                var other = Operand(given, right, at, block);
                if (operation == ReduceOperation.Max) TensorPrimitives.Max(one, other, sum);
                else TensorPrimitives.Add(one, other, sum);
            }
        }
    }

    private ReadOnlySpan<float> Operand(ReadOnlySpan<nint> given, int number, int at, int count) =>
        number < _given ? new ReadOnlySpan<float>((float*)given[number] + at, count) : _scratch[number - _given].AsSpan(0, count);
}
