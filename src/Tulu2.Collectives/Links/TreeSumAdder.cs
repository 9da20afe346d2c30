using System.Runtime.CompilerServices;
using Tulu2.Collectives.Reduction;

namespace Tulu2.Collectives.Links;

/// <summary>The additions of a tree sum at one rank: its own partial sums into the units that it sends, and all ranks' units into the result.</summary>
internal sealed unsafe class TreeSumAdder
{
    private readonly nint[] _local;
    private readonly (TreeProgram Program, int[] Inputs)[] _own;
    private readonly TreeProgram _all;
    private readonly int[] _unitOwners;
    private readonly int _rank;
    private readonly long _wantedFirst;
    private readonly nint _result;
    private readonly nint[] _operands;
    private readonly nint[] _inputs;
    private readonly float[] _scratch;

    // Elements that are added up at a time, so that this rank's own units stay in the second-level cache.
    private const int Block = 16 * 1024;

    /// <param name="units">By rank: what it gives.</param>
    public TreeSumAdder(int slots, IReadOnlyList<PartialSum> local, SlotRange[][] units, int rank, ElementRange wanted, nint result)
    {
        (_rank, _wantedFirst, _result) = (rank, wanted.First, result);
        _local = [.. local.Select(partial => partial.Address)];
        _inputs = new nint[local.Count];
        _own =
        [
            .. units[rank].Select(unit =>
            {
                var inputs = Enumerable.Range(0, local.Count).Where(index => unit.First <= local[index].Range.First && local[index].Range.End <= unit.End).ToArray();
                return (new TreeProgram(unit, [.. inputs.Select(index => local[index].Range)]), inputs);
            }),
        ];
        _all = new TreeProgram(new SlotRange(0, slots), [.. units.SelectMany(own => own)]);
        _unitOwners = [.. units.SelectMany((own, owner) => own.Select(_ => owner))];
        _operands = new nint[_unitOwners.Length];
        _scratch = GC.AllocateUninitializedArray<float>(_own.Count(own => own.Inputs.Length > 1) * Block, pinned: true);
        if (_own is [{ Inputs: [var only] }]) Single = _local[only];
    }

    /// <summary>Where this rank's only unit lies, if it is one of its partial sums; else 0.</summary>
    public nint Single { get; }

    public void Fill(long first, int count, nint room)
    {
        for (var unit = 0; unit < _own.Length; unit++) Add(unit, first, count, room + unit * count * sizeof(float));
    }

    public void Combine(long first, int count, ReadOnlySpan<nint> summands)
    {
        for (var at = 0; at < count; at += Block)
        {
            var block = Math.Min(Block, count - at);
            var (index, own, scratch, owner, inOwner) = (0, 0, 0, -1, 0);
            for (; index < _unitOwners.Length; index++)
            {
                inOwner = _unitOwners[index] == owner ? inOwner + 1 : 0;
                owner = _unitOwners[index];
                if (owner != _rank)
                {
                    _operands[index] = summands[owner] + (inOwner * count + at) * sizeof(float);
                    continue;
                }
                var inputs = _own[own].Inputs;
                if (inputs.Length == 1)
                {
                    _operands[index] = _local[inputs[0]] + (nint)((first + at) * sizeof(float));
                }
                else
                {
                    _operands[index] = (nint)Unsafe.AsPointer(ref _scratch[scratch++ * Block]);
                    Add(own, first + at, block, _operands[index]);
                }
                own++;
            }
            _all.Run(_operands, _result + (nint)((first + at - _wantedFirst) * sizeof(float)), block);
        }
    }

    private void Add(int unit, long first, int count, nint target)
    {
        var (program, inputs) = _own[unit];
        for (var index = 0; index < inputs.Length; index++) _inputs[index] = _local[inputs[index]] + (nint)(first * sizeof(float));
        program.Run(_inputs, target, count);
    }
}
