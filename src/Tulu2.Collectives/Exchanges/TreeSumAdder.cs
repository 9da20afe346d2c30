using System.Runtime.CompilerServices;
using Tulu2.Collectives.Reduction;

namespace Tulu2.Collectives.Exchanges;

/// <summary>The additions of a tree sum at one rank: its partial sums into the summands it contributes, and all ranks' summands into the result.</summary>
internal sealed unsafe class TreeSumAdder
{
    // Elements added at a time, so that this rank's own summands stay in the second-level cache.
    private const int Block = TreeProgram.BlockFloats;

    private readonly nint[] _local;
    private readonly (TreeProgram Program, int[] Inputs)[] _own;
    private readonly TreeProgram _all;
    private readonly int[] _owners;
    private readonly int _rank;
    private readonly long _wantedFirst;
    private readonly nint _result;
    private readonly nint[] _operands;
    private readonly nint[] _inputs;
    private readonly float[] _scratch;

    /// <param name="summands">By rank: the nodes whose sums it contributes.</param>
    /// <param name="result">Address of this rank's first wanted element.</param>
    public TreeSumAdder(int slots, IReadOnlyList<PartialSum> local, SlotRange[][] summands, int rank, ElementRange wanted, nint result)
    {
        (_rank, _wantedFirst, _result) = (rank, wanted.First, result);
        _local = [.. local.Select(partial => partial.Address)];
        _inputs = new nint[local.Count];
        _own = [.. summands[rank].Select(node => ProgramOf(node, local))];
        _all = new TreeProgram(new SlotRange(0, slots), [.. summands.SelectMany(own => own)]);
        _owners = [.. summands.SelectMany((own, owner) => own.Select(_ => owner))];
        _operands = new nint[_owners.Length];
        _scratch = GC.AllocateUninitializedArray<float>(_own.Count(own => own.Inputs.Length > 1) * Block, pinned: true);
        if (_own is [{ Inputs: [var only] }]) Single = _local[only];
    }

    /// <summary>Address of this rank's only summand if it is one of its partial sums; else 0.</summary>
    public nint Single { get; }

    /// <summary>Writes this rank's summands of a run of elements one after another.</summary>
    public void Fill(long first, int count, nint room)
    {
        for (var summand = 0; summand < _own.Length; summand++) Add(summand, first, count, room + summand * count * sizeof(float));
    }

    /// <summary>Sums a run of elements into the result.</summary>
    /// <param name="summands">By rank: address of its first summand of the run; this rank's own is not read.</param>
    public void Combine(long first, int count, ReadOnlySpan<nint> summands)
    {
        for (var at = 0; at < count; at += Block)
        {
            var block = Math.Min(Block, count - at);
            var (own, scratch, owner, indexOfOwner) = (0, 0, -1, 0);
            for (var index = 0; index < _owners.Length; index++)
            {
                indexOfOwner = _owners[index] == owner ? indexOfOwner + 1 : 0;
                owner = _owners[index];
                if (owner != _rank) _operands[index] = summands[owner] + (indexOfOwner * count + at) * sizeof(float);
                else _operands[index] = Own(own++, first + at, block, ref scratch);
            }
            _all.Run(_operands, _result + (nint)((first + at - _wantedFirst) * sizeof(float)), block);
        }
    }

    private static (TreeProgram Program, int[] Inputs) ProgramOf(SlotRange node, IReadOnlyList<PartialSum> local)
    {
        var inputs = Enumerable.Range(0, local.Count).Where(index => node.First <= local[index].Range.First && local[index].Range.End <= node.End).ToArray();
        return (new TreeProgram(node, [.. inputs.Select(index => local[index].Range)]), inputs);
    }

    // Where a block of one of this rank's own summands is, added in scratch memory if it is not a partial sum itself.
    private nint Own(int summand, long first, int count, ref int scratch)
    {
        if (_own[summand].Inputs is [var only]) return _local[only] + (nint)(first * sizeof(float));
        var address = (nint)Unsafe.AsPointer(ref _scratch[scratch++ * Block]);
        Add(summand, first, count, address);
        return address;
    }

    private void Add(int summand, long first, int count, nint target)
    {
        var (program, inputs) = _own[summand];
        for (var index = 0; index < inputs.Length; index++) _inputs[index] = _local[inputs[index]] + (nint)(first * sizeof(float));
        program.Run(_inputs, target, count);
    }
}
