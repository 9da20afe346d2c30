using Tulu2.Collectives;
using Tulu2.Collectives.Nccl;
using Tulu2.Models.Torch;
using Tulu2.Training.Recipes;

namespace Tulu2.Training.Communication;

/// <summary>NCCL communication of a rank within its tensor group: one communicator per generation, aborted together with the generation's collective.</summary>
/// <param name="bitwise">Sum by the fixed tree; otherwise in NCCL's own order.</param>
/// <param name="join">Creates the communicators; replaced in tests.</param>
internal sealed class NcclTransport(bool bitwise, TimeSpan deadline, Func<ICollective, TimeSpan, Action<NcclGroups>, NcclGroups> join) : IDisposable
{
    private NcclGroups? _groups;

    /// <returns>Null if the recipe uses another transport or has no tensor parallelism.</returns>
    public static NcclTransport? Of(ParallelRecipe parallel, int tensorDegree, TimeSpan deadline) =>
        parallel.Transport == RankTransport.Nccl && tensorDegree > 1 ? new(parallel.Bitwise, deadline, NcclShardSum.Join) : null;

    /// <summary>Creates the generation's communicator. Every rank of the group calls this once per generation.</summary>
    /// <param name="abortWith">Registers an action to run when the generation's collective is aborted.</param>
    public IShardSum Join(ICollective tensorGroup, Action<Action<string>> abortWith)
    {
        Dispose();
        var groups = join(tensorGroup, deadline, made =>
        {
            _groups = made;
            abortWith(made.Abort);
        });
        return new NcclShardSum(groups.Group([.. Enumerable.Range(0, tensorGroup.Size)]), bitwise, deadline);
    }

    public void Dispose()
    {
        _groups?.Dispose();
        _groups = null;
    }
}
