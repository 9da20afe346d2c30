// Shapes: B blocks (one per rank), P elements of the largest part.
using Tulu2.Collectives;
using Tulu2.Collectives.Layout;
using Tulu2.Collectives.Nccl;
using Tulu2.Files;
using Tulu2.Models.Torch;
using Tulu2.Training.Optimization;
using static TorchSharp.torch;

namespace Tulu2.Training.Communication;

/// <summary>
/// Sums over virtual shards across tensor-parallel ranks with tensors on GPUs, without copies through host memory: <see cref="NcclGroup"/> moves the bytes and
/// torch adds them, both on the default stream. With <paramref name="bitwise"/> the bits equal those of the other transports; without, NCCL adds in its own
/// order. Never run on a GPU; tests use host tensors and a fake NCCL.
/// </summary>
internal sealed class NcclShardSum(NcclGroup group, bool bitwise, TimeSpan deadline) : IShardSum
{
    public bool Alone => group.Size == 1;

    /// <summary>Creates the generation's communicators with the machine's NCCL library.</summary>
    /// <exception cref="BadInputException">There is no NCCL library.</exception>
    public static NcclGroups Join(ICollective host, TimeSpan deadline, Action<NcclGroups>? made = null)
    {
        try
        {
            return NcclGroups.Join(host, deadline, made);
        }
        catch (NcclMissingException missing)
        {
            throw new BadInputException("parallel.transport: nccl", missing.Message,
                "install libnccl2 (2.18 or later) and build with -p:TorchBackend=cuda, or use another transport", missing);
        }
    }

    public void Sum(Tensor partial) => InPlace(partial, flat =>
    {
        var (address, count, type) = Facts(flat);
        if (!bitwise)
        {
            group.SumAnyOrder(address, count, type, deadline);
            return;
        }
        using var scratch = new Scratch(flat, group.Size, group.LargestPart(count));
        group.Sum(address, count, type, scratch, deadline);
    });

    public void Max(Tensor partial) => InPlace(partial, flat =>
    {
        var (address, count, type) = Facts(flat);
        group.Max(address, count, type, deadline);
    });

    public void GatherRows(Tensor rows)
    {
        var (address, count, type) = Facts(rows);
        if (count > 0) group.AllGather(address, RowShares.All(rows.shape[0], count / rows.shape[0], group.Size), type, deadline);
    }

    private static void InPlace(Tensor partial, Action<Tensor> work)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var whole = partial.is_contiguous() ? partial : partial.contiguous();
        work(whole.view(-1));
        if (!ReferenceEquals(whole, partial)) partial.copy_(whole);
    }

    private static (nint Address, long Count, ElementType Type) Facts(Tensor flat) => (FlatMemory.Address(flat), flat.numel(), flat.dtype switch
    {
        ScalarType.Float32 => ElementType.Float32,
        ScalarType.BFloat16 => ElementType.BFloat16,
        var other => throw new ArgumentException($"partial: sums over ranks are not made in {other}", nameof(flat)),
    });

    private sealed class Scratch(Tensor flat, int ranks, long largest) : INcclTreeScratch, IDisposable
    {
        private readonly Tensor _blocks_BP = empty([ranks, largest], dtype: flat.dtype, device: flat.device).DetachFromDisposeScope();

        public nint Block(int rank) => FlatMemory.Address(_blocks_BP) + (nint)(rank * largest * _blocks_BP.element_size());

        public void Load(int rank, long first, long count)
        {
            using var scope = NewDisposeScope();
            Part(rank, count).copy_(flat.narrow(0, first, count));
        }

        public void Add(int left, int right, long count)
        {
            using var scope = NewDisposeScope();
            Part(left, count).add_(Part(right, count), HeldScalars.One);
        }

        public void Store(int rank, long first, long count)
        {
            using var scope = NewDisposeScope();
            flat.narrow(0, first, count).copy_(Part(rank, count));
        }

        public void Dispose() => _blocks_BP.Dispose();

        private Tensor Part(int rank, long count) => _blocks_BP.select(0, rank).narrow(0, 0, count);
    }
}
